// Functions that this server has itself (services/lambda). Each step runs as the function's role, which may then do with the secret, and with
// the master secret that it names, what a rotation needs and nothing else.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html

import type { App } from '../../../app.ts'
import { signedHeaders } from '../../../auth/sign.ts'
import { ServiceError } from '../../../errors.ts'
import { createOutbound } from '../../../http/outbound.ts'
import { hasFunction, invokeForRotation, mayInvoke, rotationSession } from '../../lambda/port.ts'
import * as errors from '../errors.ts'
import { CURRENT, PENDING } from '../model.ts'
import { eventOf, type FunctionProvider, type FunctionUse, type Invocation, type StepOutcome } from './functions.ts'
import type { StepError } from './model.ts'

export const localFunctions: FunctionProvider = {
  has: hasFunction,

  check: async (store, use) => {
    const verdict = await mayInvoke(store, sourceOf(use))
    if (verdict === 'absent') throw errors.rotationFunctionNotFound(use.functionArn)
    if (verdict === 'refused') throw errors.rotationFunctionDenied()
  },

  invoke: async (app, invocation, signal) => {
    const functionArn = invocation.functionArn!
    const { account, secretArn, instanceKey } = invocation
    const verdict = await app.database.transaction('read', (tx) =>
      mayInvoke({ app, tx }, sourceOf({ functionArn, account, secretArn })),
    )
    if (verdict !== 'allowed') return failed('refused', 'The function may not be invoked, or is not there.')
    try {
      const known = await knownOf(app, functionArn, invocation, signal)
      const payload = Buffer.from(JSON.stringify(eventOf(invocation)))
      const { functionError, errorType } = await invokeForRotation(app, {
        functionArn,
        payload,
        instanceKey,
        secretArn,
        signal,
        ...known,
      })
      if (functionError === undefined) return { ok: true }
      const timedOut = errorType === 'Sandbox.Timedout'
      const message = timedOut ? 'The function did not end in time.' : 'The function failed.'
      return failed(timedOut ? 'timeout' : 'function', message, errorType)
    } catch (error) {
      // What Lambda answers names the function and its settings, and no value.
      if (!(error instanceof ServiceError) || signal.aborted) throw error
      const kind = error.status === 429 || error.status >= 500 ? 'unreachable' : 'refused'
      return failed(kind, `The function cannot be called: ${error.message}`, error.code)
    }
  },
}

const sourceOf = ({ functionArn, account, secretArn }: FunctionUse) => ({
  functionArn,
  sourceArn: secretArn,
  sourceAccount: account,
})

const failed = (kind: StepError['kind'], message: string, errorType?: string): StepOutcome => ({
  ok: false,
  error: { kind, ...(errorType !== undefined && { errorType }), message },
})

/** What the secret's own value says of the invocation: the other secret that it needs, where it may connect to, and what its log must not hold. */
type Known = {
  readonly masterSecretArn?: string
  readonly tcpPorts: readonly number[]
  readonly redact: readonly string[]
}

/** AWS's form of a database's secret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
type DatabaseSecret = { readonly [member: string]: unknown }

const DEFAULT_PORTS: { readonly [engine: string]: number } = {
  postgres: 5432,
  'aurora-postgresql': 5432,
  mysql: 3306,
  'aurora-mysql': 3306,
  mariadb: 3306,
  oracle: 1521,
  sqlserver: 1433,
  mongo: 27017,
  redshift: 5439,
  db2: 50000,
}
const HTTPS = 443
/** What a log may hold of a secret in AWS's form: without it no log could be read. */
const PLAIN = new Set([
  'engine',
  'host',
  'port',
  'username',
  'dbname',
  'dbInstanceIdentifier',
  'dbClusterIdentifier',
  'masterarn',
  'ssl',
])
/** Shorter values would take half of the log with them. */
const REDACTED_CHARACTERS_MIN = 4

async function knownOf(
  app: App,
  functionArn: string,
  { region, secretArn, versionId }: Invocation,
  signal: AbortSignal,
): Promise<Known> {
  const read = await readerOf(app, { functionArn, secretArn }, region, signal)
  const current = await read({ SecretId: secretArn, VersionStage: CURRENT })
  const pending = await read({ SecretId: secretArn, VersionId: versionId, VersionStage: PENDING })
  const secret = parsed(current)
  const master = typeof secret?.masterarn === 'string' ? secret.masterarn : undefined
  const readMaster =
    master === undefined
      ? undefined
      : await readerOf(app, { functionArn, secretArn, masterSecretArn: master }, region, signal)
  const masterValue = await readMaster?.({ SecretId: master!, VersionStage: CURRENT })
  const texts = [current, pending, masterValue].filter((text) => text !== undefined)
  return {
    ...(master !== undefined && { masterSecretArn: master }),
    tcpPorts: [...new Set([HTTPS, ...texts.flatMap(portsOf)])],
    redact: texts.flatMap(valuesOf),
  }
}

type Read = (input: {
  readonly SecretId: string
  readonly VersionId?: string
  readonly VersionStage: string
}) => Promise<string | undefined>

/** Reads as the function, through the front door; undefined for what it cannot read, and for what is no text. */
async function readerOf(
  app: App,
  of: Parameters<typeof rotationSession>[1],
  region: string,
  signal: AbortSignal,
): Promise<Read> {
  const { endpoint, credentials } = await rotationSession(app, of)
  const url = new URL('/', endpoint)
  const outbound = createOutbound({ allowed: [url.origin] })
  return async (input) => {
    const body = Buffer.from(JSON.stringify(input))
    const headers = signedHeaders({
      url,
      body,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
      region,
      service: 'secretsmanager',
      credentials,
      time: app.wallNow(),
    })
    try {
      const answer = await outbound.post(url.href, {
        headers,
        body,
        bytesMax: ANSWER_BYTES_MAX,
        timeoutMs: READ_TIMEOUT_MS,
        signal,
      })
      if (answer.status !== 200) return undefined
      return (JSON.parse(answer.body.toString()) as { readonly SecretString?: string }).SecretString
    } catch (err) {
      app.log.warn({ err }, 'what a rotation works on could not be read as its function would')
      return undefined
    }
  }
}
/** A value of 64 KiB, each byte of it escaped. */
const ANSWER_BYTES_MAX = 512 * 1024
const READ_TIMEOUT_MS = 10_000

function parsed(text: string | undefined): DatabaseSecret | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? (value as DatabaseSecret) : undefined
  } catch {
    return undefined
  }
}

function portsOf(text: string): readonly number[] {
  const { port, engine } = parsed(text) ?? {}
  const number = port === undefined ? DEFAULT_PORTS[String(engine)] : Number(port)
  return number !== undefined && Number.isInteger(number) && number > 0 && number < 65_536 ? [number] : []
}

function valuesOf(text: string): readonly string[] {
  const secret = parsed(text)
  const members = Object.entries(secret ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' && !PLAIN.has(name) ? [value] : [],
  )
  return [text, ...members].filter((value) => value.length >= REDACTED_CHARACTERS_MIN)
}
