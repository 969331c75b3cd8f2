// One instance of a function: a process with its runtime API, its log and its private folder, from its start to its end. It takes one
// invocation at a time. Whatever ends it, nothing of it is left behind.

import type { ChildProcess } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { environmentOf } from './environment.ts'
import { exited, type Failure, noEntrypoint, timedOut } from './failures.ts'
import type { FunctionVersion } from './function.ts'
import { hasEntrypoint, type Interpreter, RUNTIME_DIRECTORY } from './interpreters.ts'
import type { Launched, Sandbox } from './launch.ts'
import { createInstanceLog, inMs, reportLine } from './log.ts'
import { endAll, holdsConnection, processesWith, processTree, TELLS_OF_PROCESSES } from './processes.ts'
import { type Answer, type Credentials, startRuntimeApi } from './runtime-api.ts'

/** From the start of the process to its first question for an invocation. Lambda's own limit. */
const INIT_MS = 10_000
/** After its answer, for the runtime to ask for the next invocation, where the time limit leaves less. */
const SETTLE_MS_MIN = 1_000
/** A function that asks for credentials again and again is given the same ones for so long. */
const CREDENTIALS_MS = 60_000
const EXIT_MS = 5_000
const SCRATCH_MB = 512
/** What is logged of one instance: neither it nor its neighbours may fill the operator's log. */
const TROUBLES_MAX = 10
/** An instance that was given more values to keep out of its log takes no further invocation: all are looked for in all that it prints. */
const REDACTIONS_MAX = 256
const MIB = 1_048_576

/** What the runtime says of itself to an operator. Never what a function prints. */
export type Log = {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export type InstanceOptions = {
  readonly function: FunctionVersion
  readonly interpreter: Interpreter
  readonly sandbox: Sandbox
  /** A folder for this instance, not there yet. */
  readonly scratchDirectory: string
  readonly logStream: string
  readonly endpoint: string
  readonly tcpPorts: readonly number[]
  readonly credentialsToken: string
  readonly log: Log
  readonly wallNow: () => number
}

export type Call = {
  readonly requestId: string
  readonly payload: Uint8Array
  readonly functionArn: string
  readonly traceId: string
  readonly clientContext: string | undefined
  readonly credentials: () => Promise<Credentials>
  readonly redact: readonly string[]
  readonly signal: AbortSignal | undefined
}

export type Outcome = {
  readonly payload: Buffer
  readonly failure: Failure | undefined
  /** From START to REPORT, and before it what the start of the instance printed, where this call started it. */
  readonly log: Buffer
  /** Of the start of the instance, where this call waited for it. */
  readonly initMs: number | undefined
  readonly durationMs: number
}

export type Instance = {
  /**
   * One at a time. Undefined when the instance had ended before it was given the invocation, which another one may then take. Rejects
   * when the signal aborts, and where the machine, not the function, is why no process can be started; the instance ends with both.
   */
  invoke(call: Call): Promise<Outcome | undefined>
  /** After an answer: true when the runtime has asked for the next invocation, false when the instance has ended instead. */
  settled(): Promise<boolean>
  /** Kills every process and removes the folder. */
  stop(): Promise<void>
  /** Resolves when nothing is left. */
  readonly ended: Promise<void>
}

/** How the process ended; `error` when none could be started. */
type Exit = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: NodeJS.ErrnoException
}
type Trouble = Failure | Exit | 'timeout'
type Init = { readonly ms: number; readonly trouble: Trouble | undefined }

