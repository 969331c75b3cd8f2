// The real server for tests: the real wiring, pipeline, cryptography and database on a spare port, with a clock that can be advanced.
// SQLite in a temporary directory, or a fresh database of the PostgreSQL server that TEST_DATABASE names.

import { createHash, createHmac } from 'node:crypto'
import type { TestContext } from 'node:test'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SignatureV4 } from '@smithy/signature-v4'
import type { App } from './app.ts'
import { type GivenOptions, loadConfig } from './config.ts'
import { createJobs } from './jobs/jobs.ts'
import type { AnyOperation } from './operation.ts'
import { jobHandlers } from './services/index.ts'
import { type RunningServer, startServer } from './start.ts'
import { openTestDatabaseUrl, type TestScope, temporaryDataDirectory, temporaryDirectory } from './storage/testing.ts'

export const TEST_REGION = 'eu-central-1'

export type TestCredentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
}

export type TestAnswer = {
  readonly status: number
  readonly headers: Headers
  /** The parsed body; undefined where it is empty, the text where it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
  readonly body: any
}

export type TestServer = {
  readonly url: string
  readonly region: string
  readonly accountId: string
  /** The administrator's. */
  readonly credentials: TestCredentials
  readonly dataDir: string
  /** Of the PostgreSQL database; empty on SQLite. */
  readonly databaseUrl: string
  readonly app: App
  /** With the administrator's credentials and retries off. */
  readonly secretsManager: SecretsManagerClient
  /** A raw signed JSON call; `headers` are signed too. */
  call(
    service: string,
    operation: string,
    input: object | string,
    options?: {
      readonly credentials?: TestCredentials
      readonly region?: string
      readonly headers?: { readonly [name: string]: string }
    },
  ): Promise<TestAnswer>
  readonly clock: { advance(ms: number): void }
  readonly jobs: RunningServer['jobs']
  /** Stops this server and starts another on the same data. */
  restart(): Promise<TestServer>
  /** Requests in flight have a second to finish, unless told otherwise. */
  close(graceMs?: number): Promise<void>
}

/** The same server, whose jobs run when the test says so and at no other time. */
export async function withJobsOnDemand(t: TestContext, server: TestServer): Promise<TestServer> {
  await server.jobs.stop()
  const jobs = createJobs({ app: server.app, handlers: jobHandlers })
  t.after(() => jobs.stop())
  return { ...server, jobs }
}

const TARGETS: { readonly [service: string]: string } = {
  organizations: 'AWSOrganizationsV20161128',
  kms: 'TrentService',
  secretsmanager: 'secretsmanager',
  ssm: 'AmazonSSM',
  cloudtrail: 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101',
}

/** Stopped when the test ends. Request rates are off unless given. */
export async function startTestServer(t: TestContext, given: GivenOptions = {}): Promise<TestServer> {
  // node:test runs what is registered in order; what was started last must end first.
  const scope = new AsyncDisposableStack()
  t.after(() => scope.disposeAsync())
  const after = (end: () => unknown): void => scope.defer(async () => void (await end()))
  const database = await openTestDatabaseUrl({ after }, { migrated: true })
  const dataDir = database === undefined ? temporaryDataDirectory({ after }) : temporaryDirectory({ after })
  return start({ after }, { dataDir, ...(database !== undefined && { database }), ...given })
}

async function start(t: TestScope, given: GivenOptions): Promise<TestServer> {
  const config = loadConfig({ port: '0', testClock: true, logLevel: 'silent', rates: 'off', ...given }, {})
  const running = await startServer(config, { slot: 0 })
  const credentials = running.credentials()
  const secretsManager = new SecretsManagerClient({
    endpoint: running.url,
    region: TEST_REGION,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  let closed = false
  const close = async (graceMs = 1_000): Promise<void> => {
    if (closed) return
    closed = true
    secretsManager.destroy()
    await running.close(graceMs)
  }
  t.after(() => close())
  const { app } = running
  return {
    url: running.url,
    region: TEST_REGION,
    accountId: running.accountId,
    credentials,
    dataDir: config.dataDir,
    databaseUrl: config.database,
    app,
    secretsManager,
    call: (service, operation, input, options = {}) =>
      signedCall(running.url, service, `${TARGETS[service]}.${operation}`, input, {
        credentials: options.credentials ?? credentials,
        region: options.region ?? TEST_REGION,
        ...(options.headers && { headers: options.headers }),
      }),
    clock: {
      advance: (ms) => app.testClock!.setOffset(app.testClock!.offsetMs() + ms),
    },
    jobs: running.jobs,
    restart: async () => {
      await close()
      return start(t, given)
    },
    close,
  }
}

/** One POST, signed by AWS's own signer; without a target for a route of our own, whose path is in the URL. */
export async function signedCall(
  url: string,
  service: string,
  target: string | undefined,
  input: object | string,
  options: {
    readonly credentials: TestCredentials
    readonly region: string
    readonly contentType?: string
    readonly headers?: { readonly [name: string]: string }
  },
): Promise<TestAnswer> {
  const { credentials, region, contentType = 'application/x-amz-json-1.1' } = options
  const { hostname, port, pathname } = new URL(url)
  const body = typeof input === 'string' ? input : JSON.stringify(input)
  const signer = new SignatureV4({ service, region, credentials: { ...credentials }, sha256: NodeSha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path: pathname,
    query: {},
    headers: {
      host: `${hostname}:${port}`,
      'content-type': contentType,
      ...(target !== undefined && { 'x-amz-target': target }),
      ...options.headers,
    },
    body,
  } as Parameters<typeof signer.sign>[0])
  const response = await fetch(url, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : parse(text) }
}

/** A call of a REST JSON operation, its members put where they stand in HTTP, signed by AWS's own signer. */
export async function signedRestCall(
  url: string,
  service: string,
  { http, headers: inHeaders = {} }: AnyOperation,
  input: { readonly [member: string]: unknown },
  { credentials, region }: { readonly credentials: TestCredentials; readonly region: string },
): Promise<TestAnswer> {
  const { method, uri, query: inQuery = {}, payload } = http!
  const left = { ...input }
  const take = (member: string): unknown => {
    const value = left[member]
    delete left[member]
    return value
  }
  const path = uri.replaceAll(/\{(\w+)\}/g, (_, member: string) => encodeURIComponent(String(take(member))))
  const query: Record<string, string | string[]> = {}
  for (const [member, name] of Object.entries(inQuery)) {
    const value = take(member)
    if (value !== undefined) query[name!] = Array.isArray(value) ? value.map(String) : String(value)
  }
  const { hostname, port } = new URL(url)
  const headers: Record<string, string> = { host: `${hostname}:${port}`, 'content-type': 'application/json' }
  for (const [member, name] of Object.entries(inHeaders)) {
    const value = take(member)
    if (value !== undefined) headers[name!] = String(value)
  }
  const json = payload === undefined ? JSON.stringify(left) : String(take(payload) ?? '')
  const body = method === 'GET' ? '' : json
  const signer = new SignatureV4({ service, region, credentials: { ...credentials }, sha256: NodeSha256 })
  const asked = { method, protocol: 'http:', hostname, port: Number(port), path, query, headers, body }
  const signed = await signer.sign(asked as Parameters<typeof signer.sign>[0])
  const search = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  )
  const target = `${url}${path}${search.length > 0 ? `?${search.join('&')}` : ''}`
  const response = await fetch(target, {
    method,
    headers: signed.headers,
    ...(method !== 'GET' && { body }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : parse(text) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The signer wants a class. */
export class NodeSha256 {
  readonly #hash
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}
