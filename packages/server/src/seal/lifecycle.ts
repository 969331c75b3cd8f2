// The keyring from first start to last: made once, opened at each start by any root key that fits a slot, and followed while other
// processes change it.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { KEY_BYTES } from '../crypto/aead.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { DamagedKeyringError, MissingKeyringError, WrongRootKeyError } from './errors.ts'
import { type ChangingKeyring, createKeyring, type DomainKey, KEY_FAMILIES, type KeyringOptions } from './keyring.ts'
import {
  decodeHeader,
  encodeHeader,
  type Header,
  openKeys,
  type Slot,
  type SlotBinding,
  sealKeys,
  slotBinding,
} from './keyring-format.ts'
import type { FileRootKeyProvider, RootKeyProvider } from './root-key.ts'
import { findKeyring, findKeyringRev, hasSealedRows, insertKeyring, type KeyringRow, saveKeyring } from './store.ts'

/** A keyring that follows its row in the database. */
export type LiveKeyring = ChangingKeyring & {
  readonly database: Database
  /** The root keys of this process; the keyring needs one of them. */
  readonly providers: readonly RootKeyProvider[]
  /** From now on these root keys are those of this process. */
  useRootKeys(providers: readonly RootKeyProvider[]): void
  /** The row as it was read last. */
  opened(): OpenedKeyring
  /** Reads the row again where its rev changed. True where it did. @throws as loadKeyring; what was open stays open. */
  refresh(from?: Database | Transaction): Promise<boolean>
  /** Refreshes once a second and whenever an unknown key version is met. Returns what stops it, and resolves when nothing is under way. */
  startPolling(options: PollingOptions): () => Promise<void>
  /** Writes a change of the row, made again from the newest one where another process was first. */
  change(next: (opened: OpenedKeyring) => Promise<KeyringContents>): Promise<OpenedKeyring>
}

export type PollingOptions = {
  readonly intervalMs?: number
  /** A refresh failed; the keys in memory go on serving. */
  readonly onError: (error: unknown) => void
}

export type KeyringContents = {
  readonly header: Header
  readonly keyringKey: KeyObject
  readonly keys: readonly DomainKey[]
}

export type OpenedKeyring = KeyringContents & { readonly rev: number }

const POLL_INTERVAL_MS = 1_000
/** Unknown key versions ask for a refresh at most this often, so that forged ones cost little. */
const HURRY_INTERVAL_MS = 250
const CHANGE_ATTEMPTS_MAX = 10

/**
 * Opens the keyring, or makes one in a database that holds nothing yet; with a file provider, the root key too. For bootstrap.
 * @throws MissingKeyringError where there is data but no keyring, and as loadKeyring.
 */
export async function openKeyring(
  database: Database,
  providers: readonly RootKeyProvider[],
  options: KeyringOptions,
): Promise<LiveKeyring> {
  const row = await database.transaction('read', findKeyring)
  const provider = providers.find(({ kind }) => kind !== 'shamir')
  if (row === undefined && provider !== undefined) return initializeKeyring(database, provider, options, providers)
  return loadKeyring(database, providers, options)
}

/** Makes the keyring with one slot, and loads it; where another process was first, loads that one. */
export async function initializeKeyring(
  database: Database,
  provider: RootKeyProvider,
  options: KeyringOptions,
  providers: readonly RootKeyProvider[] = [provider],
): Promise<LiveKeyring> {
  const { randomBytes, wallNow } = options
  if (await database.transaction('read', hasSealedRows)) {
    if (await database.transaction('read', findKeyring)) return loadKeyring(database, providers, options)
    throw new MissingKeyringError()
  }
  // The root key is on the disk before anything is sealed under it.
  if ('create' in provider) await (provider as FileRootKeyProvider).create()
  const now = wallNow()
  const keys = KEY_FAMILIES.map((family) => newDomainKey(family, 1, now, now, randomBytes))
  const blank = { instanceId: Buffer.from(randomBytes(16)).toString('hex'), keyringVersion: 1 }
  const keyringKey = newKey(randomBytes)
  const slot = await newSlot(provider, blank, keyringKey, options)
  const row = encodeRow({ header: { ...blank, slots: [slot] }, keyringKey, keys }, 1, randomBytes)
  await database.transaction('write', async (tx) => {
    if (await hasSealedRows(tx)) return // another process has the keyring, and used it
    await insertKeyring(tx, row)
  })
  return loadKeyring(database, providers, options)
}

