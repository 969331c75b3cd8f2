// Length prefixes: whatever is authenticated is framed so that no two different lists of parts give the same bytes.

/** `(u32 length ‖ part)*`, big-endian. Text is UTF-8. @throws RangeError for text with a lone surrogate, which has no UTF-8. */
export function lengthPrefixed(parts: readonly (Uint8Array | string)[]): Buffer {
  let size = 0
  for (const part of parts) size += 4 + (typeof part === 'string' ? Buffer.byteLength(part) : part.length)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const part of parts) {
    let length: number
    if (typeof part === 'string') {
      if (!part.isWellFormed()) throw new RangeError('text with a lone surrogate cannot be authenticated')
      length = bytes.write(part, at + 4)
    } else {
      bytes.set(part, at + 4)
      length = part.length
    }
    bytes.writeUInt32BE(length, at)
    at += 4 + length
  }
  return bytes
}
