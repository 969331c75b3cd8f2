// ReadEvents is the live stream of change events: those of the Region of the request, of secrets and parameters that the caller may read or
// describe when each is sent. No AWS operation: docs/events.md; the format is https://html.spec.whatwg.org/multipage/server-sent-events.html

import type { Call, Following } from '../../../call.ts'
import { ServiceError } from '../../../errors.ts'
import type { PublishedEvent } from '../../../events/event.ts'
import { operation } from '../../../operation.ts'
import { integer, optional, string } from '../../../shape/shape.ts'
import { mayKnow } from '../../secretsmanager/port.ts'
import { mayKnowParameter } from '../../ssm/port.ts'
import { tooManyStreams } from '../errors.ts'

/** How often the caller's rights are looked at while nothing happens. */
const RECHECK_MS = 1_000
const HEARTBEAT_MS = 15_000
/** What a client is to wait before it comes back. */
const RETRY_MS = 1_000

export const readEvents = operation({
  name: 'ReadEvents',
  readOnly: true,
  method: 'GET',
  path: '/_strongroom/events',

  input: {
    /** The id of the last event that the client has seen; what comes after it is sent. */
    LastEventId: optional(string({ min: 1, max: 64 })),
  },
  headers: { LastEventId: 'last-event-id' },

  output: {
    /** The number of the last event before the stream. */
    After: integer(),
    /** Its id. */
    Id: string(),
    /** Why the stream does not begin where the client asked. */
    Reset: optional(string()),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run({ app, tx, account, input }) {
    const close = app.events.openStream(account)
    if (close === undefined) throw tooManyStreams()
    close()
    const place = await app.events.findPlace(tx, input.LastEventId)
    if (place !== undefined) return { After: place.seq, Id: place.id }
    const { seq, id } = (await app.events.findPlace(tx, undefined))!
    return { After: seq, Id: id, Reset: GONE }
  },

  stream: { contentType: 'text/event-stream', pieces },
})

const GONE = 'The events after that id are no longer kept, or the id is not known here.'

type Start = { readonly After: number; readonly Id: string; readonly Reset?: string | undefined }

/** Ends when the signal aborts, or with an event `end` that says why where the caller is no longer let in. */
async function* pieces(following: Following, { After, Id, Reset }: Start, signal: AbortSignal): AsyncGenerator<string> {
  const { app, account } = following
  const close = app.events.openStream(account)
  try {
    if (close === undefined) throw tooManyStreams()
    yield `retry: ${RETRY_MS}\n${Reset === undefined ? `id: ${Id}\n: ready\n\n` : reset(Id, Reset)}`
    yield* follow(following, { seq: After, id: Id }, signal)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    yield frame('end', undefined, JSON.stringify({ code: error.code, message: error.message }))
  } finally {
    close?.()
  }
}

async function* follow(
  following: Following,
  from: { readonly seq: number; readonly id: string },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { events, wallNow } = following.app
  let { seq, id } = from
  let spokenAt = wallNow()
  while (!signal.aborted) {
    const next = await events.after(seq)
    if (next === undefined) {
      const place = await following.asOfNow(({ app, tx }) => app.events.findPlace(tx, undefined))
      seq = place!.seq
      id = place!.id
      yield reset(id, GONE)
      continue
    }
    // Also where there is nothing to say: rights that end must end the stream.
    const text = await following.asOfNow((call) => heard(call, next))
    const last = next.at(-1)
    if (last !== undefined) {
      seq = last.seq
      id = last.id
    }
    if (text !== '') {
      spokenAt = wallNow()
      yield text
    } else if (wallNow() - spokenAt >= HEARTBEAT_MS) {
      spokenAt = wallNow()
      // The place moves on where only what others may hear has happened.
      yield `: heartbeat\nid: ${id}\n\n`
    }
    await events.waitFor(seq, RECHECK_MS, signal)
  }
}

/** What of these events the caller may hear now. */
async function heard(call: Call, events: readonly PublishedEvent[]): Promise<string> {
  let text = ''
  for (const { id, arn, label, body } of events) {
    const may = arn.split(':')[2] === 'ssm' ? mayKnowParameter(call, arn) : mayKnow(call, arn, label)
    if (await may) text += frame(undefined, id, body)
  }
  return text
}

const reset = (id: string, reason: string): string => frame('reset', id, JSON.stringify({ reason }))

/** `data` is one line. */
const frame = (event: string | undefined, id: string | undefined, data: string): string =>
  `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
