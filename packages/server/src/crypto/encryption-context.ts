// The canonical bytes of an encryption context: equal exactly where the pairs are equal, in whatever order they came.
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html

import { lengthPrefixed } from './length-prefix.ts'

/**
 * `u32 pairs ‖ (u32 length ‖ key ‖ u32 length ‖ value)*`, sorted by the UTF-8 bytes of the keys. No JSON and no separators:
 * `{a: "bc"}` and `{ab: "c"}` differ. @throws RangeError for a lone surrogate.
 */
export function canonicalContext(context: { readonly [key: string]: string }): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => compareUtf8(a, b))
  const count = Buffer.allocUnsafe(4)
  count.writeUInt32BE(pairs.length)
  return Buffer.concat([count, lengthPrefixed(pairs.flat())])
}

/** UTF-8 order is code point order, which JavaScript's own is not above U+FFFF. */
const compareUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
