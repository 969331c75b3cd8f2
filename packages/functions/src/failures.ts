// How an invocation ends that no answer of the function ends: Lambda's error types and words.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

/** What Invoke answers with, and what the log says. */
export type Failure = {
  readonly errorType: string
  readonly payload: Buffer
  /** Lines of the platform in the log; undefined where the function has said it itself. */
  readonly line: string | undefined
  readonly status: 'error' | 'timeout'
}

/** What a runtime may send, and be sent: 6 MiB and what AWS adds for the envelope. */
export const PAYLOAD_BYTES_MAX = 6 * 1_048_576 + 100

export function timedOut(requestId: string, afterMs: number, now: number): Failure {
  const text = `Task timed out after ${(afterMs / 1000).toFixed(2)} seconds`
  return {
    errorType: 'Sandbox.Timedout',
    payload: payloadOf('Sandbox.Timedout', `RequestId: ${requestId} Error: ${text}`),
    line: `${new Date(now).toISOString()} ${requestId} ${text}\n`,
    status: 'timeout',
  }
}

/** The process ended by itself, or was killed for its memory. */
export function exited(requestId: string, code: number | null, signal: NodeJS.Signals | null): Failure {
  const reason =
    code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: ${waited(code, signal)}`
  return crashed('Runtime.ExitError', requestId, reason)
}

const waited = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exit status ${code}` : `signal: ${SIGNALS[signal] ?? signal}`

/** As the C library calls them. */
const SIGNALS: { readonly [name: string]: string } = {
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGHUP: 'hangup',
  SIGILL: 'illegal instruction',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGPIPE: 'broken pipe',
  SIGSEGV: 'segmentation fault',
  SIGSYS: 'bad system call',
  SIGTERM: 'terminated',
  SIGTRAP: 'trace/breakpoint trap',
  SIGXCPU: 'CPU time limit exceeded',
  SIGXFSZ: 'file size limit exceeded',
}

/** A function of an OS-only runtime has no `bootstrap` that can be executed, or the system refused to execute it. */
export const noEntrypoint = (requestId: string, reason: string): Failure =>
  crashed('Runtime.InvalidEntrypoint', requestId, reason)

/** The answer was larger than an answer may be. */
export const tooLarge = (): Failure => ({
  errorType: 'Function.ResponseSizeTooLarge',
  payload: payloadOf(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${PAYLOAD_BYTES_MAX} bytes).`,
  ),
  line: undefined,
  status: 'error',
})

/** What the function or its runtime reported: its words, untouched. Where it gave none, the type alone. */
export function reported(body: Buffer, headerType: string | undefined): Failure {
  const errorType = typeIn(body) ?? headerType ?? 'Runtime.Unknown'
  return {
    errorType,
    payload: body.length > 0 ? body : payloadOf(errorType, ''),
    line: undefined,
    status: 'error',
  }
}

const TYPE_CHARACTERS_MAX = 256

function typeIn(body: Buffer): string | undefined {
  try {
    const { errorType } = JSON.parse(body.toString()) as { readonly errorType?: unknown }
    return typeof errorType === 'string' && errorType !== '' ? errorType.slice(0, TYPE_CHARACTERS_MAX) : undefined
  } catch {
    return undefined // A runtime may report what it likes.
  }
}

function crashed(errorType: string, requestId: string, reason: string): Failure {
  const message = `RequestId: ${requestId} Error: ${reason}`
  return { errorType, payload: payloadOf(errorType, message), line: `${message}\n${errorType}`, status: 'error' }
}

const payloadOf = (errorType: string, errorMessage: string): Buffer =>
  Buffer.from(JSON.stringify({ errorType, errorMessage }))
