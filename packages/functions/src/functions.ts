// Functions as their callers see them: an invocation in, its answer out. Instances come from the pool and run in a sandbox.

import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FunctionVersion } from './function.ts'
import { type Instance, type Log, type Outcome, startInstance } from './instance.ts'
import type { Interpreter, Interpreters } from './interpreters.ts'
import type { Sandbox } from './launch.ts'
import { TAIL_BYTES } from './log.ts'
import { createPool, QueueFullError } from './pool.ts'
import { endAll, nameOf, processesWith } from './processes.ts'
import type { Credentials } from './runtime-api.ts'

/** Invoke's own limit on a payload; answers may have 100 bytes more. */
export const REQUEST_BYTES_MAX = 6 * 1_048_576

export type FunctionsOptions = {
  readonly sandbox: Sandbox
  readonly interpreters: Interpreters
  /** For the private folders of instances. Several servers may share it. Short, for instances may put sockets into it. */
  readonly directory: string
  /** The URL under which functions reach the server. */
  readonly endpoint: string
  readonly log: Log
  readonly wallNow: () => number
  readonly uuid: () => string
  /** From the system's CSPRNG. */
  readonly randomBytes: (size: number) => Uint8Array
  /** Instances at the same time, of all functions together; default 8. */
  readonly concurrency?: number
  /** Invocations that wait for one of them; default 64. */
  readonly queueMax?: number
  /** How long an instance is kept for its next invocation; default 5 minutes. */
  readonly idleMs?: number
}

export type Invocation = {
  readonly function: FunctionVersion
  /** JSON, at most 6 MiB. */
  readonly payload: Uint8Array
  /** The ARN with the qualifier of the call; by default the function's. */
  readonly invokedArn?: string
  /** JSON, as `X-Amz-Client-Context` has it after decoding. */
  readonly clientContext?: string
  /** Invocations with the same key are served by one and the same instance, one after the other, and it serves no others. */
  readonly instanceKey?: string
  /** A session of the function's role. Asked for when the function needs one, at most once a minute. */
  readonly credentials: () => Promise<Credentials>
  /** Values that are taken out of the log, however they are encoded there; for the life of the instance. */
  readonly redact?: readonly string[]
  /** TCP ports that it may connect to beside those of the server, where the sandbox confines that. */
  readonly tcpPorts?: readonly number[]
  /** Ends the wait, or the instance. */
  readonly signal?: AbortSignal
}

export type InvocationResult = {
  readonly requestId: string
  /** What the function answered, or, with `functionError`, what Lambda says of the error. */
  readonly payload: Buffer
  /** Lambda says `Unhandled` of every error today. */
  readonly functionError: 'Unhandled' | undefined
  /** With `functionError`: the type, as in the payload, such as `Runtime.ExitError` or the name of an exception. */
  readonly errorType: string | undefined
  /** The log of the invocation, with what the start of its instance printed; its last MiB. */
  readonly log: Buffer
  /** The last 4 KiB of it, as `LogType=Tail` gives it. */
  readonly logTail: Buffer
  readonly executedVersion: string
  /** Milliseconds. */
  readonly timings: {
    /** From the call until there was an instance to take it. */
    readonly queuedMs: number
    /** Of the start of a new instance; undefined where a warm one took it. */
    readonly initMs: number | undefined
    /** From the delivery to the answer. */
    readonly durationMs: number
  }
}

export type FunctionsErrorCode = 'RuntimeUnavailable' | 'RequestTooLarge' | 'TooManyRequests'

/** The invocation was refused; no code of the function ran for it. */
export class FunctionsError extends Error {
  readonly code: FunctionsErrorCode

  constructor(code: FunctionsErrorCode, message: string) {
    super(message)
    this.name = 'FunctionsError'
    this.code = code
  }
}

export type Functions = {
  /** Rejects with a FunctionsError, with the signal's reason, or with what keeps this machine from running functions at all. */
  invoke(invocation: Invocation): Promise<InvocationResult>
  /** Whether functions of the runtime can be run here; see `Interpreters`. */
  readonly available: Interpreters['available']
  readonly sandbox: Sandbox
  /** Ends every instance; invocations under way end as if the function had been killed. */
  close(): Promise<void>
}

const CONCURRENCY = 8
const QUEUE_MAX = 64
const IDLE_MS = 5 * 60_000

