// Calls that come again. What a read came to depends on what was asked, on what stands in the database, and on the moment. So a call that says
// what an earlier one said, while nothing was committed in between, is decided as that one was: its signature is checked, its value is opened, its
// event is written, and nothing else of the path of a request is done a second time. Whatever does not hold takes the whole path.

import type { App } from './app.ts'
import { type EventForm, fillForm, lastingForm } from './audit/encode.ts'
import type { AuditEvent } from './audit/event.ts'
import { type IsRepeated, type Proof, repeatsOf } from './auth/repeat.ts'
import type { Identity } from './call.ts'
import { header, type WireRequest, type WireResponse } from './http/request.ts'
import type { Again, AnyOperation, Service } from './operation.ts'
import { encoderLike, JSON_CONTENT_TYPE } from './protocol/json.ts'
import type { Route } from './protocol/route.ts'
import { Lru } from './storage/cache.ts'

type Plain = { readonly [name: string]: unknown }

/** What a call came to that was answered, and that nothing but the moment can change until something is committed. */
export type Answered = {
  readonly request: WireRequest
  readonly service: Service
  readonly operation: AnyOperation
  readonly identity: Identity
  readonly region: string
  readonly proof: Proof
  /** Of the read transaction that all of it was found in. */
  readonly snapshot: number
  /** The only one it had. */
  readonly event: AuditEvent
  readonly again: Again<Plain>
}

export type Repeats = {
  /** The answer, where the request repeats a call that is known; else nothing was done. */
  answer(request: WireRequest, route: Route): Promise<WireResponse> | undefined
  learn(answered: Answered): void
}

type Known = Answered & {
  readonly isRepeated: IsRepeated
  /** Made when it comes again for the first time: most calls do not. */
  prepared?: { readonly form: EventForm; readonly encode: (output: Plain) => string }
}

/** Each holds a request of at most BODY_BYTES_MAX and its headers, and what its operation remembers. */
const KNOWN_MAX = 4_096
const BODY_BYTES_MAX = 1_024
const AUTHORIZATION_LENGTH_MAX = 1_024

/** @param whole the path of a request, for a call whose event could not be written: it tells what there is to tell */
export function createRepeats(app: App, whole: (request: WireRequest, route: Route) => Promise<WireResponse>): Repeats {
  const calls = new Lru<string, Known>(KNOWN_MAX)
  const operations = new Set<AnyOperation>()

  /** Its stages stand apart, so that the calls of one turn take each of them together (docs/adr/0004-requests-start-together.md). */
  async function repeat(request: WireRequest, route: Route, known: Known): Promise<WireResponse> {
    const started = performance.now()
    const { service, operation, identity, region } = known
    const time = app.wallNow()
    if (!known.isRepeated(request, time)) return whole(request, route)
    await undefined
    if (known.snapshot !== app.database.newest()) return whole(request, route)
    if (app.rates.take(operation, identity.account, service.global ? '' : region, time) > 0)
      return whole(request, route)
    const moment = { requestId: app.uuid(), eventId: app.uuid(), now: app.now() }
    const { requestId, eventId, now } = moment
    const output = known.again(moment)
    if (output === undefined) return whole(request, route)
    app.uses.note(identity, { usedAt: now, service: service.name, region })
    await undefined
    known.prepared ??= { form: lastingForm(known.event), encode: encoderLike(operation.output ?? {}, output) }
    const { form, encode } = known.prepared
    try {
      await app.trail.appendLine({ time: Math.floor(time), text: fillForm(form, time, requestId, eventId) })
    } catch {
      return whole(request, route)
    }
    app.metrics.finished(service.name, operation.name, '', performance.now() - started)
    return { status: 200, contentType: JSON_CONTENT_TYPE, requestId, body: encode(output) }
  }

  return {
    answer: (request, route) => {
      const { operation } = route
      if (operation === undefined || !operations.has(operation)) return undefined
      const key = keyOf(request, operation)
      const known = key === undefined ? undefined : calls.get(key)
      return known && repeat(request, route, known)
    },

    learn: (answered) => {
      const { request, operation, proof } = answered
      const isRepeated = repeatsOf(request, proof)
      const key = keyOf(request, operation)
      if (key === undefined || isRepeated === undefined) return
      operations.add(operation)
      calls.set(key, { ...answered, isRepeated })
    },
  }
}

/** What tells most calls apart, the body wholly; the rest is compared. Undefined of a call that is not looked for. */
function keyOf({ rawHeaders, remoteAddress, body }: WireRequest, { name }: AnyOperation): string | undefined {
  const authorization = header(rawHeaders, 'authorization')
  if (authorization === undefined || authorization.length > AUTHORIZATION_LENGTH_MAX) return undefined
  if (body.length > BODY_BYTES_MAX) return undefined
  const signer = authorization.slice(0, authorization.lastIndexOf('='))
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  return `${name} ${remoteAddress} ${signer} ${text}`
}
