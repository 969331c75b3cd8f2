// Calls that come again. What a read came to depends on what was asked, on what stands in the database, and on the moment. So a call that says
// what an earlier one said, while nothing was committed in between, is decided as that one was: its signature is checked, its value is opened, its
// event is written, and nothing else of the path of a request is done a second time. Whatever does not hold takes the whole path.

import type { App } from './app.ts'
import { type Uses, usesOf } from './audit/counts.ts'
import { piecesOf } from './audit/encode.ts'
import type { AuditEvent } from './audit/event.ts'
import { newPiece, type Piece, type PieceOf, type Pieces } from './audit/pieces.ts'
import { type IsRepeated, type Proof, repeatsOf } from './auth/repeat.ts'
import type { Identity } from './call.ts'
import { header, type WireRequest, type WireResponse } from './http/request.ts'
import type { Shared } from './one-run.ts'
import type { Again, AnyOperation, Service } from './operation.ts'
import { encoderLike, JSON_CONTENT_TYPE } from './protocol/json.ts'
import type { Route } from './protocol/route.ts'
import { shapeOf } from './shape/shape.ts'
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
  /** These are made when it comes again for the first time, as most calls do not. */
  isRepeated?: IsRepeated
  pieces?: Pieces
  uses?: Uses
  encode?: (output: Plain) => string
}

/** Some 40 MiB, where each has as long headers as may be. */
const KNOWN_MAX = 2_048
/** Characters of all headers, and bytes of the body, of a call that is remembered. */
const HEADERS_LENGTH_MAX = 4_096
const BODY_BYTES_MAX = 1_024
/** Of headers, shared by the calls of one client. */
const TEXTS_MAX = 1_024
const NO_BODY = new Uint8Array(0)

/** The path of a request. `refusedForMs` is what app.rates.take said, where it was asked already. */
export type WholePath = (request: WireRequest, route: Route, refusedForMs?: number) => Promise<WireResponse>

/** @param whole whatever does not hold, or goes wrong, it finds again and tells */
export function createRepeats(app: App, whole: WholePath): Repeats {
  const calls = new Lru<string, Known>(KNOWN_MAX)
  const operations = new Set<AnyOperation>()
  const texts = new Lru<string, string>(TEXTS_MAX)
  const shared: Shared = (text) => {
    const known = texts.get(text)
    if (known === undefined) texts.set(text, text)
    return known ?? text
  }

  const pieces = new Lru<string, Piece>(TEXTS_MAX)
  const pieceOf: PieceOf = (text) => {
    const known = pieces.get(text) ?? newPiece(text)
    pieces.set(text, known)
    return known
  }

  /** Its stages stand apart, so that the calls of one turn take each of them together (docs/adr/0004-requests-start-together.md). */
  async function repeat(request: WireRequest, route: Route, known: Known): Promise<WireResponse> {
    let refusedForMs: number | undefined
    try {
      const started = performance.now()
      const { service, operation, identity, region } = known
      const time = app.wallNow()
      known.isRepeated ??= repeatsOf(known.request, known.proof, shared)
      if (!known.isRepeated(request, time)) return whole(request, route)
      await undefined
      if (known.snapshot !== app.database.newest()) return whole(request, route)
      refusedForMs = app.rates.take(operation, identity.account, service.global ? '' : region, time)
      if (refusedForMs > 0) return whole(request, route, refusedForMs)
      const moment = { requestId: app.uuid(), eventId: app.uuid(), now: app.now() }
      const { requestId, eventId, now } = moment
      const output = known.again(moment)
      if (output === undefined) return whole(request, route, refusedForMs)
      app.uses.note(identity, { usedAt: now, service: service.name, region })
      await undefined
      known.pieces ??= piecesOf(known.event, pieceOf)
      known.uses ??= usesOf(known.event, true)
      known.encode ??= encoderLike(operation.output ?? {}, output)
      const told = { pieces: known.pieces, requestId, eventId }
      await app.trail.appendLine({ time: Math.floor(time), told, uses: known.uses })
      const body = known.encode(output)
      app.metrics.repeated()
      app.metrics.finished(service.name, operation.name, '', performance.now() - started)
      return { status: 200, contentType: JSON_CONTENT_TYPE, requestId, body }
    } catch {
      return whole(request, route, refusedForMs)
    }
  }

  return {
    answer: (request, route) => {
      const { operation } = route
      if (operation === undefined || !operations.has(operation)) return undefined
      const key = keyOf(request, operation)
      const known = key === undefined ? undefined : calls.get(key)
      return known?.snapshot === app.database.newest() ? repeat(request, route, known!) : undefined
    },

    learn: (answered) => {
      const { request, operation } = answered
      if (Object.values(operation.input).some((member) => shapeOf(member).sensitive)) return
      if (request.rawHeaders.reduce((sum, text) => sum + text.length, 0) > HEADERS_LENGTH_MAX) return
      const key = keyOf(request, operation)
      if (key === undefined) return
      operations.add(operation)
      // The body stands in the key; its bytes may be a part of a larger buffer.
      calls.set(key, { ...answered, request: { ...request, body: NO_BODY } })
    },
  }
}

/** What tells most calls apart, the body wholly; the rest is compared. Undefined of a call that is not looked for. */
function keyOf({ rawHeaders, remoteAddress, body }: WireRequest, { name }: AnyOperation): string | undefined {
  const authorization = header(rawHeaders, 'authorization')
  if (authorization === undefined || body.length > BODY_BYTES_MAX) return undefined
  const signer = authorization.slice(0, authorization.indexOf(','))
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  return `${name} ${remoteAddress} ${signer} ${text}`
}