/** Ends what a server left behind that died on the same directory. */
export async function createFunctions(options: FunctionsOptions): Promise<Functions> {
  const { sandbox, interpreters, endpoint, log, wallNow, uuid, randomBytes } = options
  const { concurrency = CONCURRENCY, queueMax = QUEUE_MAX, idleMs = IDLE_MS } = options
  const pool = createPool<Instance>({ concurrency, queueMax, idleMs })
  const hex = (bytes: number): string => Buffer.from(randomBytes(bytes)).toString('hex')
  await endLeftovers(options.directory)
  const directory = join(options.directory, (await nameOf(process.pid))!)
  await mkdir(directory, { recursive: true })
  // Whatever the umask is: functions may be users of their own, who must get to their folders.
  await chmod(directory, 0o711)

  sandbox.prepare()

  const start = ({ function: fn, tcpPorts = [] }: Invocation, interpreter: Interpreter): Promise<Instance> => {
    const name = hex(16)
    const day = new Date(wallNow()).toISOString().slice(0, 10).replaceAll('-', '/')
    log.debug({ function: fn.arn, instance: name }, 'an instance of a function starts')
    return startInstance({
      function: fn,
      interpreter,
      sandbox,
      scratchDirectory: join(directory, name),
      logStream: `${day}/[${fn.version}]${name}`,
      endpoint,
      tcpPorts,
      credentialsToken: hex(32),
      log,
      wallNow,
    })
  }

  const invoke = async (invocation: Invocation): Promise<InvocationResult> => {
    const { function: fn, payload, instanceKey, signal } = invocation
    if (payload.byteLength > REQUEST_BYTES_MAX) {
      throw new FunctionsError(
        'RequestTooLarge',
        `${payload.byteLength} byte payload is too large for the RequestResponse invocation type (limit ${REQUEST_BYTES_MAX} bytes)`,
      )
    }
    const found = interpreters.available(fn.runtime)
    if ('reason' in found) throw new FunctionsError('RuntimeUnavailable', found.reason)
    const requestId = uuid()
    const calledAt = performance.now()
    for (;;) {
      const instance = await pool
        .take({
          key: digest(invocation),
          subject: `${fn.arn} ${fn.version} ${instanceKey ?? ''}`,
          alone: instanceKey !== undefined,
          start: () => start(invocation, found.interpreter),
          signal,
        })
        .catch(refused)
      const queuedMs = performance.now() - calledAt
      try {
        const outcome = await instance.invoke({
          requestId,
          payload,
          functionArn: invocation.invokedArn ?? fn.arn,
          traceId: `Root=1-${Math.floor(wallNow() / 1000).toString(16)}-${hex(12)};Parent=${hex(8)};Sampled=0`,
          clientContext: invocation.clientContext,
          credentials: invocation.credentials,
          redact: invocation.redact ?? [],
          signal,
        })
        if (outcome !== undefined) return resultOf(fn, requestId, queuedMs, outcome)
      } finally {
        pool.giveBack(instance)
      }
    }
  }

  return {
    invoke,
    available: interpreters.available,
    sandbox,
    close: async () => {
      await pool.close()
      sandbox.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function resultOf(fn: FunctionVersion, requestId: string, queuedMs: number, outcome: Outcome): InvocationResult {
  const { payload, failure, log, initMs, durationMs } = outcome
  return {
    requestId,
    payload,
    functionError: failure && 'Unhandled',
    errorType: failure?.errorType,
    log,
    logTail: log.subarray(-TAIL_BYTES),
    executedVersion: fn.version,
    timings: { queuedMs, initMs, durationMs },
  }
}

/** Equal for invocations that one instance may serve: the same code and configuration, the same ports, the same key. */
function digest({ function: fn, instanceKey, tcpPorts = [] }: Invocation): string {
  const { environment, ...rest } = fn
  const facts = [
    Object.entries(rest).sort(),
    Object.entries(environment).sort(),
    instanceKey ?? null,
    tcpPorts.toSorted(),
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

function refused(error: unknown): never {
  if (error instanceof QueueFullError) throw new FunctionsError('TooManyRequests', 'Rate Exceeded.')
  throw error
}

/** Folders are named by the process that made them, and in them by their instances, whose processes carry that name. */
async function endLeftovers(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 })
  for (const owner of await readdir(directory)) {
    if (!/^\d+(-\d+)?$/.test(owner) || (await nameOf(Number.parseInt(owner, 10))) === owner) continue
    for (const instance of await readdir(join(directory, owner))) await endAll(() => processesWith(`]${instance}\0`))
    await rm(join(directory, owner), { recursive: true, force: true })
  }
}
