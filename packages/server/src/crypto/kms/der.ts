// The little DER that keys need: a strict reader of definite, minimal lengths, and headers. Nothing unknown is skipped.
// https://www.itu.int/rec/T-REC-X.690 section 10

export const TAG = { integer: 0x02, bitString: 0x03, octetString: 0x04, objectId: 0x06, sequence: 0x30 } as const

/** Constructed, context-specific: `[n]` of ASN.1. */
export const contextTag = (n: number): number => 0xa0 | n

/** Malformed input. It says nothing of the bytes. */
export class DerError extends Error {}

/** Reads elements one after another; what it returns are views of the input. */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The contents of the next element. @throws DerError where it has another tag or is malformed */
  read(tag: number): Uint8Array {
    const start = this.#at
    if (this.#bytes[start] !== tag) throw new DerError('another element was expected')
    let at = start + 2
    let length = this.#bytes[start + 1] ?? 0x80
    if (length >= 0x80) {
      const octets = length - 0x80
      if (octets < 1 || octets > 2 || at + octets > this.#bytes.length) throw new DerError('a length is malformed')
      length = 0
      for (let i = 0; i < octets; i += 1) length = length * 256 + this.#bytes[at + i]!
      if (length < (octets === 1 ? 0x80 : 0x100)) throw new DerError('a length is not minimal')
      at += octets
    }
    if (at + length > this.#bytes.length) throw new DerError('an element is longer than its parent')
    this.#at = at + length
    return this.#bytes.subarray(at, this.#at)
  }

  /** As `read`; undefined where the next element has another tag, or there is none. */
  readOptional(tag: number): Uint8Array | undefined {
    return this.#bytes[this.#at] === tag ? this.read(tag) : undefined
  }

  inside(tag: number): DerReader {
    return new DerReader(this.read(tag))
  }

  /** The next element whole, header included. */
  readWhole(tag: number): Uint8Array {
    const start = this.#at
    this.read(tag)
    return this.#bytes.subarray(start, this.#at)
  }

  /** A non-negative INTEGER of minimal length. */
  unsigned(): bigint {
    const bytes = this.read(TAG.integer)
    const [first, second] = bytes
    if (first === undefined || first >= 0x80) throw new DerError('an integer is empty or negative')
    if (first === 0 && second !== undefined && second < 0x80) throw new DerError('an integer is not minimal')
    return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`)
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new DerError('bytes are left over')
  }
}

/** Tag and minimal length of an element whose contents follow. */
export function derHeader(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length)
  return length < 0x100 ? Buffer.of(tag, 0x81, length) : Buffer.of(tag, 0x82, length >> 8, length & 0xff)
}

/** An element whole. The caller zeroes it where its contents are secret. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([derHeader(tag, length), ...contents])
}
