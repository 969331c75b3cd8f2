// RSA keys that can be read, and not be signed with.

import { randomBytes } from 'node:crypto'

const INTEGER = 0x02
const SEQUENCE = 0x30

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  return Buffer.concat([Buffer.of(tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff), content])
}

/** PEM of PKCS #1, of numbers that do not fit each other: the first prime is even. */
export function unfitRsaKey(bits: number): string {
  const number = (size: number, last: number): Buffer =>
    Buffer.concat([Buffer.of(0, 0x80), randomBytes(size / 8 - 2), Buffer.of(last)])
  const half = bits / 2
  const numbers = [
    ...[Buffer.of(0), number(bits, 1), Buffer.of(1, 0, 1), number(bits, 1)],
    ...[number(half, 2), number(half, 1), number(half, 1), number(half, 1), number(half, 1)],
  ]
  const key = der(SEQUENCE, Buffer.concat(numbers.map((one) => der(INTEGER, one))))
  return `-----BEGIN RSA PRIVATE KEY-----\n${key.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END RSA PRIVATE KEY-----\n`
}
