// The blocks that RSA signs, from a digest: EMSA-PKCS1-v1_5 and EMSA-PSS with MGF1 of the same hash and a salt as long as the digest.
// A signature is checked by encoding again and comparing whole blocks; a block is never parsed.
// https://www.rfc-editor.org/rfc/rfc8017 section 9

import { createHash } from 'node:crypto'
import type { HashName } from './spec.ts'

/** DER of DigestInfo before the digest: RFC 8017 section 9.2, note 1. */
const DIGEST_INFO = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
} as const

/** `00 01 FF… 00 DigestInfo`. The digest has its hash's length. */
export function encodePkcs1(hash: HashName, digest: Uint8Array, blockBytes: number): Buffer {
  const info = Buffer.from(DIGEST_INFO[hash], 'hex')
  const block = Buffer.alloc(blockBytes, 0xff)
  const infoAt = blockBytes - info.length - digest.length
  block[0] = 0x00
  block[1] = 0x01
  block[infoAt - 1] = 0x00
  block.set(info, infoAt)
  block.set(digest, infoAt + info.length)
  return block
}

/** `masked (00… 01 salt) ‖ H ‖ BC`, one bit shorter than the modulus, whose bits are a multiple of eight. */
export function encodePss(hash: HashName, digest: Uint8Array, salt: Uint8Array, blockBytes: number): Buffer {
  const h = createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest()
  const db = Buffer.alloc(blockBytes - h.length - 1)
  db[db.length - salt.length - 1] = 0x01
  db.set(salt, db.length - salt.length)
  mask(hash, h, db)
  db[0]! &= 0x7f
  return Buffer.concat([db, h, Uint8Array.of(0xbc)])
}

/** The salt that a block would have been encoded with; whether it was is for the comparison to say. */
export function saltOfPss(hash: HashName, block: Uint8Array, digestBytes: number): Buffer {
  const db = Buffer.from(block.subarray(0, block.length - digestBytes - 1))
  mask(hash, block.subarray(db.length, db.length + digestBytes), db)
  return db.subarray(db.length - digestBytes)
}

/** MGF1, RFC 8017 appendix B.2.1, XORed onto the bytes. */
function mask(hash: HashName, seed: Uint8Array, bytes: Buffer): void {
  const counter = Buffer.alloc(4)
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    counter.writeUInt32BE(i)
    for (const byte of createHash(hash).update(seed).update(counter).digest()) {
      if (at === bytes.length) break
      bytes[at]! ^= byte
      at += 1
    }
  }
}