export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { function: fn, interpreter, sandbox, scratchDirectory, logStream, wallNow } = options
  const printed = createInstanceLog()
  const timeoutMs = fn.timeoutSeconds * 1000
  let launched: Launched | undefined
  let giveCredentials: () => Promise<Credentials> = () => Promise.reject(new Error('nothing was invoked yet'))
  let deadline = 0
  let redactions = 0
  let troubles = 0

  await mkdir(scratchDirectory, { mode: 0o700, recursive: true })
  const api = await startRuntimeApi({
    token: options.credentialsToken,
    credentials: () => giveCredentials(),
    isOurs: async (peer, own) =>
      !TELLS_OF_PROCESSES || holdsConnection(await processTree(launched?.child.pid ?? 0), peer, own),
    onTrouble: (trouble, cause) => {
      if (troubles++ < TROUBLES_MAX) options.log.warn({ function: fn.arn, err: cause }, trouble)
    },
  })
  const startedAt = performance.now()

  const begin = async (): Promise<Exit | ChildProcess> => {
    if (!(await hasEntrypoint(interpreter, fn))) return notStarted(noEntrypointError())
    try {
      launched = sandbox.launch({
        command: interpreter.command(fn),
        environment: environmentOf({
          function: fn,
          runtimeDirectory: RUNTIME_DIRECTORY,
          scratchDirectory,
          logStream,
          runtimeApi: `127.0.0.1:${api.port}`,
          credentialsUrl: api.credentialsUrl,
          credentialsToken: options.credentialsToken,
          endpoint: options.endpoint,
        }),
        taskDirectory: fn.codeDirectory,
        runtimeDirectory: RUNTIME_DIRECTORY,
        scratchDirectory,
        scratchBytesMax: (fn.ephemeralStorageMb ?? SCRATCH_MB) * MIB,
        readable: interpreter.readable,
        engine: interpreter.engine,
        memoryMb: fn.memoryMb,
        tcpPorts: [...new Set([...options.tcpPorts, portOf(options.endpoint), api.port])],
      })
    } catch (error) {
      return notStarted(error as Error)
    }
    return launched.child
  }

  const begun = await begin()
  const exit: Promise<Exit> = 'code' in begun ? Promise.resolve(begun) : exitOf(begun)
  if (!('code' in begun)) {
    if (begun.stdout) printed.follow(begun.stdout)
    if (begun.stderr) printed.follow(begun.stderr)
  }

  let stopping: Promise<void> | undefined
  const finished = Promise.withResolvers<void>()
  const stop = (): Promise<void> => {
    stopping ??= clean()
      .catch((err) => options.log.warn({ function: fn.arn, err }, 'an instance left something behind'))
      .then(finished.resolve)
    return finished.promise
  }
  const clean = async (): Promise<void> => {
    launched?.kill()
    await within<Exit | undefined>(EXIT_MS, exit, undefined)
    await endAll(() => processesWith(logStream))
    await printed.drained()
    printed.end()
    api.close()
    await rm(scratchDirectory, { recursive: true, force: true })
  }

  const init: Promise<Init> = within<Trouble | undefined>(
    INIT_MS,
    Promise.race([api.polled().then(() => undefined), api.initFailure, exit]),
    'timeout',
  ).then((trouble) => ({ trouble, ms: performance.now() - startedAt }))
  let isFirst = true

  const invoke = async (call: Call): Promise<Outcome | undefined> => {
    const first = isFirst
    const from = first ? 0 : printed.position
    isFirst = false
    printed.redact(call.redact)
    redactions += call.redact.length
    giveCredentials = remembered(call.credentials, wallNow)
    const aborted = abortOf(call.signal)
    try {
      const started = await Promise.race([init, aborted.promise])
      const initMs = first ? started.ms : undefined
      if (started.trouble !== undefined) return await failInit(call, from, started.ms, started.trouble)
      const ready = await Promise.race([
        within(
          INIT_MS,
          api.polled().then(() => 'ready'),
          'timeout',
        ),
        exit,
        aborted.promise,
      ])
      if (ready !== 'ready') {
        await stop()
        return undefined
      }
      return await deliver(call, from, initMs, aborted.promise)
    } catch (error) {
      await stop()
      throw error
    } finally {
      aborted.forget()
    }
  }

  const failInit = async (call: Call, from: number, initMs: number, trouble: Trouble): Promise<Outcome> => {
    const failure = failureOf(call, trouble, INIT_MS)
    await stop()
    const { status, errorType } = failure
    printed.line(`INIT_REPORT Init Duration: ${inMs(initMs)}\tPhase: init\tStatus: ${status}\tError Type: ${errorType}`)
    printed.line(startLine(call))
    return conclude(call, { from, initMs, durationMs: 0, failure, payload: failure.payload })
  }

  const deliver = async (
    call: Call,
    from: number,
    initMs: number | undefined,
    aborted: Promise<never>,
  ): Promise<Outcome> => {
    printed.line(startLine(call))
    const deliveredAt = performance.now()
    deadline = deliveredAt + timeoutMs
    const answer = api.deliver({ ...call, deadlineMs: Math.floor(wallNow() + timeoutMs) })
    launched?.peakBytes() // Somebody looks before a short answer comes.
    const end = await Promise.race([
      within<Answer | Exit | 'timeout'>(timeoutMs, Promise.race([answer, exit]), 'timeout'),
      aborted,
    ])
    const durationMs = end === 'timeout' ? timeoutMs : performance.now() - deliveredAt
    if (end !== 'timeout' && 'payload' in end) {
      await printed.drained()
      return conclude(call, { from, initMs, durationMs, failure: undefined, payload: end.payload })
    }
    if (end !== 'timeout' && 'failure' in end) await printed.drained()
    else await stop()
    const failure = failureOf(call, end !== 'timeout' && 'failure' in end ? end.failure : end, timeoutMs)
    return conclude(call, { from, initMs, durationMs, failure, payload: failure.payload })
  }

  const startLine = ({ requestId }: Call): string => `START RequestId: ${requestId} Version: ${fn.version}`

  const failureOf = ({ requestId }: Call, trouble: Trouble, limitMs: number): Failure => {
    if (trouble === 'timeout') return timedOut(requestId, limitMs, wallNow())
    if (!('code' in trouble)) return trouble
    if (trouble.error === undefined) return exited(requestId, trouble.code, trouble.signal)
    const reason = reasonOf(trouble.error)
    if (interpreter.engine !== 'other' || reason === undefined) throw trouble.error
    return noEntrypoint(requestId, reason)
  }

  const conclude = ({ requestId }: Call, { from, ...ended }: Ended): Outcome => {
    const { failure, initMs, durationMs } = ended
    const peakBytes = launched?.peakBytes()
    const usedMb = peakBytes === undefined ? undefined : Math.ceil(peakBytes / MIB)
    if (failure?.line !== undefined) printed.line(failure.line)
    printed.line(`END RequestId: ${requestId}`)
    printed.line(reportLine({ requestId, durationMs, initMs, memoryMb: fn.memoryMb, usedMb, failure }))
    return { ...ended, log: printed.since(from) }
  }

  const settled = async (): Promise<boolean> => {
    const leftMs = Math.max(SETTLE_MS_MIN, deadline - performance.now())
    const asked = await within(leftMs, Promise.race([api.polled().then(() => true), exit.then(() => false)]), false)
    if (asked && stopping === undefined && redactions <= REDACTIONS_MAX) return true
    await stop()
    return false
  }

  exit.then(stop)
  return { invoke, settled, stop, ended: finished.promise }
}

