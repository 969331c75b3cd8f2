// The bytes of the keyring row. The header is plain: an instance, and slots that each wrap one keyring key under one root key. The
// sealed part holds the domain keys under the keyring key, bound to the header and to the row's rev. docs/keys.md has the tables.

import { createSecretKey, hash, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, IV_BYTES, KEY_BYTES } from '../crypto/aead.ts'
import { lengthPrefixed } from '../crypto/length-prefix.ts'
import { sameBytes } from '../crypto/mac.ts'
import { DamagedKeyringError } from './errors.ts'
import { type DomainKey, KEY_FAMILIES } from './keyring.ts'

export type RootKeyKind = 'file' | 'credential' | 'env' | 'shamir' | 'aws-kms' | 'pkcs11'

/** The set that the shares of one Shamir slot belong to. */
export type ShareSet = {
  /** 16 digits, hexadecimal. */
  readonly set: string
  /** How many shares there are, and how many of them open the slot. */
  readonly shares: number
  readonly threshold: number
}

export type Slot = {
  readonly id: string
  /** Which kind of provider made the slot; any provider with the same root key opens it. */
  readonly kind: RootKeyKind
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** For people: where its key was when the slot was made. Never read to find the key: whoever writes the database would choose it. */
  readonly where?: string
  readonly shareSet?: ShareSet
  /** Tells a wrong root key from a damaged slot; empty where the key cannot leave its device. */
  readonly check: Uint8Array
  readonly wrapped: Uint8Array
}

export type Header = {
  readonly instanceId: string
  /** Rises with each new keyring key. */
  readonly keyringVersion: number
  readonly slots: readonly Slot[]
}

const MAGIC = Buffer.from('SRKR')
const FORMAT = 1
const CHECKSUM_BYTES = 32
const JSON_AT = MAGIC.length + 1
const HEADER_BYTES_MAX = 65_536
export const SLOTS_MAX = 16

/** `"SRKR" ‖ 01 ‖ JSON ‖ SHA-256 of all before`. The checksum finds damage; the seal, which covers these bytes, finds tampering. */
export function encodeHeader(header: Header): Buffer {
  if (header.slots.length < 1 || header.slots.length > SLOTS_MAX)
    throw new RangeError(`a keyring has 1 to ${SLOTS_MAX} slots`)
  const json = JSON.stringify({
    instanceId: header.instanceId,
    keyringVersion: header.keyringVersion,
    slots: header.slots.map(({ id, kind, createdAt, where, shareSet, check, wrapped }) => ({
      id,
      kind,
      createdAt,
      where,
      shareSet,
      check: Buffer.from(check).toString('base64'),
      wrapped: Buffer.from(wrapped).toString('base64'),
    })),
  })
  const body = Buffer.concat([MAGIC, Uint8Array.of(FORMAT), Buffer.from(json)])
  return Buffer.concat([body, hash('sha256', body, 'buffer')])
}

/** @throws DamagedKeyringError */
export function decodeHeader(bytes: Uint8Array): Header {
  const end = bytes.length - CHECKSUM_BYTES
  if (end < JSON_AT || bytes.length > HEADER_BYTES_MAX || !sameBytes(bytes.subarray(0, MAGIC.length), MAGIC))
    throw new DamagedKeyringError('the keyring is damaged: its header is not one of a keyring')
  if (!sameBytes(hash('sha256', bytes.subarray(0, end), 'buffer'), bytes.subarray(end)))
    throw new DamagedKeyringError('the keyring is damaged: its header does not have its checksum')
  if (bytes[MAGIC.length] !== FORMAT)
    throw new DamagedKeyringError(`the keyring has format ${bytes[MAGIC.length]}, unknown to this server`)
  try {
    const parsed = JSON.parse(Buffer.from(bytes.subarray(JSON_AT, end)).toString()) as HeaderJson
    const slots = parsed.slots.map(({ id, kind, createdAt, where, shareSet, check, wrapped }) => ({
      id,
      kind,
      createdAt,
      ...(where !== undefined && { where }),
      ...(shareSet !== undefined && { shareSet }),
      check: Buffer.from(check, 'base64'),
      wrapped: Buffer.from(wrapped, 'base64'),
    }))
    return { instanceId: parsed.instanceId, keyringVersion: parsed.keyringVersion, slots }
  } catch {
    throw new DamagedKeyringError('the keyring is damaged: its header cannot be read')
  }
}

