// Key material: made for a key spec, and opened for use. It is the raw key of symmetric and HMAC specs, and PKCS#8 DER of the others
// (the 32-byte seed form for ML-DSA). Whoever holds material zeroes it; what is opened lives in a KeyObject.

import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { promisify } from 'node:util'
import { CryptoError } from './crypto-error.ts'
import { derHeader, TAG } from './der.ts'
import type { RsaGeneration } from './rsa-thread.ts'
import {
  type AsymmetricSpec,
  ECC,
  HMAC,
  type HmacSpec,
  isEcc,
  isHmac,
  isMlDsa,
  isRsa,
  type KeySpec,
  ML_DSA,
  RSA_BITS,
  RSA_EXPONENT,
  type RsaSpec,
} from './spec.ts'
import { Thread } from './thread.ts'

export const SYMMETRIC_BYTES = 32

/** How many RSA keys may be in the making. */
export const RSA_WAITING_MAX = 16

/** The SPKI of RSA_4096 has 550. */
const RSA_SPKI_BYTES_MAX = 600

export type PrivateKey = { readonly spec: AsymmetricSpec; readonly privateKey: KeyObject }
export type PublicKey = { readonly spec: AsymmetricSpec; readonly publicKey: KeyObject }
export type MacKey = { readonly spec: HmacSpec; readonly secretKey: KeyObject }

/** One at a time, on a thread of low priority. */
const rsaThread = new Thread<RsaGeneration>(new URL('./rsa-thread.ts', import.meta.url), RSA_WAITING_MAX)

/**
 * Fresh material. The caller zeroes the bytes.
 * @throws CryptoError 'busy' where too many RSA keys are asked for at once
 */
export async function generateKeyMaterial(spec: KeySpec): Promise<Buffer> {
  if (spec === 'SYMMETRIC_DEFAULT') return randomBytes(SYMMETRIC_BYTES)
  if (isHmac(spec)) return randomBytes(HMAC[spec].bytes)
  if (isRsa(spec)) return asBuffer(await rsaThread.run<Uint8Array>({ spec }))
  const { privateKey } = await generatePair(spec)
  return privateKey.export({ type: 'pkcs8', format: 'der' })
}

function generatePair(spec: Exclude<AsymmetricSpec, RsaSpec>): Promise<{ readonly privateKey: KeyObject }> {
  const generate = promisify(generateKeyPair)
  if (isEcc(spec)) return generate('ec', { namedCurve: ECC[spec].curve })
  if (isMlDsa(spec)) return generate(ML_DSA[spec].name, {})
  return generate('ed25519', {})
}

/** @throws CryptoError 'key-material' where the material is not PKCS#8 of this very spec */
export function openPrivateKey(spec: AsymmetricSpec, material: Uint8Array): PrivateKey {
  const privateKey = parsed(() => createPrivateKey({ key: asBuffer(material), format: 'der', type: 'pkcs8' }))
  if (privateKey === undefined || !isOfSpec(spec, privateKey))
    throw new CryptoError('key-material', `The key material is not of key spec ${spec}`)
  return { spec, privateKey }
}

/** @throws CryptoError 'key-material' where the material has another length than the spec's keys */
export function openMacKey(spec: HmacSpec, material: Uint8Array): MacKey {
  if (material.length !== HMAC[spec].bytes)
    throw new CryptoError('key-material', `The key material is not of key spec ${spec}`)
  return { spec, secretKey: createSecretKey(material) }
}

/** SubjectPublicKeyInfo DER, as GetPublicKey returns it: curves by name, points uncompressed. */
export function publicKeyDer({ privateKey }: PrivateKey): Buffer {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
}

/**
 * Opens SubjectPublicKeyInfo DER of a spec in the one form that `publicKeyDer` writes. The header is compared before anything is parsed, since
 * OpenSSL also takes curves with parameters of the sender's choice; that the point is on the curve is checked by OpenSSL.
 * @throws CryptoError 'public-key'
 */
export function openPublicKey(spec: AsymmetricSpec, spki: Uint8Array): PublicKey {
  const publicKey = hasHeaderOf(spec, spki)
    ? parsed(() => createPublicKey({ key: asBuffer(spki), format: 'der', type: 'spki' }))
    : undefined
  if (
    publicKey === undefined ||
    !isOfSpec(spec, publicKey) ||
    !publicKey.export({ type: 'spki', format: 'der' }).equals(spki)
  )
    throw new CryptoError('public-key', `The public key is not a DER-encoded X.509 public key of key spec ${spec}`)
  return { spec, publicKey }
}

/** For RSA, whose SPKI has no choices, the comparison after parsing does; for the others nothing but the header's own bytes is parsed. */
function hasHeaderOf(spec: AsymmetricSpec, spki: Uint8Array): boolean {
  if (isRsa(spec)) return spki.length <= RSA_SPKI_BYTES_MAX
  const header = spkiHeader(spec)
  return spki.length === header.length + pointBytes(spec) && header.equals(spki.subarray(0, header.length))
}

/** The AlgorithmIdentifier of a spec in PKCS#8 and SPKI, DER. */
export function algorithmIdOf(spec: AsymmetricSpec): Buffer {
  if (isRsa(spec)) return Buffer.from('300d06092a864886f70d0101010500', 'hex')
  if (isEcc(spec)) return Buffer.from(ECC[spec].algorithmId, 'hex')
  return Buffer.from(isMlDsa(spec) ? ML_DSA[spec].algorithmId : '300506032b6570', 'hex')
}

/** Everything of an SPKI before the key's own bytes; for a curve with the 04 of an uncompressed point. */
function spkiHeader(spec: Exclude<AsymmetricSpec, RsaSpec>): Buffer {
  const algorithmId = algorithmIdOf(spec)
  const lead = isEcc(spec) ? Uint8Array.of(0x00, 0x04) : Uint8Array.of(0x00)
  const bitString = derHeader(TAG.bitString, lead.length + pointBytes(spec))
  const sequence = derHeader(TAG.sequence, algorithmId.length + bitString.length + lead.length + pointBytes(spec))
  return Buffer.concat([sequence, algorithmId, bitString, lead])
}

function pointBytes(spec: Exclude<AsymmetricSpec, RsaSpec>): number {
  if (isEcc(spec)) return 2 * ECC[spec].bytes
  return isMlDsa(spec) ? ML_DSA[spec].publicKeyBytes : 32
}

function isOfSpec(
  spec: AsymmetricSpec,
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
): boolean {
  if (isRsa(spec))
    return type === 'rsa' && details?.modulusLength === RSA_BITS[spec] && details.publicExponent === RSA_EXPONENT
  if (isEcc(spec)) return type === 'ec' && details?.namedCurve === ECC[spec].curve
  return type === (isMlDsa(spec) ? ML_DSA[spec].name : 'ed25519')
}

/** Undefined where OpenSSL does not take the bytes. Its own words may tell of them, so they go no further. */
function parsed(parse: () => KeyObject): KeyObject | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

/** The same bytes, as node:crypto wants them. */
export const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
