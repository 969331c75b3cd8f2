// The ciphertext blob of KMS, format 1: a promise to every ciphertext ever handed out. docs/keys.md has the table, vectors.json
// the bytes.
//   0 01 02 | 2 format 01 | 3 flags 00 | 4 material id[32] | 36 KDF nonce[16] | 52 IV[12] | 64 key commitment[32] | 96 ciphertext, tag[16]

import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, IV_BYTES, KEY_BYTES, type RandomBytes, systemRandomBytes, TAG_BYTES } from './aead.ts'
import { deriveKey, kbkdf } from './kbkdf.ts'
import { hmacSha256, MAC_BYTES, sameBytes } from './mac.ts'

/** AWS's blobs start with these bytes too: `AQI...` in base64. */
const MAGIC = [0x01, 0x02] as const
const FORMAT = 0x01
const FLAGS = 0x00

const ID_AT = 4
const NONCE_AT = 36
const NONCE_BYTES = 16
const IV_AT = 52
const COMMITMENT_AT = 64
const HEADER_BYTES = 96

export const MATERIAL_ID_BYTES = 32
/** What a blob has beyond its plaintext. */
export const BLOB_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES
/** The most that KMS's API takes. */
export const BLOB_BYTES_MAX = 6144

const KDF_LABEL = 'kms/blob/v1'
const MATERIAL_ID_LABEL = 'kms/kmid'

/**
 * Names key material in every ciphertext made with it. A MAC of the key id under the material: the same for the same material
 * imported again, unrelated between keys, and silent about the material.
 */
export function materialId(material: KeyObject, keyId: string): Buffer {
  return hmacSha256(deriveKey(material, MATERIAL_ID_LABEL, new Uint8Array()), Buffer.from(keyId))
}

/** The id of the material that a blob needs; undefined where the bytes are no blob of a known format. */
export function findMaterialId(blob: Uint8Array): Buffer | undefined {
  if (blob.length < BLOB_OVERHEAD_BYTES || blob.length > BLOB_BYTES_MAX) return undefined
  if (blob[0] !== MAGIC[0] || blob[1] !== MAGIC[1] || blob[2] !== FORMAT || blob[3] !== FLAGS) return undefined
  return Buffer.from(blob.buffer, blob.byteOffset + ID_AT, MATERIAL_ID_BYTES)
}

/** `context` is canonical (encryption-context.ts). `random` is for vectors only. */
export function sealBlob(
  material: KeyObject,
  id: Uint8Array,
  plaintext: Uint8Array,
  context: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): Buffer {
  if (id.length !== MATERIAL_ID_BYTES) throw new RangeError(`a material id has ${MATERIAL_ID_BYTES} bytes`)
  if (plaintext.length > BLOB_BYTES_MAX - BLOB_OVERHEAD_BYTES) throw new RangeError('a plaintext this long has no blob')

  const header = Buffer.alloc(HEADER_BYTES)
  header.set([...MAGIC, FORMAT, FLAGS])
  header.set(id, ID_AT)
  header.set(random(NONCE_BYTES), NONCE_AT)
  header.set(random(IV_BYTES), IV_AT)
  const { key, commitment } = messageKey(material, header)
  header.set(commitment, COMMITMENT_AT)

  const sealed = encrypt(key, header.subarray(IV_AT, COMMITMENT_AT), plaintext, Buffer.concat([header, context]))
  return Buffer.concat([header, sealed])
}

/**
 * Undefined, and nothing more, where anything at all does not fit: format, material, commitment, context, tag. The commitment comes
 * first, so that one blob cannot be made to open under two keys. The caller zeroes the plaintext.
 */
export function openBlob(material: KeyObject, blob: Uint8Array, context: Uint8Array): Buffer | undefined {
  const key = findMessageKey(material, blob)
  return key && openMessage(key, blob, context)
}

/** What decides about the key of a blob: the same for the same material, nonce, IV and commitment. */
export const headerOf = (blob: Uint8Array): string =>
  Buffer.from(blob.buffer, blob.byteOffset, Math.min(blob.length, HEADER_BYTES)).toString('latin1')

/** The key of one blob, which opens no other, where format, material and commitment fit. */
export function findMessageKey(material: KeyObject, blob: Uint8Array): KeyObject | undefined {
  if (findMaterialId(blob) === undefined) return undefined
  const header = blob.subarray(0, HEADER_BYTES)
  const { key, commitment } = messageKey(material, header)
  return sameBytes(commitment, header.subarray(COMMITMENT_AT)) ? key : undefined
}

/** What a blob holds, under the key that findMessageKey gave for it; undefined where the context or the tag does not fit. */
export function openMessage(key: KeyObject, blob: Uint8Array, context: Uint8Array): Buffer | undefined {
  const header = blob.subarray(0, HEADER_BYTES)
  const aad = Buffer.concat([header, context])
  return decrypt(key, header.subarray(IV_AT, COMMITMENT_AT), blob.subarray(HEADER_BYTES), aad)
}

/** A key for one message, derived from material id and nonce, so that random IVs never meet under one key. */
function messageKey(material: KeyObject, header: Uint8Array): { key: KeyObject; commitment: Buffer } {
  const output = kbkdf(material, KDF_LABEL, header.subarray(ID_AT, IV_AT), KEY_BYTES + MAC_BYTES)
  const key = createSecretKey(output.subarray(0, KEY_BYTES))
  const commitment = Buffer.from(output.subarray(KEY_BYTES))
  output.fill(0)
  return { key, commitment }
}