type HeaderJson = Omit<Header, 'slots'> & {
  readonly slots: readonly (Omit<Slot, 'check' | 'wrapped'> & { readonly check: string; readonly wrapped: string })[]
}

/** What a slot is bound to: moved to another instance, slot or keyring version it does not open. */
export type SlotBinding = {
  readonly instanceId: string
  readonly keyringVersion: number
  readonly slotId: string
  /** All three, as authenticated data. */
  readonly bytes: Buffer
}

export const slotBinding = (instanceId: string, keyringVersion: number, slotId: string): SlotBinding => ({
  instanceId,
  keyringVersion,
  slotId,
  bytes: lengthPrefixed(['keyring-slot/1', instanceId, slotId, `${keyringVersion}`]),
})

const KEY_ENTRY_BYTES = 1 + 4 + 8 + 8 + KEY_BYTES
const KEYS_MAX = 10_000

/** `01 ‖ IV ‖ ciphertext ‖ tag` of `(u8 family ‖ u32 version ‖ u64 createdAt ‖ u64 activeFrom ‖ key[32])*`. */
export function sealKeys(
  keyringKey: KeyObject,
  header: Uint8Array,
  rev: number,
  keys: readonly DomainKey[],
  randomBytes: (size: number) => Uint8Array,
): Buffer {
  const plaintext = Buffer.allocUnsafeSlow(keys.length * KEY_ENTRY_BYTES)
  let at = 0
  for (const { family, version, createdAt, activeFrom, key } of keys) {
    at = plaintext.writeUInt8(KEY_FAMILIES.indexOf(family) + 1, at)
    at = plaintext.writeUInt32BE(version, at)
    at = plaintext.writeBigUInt64BE(BigInt(createdAt), at)
    at = plaintext.writeBigUInt64BE(BigInt(activeFrom), at)
    const bytes = key.export()
    plaintext.set(bytes, at)
    bytes.fill(0)
    at += KEY_BYTES
  }
  const iv = randomBytes(IV_BYTES)
  const sealed = Buffer.concat([Uint8Array.of(FORMAT), iv, encrypt(keyringKey, iv, plaintext, keysAad(header, rev))])
  plaintext.fill(0)
  return sealed
}

/** @throws DamagedKeyringError */
export function openKeys(keyringKey: KeyObject, header: Uint8Array, rev: number, sealed: Uint8Array): DomainKey[] {
  const iv = sealed.subarray(1, 1 + IV_BYTES)
  const plaintext =
    sealed[0] === FORMAT && iv.length === IV_BYTES
      ? decrypt(keyringKey, iv, sealed.subarray(1 + IV_BYTES), keysAad(header, rev))
      : undefined
  if (plaintext === undefined)
    throw new DamagedKeyringError('the keyring is damaged: a root key fits, but its sealed part does not open')
  try {
    return decodeKeys(plaintext)
  } finally {
    plaintext.fill(0)
  }
}

function decodeKeys(plaintext: Buffer): DomainKey[] {
  const count = plaintext.length / KEY_ENTRY_BYTES
  if (!Number.isInteger(count) || count > KEYS_MAX)
    throw new DamagedKeyringError('the keyring is damaged: its sealed part has a wrong length')
  const keys: DomainKey[] = []
  for (let at = 0; at < plaintext.length; at += KEY_ENTRY_BYTES) {
    const family = KEY_FAMILIES[plaintext.readUInt8(at) - 1]
    if (family === undefined) throw new DamagedKeyringError('the keyring holds a key family unknown to this server')
    keys.push({
      family,
      version: plaintext.readUInt32BE(at + 1),
      createdAt: Number(plaintext.readBigUInt64BE(at + 5)),
      activeFrom: Number(plaintext.readBigUInt64BE(at + 13)),
      key: createSecretKey(plaintext.subarray(at + 21, at + KEY_ENTRY_BYTES)),
    })
  }
  return keys
}

function keysAad(header: Uint8Array, rev: number): Buffer {
  const revBytes = Buffer.allocUnsafe(8)
  revBytes.writeBigUInt64BE(BigInt(rev))
  return lengthPrefixed(['keyring/1', header, revBytes])
}
