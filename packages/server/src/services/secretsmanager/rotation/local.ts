// Functions that this server has itself (services/lambda). Each step runs as the function's role, which may then do with the secret, and with
// the master secret that it names, what a rotation needs and nothing else.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html

import type { App } from '../../../app.ts'
import { ServiceError } from '../../../errors.ts'
import { hasFunction, invokeForRotation, mayInvoke, redact, rotationIdentity } from '../../lambda/port.ts'
import * as errors from '../errors.ts'
import { CURRENT, PENDING, type Plain, PREVIOUS } from '../model.ts'
import {
  eventOf,
  type FunctionProvider,
  type FunctionUse,
  type RotationTarget,
  type StepOutcome,
  type TargetQuestion,
} from './functions.ts'
import { LOG_BYTES_MAX, type StepError } from './model.ts'
import { readAs } from './read-as.ts'

export const localFunctions: FunctionProvider = {
  has: hasFunction,

  check: async (store, use) => {
    const verdict = await mayInvoke(store, sourceOf(use))
    if (verdict === 'absent') throw errors.rotationFunctionNotFound(use.functionArn)
    if (verdict === 'refused') throw errors.rotationFunctionDenied()
  },

  target: async (app, asked) => {
    if (!(await isAllowed(app, asked))) return undefined
    const [current] = await readSecret(app, asked, [CURRENT])
    return current && targetOf(parsed(textOf(current)))
  },

  invoke: async (app, invocation, signal) => {
    const { secretArn, instanceKey } = invocation
    const functionArn = invocation.functionArn!
    if (!(await isAllowed(app, invocation))) {
      return failed('refused', 'The function may not be invoked, or is not there.')
    }
    try {
      const known = await knownOf(app, invocation)
      const { functionError, errorType, log } = await invokeForRotation(app, {
        functionArn,
        payload: Buffer.from(JSON.stringify(eventOf(invocation))),
        instanceKey,
        secretArn,
        signal,
        ...known,
      })
      if (functionError === undefined) return { ok: true }
      const timedOut = errorType === 'Sandbox.Timedout'
      const message = timedOut ? 'The function did not end in time.' : 'The function failed.'
      const kept =
        signal.aborted || log === undefined ? undefined : await keptLog(app, invocation, log).catch(() => NOT_READ)
      return failed(timedOut ? 'timeout' : 'function', message, errorType, kept)
    } catch (error) {
      // What Lambda answers names the function and its settings, and no value.
      if (!(error instanceof ServiceError) || signal.aborted) throw error
      const kind = error.status === 429 || error.status >= 500 ? 'unreachable' : 'refused'
      return failed(kind, `The function cannot be called: ${error.message}`, error.code)
    }
  },
}

const isAllowed = async (app: App, { functionArn, account, secretArn }: TargetQuestion): Promise<boolean> => {
  const source = sourceOf({ functionArn: functionArn!, account, secretArn })
  return (await app.database.transaction('read', (tx) => mayInvoke({ app, tx }, source))) === 'allowed'
}

const sourceOf = ({ functionArn, account, secretArn }: FunctionUse) => ({
  functionArn,
  sourceArn: secretArn,
  sourceAccount: account,
})

