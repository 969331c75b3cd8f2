// For tests: an agent in this process, which reaches the server as any program does, by the environment; and requests as they are on the wire.

import assert from 'node:assert/strict'
import { type ClientRequest, type RequestOptions, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { TestCredentials, TestServer } from '../../server/src/testing.ts'
import { type GivenOptions, readConfig } from './config.ts'
import type { ConfigTable } from './config-file.ts'
import { type Agent, startAgent } from './start.ts'

export const TOKEN = 'the token of this test'

export type Reply = {
  readonly status: number
  readonly headers: { readonly [name: string]: unknown }
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
  readonly json: any
}

export type TestAgent = Agent & {
  /** GET with the token, unless told otherwise. */
  get(target: string, options?: RequestOptions): Promise<Reply>
}

type Options = {
  readonly file?: ConfigTable
  readonly given?: GivenOptions
  readonly environment?: { readonly [name: string]: string }
  readonly credentials?: TestCredentials
  readonly url?: string
}

/** Stopped with the test. What it calls is decided here, by variables of this process. */
export async function startTestAgent(t: TestContext, server: TestServer, options: Options = {}): Promise<TestAgent> {
  const { file = {}, given = {}, environment = {}, credentials = server.credentials, url = server.url } = options
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: server.region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_MAX_ATTEMPTS: '1',
  })
  const config = readConfig(
    { port: '0', ...given },
    { log_level: 'none', ...file },
    { AWS_TOKEN: TOKEN, ...environment },
  )
  const agent = await startAgent(config)
  t.after(() => agent.stop())
  const where = agent.port === undefined ? { socketPath: config.socket!.path } : { host: '127.0.0.1', port: agent.port }
  return { ...agent, get: (target, more = {}) => send({ ...where, path: target, headers: WITH_TOKEN, ...more }) }
}

export const WITH_TOKEN = { 'X-Aws-Parameters-Secrets-Token': TOKEN }

/** One request on a connection of its own, unless it is given an agent. */
export function send(options: RequestOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request({ agent: false, ...options }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode!, headers: response.headers, text, json: parsed(text) })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export type Gate = {
  readonly url: string
  /** What has a connection loses it, and nothing new is let through. */
  shut(): void
  open(): void
}

/** In front of a server, so that it can be out of reach for a while. */
export async function startGate(t: TestContext, to: string): Promise<Gate> {
  const { hostname, port } = new URL(to)
  const sockets = new Set<Socket>()
  let isOpen = true
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((inward) => {
    keep(inward)
    if (!isOpen) return void inward.destroy()
    const outward = connect(Number(port), hostname)
    keep(outward)
    inward.pipe(outward).pipe(inward)
    inward.on('close', () => outward.destroy())
    outward.on('close', () => inward.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const shut = (): void => {
    isOpen = false
    for (const socket of sockets) socket.destroy()
  }
  t.after(() => {
    shut()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shut,
    open: () => {
      isOpen = true
    },
  }
}

/** Fails with what was there last where it does not come true. @returns milliseconds */
export async function until<T>(look: () => Promise<T> | T, isIt: (seen: T) => boolean, ms = 20_000): Promise<number> {
  const began = performance.now()
  for (;;) {
    const seen = await look()
    if (isIt(seen)) return performance.now() - began
    if (performance.now() - began > ms) assert.fail(`still ${inspect(seen)}`)
    await sleep(5)
  }
}
