// Keys derived from secret access keys: the daily signing key of SigV4 and the public key of SigV4a. They are kept, bounded, only once
// a signature proved right, so that a stranger can neither fill the cache nor push others' keys out of it.

import { createHmac, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { type PaddedKey, padKey } from '../crypto/mac.ts'
import { Lru } from '../storage/cache.ts'

export const HMAC = 'AWS4-HMAC-SHA256'
export const ECDSA = 'AWS4-ECDSA-P256-SHA256'
export type Algorithm = typeof HMAC | typeof ECDSA

/** Of SigV4 the daily key, of SigV4a the public key. */
export type SigningKey = PaddedKey | KeyObject

/** What a signing key is derived for. */
export type SigningPurpose = {
  readonly algorithm: Algorithm
  /** The whole of it, as sent: the name under which the key is kept. */
  readonly credential: string
  readonly accessKeyId: string
  /** YYYYMMDD. */
  readonly date: string
  /** As in the credential scope; empty for SigV4a. */
  readonly scopeRegion: string
  readonly service: string
}

/** A bounded cache of derived keys. An entry serves only the very secret it was derived from, so a changed key is obeyed at once. */
export class SigningKeys {
  readonly #derived: Lru<string, { readonly secret: KeyObject; readonly key: SigningKey }>

  constructor(max = 4096) {
    this.#derived = new Lru(max)
  }

  /** The derived key, and whether it came from the cache. `secret` is the secret access key. */
  find(purpose: SigningPurpose, secret: KeyObject): { readonly key: SigningKey; readonly cached: boolean } {
    const entry = this.#derived.get(purpose.credential)
    if (entry !== undefined && (entry.secret === secret || entry.secret.equals(secret)))
      return { key: entry.key, cached: true }
    return { key: derive(purpose, secret), cached: false }
  }

  /** Call once a signature made with the key proved right. */
  keep(purpose: SigningPurpose, secret: KeyObject, key: SigningKey): void {
    this.#derived.set(purpose.credential, { secret, key })
  }

  get size(): number {
    return this.#derived.size
  }
}

const derive = (purpose: SigningPurpose, secret: KeyObject): SigningKey =>
  purpose.algorithm === HMAC ? deriveHmacKey(purpose, secret) : deriveVerifyingKey(purpose, secret)

/** The key of one day, Region and service. */
export function deriveHmacKey(
  { date, scopeRegion, service }: Pick<SigningPurpose, 'date' | 'scopeRegion' | 'service'>,
  secret: KeyObject,
): PaddedKey {
  let key = prefixed('AWS4', secret)
  for (const part of [date, scopeRegion, service, 'aws4_request']) {
    const next = createHmac('sha256', key).update(part, 'latin1').digest()
    key.fill(0)
    key = next
  }
  const derived = padKey(key)
  key.fill(0)
  return derived
}

/** The order of P-256, less two: the largest candidate that is taken. */
const N_MINUS_2 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254fn
/** PKCS#8 of a P-256 key that carries only the private scalar, which follows. */
const PKCS8_P256 = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex')

/**
 * Counter-mode KDF of SigV4a: the first output that is at most n-2, plus one, is the private scalar.
 * https://github.com/awslabs/aws-c-auth/blob/main/source/key_derivation.c
 */
export function deriveVerifyingKey({ accessKeyId }: Pick<SigningPurpose, 'accessKeyId'>, secret: KeyObject): KeyObject {
  const key = prefixed('AWS4A', secret)
  const context = Buffer.from(accessKeyId, 'latin1')
  try {
    for (let counter = 1; counter < 255; counter++) {
      const candidate = createHmac('sha256', key)
        .update(Buffer.from([0, 0, 0, 1]))
        .update(ECDSA)
        .update(Buffer.from([0]))
        .update(context)
        .update(Buffer.from([counter, 0, 0, 1, 0]))
        .digest()
      const value = BigInt(`0x${candidate.toString('hex')}`)
      if (value > N_MINUS_2) continue
      const scalar = Buffer.from((value + 1n).toString(16).padStart(64, '0'), 'hex')
      const der = Buffer.concat([PKCS8_P256, scalar])
      const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
      for (const used of [candidate, scalar, der]) used.fill(0)
      return publicKey
    }
  } finally {
    key.fill(0)
  }
  throw new Error('no SigV4a key can be derived') // 254 outputs beyond n-2: never
}

function prefixed(prefix: string, secret: KeyObject): Buffer {
  const raw = secret.export()
  const joined = Buffer.concat([Buffer.from(prefix), raw])
  raw.fill(0)
  return joined
}
