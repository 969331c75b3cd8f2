// Memory of our own.

/** Of no pool that others share, so that filling it with zeros wipes all there is of the copy. */
export const copyOf = (bytes: Uint8Array): Buffer => Buffer.from(Uint8Array.from(bytes).buffer)