const failed = (kind: StepError['kind'], message: string, errorType?: string, log?: string): StepOutcome => ({
  ok: false,
  error: { kind, ...(errorType !== undefined && { errorType }), message, ...(log !== undefined && { log }) },
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
/** Lines of a longer value, such as a key in PEM, which loggers print one by one. */
const LINE_CHARACTERS_MIN = 12

/** The versions of the secret that the function may read, as it would. */
const readSecret = (
  app: App,
  { functionArn, secretArn, region, versionId }: TargetQuestion,
  stages: readonly string[],
): Promise<readonly Plain[]> =>
  readAs(app, (tx) => rotationIdentity({ app, tx }, { functionArn: functionArn!, secretArn }), region, {
    secretId: secretArn,
    stages,
    ...(stages.includes(PENDING) && { versionId }),
  })

/** Everything that the function may read. */
async function readAll(app: App, asked: TargetQuestion) {
  const { functionArn, secretArn, region } = asked
  const own = await readSecret(app, asked, [CURRENT, PENDING, PREVIOUS])
  const master = own.map((plain) => targetOf(parsed(textOf(plain))).masterSecretArn).find((arn) => arn !== undefined)
  const identity = { functionArn: functionArn!, secretArn, masterSecretArn: master }
  const masters =
    master === undefined
      ? []
      : await readAs(app, (tx) => rotationIdentity({ app, tx }, identity), region, {
          secretId: master,
          stages: [CURRENT],
        })
  return { master, values: [...own, ...masters] }
}

async function knownOf(app: App, asked: TargetQuestion): Promise<Known> {
  const { master, values } = await readAll(app, asked)
  const texts = values.map(textOf).filter((text) => text !== undefined)
  return {
    ...(master !== undefined && { masterSecretArn: master }),
    tcpPorts: [...new Set([HTTPS, ...texts.flatMap((text) => portOf(parsed(text)) ?? [])])],
    redact: [...new Set(texts.flatMap(valuesOf))].filter(({ length }) => length >= REDACTED_CHARACTERS_MIN),
  }
}

const NOT_KEPT = 'The log is not kept: the secret has values that could not be told in it.'

const NOT_READ = 'The log is not kept: the values that must not be in it could not be read.'

/** The end of a log as history keeps it: without what is a value by now, which the call may have printed before it became one. */
async function keptLog(app: App, asked: TargetQuestion, log: string): Promise<string> {
  const { values } = await readAll(app, asked)
  const texts = values.map(textOf)
  const redacted = [...new Set(texts.flatMap((text) => (text === undefined ? [] : valuesOf(text))))]
  const unclear = texts.includes(undefined) || redacted.some(({ length }) => length < REDACTED_CHARACTERS_MIN)
  if (unclear) return NOT_KEPT
  const bytes = Buffer.from(redact(log, redacted))
  if (bytes.length <= LOG_BYTES_MAX) return bytes.toString()
  // From the beginning of a line.
  const tail = bytes.subarray(-LOG_BYTES_MAX)
  return tail.subarray(tail.indexOf(10) + 1).toString()
}

const textOf = ({ kind, bytes }: Plain): string | undefined =>
  kind === 'string' ? Buffer.from(bytes).toString() : undefined

function parsed(text: string | undefined): DatabaseSecret | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? (value as DatabaseSecret) : undefined
  } catch {
    return undefined
  }
}

function portOf({ port, engine }: DatabaseSecret = {}): number | undefined {
  const number = port === undefined || port === '' ? DEFAULT_PORTS[String(engine)] : Number(port)
  return number !== undefined && Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined
}

/** The server that a secret in AWS's form names, in one spelling. */
function targetOf(secret: DatabaseSecret = {}): RotationTarget {
  const { host, masterarn } = secret
  const port = portOf(secret)
  const name = typeof host === 'string' ? host.trim().toLowerCase().replace(/\.$/, '') : ''
  return {
    ...(name !== '' && port !== undefined && { server: `${name}:${port}` }),
    ...(typeof masterarn === 'string' && { masterSecretArn: masterarn }),
  }
}

/** The text of a secret, and what is a value in it. */
function valuesOf(text: string): readonly string[] {
  const secret = parsed(text)
  const members = Object.entries(secret ?? {}).flatMap(([name, value]) => (PLAIN.has(name) ? [] : leavesOf(value)))
  const whole = [text, ...members]
  const lines = whole.flatMap((value) => value.split(/\r\n|[\r\n]/).map((line) => line.trim()))
  return [...whole, ...lines.filter(({ length }) => length >= LINE_CHARACTERS_MIN)]
}

/** Texts and numbers at any depth; true, false, null and small numbers say nothing. */
function leavesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value === 'number') return Math.abs(value) < 1_000 ? [] : [String(value)]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : []
}
