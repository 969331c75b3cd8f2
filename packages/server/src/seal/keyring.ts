// The keyring: the versioned domain keys from which everything the server seals is derived. Synchronous: all keys are in memory.

import type { KeyObject } from 'node:crypto'
import { decrypt, encrypt, IV_BYTES, TAG_BYTES } from '../crypto/aead.ts'
import { deriveKey } from '../crypto/kbkdf.ts'
import { lengthPrefixed } from '../crypto/length-prefix.ts'
import { hmacSha256, MAC_BYTES, sameBytes } from '../crypto/mac.ts'

/** What a MAC or a sealed value is for; keys of different families and purposes are unrelated. */
export type MacFamily = 'row' | 'audit' | 'token'

export type Keyring = {
  /** Names this installation in every binding; made at first start. */
  readonly instanceId: string

  /** `u32 key version ‖ HMAC-SHA256` over the parts in order, each length-prefixed, under the newest key of the purpose. */
  mac(family: MacFamily, purpose: string, parts: readonly Uint8Array[]): Uint8Array
  /** In constant time; false also where the key version is unknown. */
  verify(family: MacFamily, purpose: string, mac: Uint8Array, parts: readonly Uint8Array[]): boolean

  /** Authenticated encryption under the newest domain key: `u32 key version ‖ iv ‖ ciphertext ‖ tag`. */
  seal(purpose: string, plaintext: Uint8Array, aad: readonly Uint8Array[]): Uint8Array
  /** Undefined where the sealed bytes, the purpose or the AAD differ. The caller zeroes the plaintext after use. */
  open(purpose: string, sealed: Uint8Array, aad: readonly Uint8Array[]): Buffer | undefined

  /** The newest key of a purpose and its version, for a format of its own that names the version, as session tokens have. */
  newestKey(family: MacFamily, purpose: string): { readonly version: number; readonly key: KeyObject }
  /** Undefined where the version is unknown. */
  findKey(family: MacFamily, purpose: string, version: number): KeyObject | undefined
}

/** `domain` keys seal and open, the others make MACs. */
export type KeyFamily = 'domain' | MacFamily
export const KEY_FAMILIES: readonly KeyFamily[] = ['domain', 'row', 'token', 'audit']

/** One version of a family's key. Times are milliseconds since the epoch, wall clock. */
export type DomainKey = {
  readonly family: KeyFamily
  /** From 1, rising. */
  readonly version: number
  readonly createdAt: number
  /** Known to every process before it is used by any: seals only from here on. Verifies and opens at once. */
  readonly activeFrom: number
  readonly key: KeyObject
}

/** A keyring whose keys another process may add to or retire. */
export type ChangingKeyring = Keyring & {
  /** The version that seals now. */
  activeVersion(family: KeyFamily): number
  /** Takes over the keys as stored now. New versions wait for `activationDelayMs` here, whatever the clocks of others say. */
  adopt(keys: readonly DomainKey[]): void
  keys(): readonly DomainKey[]
  /** For what this process sealed or opened something since it started. */
  sealedPurposes(): ReadonlySet<string>
}

/** Every purpose under which something lasting is sealed. A new one is named here, and has a SealedTable (rotate.ts). */
export const SEALED_PURPOSES = [
  'kms/material',
  'iam-access-key',
  'iam-mfa-seed',
  'lambda/function',
  'ssm/parameter',
] as const

export type KeyringOptions = {
  readonly wallNow: () => number
  readonly randomBytes: (size: number) => Uint8Array
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicNow?: () => number
  /** How long a new key version is known before it seals: longer than any process takes to notice it. 5,000 unless told. */
  readonly activationDelayMs?: number
  /** A MAC or sealed bytes named a version that is not here: another process may have made one. */
  readonly onUnknownVersion?: () => void
}

export const ACTIVATION_DELAY_MS = 5_000

const VERSION_BYTES = 4

/** One key with what was derived from it. Purposes are constants of the program, so the map stays small. */
type Entry = DomainKey & { readonly seenAt: number; readonly derived: Map<string, KeyObject> }
type Family = { readonly entries: Map<number, Entry>; active: Entry; pending: Entry[] }

