// Calls that come again tell nearly the same: a block holds what their events share once, as pieces of text, and of each event which pieces it is made of.

/** A part of the JSON of events, in one run of characters. */
export type Piece = {
  readonly text: string
  /** The block that is being written has it, at this place. */
  block: number
  place: number
}

/** Gives the one piece of a text to all who ask for it, as long as it is remembered. */
export type PieceOf = (text: string) => Piece

export const newPiece = (text: string): Piece => ({ text, block: 0, place: 0 })

/** An event but for what no two share: its time stands after `head`, its ids after `middle`. */
export type Pieces = {
  readonly head: readonly Piece[]
  readonly middle: readonly Piece[]
  readonly tail: readonly Piece[]
  /** Characters of an event. */
  readonly length: number
}

export type Repeated = { readonly pieces: Pieces; readonly requestId: string; readonly eventId: string }

/** The ids are UUIDs: JSON writes them as they are. */
const ids = (requestId: string, eventId: string): string => `"requestID":"${requestId}","eventID":"${eventId}"`
const UUID_LENGTH = 36
/** Characters of the ids and the time, in an event. */
export const IDS_LENGTH = ids('', '').length + 2 * UUID_LENGTH + '2026-03-01T12:00:00Z'.length

/*
 * A block's body is lines of text:
 *   {…}              an event as it is
 *   "TEXT            a piece; they are numbered from 0 in a block
 *   =0|1,2|3|ID|ID   an event: its head, middle and tail, its request id, its event id
 */
const PIECE = '"'
const MADE = '='

/** Blocks written by this process. */
let blocks = 0

export class BodyWriter {
  readonly #block = ++blocks
  #text = ''
  #pieces = 0

  add(text: string): void {
    this.#text += `${text}\n`
  }

  addRepeated({ pieces: { head, middle, tail }, requestId, eventId }: Repeated): void {
    const places = `${this.#places(head)}|${this.#places(middle)}|${this.#places(tail)}`
    this.#text += `${MADE}${places}|${requestId}|${eventId}\n`
  }

  /** Without the last newline. */
  finish(): string {
    return this.#text.slice(0, -1)
  }

  #places(pieces: readonly Piece[]): string {
    let places = ''
    for (const piece of pieces) {
      if (piece.block !== this.#block) {
        piece.block = this.#block
        piece.place = this.#pieces++
        this.#text += `${PIECE}${piece.text}\n`
      }
      places = places === '' ? `${piece.place}` : `${places},${piece.place}`
    }
    return places
  }
}

/** Pieces before, between and after what no two events share. */
const PARTS_MAX = 8
/** The most characters of the events of one block: far more than any that was made here. */
const EVENTS_CHARACTERS_MAX = 16_777_216

/**
 * The events of a body, each a line of JSON.
 * @param second the time of all of them, as events tell it
 * @throws RangeError where it was not written here
 */
export function readBody(body: string, second: string): readonly string[] {
  const pieces: string[] = []
  const events: string[] = []
  let characters = 0
  for (const line of body.split('\n')) {
    if (line.startsWith(PIECE)) pieces.push(line.slice(1))
    else {
      const event = line.startsWith(MADE) ? made(line, pieces, second) : line
      characters += event.length
      if (characters > EVENTS_CHARACTERS_MAX) throw new RangeError('a block holds too much')
      events.push(event)
    }
  }
  return events
}

function made(line: string, pieces: readonly string[], second: string): string {
  const [head, middle, tail, requestId, eventId, ...more] = line.slice(1).split('|')
  if (head === undefined || middle === undefined || tail === undefined || eventId === undefined || more.length > 0)
    throw new RangeError('a block holds no event where one should be')
  const text = (places: string): string => {
    const of = places.split(',', PARTS_MAX + 1)
    if (of.length > PARTS_MAX) throw new RangeError('an event has more parts than any that was made here')
    return of.map((place) => pieces[Number(place)] ?? '').join('')
  }
  return `${text(head)}${second}${text(middle)}${ids(requestId!, eventId!)}${text(tail)}`
}