type Ended = Omit<Outcome, 'log'> & { readonly from: number }

const notStarted = (error: NodeJS.ErrnoException): Exit => ({ code: null, signal: null, error })

const noEntrypointError = (): Error => Object.assign(new Error('no bootstrap'), { code: 'NO_BOOTSTRAP' })

/** What the function's owner is told, without paths of this machine. Undefined where the machine is the reason. */
const reasonOf = ({ code = '' }: NodeJS.ErrnoException): string | undefined =>
  ({
    // There are no layers here, and so no /opt, but these are Lambda's words.
    NO_BOOTSTRAP: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
    ENOENT: 'fork/exec /var/task/bootstrap: no such file or directory',
    EACCES: 'fork/exec /var/task/bootstrap: permission denied',
    ENOEXEC: 'fork/exec /var/task/bootstrap: exec format error',
  })[code]

async function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>()
  child.once('exit', (code, signal) => resolve({ code, signal }))
  child.on('error', (error) => resolve({ code: null, signal: null, error }))
  return promise
}

/** `late` when the time is over. */
async function within<T>(ms: number, promise: Promise<T>, late: T): Promise<T> {
  const { promise: over, resolve } = Promise.withResolvers<T>()
  const timer = setTimeout(resolve, ms, late)
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
  }
}

function abortOf(signal: AbortSignal | undefined): { readonly promise: Promise<never>; forget(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal?.reason)
  promise.catch(() => undefined) // Whoever races against it hears of it.
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return { promise, forget: () => signal?.removeEventListener('abort', abort) }
}

function remembered(make: () => Promise<Credentials>, wallNow: () => number): () => Promise<Credentials> {
  let last: { readonly at: number; readonly made: Promise<Credentials> } | undefined
  return () => {
    if (last === undefined || wallNow() - last.at > CREDENTIALS_MS) {
      const made = make()
      last = { at: wallNow(), made }
      made.catch(() => {
        last = undefined
      })
    }
    return last.made
  }
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
