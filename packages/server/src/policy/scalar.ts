// Values of conditions that are not plain text: numbers, dates, booleans, bytes. Undefined is what a malformed value gives.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

/** More than any number or date needs: what is longer is malformed, and costs nothing. */
const CHARACTERS_MAX = 32

export function parseNumber(text: string): number | undefined {
  return text.length <= CHARACTERS_MAX && /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

const ISO_8601 = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,6})?)?(?:Z|([+-])(\d\d):(\d\d)))?)?)?$/

/** Milliseconds since 1970. Epoch seconds have five digits or more, since four are a year; ISO 8601 from the year to the millisecond. */
export function parseDate(text: string): number | undefined {
  if (text.length > CHARACTERS_MAX) return undefined
  if (/^\d{5,}$/.test(text)) return Number(text) * 1_000
  const parts = ISO_8601.exec(text)
  if (parts === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '', sign, ...offset] =
    parts
  const [offsetHours = 0, offsetMinutes = 0] = offset.map((part = '0') => Number(part))
  if (Number(hour) > 23 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const start = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`)
  // A day that its month does not have would be taken for one of the next.
  if (Number.isNaN(start) || new Date(start).getUTCDate() !== Number(day)) return undefined
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000
  return sign === '-' ? start + offsetMs : start - offsetMs
}

export function parseBoolean(text: string): boolean | undefined {
  const lower = text.length > 5 ? '' : text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

/** The bytes of base64 with its padding, one character each. Bits beyond the last byte do not matter. */
export function parseBinary(text: string): string | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  for (let at = 0; at < text.length - padding; at += 1) {
    if (!isBase64Digit(text.charCodeAt(at))) return undefined
  }
  return Buffer.from(text, 'base64').toString('latin1')
}

const isBase64Digit = (code: number): boolean =>
  (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || (code >= 47 && code <= 57) || code === 43
