// The stored form of a secret value, format 1: encrypted under the data key of its version and bound to secret, version and kind,
// so that it opens nowhere else.
//   0 format 01 | 1 kind: 01 string, 02 binary | 2 IV[12] | 14 ciphertext, tag[16]

import type { KeyObject } from 'node:crypto'
import { decryptSplit, encrypt, IV_BYTES, type RandomBytes, splitTag, systemRandomBytes, TAG_BYTES } from './aead.ts'
import { lengthPrefixed } from './length-prefix.ts'

export type ValueKind = 'string' | 'binary'

/** Where a value belongs. */
export type ValuePlace = { readonly secretArn: string; readonly versionId: string }

const FORMAT = 0x01
const KINDS: { readonly [kind in ValueKind]: number } = { string: 0x01, binary: 0x02 }
const LABEL = 'secret-value/1'
const IV_AT = 2
const HEADER_BYTES = IV_AT + IV_BYTES

/** What a stored value has beyond its plaintext. */
export const VALUE_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES

/** `plaintext` is the UTF-8 of a string, or the bytes of a binary. `random` is for vectors only. */
export function sealValue(
  key: KeyObject,
  place: ValuePlace,
  kind: ValueKind,
  plaintext: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): Buffer {
  const iv = random(IV_BYTES)
  const header = Uint8Array.of(FORMAT, KINDS[kind])
  return Buffer.concat([header, iv, encrypt(key, iv, plaintext, aadOf(place, kind))])
}

export type OpenedValue = { readonly kind: ValueKind; readonly plaintext: Buffer }

/** Undefined where the bytes were altered or belong to another secret, version, kind or key. The caller zeroes the plaintext. */
export function openValue(key: KeyObject, place: ValuePlace, stored: Uint8Array): OpenedValue | undefined {
  const parts = takeApart(place, stored)
  return parts && openParts(key, parts)
}

/** A stored value as it is opened, for who opens it often. */
export type ValueParts = {
  readonly kind: ValueKind
  readonly iv: Uint8Array
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
  readonly aad: Uint8Array
}

/** Undefined where the bytes are not in this format. */
export function takeApart(place: ValuePlace, stored: Uint8Array): ValueParts | undefined {
  if (stored.length < VALUE_OVERHEAD_BYTES || stored[0] !== FORMAT) return undefined
  const kind = stored[1] === KINDS.string ? 'string' : stored[1] === KINDS.binary ? 'binary' : undefined
  if (kind === undefined) return undefined
  const iv = stored.subarray(IV_AT, HEADER_BYTES)
  return { kind, iv, ...splitTag(stored.subarray(HEADER_BYTES)), aad: aadOf(place, kind) }
}

/** @returns as openValue */
export function openParts(key: KeyObject, { kind, iv, ciphertext, tag, aad }: ValueParts): OpenedValue | undefined {
  const plaintext = decryptSplit(key, iv, ciphertext, tag, aad)
  return plaintext && { kind, plaintext }
}

const aadOf = ({ secretArn, versionId }: ValuePlace, kind: ValueKind): Buffer =>
  lengthPrefixed([LABEL, secretArn, versionId, kind])
