// The data types of SSH. https://www.rfc-editor.org/rfc/rfc4251#section-5

export const sshUint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const sshString = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([sshUint32(bytes.length), bytes])
}

/** A positive number, big-endian, in as few bytes as it takes. */
export function sshMpint(value: Buffer): Buffer {
  const first = value.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? Buffer.alloc(0) : value.subarray(first)
  return sshString(digits.length > 0 && digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits)
}

/** Reads one value after the other. @throws RangeError where there are fewer bytes than it says */
export class SshReader {
  #rest: Buffer

  constructor(bytes: Buffer) {
    this.#rest = bytes
  }

  get rest(): Buffer {
    return this.#rest
  }

  take(size: number): Buffer {
    if (size > this.#rest.length) throw new RangeError('too short')
    const taken = this.#rest.subarray(0, size)
    this.#rest = this.#rest.subarray(size)
    return taken
  }

  uint32 = (): number => this.take(4).readUInt32BE()
  string = (): Buffer => this.take(this.uint32())
  text = (): string => this.string().toString('latin1')
}
