// Whether a request brings the token. Hashes are compared, so that the time it takes tells nothing of the token.

import { hash, timingSafeEqual } from 'node:crypto'

const digestOf = (token: Buffer): Buffer => hash('sha256', token, 'buffer')

/** What it is given is a header as Node has it: each character is a byte. */
export function tokenCheck(token: string): (header: string) => boolean {
  const expected = digestOf(Buffer.from(token))
  return (header) => timingSafeEqual(digestOf(Buffer.from(header, 'latin1')), expected)
}
