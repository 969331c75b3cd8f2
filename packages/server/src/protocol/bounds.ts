// Bounds on JSON before it is parsed: a deep or wide text costs a parser far more than its bytes.

export const JSON_DEPTH_MAX = 32
export const JSON_VALUES_MAX = 5_000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

/** Why these bytes may not be parsed as JSON; undefined where they may. Counts brackets and commas outside strings. */
export function jsonOutOfBounds(bytes: Uint8Array): string | undefined {
  let depth = 0
  let values = 1
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at + 1)
        break
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > JSON_DEPTH_MAX) return `nested deeper than ${JSON_DEPTH_MAX} levels`
        if (++values > JSON_VALUES_MAX) return `more than ${JSON_VALUES_MAX} values`
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        break
      case COMMA:
        if (++values > JSON_VALUES_MAX) return `more than ${JSON_VALUES_MAX} values`
        break
    }
  }
  return undefined
}

/** The index of the closing quote, or the end. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(QUOTE, from)
  while (at !== -1) {
    let backslashes = 0
    while (at - 1 - backslashes >= from && bytes[at - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
    at = bytes.indexOf(QUOTE, at + 1)
  }
  return bytes.length
}
