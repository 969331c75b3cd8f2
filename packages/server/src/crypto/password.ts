// Passwords as they are kept: scrypt of the text, under a salt. With these figures one takes 16 MiB and about a tenth of a second, as OWASP's
// cheat sheet for storing passwords has it. https://www.rfc-editor.org/rfc/rfc7914

import { type ScryptOptions, scrypt } from 'node:crypto'

export const SALT_BYTES = 16
const HASH_BYTES = 32
const COST: ScryptOptions = { N: 2 ** 14, r: 8, p: 5, maxmem: 32 * 1024 * 1024 }

/** One after the other: they share the process's few threads, and its memory, with everything else. */
let turn: Promise<unknown> = Promise.resolve()

/** 32 bytes, to be compared with `sameBytes`. */
export function passwordHash(password: string, salt: Uint8Array): Promise<Buffer> {
  const hash = turn.then(() => hashNow(password, salt))
  turn = hash.catch(() => undefined)
  return hash
}

const hashNow = (password: string, salt: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, COST, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
