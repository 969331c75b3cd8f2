// Values that must not be stored are taken out of a stream of bytes, in every form in which they are likely to be printed,
// wherever the stream is cut into chunks. Work is linear in the bytes that pass, whatever they are.

/** What stands in the place of a value. */
export const MARK = '***'

/** Shorter pieces of Base64 would be found in texts that have nothing to do with the value. */
const BASE64_PIECE_MIN = 8

export type RedactedStream = {
  /** The bytes that can be told so far; those that may be the beginning of a value are held back. */
  write(chunk: Uint8Array): Buffer
  /** The stream is over: what may have been the beginning of a value is not told. */
  end(): Buffer
}

export type Redactor = {
  /** From now on these are taken out as well. Empty values are left aside. */
  add(values: readonly string[]): void
  stream(): RedactedStream
}

/** The text without the values. */
export function redact(text: string, values: readonly string[]): string {
  const redactor = createRedactor()
  redactor.add(values)
  const stream = redactor.stream()
  return Buffer.concat([stream.write(Buffer.from(text)), stream.end()]).toString()
}

export function createRedactor(): Redactor {
  const patterns = new Map<string, Pattern>()
  return {
    add: (values) => {
      for (const form of values.flatMap(formsOf)) {
        const key = form.toString('latin1')
        if (form.length > 0 && !patterns.has(key)) patterns.set(key, { bytes: form, failure: failureOf(form) })
      }
    },
    stream: () => createStream(patterns),
  }
}

/** The value as it is, URL-encoded, in Base64 and inside JSON; for Base64 also as a part of something longer. */
function formsOf(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value)
  const url = encodeURIComponent(value.toWellFormed())
  const strictUrl = url.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const lowerUrl = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())
  const json = JSON.stringify(value).slice(1, -1)
  const asciiJson = json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const urls = [url, strictUrl, strictUrl.replaceAll('%2F', '/'), strictUrl.replaceAll('%20', '+')]
  const texts = [...urls, ...urls.map(lowerUrl), json, asciiJson, json.replaceAll('/', '\\/')]
  const base64 = [bytes.toString('base64'), bytes.toString('base64url'), ...base64Pieces(bytes)]
  return [bytes, ...[...texts, ...base64].map((text) => Buffer.from(text))]
}

/** The characters that are the same whatever stands before and after the value, for each of the three places where it can begin. */
function base64Pieces(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const begin = Math.ceil((offset * 8) / 6)
    const end = Math.floor(((offset + bytes.length) * 8) / 6)
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
    const pieces = [padded.toString('base64'), padded.toString('base64url')].map((text) => text.slice(begin, end))
    return pieces.filter((piece) => piece.length >= BASE64_PIECE_MIN)
  })
}

/** Knuth, Morris, Pratt: how long a beginning of the pattern is also the end of its first n bytes. */
type Pattern = { readonly bytes: Buffer; readonly failure: Uint32Array }

function failureOf(bytes: Buffer): Uint32Array {
  const failure = new Uint32Array(bytes.length)
  for (let at = 1, length = 0; at < bytes.length; at++) {
    while (length > 0 && bytes[at] !== bytes[length]) length = failure[length - 1]!
    if (bytes[at] === bytes[length]) length++
    failure[at] = length
  }
  return failure
}

function createStream(patterns: ReadonlyMap<string, Pattern>): RedactedStream {
  /** How many bytes of each pattern the stream ends with. */
  const matched = new Map<Pattern, number>()
  let held: Buffer = Buffer.alloc(0)
  /** The part of `held` that belongs to a value already found. */
  let covered: readonly Range[] = []
  let inMark = false

  const write = (chunk: Uint8Array): Buffer => {
    const text = Buffer.concat([held, chunk])
    const ranges = [...covered]
    let longest = 0
    for (const pattern of patterns.values()) {
      const length = findAll(pattern, matched.get(pattern) ?? 0, text, held.length, ranges)
      matched.set(pattern, length)
      longest = Math.max(longest, length)
    }
    const safe = text.length - longest
    const told = tell(text, merged(ranges), safe)
    held = text.subarray(safe)
    covered = ranges
      .filter(({ to }) => to > safe)
      .map(({ from, to }) => ({ from: Math.max(0, from - safe), to: to - safe }))
    return told
  }

  /** The first `safe` bytes with marks for the ranges; a range that goes on behind them is marked once. */
  const tell = (text: Buffer, ranges: readonly Range[], safe: number): Buffer => {
    const parts: Buffer[] = []
    let at = 0
    for (const { from, to } of ranges) {
      if (from >= safe) break
      if (from > at) parts.push(text.subarray(at, from))
      if (!(inMark && from === 0)) parts.push(Buffer.from(MARK))
      at = Math.min(to, safe)
      inMark = to >= safe
    }
    if (at < safe) {
      parts.push(text.subarray(at, safe))
      inMark = false
    }
    return Buffer.concat(parts)
  }

  const end = (): Buffer => {
    const rest = held.length > 0 && !inMark ? Buffer.from(MARK) : Buffer.alloc(0)
    held = Buffer.alloc(0)
    covered = []
    matched.clear()
    return rest
  }
  return { write, end }
}

/** Bytes from `from` up to, not with, `to`. */
type Range = { readonly from: number; readonly to: number }

/** Goes on matching at `begin`, adds what was found, and returns how much of the pattern the text ends with. */
function findAll({ bytes, failure }: Pattern, begun: number, text: Buffer, begin: number, found: Range[]): number {
  let length = begun
  for (let at = begin; at < text.length; at++) {
    if (length === 0) {
      at = text.indexOf(bytes[0]!, at)
      if (at < 0) return 0
    }
    while (length > 0 && text[at] !== bytes[length]) length = failure[length - 1]!
    if (text[at] === bytes[length]) length++
    if (length === bytes.length) {
      cover(found, { from: at + 1 - length, to: at + 1 })
      length = failure[length - 1]!
    }
  }
  return length
}

/** Makes one with the last range what touches it: a long run of short values must not become a long list. */
function cover(found: Range[], { from, to }: Range): void {
  const last = found.at(-1)
  if (last === undefined || last.to < from || last.from > to) found.push({ from, to })
  else found[found.length - 1] = { from: Math.min(last.from, from), to: Math.max(last.to, to) }
}

/** In order, with those that touch made one. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const sorted = ranges.toSorted((a, b) => a.from - b.from)
  const result: Range[] = []
  for (const range of sorted) cover(result, range)
  return result
}