/** @throws RangeError where a family has no key. */
export function createKeyring(
  instanceId: string,
  initial: readonly DomainKey[],
  options: KeyringOptions,
): ChangingKeyring {
  const { wallNow, randomBytes, onUnknownVersion } = options
  const monotonicNow = options.monotonicNow ?? (() => performance.now())
  const delayMs = options.activationDelayMs ?? ACTIVATION_DELAY_MS
  let families = new Map<KeyFamily, Family>()

  const isDue = (entry: Entry): boolean => wallNow() >= entry.activeFrom && monotonicNow() >= entry.seenAt + delayMs

  const familyOf = (name: KeyFamily, keys: readonly DomainKey[], known: Family | undefined): Family => {
    const seenAt = known === undefined ? Number.NEGATIVE_INFINITY : monotonicNow()
    const sorted = keys.filter(({ family }) => family === name).sort((a, b) => a.version - b.version)
    const entries = sorted.map(
      (key): Entry => known?.entries.get(key.version) ?? { ...key, seenAt, derived: new Map() },
    )
    const oldest = entries[0]
    if (oldest === undefined) throw new RangeError(`the keyring has no ${name} key`)
    // A key that has sealed goes on sealing, even if the wall clock goes back behind its activation.
    const stays = known && entries.find(({ version }) => version === known.active.version)
    const active = entries.findLast(isDue) ?? oldest
    return settle({
      entries: new Map(entries.map((entry) => [entry.version, entry])),
      active: stays && stays.version > active.version ? stays : active,
      pending: entries,
    })
  }

  /** Moves the active version on where one has become due. */
  const settle = (family: Family): Family => {
    for (const entry of family.pending) if (entry.version > family.active.version && isDue(entry)) family.active = entry
    family.pending = family.pending.filter(({ version }) => version > family.active.version)
    return family
  }

  const active = (name: KeyFamily): Entry => {
    const family = families.get(name)!
    return family.pending.length === 0 ? family.active : settle(family).active
  }

  const named = (name: KeyFamily, version: number): Entry | undefined => {
    const entry = families.get(name)!.entries.get(version)
    if (entry === undefined) onUnknownVersion?.()
    return entry
  }

  const derived = (entry: Entry, purpose: string): KeyObject => {
    const known = entry.derived.get(purpose)
    if (known !== undefined) return known
    const label = entry.family === 'domain' ? 'seal/1' : `mac/${entry.family}/1`
    const key = deriveKey(entry.key, label, lengthPrefixed([instanceId, purpose]))
    entry.derived.set(purpose, key)
    return key
  }

  const adopt = (keys: readonly DomainKey[]): void => {
    families = new Map(KEY_FAMILIES.map((name) => [name, familyOf(name, keys, families.get(name))]))
  }
  adopt(initial)

  return {
    instanceId,

    mac: (family, purpose, parts) => {
      const entry = active(family)
      const mac = Buffer.allocUnsafe(VERSION_BYTES + MAC_BYTES)
      mac.writeUInt32BE(entry.version)
      mac.set(hmacSha256(derived(entry, purpose), lengthPrefixed(parts)), VERSION_BYTES)
      return mac
    },

    verify: (family, purpose, mac, parts) => {
      if (mac.length !== VERSION_BYTES + MAC_BYTES) return false
      const entry = named(family, sealedVersion(mac))
      if (entry === undefined) return false
      return sameBytes(hmacSha256(derived(entry, purpose), lengthPrefixed(parts)), mac.subarray(VERSION_BYTES))
    },

    seal: (purpose, plaintext, aad) => {
      const entry = active('domain')
      const head = Buffer.allocUnsafe(VERSION_BYTES)
      head.writeUInt32BE(entry.version)
      const iv = randomBytes(IV_BYTES)
      return Buffer.concat([head, iv, encrypt(derived(entry, purpose), iv, plaintext, sealAad(head, aad))])
    },

    open: (purpose, sealed, aad) => {
      if (sealed.length < VERSION_BYTES + IV_BYTES + TAG_BYTES) return undefined
      const entry = named('domain', sealedVersion(sealed))
      if (entry === undefined) return undefined
      const iv = sealed.subarray(VERSION_BYTES, VERSION_BYTES + IV_BYTES)
      const body = sealed.subarray(VERSION_BYTES + IV_BYTES)
      return decrypt(derived(entry, purpose), iv, body, sealAad(sealed.subarray(0, VERSION_BYTES), aad))
    },

    newestKey: (family, purpose) => {
      const entry = active(family)
      return { version: entry.version, key: derived(entry, purpose) }
    },

    findKey: (family, purpose, version) => {
      const entry = named(family, version)
      return entry && derived(entry, purpose)
    },

    activeVersion: (family) => active(family).version,
    adopt,
    sealedPurposes: () => {
      const { entries } = families.get('domain')!
      return new Set([...entries.values()].flatMap(({ derived: keys }) => [...keys.keys()]))
    },
    keys: () => [...families.values()].flatMap(({ entries }) => [...entries.values()]),
  }
}

/** The key version that sealed these bytes, for the column that finds them when domain keys are rotated. */
export const sealedVersion = (sealed: Uint8Array): number =>
  Buffer.from(sealed.buffer, sealed.byteOffset, VERSION_BYTES).readUInt32BE()

const sealAad = (version: Uint8Array, aad: readonly Uint8Array[]): Buffer =>
  Buffer.concat([version, lengthPrefixed(aad)])
