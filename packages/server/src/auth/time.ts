// Times in signatures: ISO 8601 basic format on the wire, milliseconds inside.

import { echo, expired, incomplete, notYetCurrent } from './errors.ts'

const BASIC_LENGTH = 16
const HTTP_DATE_LENGTH = 29

export type SigningTime = {
  /** YYYYMMDDTHHMMSSZ. */
  readonly timestamp: string
  readonly timeMs: number
}

/** A time as AWS writes it in its messages. */
export const basicFormat = (timeMs: number): string =>
  `${new Date(timeMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`

/** Reads X-Amz-Date, or the Date header, which may also be an HTTP date. Throws SignatureError. */
export function readTime(text: string, from: 'x-amz-date' | 'date'): SigningTime {
  const timeMs = basicTime(text)
  if (timeMs !== undefined) return { timestamp: text, timeMs }
  if (from === 'date' && text.length === HTTP_DATE_LENGTH) {
    const httpMs = Date.parse(text)
    if (!Number.isNaN(httpMs) && new Date(httpMs).toUTCString() === text)
      return { timestamp: basicFormat(httpMs), timeMs: httpMs }
  }
  throw incomplete(
    `Date must be in ISO-8601 'basic format'. Got '${echo(text)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  )
}

function basicTime(text: string): number | undefined {
  if (text.length !== BASIC_LENGTH || text[8] !== 'T' || text[15] !== 'Z') return undefined
  for (let at = 0; at < 15; at++) if (at !== 8 && !isDigit(text.charCodeAt(at))) return undefined
  const pair = (at: number): number => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528
  const [year, month, day] = [pair(0) * 100 + pair(2), pair(4), pair(6)]
  const [hour, minute, second] = [pair(9), pair(11), pair(13)]
  if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined
  const timeMs = Date.UTC(year, month - 1, day, hour, minute, second)
  // Date.UTC takes the 31st of February for the 3rd of March.
  return day > 28 && new Date(timeMs).getUTCDate() !== day ? undefined : timeMs
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** Throws SignatureError where the request is too old or too new. `lifetimeMs` is how long a presigned request lives. */
export function checkTime(signed: SigningTime, lifetimeMs: number | undefined, nowMs: number, skewMs: number): void {
  const now = Math.floor(nowMs / 1000) * 1000
  const windowMs = lifetimeMs ?? skewMs
  if (signed.timeMs < now - windowMs)
    throw expired(signed.timestamp, basicFormat(now - windowMs), basicFormat(now), span(windowMs))
  if (signed.timeMs > now + skewMs)
    throw notYetCurrent(signed.timestamp, basicFormat(now + skewMs), basicFormat(now), span(skewMs))
}

const span = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} min.` : `${ms / 1000} sec.`)