/**
 * @throws WrongRootKeyError, DamagedKeyringError, RootKeyError (the key's place is missing or unsafe), MissingKeyringError
 */
export async function loadKeyring(
  database: Database,
  providers: readonly RootKeyProvider[],
  options: KeyringOptions,
): Promise<LiveKeyring> {
  const row = await database.transaction('read', findKeyring)
  if (row === undefined) throw new MissingKeyringError()
  let rootKeys = providers
  let current = await openRow(row, rootKeys)
  let hurry: () => void = () => undefined
  let refreshing: Promise<boolean> | undefined

  const keyring = createKeyring(current.header.instanceId, current.keys, {
    ...options,
    onUnknownVersion: () => {
      options.onUnknownVersion?.()
      hurry()
    },
  })

  const adopt = (opened: OpenedKeyring): void => {
    if (opened.rev <= current.rev) return
    if (opened.header.instanceId !== current.header.instanceId)
      throw new DamagedKeyringError('the keyring was replaced by that of another installation while the server ran')
    current = opened
    keyring.adopt(opened.keys)
  }

  const refreshNow = async (from: Database | Transaction): Promise<boolean> => {
    const read = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
      'transaction' in from ? from.transaction('read', work) : work(from)
    if ((await read(findKeyringRev)) === current.rev) return false
    const newest = await read(findKeyring)
    if (newest === undefined) throw new MissingKeyringError()
    const before = current.rev
    adopt(await openRow(newest, rootKeys, current))
    return current.rev !== before
  }

  const refresh = (from: Database | Transaction = database): Promise<boolean> => {
    if (from !== database) return refreshNow(from)
    refreshing ??= refreshNow(from).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  return {
    ...keyring,
    database,
    get providers() {
      return rootKeys
    },
    useRootKeys: (next) => {
      rootKeys = next
    },
    opened: () => current,
    refresh,

    startPolling: ({ intervalMs = POLL_INTERVAL_MS, onError }) => {
      let hurriedAt = Number.NEGATIVE_INFINITY
      let polling = Promise.resolve()
      const poll = (): void => {
        polling = refresh().then(() => undefined, onError)
      }
      const timer = setInterval(poll, intervalMs).unref()
      hurry = () => {
        const now = performance.now()
        if (now - hurriedAt < HURRY_INTERVAL_MS) return
        hurriedAt = now
        poll()
      }
      return () => {
        clearInterval(timer)
        hurry = () => undefined
        return polling
      }
    },

    change: async (next) => {
      for (let attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
        await refresh()
        const contents = await next(current)
        const rev = current.rev + 1
        const changed = encodeRow(contents, rev, options.randomBytes)
        if (await database.transaction('write', (tx) => saveKeyring(tx, changed))) {
          const opened = { ...contents, rev }
          adopt(opened)
          return opened
        }
      }
      throw new Error('the keyring was changed by others at every attempt to change it')
    },
  }
}

/** A slot of a provider's for the keyring key, tried before it is believed. */
export async function newSlot(
  provider: RootKeyProvider,
  { instanceId, keyringVersion }: Pick<Header, 'instanceId' | 'keyringVersion'>,
  keyringKey: KeyObject,
  { randomBytes, wallNow }: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
  id = Buffer.from(randomBytes(8)).toString('hex'),
): Promise<Slot> {
  const binding = slotBinding(instanceId, keyringVersion, id)
  const bytes = keyringKey.export()
  try {
    const wrapped = await provider.wrap(bytes, binding)
    const again = await provider.unwrap(wrapped, binding)
    if (typeof again === 'string' || !again.equals(bytes))
      throw new DamagedKeyringError(`the root key in ${provider.where} does not open what it just wrapped`)
    again.fill(0)
    provider.opened?.add(slotName(binding))
    const { kind, where, shareSet } = provider
    return { id, kind, createdAt: wallNow(), where, ...(shareSet && { shareSet }), ...wrapped }
  } finally {
    bytes.fill(0)
  }
}

/** The keyring key, which the caller zeroes; or why not. A device or another server is asked only for slots of its kind. */
export async function unwrapSlot(
  provider: RootKeyProvider,
  { instanceId, keyringVersion }: Header,
  slot: Slot,
): Promise<Buffer | 'other-key' | 'damaged'> {
  if (provider.opened !== undefined && provider.kind !== slot.kind) return 'other-key'
  const binding = slotBinding(instanceId, keyringVersion, slot.id)
  const outcome = await provider.unwrap(slot, binding)
  if (typeof outcome !== 'string') provider.opened?.add(slotName(binding))
  return outcome
}

/** Whether the provider's key opens the slot. @throws RootKeyError where the key cannot be had. */
export async function opensSlot(provider: RootKeyProvider, header: Header, slot: Slot): Promise<boolean> {
  const outcome = await unwrapSlot(provider, header, slot)
  if (typeof outcome === 'string') return false
  outcome.fill(0)
  return true
}

/** Whether the provider's key opened the slot before, without asking where asking costs. */
export const openedSlot = async (provider: RootKeyProvider, header: Header, slot: Slot): Promise<boolean> =>
  provider.opened?.has(slotName(slotBinding(header.instanceId, header.keyringVersion, slot.id))) ??
  opensSlot(provider, header, slot)

const slotName = ({ slotId, keyringVersion }: SlotBinding): string => `${slotId} ${keyringVersion}`

export function newKey(randomBytes: KeyringOptions['randomBytes']): KeyObject {
  const bytes = Buffer.from(randomBytes(KEY_BYTES))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

export const newDomainKey = (
  family: DomainKey['family'],
  version: number,
  createdAt: number,
  activeFrom: number,
  randomBytes: KeyringOptions['randomBytes'],
): DomainKey => ({ family, version, createdAt, activeFrom, key: newKey(randomBytes) })

function encodeRow(contents: KeyringContents, rev: number, randomBytes: KeyringOptions['randomBytes']): KeyringRow {
  const header = encodeHeader(contents.header)
  return { rev, header, sealed: sealKeys(contents.keyringKey, header, rev, contents.keys, randomBytes) }
}

async function openRow(
  row: KeyringRow,
  providers: readonly RootKeyProvider[],
  known?: KeyringContents,
): Promise<OpenedKeyring> {
  const header = decodeHeader(row.header)
  const sameKey = known?.header.keyringVersion === header.keyringVersion
  const keyringKey = known && sameKey ? known.keyringKey : await unwrapKeyringKey(header, providers)
  return { rev: row.rev, header, keyringKey, keys: openKeys(keyringKey, row.header, row.rev, row.sealed) }
}

/** Tries every provider on every slot; one that cannot be reached must not hide that another fits. */
async function unwrapKeyringKey(header: Header, providers: readonly RootKeyProvider[]): Promise<KeyObject> {
  let damaged = false
  let failure: unknown
  for (const provider of providers) {
    for (const slot of header.slots) {
      const outcome = await unwrapSlot(provider, header, slot).catch((error: unknown) => {
        failure ??= error
        return 'other-key' as const
      })
      if (outcome === 'damaged') damaged = true
      if (typeof outcome === 'string') continue
      const key = createSecretKey(outcome)
      outcome.fill(0)
      return key
    }
  }
  if (damaged) throw new DamagedKeyringError('the keyring is damaged: the slot of this root key does not open')
  if (failure !== undefined) throw failure
  const places = providers.map(({ where }) => where).join(', ') || 'none given'
  throw new WrongRootKeyError(
    `wrong root key (${places}): the keyring of instance ${header.instanceId} was sealed under another one`,
  )
}
