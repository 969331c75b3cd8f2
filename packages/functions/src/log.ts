// The log of one instance: what its process prints and the platform's own lines, without the values to be redacted, in a ring of 1 MiB.

import type { Readable } from 'node:stream'
import { createRedactor } from './redaction.ts'

/** The most recent bytes that are kept of one instance. */
const RING_BYTES = 1_048_576
/** As Invoke answers with for `LogType=Tail`. */
export const TAIL_BYTES = 4_096
/** What is read of one instance in a tenth of a second. A process that prints more waits, as on a slow terminal. */
const BYTES_EACH_WINDOW = 262_144
const WINDOW_MS = 100
/** Reading a single byte costs as much as reading so many. */
const READ_BYTES_MIN = 1_024

export type InstanceLog = {
  /** A line of the platform. */
  line(text: string): void
  /** What is printed from now on is kept, redacted. */
  follow(stream: Readable): void
  /** From now on these are taken out of what is printed. */
  redact(values: readonly string[]): void
  /** Where the log ends now, for `since`. */
  readonly position: number
  /** What was kept since then, without what the ring has lost. */
  since(position: number): Buffer
  /** Resolves when what the process had printed by now is kept. */
  drained(): Promise<void>
  /** The process is gone: nothing more is read. */
  end(): void
}

export function createInstanceLog(): InstanceLog {
  const ring = Buffer.alloc(RING_BYTES)
  const redactor = createRedactor()
  const ends: (() => void)[] = []
  const followed: Readable[] = []
  let position = 0
  let seen = 0
  let windowBytes = 0
  let drains = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false

  const append = (bytes: Buffer): void => {
    const kept = bytes.subarray(Math.max(0, bytes.length - RING_BYTES))
    const at = (position + bytes.length - kept.length) % RING_BYTES
    const first = kept.copy(ring, at)
    kept.copy(ring, 0, first)
    position += bytes.length
  }

  const pace = (bytes: number): void => {
    windowBytes += Math.max(bytes, READ_BYTES_MIN)
    timer ??= setTimeout(goOn, WINDOW_MS)
    if (windowBytes > BYTES_EACH_WINDOW && drains === 0) for (const stream of followed) stream.pause()
  }

  const goOn = (): void => {
    clearTimeout(timer)
    timer = undefined
    windowBytes = 0
    for (const stream of followed) stream.resume()
  }

  const follow = (stream: Readable): void => {
    const redacted = redactor.stream()
    followed.push(stream)
    ends.push(() => {
      stream.destroy()
      append(redacted.end())
    })
    stream.on('data', (chunk: Buffer) => {
      if (ended) return
      seen += chunk.length
      append(redacted.write(chunk))
      pace(chunk.length)
    })
    // A pipe that breaks has nothing more to say; why, is told by how the process ended.
    stream.on('error', () => undefined)
  }

  /** A turn of the event loop reads what the kernel holds, without a pace. Two that bring nothing, and there is nothing more. */
  const drained = async (): Promise<void> => {
    const begin = seen
    drains++
    goOn()
    for (let quiet = 0; quiet < 2 && seen - begin < RING_BYTES; ) {
      const before = seen
      await new Promise((resolve) => setImmediate(resolve))
      quiet = seen === before ? quiet + 1 : 0
    }
    drains--
  }

  return {
    line: (text) => append(Buffer.from(`${text}\n`)),
    follow,
    redact: redactor.add,
    get position() {
      return position
    },
    since: (from) => {
      const length = Math.min(position - from, RING_BYTES)
      const begin = (position - length) % RING_BYTES
      return Buffer.concat([
        ring.subarray(begin, begin + length),
        ring.subarray(0, Math.max(0, begin + length - RING_BYTES)),
      ])
    },
    drained,
    end: () => {
      ended = true
      clearTimeout(timer)
      for (const end of ends) end()
    },
  }
}

/** Milliseconds as Lambda's log lines write them: `12.30 ms`. */
export const inMs = (ms: number): string => `${ms.toFixed(2)} ms`

/** The figures of the REPORT line. */
export type Report = {
  readonly requestId: string
  readonly durationMs: number
  readonly initMs: number | undefined
  readonly memoryMb: number
  /** Undefined where the system does not tell. */
  readonly usedMb: number | undefined
  readonly failure: { readonly status: 'error' | 'timeout'; readonly errorType: string | undefined } | undefined
}

/**
 * The line that ends an invocation. Init counts as billed, as since August 2025 on AWS.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
export function reportLine({ requestId, durationMs, initMs, memoryMb, usedMb, failure }: Report): string {
  const fields = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${inMs(durationMs)}`,
    `Billed Duration: ${Math.ceil(durationMs + (initMs ?? 0))} ms`,
    `Memory Size: ${memoryMb} MB`,
    ...(usedMb === undefined ? [] : [`Max Memory Used: ${usedMb} MB`]),
    ...(initMs === undefined ? [] : [`Init Duration: ${inMs(initMs)}`]),
    ...(failure === undefined ? [] : [`Status: ${failure.status}`]),
    ...(failure?.errorType === undefined || failure.status === 'timeout' ? [] : [`Error Type: ${failure.errorType}`]),
  ]
  return `${fields.join('\t')}\t`
}
