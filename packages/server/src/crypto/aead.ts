// AES-256-GCM with a 12-byte IV and a 16-byte tag, on both sides. Nothing else encrypts or decrypts.
// https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf

import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

export const KEY_BYTES = 32
export const IV_BYTES = 12
export const TAG_BYTES = 16
const TAG_LENGTH = { authTagLength: TAG_BYTES }

/** Where a format takes its randomness: the system, unless vectors bring their own. */
export type RandomBytes = (size: number) => Uint8Array
export const systemRandomBytes: RandomBytes = (size) => randomBytes(size)

/** `ciphertext ‖ tag`. An IV is used once per key. */
export function encrypt(key: KeyObject, iv: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  checkSize(iv)
  const cipher = createCipheriv('aes-256-gcm', key, iv, TAG_LENGTH)
  cipher.setAAD(aad)
  const ciphertext = cipher.update(plaintext)
  cipher.final() // GCM has no padding: nothing comes out, the tag is made
  return Buffer.concat([ciphertext, cipher.getAuthTag()])
}

/** Undefined where key, IV, AAD or bytes differ from what was encrypted, without a word on which. The caller zeroes the plaintext. */
export function decrypt(key: KeyObject, iv: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer | undefined {
  checkSize(iv)
  if (sealed.length < TAG_BYTES) return undefined
  const { ciphertext, tag } = splitTag(sealed)
  return decryptSplit(key, iv, ciphertext, tag, aad)
}

/** What encrypt returned, at least TAG_BYTES of it, in its two parts; for who decrypts it often. */
export const splitTag = (sealed: Uint8Array): { readonly ciphertext: Uint8Array; readonly tag: Uint8Array } => {
  const tagAt = sealed.length - TAG_BYTES
  return { ciphertext: sealed.subarray(0, tagAt), tag: sealed.subarray(tagAt) }
}

/** As decrypt. */
export function decryptSplit(
  key: KeyObject,
  iv: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
  aad: Uint8Array,
): Buffer | undefined {
  checkSize(iv)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, TAG_LENGTH)
  decipher.setAAD(aad)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    plaintext.fill(0) // unauthenticated: nobody may see it
    return undefined
  }
  return plaintext
}

/** GCM takes IVs of any size; keys of another size OpenSSL refuses. */
function checkSize(iv: Uint8Array): void {
  if (iv.length !== IV_BYTES) throw new RangeError(`a GCM IV here has ${IV_BYTES} bytes`)
}
