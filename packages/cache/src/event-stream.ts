// The stream of change events of a Strongroom server, followed for as long as the cache lives: docs/events.md. It keeps no process alive, waits
// longer and longer between failures, and asks nothing of AWS, which has no such stream.

import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { kindOf } from './failure.ts'
import { openStream, type SdkRequest } from './sdk.ts'
import { readEvents } from './server-sent-events.ts'
import { elapsedSince, type Moment, momentOf, type Surroundings } from './surroundings.ts'

export type ChangeEvent = {
  readonly 'detail-type'?: string
  readonly resources?: readonly string[]
  readonly detail?: { readonly [member: string]: unknown }
}

/** Who goes by the events. */
export type ChangeListener = {
  /** The stream has begun, and what happened before is not in it. */
  readonly began: () => void
  /** What happened in between is no longer known. */
  readonly reset: () => void
  readonly changed: (event: ChangeEvent) => void
}

export type StreamParts = ChangeListener & {
  readonly client: SecretsManagerClient
  readonly surroundings: Surroundings
  readonly report: (error: unknown) => void
}

/** `off`: the endpoint is AWS's, or nothing was asked for yet. */
export type StreamState = 'connected' | 'waiting' | 'off'

export type EventStream = { readonly state: () => StreamState; close(): void }

const OPEN_MS_MAX = 10_000
/** A heartbeat comes every 15 seconds. */
const SILENCE_MS_MAX = 45_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000
/** A stream that held for so long was no failure. */
const STEADY_MS = 10_000
/** Of AWS, in every partition that has a public description. */
const AWS_HOST =
  /(^|\.)(amazonaws\.com(\.cn)?|api\.aws|amazonwebservices\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)$/

export function followEvents({ client, surroundings, began, reset, changed, report }: StreamParts): EventStream {
  const closing = new AbortController()
  let state: StreamState = 'waiting'
  let lastId: string | undefined
  let failures = 0

  const follow = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      let opened: Moment | undefined
      try {
        const body = await open()
        if (body === undefined) {
          state = 'off'
          return
        }
        state = 'connected'
        opened = momentOf(surroundings)
        if (lastId === undefined) began()
        await read(body)
      } catch (error) {
        if (closing.signal.aborted) return
        report(error)
        if (isRefusal(error)) failures = Number.POSITIVE_INFINITY
      }
      state = 'waiting'
      if (opened !== undefined && elapsedSince(opened, surroundings) >= STEADY_MS) failures = 0
      const grown = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures)
      failures++
      await pause(grown * (0.5 + surroundings.random()))
    }
  }

  const open = async (): Promise<Body | undefined> => {
    const opening = new AbortController()
    const stop = (): void => opening.abort(new Error('The stream of change events was not opened in time.'))
    const cancel = surroundings.after(OPEN_MS_MAX, stop)
    closing.signal.addEventListener('abort', stop, { once: true })
    try {
      const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) }
      const asks = ({ hostname }: SdkRequest): boolean => !AWS_HOST.test(hostname)
      const answer = await openStream(client, { path: '/_strongroom/events', headers, asks, signal: opening.signal })
      const body = answer?.body as Body | undefined
      body?.socket?.unref?.()
      return body
    } finally {
      cancel()
      closing.signal.removeEventListener('abort', stop)
    }
  }

  const read = async (body: Body): Promise<void> => {
    const end = (): void => void body.destroy?.()
    closing.signal.addEventListener('abort', end, { once: true })
    const reader = readEvents({
      id: (id) => {
        lastId = id
      },
      event: ({ event, data }) => {
        if (event === 'reset') reset()
        else if (event === 'end') report(new Error(`The stream of change events was ended: ${reasonIn(data)}`))
        else if (event === 'message') changed(JSON.parse(data))
      },
    })
    let cancel = surroundings.after(SILENCE_MS_MAX, end)
    try {
      for await (const chunk of body) {
        cancel()
        cancel = surroundings.after(SILENCE_MS_MAX, end)
        reader.push(chunk)
      }
    } finally {
      cancel()
      closing.signal.removeEventListener('abort', end)
      end()
    }
  }

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel()
        closing.signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = surroundings.after(ms, end)
      closing.signal.addEventListener('abort', end, { once: true })
    })

  follow().catch(report)
  return {
    state: () => state,
    close: () => closing.abort(),
  }
}

/** A stream of Node.js, whatever handler of the SDK it is from. */
type Body = AsyncIterable<Uint8Array> & {
  readonly socket?: { readonly unref?: () => void } | null
  readonly destroy?: () => void
}

/** Asked again soon, the answer would be the same: no such route, or no permission. */
function isRefusal(error: unknown): boolean {
  const kind = kindOf(error)
  return kind === 'refused' || kind === 'not-found'
}

function reasonIn(data: string): string {
  const { code, message } = JSON.parse(data) as { readonly code?: unknown; readonly message?: unknown }
  return `${code}: ${message}`
}
