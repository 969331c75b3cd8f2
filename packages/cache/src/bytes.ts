// Memory of our own.

/** Of no pool that others share, so that filling it with zeros wipes all there is of the copy. */
export const copyOf = (bytes: Uint8Array): Buffer => Buffer.from(Uint8Array.from(bytes).buffer)

/** The same, and what it is copied from is wiped. */
export function ownBytes(bytes: Uint8Array): Buffer {
  const own = copyOf(bytes)
  bytes.fill(0)
  return own
}
