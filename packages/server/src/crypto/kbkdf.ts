// Key derivation: SP 800-108 in counter mode with HMAC-SHA256, as `openssl kdf ... KBKDF` computes it.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-108r1.pdf section 4.1

import { createSecretKey, type KeyObject } from 'node:crypto'
import { hmacSha256, MAC_BYTES } from './mac.ts'

/** More than any caller wants; a bound, not a limit of the standard. */
const OUTPUT_BYTES_MAX = 1024

/**
 * `K(i) = HMAC(key, u32 i ‖ label ‖ 00 ‖ context ‖ u32 output bits)`, concatenated and cut. The label has no NUL. The caller zeroes
 * the output after use.
 */
export function kbkdf(key: KeyObject, label: string, context: Uint8Array, outputBytes: number): Buffer {
  if (label.includes('\0')) throw new RangeError('a KBKDF label has no NUL')
  if (!Number.isInteger(outputBytes) || outputBytes < 1 || outputBytes > OUTPUT_BYTES_MAX)
    throw new RangeError(`a KBKDF output has 1 to ${OUTPUT_BYTES_MAX} bytes`)

  const labelBytes = Buffer.byteLength(label)
  const input = Buffer.allocUnsafe(4 + labelBytes + 1 + context.length + 4)
  input.write(label, 4)
  input[4 + labelBytes] = 0
  input.set(context, 4 + labelBytes + 1)
  input.writeUInt32BE(outputBytes * 8, input.length - 4)

  const blocks = Math.ceil(outputBytes / MAC_BYTES)
  const output = Buffer.allocUnsafeSlow(blocks * MAC_BYTES)
  for (let block = 0; block < blocks; block++) {
    input.writeUInt32BE(block + 1, 0)
    const mac = hmacSha256(key, input)
    output.set(mac, block * MAC_BYTES)
    mac.fill(0)
  }
  return output.subarray(0, outputBytes)
}

/** The same as a 32-byte key. */
export function deriveKey(key: KeyObject, label: string, context: Uint8Array): KeyObject {
  const bytes = kbkdf(key, label, context, 32)
  const derived = createSecretKey(bytes)
  bytes.fill(0)
  return derived
}
