// The key set of an identity provider that was uploaded, because the server cannot reach the issuer: read strictly, so that what a token is
// checked with later is a public key of a kind that is known to be sound.
// https://www.rfc-editor.org/rfc/rfc7517

import { createPublicKey, type webcrypto } from 'node:crypto'
import * as errors from './errors.ts'
import type { ProviderKey } from './model.ts'

/** Bytes of the document, in UTF-8. An issuer has a few keys of half a KiB each. */
export const PROVIDER_KEYS_BYTES_MAX = 32_768
const KEYS_MAX = 50
const KEY_ID_CHARACTERS_MAX = 256
const RSA_BITS = { least: 2_048, most: 8_192 } as const
const RSA_EXPONENT_MAX = 0xffffffffn

/** Signature algorithms by the type of the key, of elliptic curves by the curve. https://www.rfc-editor.org/rfc/rfc7518#section-3.1 */
const ALGORITHMS: { readonly [type: string]: readonly string[] } = {
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
}

/** Of RSA, of elliptic curves and of octet sequences. https://www.rfc-editor.org/rfc/rfc7518#section-6 */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * The keys of a JWK Set in JSON, in its order: the members that verifying needs, and no others.
 * @throws InvalidParameterException, which tells of the document no more than the ids of its keys.
 */
export function parseProviderKeys(document: string): readonly ProviderKey[] {
  if (Buffer.byteLength(document) > PROVIDER_KEYS_BYTES_MAX) {
    throw errors.invalidProviderKeys(`it has more than ${PROVIDER_KEYS_BYTES_MAX} bytes`)
  }
  const keys = membersOf(parseJson(document)).keys
  if (!Array.isArray(keys) || keys.length === 0) throw errors.invalidProviderKeys('it has no list of keys')
  if (keys.length > KEYS_MAX) throw errors.invalidProviderKeys(`it has more than ${KEYS_MAX} keys`)
  const parsed = keys.map(parseKey)
  const ids = new Set(parsed.map(({ kid }) => kid))
  if (ids.size < parsed.length) throw errors.invalidProviderKeys('two of its keys have the same kid')
  return parsed
}

function parseKey(value: unknown): ProviderKey {
  const key = membersOf(value)
  const { kid } = key
  if (typeof kid !== 'string' || kid === '' || kid.length > KEY_ID_CHARACTERS_MAX) {
    throw errors.invalidProviderKeys(`every key must have a kid of 1 to ${KEY_ID_CHARACTERS_MAX} characters`)
  }
  const refuse = (reason: string): never => {
    throw errors.invalidProviderKeys(`the key ${kid} ${reason}`)
  }
  if (PRIVATE_MEMBERS.some((member) => key[member] !== undefined)) {
    refuse('is not a public key: take it for known to others, and upload the public keys alone')
  }
  if (key.use !== undefined && key.use !== 'sig') refuse('is not for signatures')
  const { kty, crv } = key
  const algorithms = ALGORITHMS[kty === 'EC' ? String(crv) : kty === 'RSA' ? kty : '']
  if (algorithms === undefined) return refuse('is neither an RSA key nor one of the curves P-256, P-384 and P-521')
  if (key.alg !== undefined && !algorithms.includes(key.alg as string)) {
    refuse(`must have one of the algorithms ${algorithms.join(', ')}`)
  }
  const alg = key.alg === undefined ? {} : { alg: key.alg as string }
  const numbers = kty === 'RSA' ? { n: key.n, e: key.e } : { crv, x: key.x, y: key.y }
  if (!Object.values(numbers).every((number) => typeof number === 'string')) refuse('lacks a part')
  const jwk = { kty, ...numbers } as webcrypto.JsonWebKey
  if (!isSound(jwk)) {
    refuse(`is malformed, or an RSA key of less than ${RSA_BITS.least} or more than ${RSA_BITS.most} bits`)
  }
  return { ...jwk, ...alg, kid, use: 'sig' } as ProviderKey
}

function isSound(jwk: webcrypto.JsonWebKey): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk, format: 'jwk' })
    const { modulusLength, publicExponent } = asymmetricKeyDetails!
    if (modulusLength === undefined) return true
    // An even or a huge exponent verifies nothing, or takes long to.
    const exponent = publicExponent!
    const soundExponent = exponent >= 3n && exponent % 2n === 1n && exponent <= RSA_EXPONENT_MAX
    return soundExponent && modulusLength >= RSA_BITS.least && modulusLength <= RSA_BITS.most
  } catch {
    return false
  }
}

function parseJson(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    throw errors.invalidProviderKeys('it is not JSON')
  }
}

function membersOf(value: unknown): { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.invalidProviderKeys('it is not an object with a list of keys, each an object')
  }
  return value as { readonly [name: string]: unknown }
}
