// Rotation while serving: of the root key, which re-wraps one row, and of the domain keys, which seals rows anew in the background.
// After a crash between any two steps some key on the disk opens the keyring, and the same command run again finishes.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Transaction } from '../storage/database.ts'
import { RootKeyError } from './errors.ts'
import { ACTIVATION_DELAY_MS, KEY_FAMILIES, type KeyFamily, type KeyringOptions, SEALED_PURPOSES } from './keyring.ts'
import type { Header, RootKeyKind, Slot } from './keyring-format.ts'
import { type LiveKeyring, newDomainKey, newKey, newSlot, type OpenedKeyring, opensSlot } from './lifecycle.ts'
import type { FileRootKeyProvider, RootKeyProvider } from './root-key.ts'

/** A step that is done. Throwing from it stands for a crash in tests. */
export type OnStep<Step> = (step: Step) => void | Promise<void>

export type RootKeyStep = 'next key on disk' | 'both keys open' | 'next key in place' | 'old key closed out'

export type RotateRootKeyOptions = Pick<KeyringOptions, 'randomBytes' | 'wallNow'> & {
  /** Leaves the old key's slot, for other hosts that have the old file; `keepOnlySlotsOf` closes it out later. So on PostgreSQL unless told. */
  readonly keepOldSlot?: boolean
  readonly onStep?: OnStep<RootKeyStep>
}

/**
 * Replaces the root key of the file provider: the next key is written beside, both keys get a slot, the file is renamed, and a new
 * keyring key is wrapped under the new root key alone. One at a time.
 * @throws RootKeyError where no provider can be written to: then `addSlot`, start with the new key, `keepOnlySlotsOf`.
 */
export async function rotateRootKey(keyring: LiveKeyring, options: RotateRootKeyOptions): Promise<void> {
  const { onStep, keepOldSlot = keyring.database.dialect === 'postgres' } = options
  const file = keyring.providers.find((provider): provider is FileRootKeyProvider => 'prepareNext' in provider)
  if (file === undefined)
    throw new RootKeyError(
      `the server cannot write the root key in ${keyring.providers.map(({ where }) => where).join(', ')}: add a slot for the new one instead`,
    )
  await refuseForeignSlots(keyring)

  if (!(await hasFinishedNext(keyring, file))) {
    if ((await file.findNext()) !== undefined) await file.discardNext()
    const next = await file.prepareNext()
    await onStep?.('next key on disk')
    await addSlot(keyring, next, options)
  }
  await onStep?.('both keys open')
  await file.promoteNext()
  await onStep?.('next key in place')
  if (keepOldSlot) return
  await keepOnlySlotsOf(keyring, keyring.providers, options)
  await onStep?.('old key closed out')
}

/** Whether a rotation died after its next key got a slot: then it goes on from there. */
async function hasFinishedNext(keyring: LiveKeyring, file: FileRootKeyProvider): Promise<boolean> {
  const next = await file.findNext()
  if (next === undefined) return false
  const { header } = await currentContents(keyring)
  for (const slot of header.slots) if (await opensSlot(next, header, slot)) return true
  return false
}

/** A slot of a kind that no provider here opens would be lost. */
async function refuseForeignSlots(keyring: LiveKeyring): Promise<void> {
  const kinds = new Set<RootKeyKind>(keyring.providers.map(({ kind }) => kind))
  const { header } = await currentContents(keyring)
  for (const slot of header.slots) {
    if (kinds.has(slot.kind) || (await firstThatOpens(keyring.providers, header, slot))) continue
    throw new RootKeyError(`slot ${slot.id} (${slot.kind}) has no root key here and would be lost: drop it first`)
  }
}

/** Adds a slot: from now on the provider's root key opens the keyring too. */
export async function addSlot(
  keyring: LiveKeyring,
  provider: RootKeyProvider,
  options: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
): Promise<void> {
  await keyring.change(async (opened) => {
    const slot = await newSlot(provider, opened.header, opened.keyringKey, options)
    return { ...opened, header: { ...opened.header, slots: [...opened.header.slots, slot] } }
  })
}

/** A new keyring key with one slot for each provider given: every other root key is closed out. */
export async function keepOnlySlotsOf(
  keyring: LiveKeyring,
  providers: readonly RootKeyProvider[],
  options: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
): Promise<void> {
  if (providers.length === 0) throw new RootKeyError('a keyring without a slot could never be opened again')
  await keyring.change(async ({ header, keys }) => {
    const keyringKey = newKey(options.randomBytes)
    const next = { instanceId: header.instanceId, keyringVersion: header.keyringVersion + 1 }
    const slots = []
    for (const provider of providers) slots.push(await newSlot(provider, next, keyringKey, options))
    return { header: { ...next, slots }, keyringKey, keys }
  })
}

/** A table whose rows hold something sealed by `keyring.seal`. */
export type SealedTable = {
  readonly name: string
  /** For what its rows are sealed. */
  readonly purposes: readonly string[]
  /** Seals anew, under the newest domain key, at most `limit` rows sealed under one older than `version`. How many there were. */
  reseal(tx: Transaction, version: number, limit: number): Promise<number>
  /** Whether a row is sealed under this version. */
  refersTo(tx: Transaction, version: number): Promise<boolean>
}

export type RotateDomainKeysOptions = Pick<KeyringOptions, 'randomBytes' | 'wallNow'> & {
  /** All unless told. */
  readonly families?: readonly KeyFamily[]
  /** As of the keyring. */
  readonly activationDelayMs?: number
  readonly batchRows?: number
  readonly signal?: AbortSignal
  readonly onStep?: OnStep<'published' | 'active' | 'resealed'>
}

export type DomainRotation = {
  readonly versions: { readonly [family in KeyFamily]?: number }
  readonly resealed: number
}

const BATCH_ROWS = 64

/**
 * Publishes a new version of each family's key, waits until every process seals with it, and seals the rows of `tables` anew in
 * batches. Rows under a MAC keep theirs until they next change, so old versions of those families stay. Old domain keys stay too:
 * `retireDomainKeys` removes those that nothing refers to.
 */
export async function rotateDomainKeys(
  keyring: LiveKeyring,
  tables: readonly SealedTable[],
  options: RotateDomainKeysOptions,
): Promise<DomainRotation> {
  const { families = KEY_FAMILIES, onStep, signal, batchRows = BATCH_ROWS } = options
  const versions = await publish(keyring, families, options)
  await onStep?.('published')
  await becomeActive(keyring, versions, options)
  await onStep?.('active')

  let resealed = 0
  const version = versions.domain
  if (version !== undefined) {
    for (const table of tables) {
      for (;;) {
        signal?.throwIfAborted()
        const done = await keyring.database.transaction('write', (tx) => table.reseal(tx, version, batchRows))
        resealed += done
        if (done === 0) break
      }
    }
  }
  await onStep?.('resealed')
  return { versions, resealed }
}

async function publish(
  keyring: LiveKeyring,
  families: readonly KeyFamily[],
  { randomBytes, wallNow, activationDelayMs = ACTIVATION_DELAY_MS }: RotateDomainKeysOptions,
): Promise<{ [family in KeyFamily]?: number }> {
  const versions: { [family in KeyFamily]?: number } = {}
  await keyring.change(async (opened) => {
    const now = wallNow()
    const fresh = families.map((family) => {
      const version = Math.max(...opened.keys.filter((key) => key.family === family).map((key) => key.version)) + 1
      versions[family] = version
      return newDomainKey(family, version, now, now + activationDelayMs, randomBytes)
    })
    return { ...opened, keys: [...opened.keys, ...fresh] }
  })
  return versions
}

async function becomeActive(
  keyring: LiveKeyring,
  versions: { readonly [family in KeyFamily]?: number },
  { activationDelayMs = ACTIVATION_DELAY_MS, signal }: RotateDomainKeysOptions,
): Promise<void> {
  const waiting = (): boolean => KEY_FAMILIES.some((family) => keyring.activeVersion(family) < (versions[family] ?? 0))
  while (waiting()) await sleep(Math.min(100, activationDelayMs / 4 + 1), undefined, signal && { signal })
}

/** Longer than any sealed thing that is not in a table lives: a session token, a transaction under way. */
export const RETIRE_AFTER_MS = 48 * 3_600_000

/**
 * Removes the old domain keys (those that seal, not those that make MACs) to which no row of `tables` refers, once their successor
 * has been in use for `retireAfterMs`. Removes nothing where something is sealed for a purpose that no table names: it could never
 * be opened again. The versions removed.
 */
export async function retireDomainKeys(
  keyring: LiveKeyring,
  tables: readonly SealedTable[],
  { wallNow, retireAfterMs = RETIRE_AFTER_MS }: Pick<KeyringOptions, 'wallNow'> & { readonly retireAfterMs?: number },
): Promise<readonly number[]> {
  const covered = new Set(tables.flatMap(({ purposes }) => purposes))
  const purposes = [...SEALED_PURPOSES, ...keyring.sealedPurposes()]
  if (!purposes.every((purpose) => covered.has(purpose))) return []

  await keyring.refresh()
  const inUse = keyring.activeVersion('domain')
  const versions = keyring.keys().filter(({ family }) => family === 'domain')
  const isLongReplaced = (version: number): boolean => {
    const successor = versions.find((key) => key.version > version)
    return version < inUse && successor !== undefined && wallNow() >= successor.activeFrom + retireAfterMs
  }
  const unused = await keyring.database.transaction('read', async (tx) => {
    const found: number[] = []
    for (const { version } of versions) {
      if (!isLongReplaced(version)) continue
      let referred = false
      for (const table of tables) referred ||= await table.refersTo(tx, version)
      if (!referred) found.push(version)
    }
    return found
  })
  if (unused.length === 0) return []
  await keyring.change(async (opened) => ({
    ...opened,
    keys: opened.keys.filter(({ family, version }) => family !== 'domain' || !unused.includes(version)),
  }))
  return unused
}

async function currentContents(keyring: LiveKeyring): Promise<OpenedKeyring> {
  await keyring.refresh()
  return keyring.opened()
}

async function firstThatOpens(
  providers: readonly RootKeyProvider[],
  header: Header,
  slot: Slot,
): Promise<RootKeyProvider | undefined> {
  for (const provider of providers) if (await opensSlot(provider, header, slot)) return provider
  return undefined
}

export type RootKeyDescription = {
  readonly instanceId: string
  readonly rev: number
  readonly keyringVersion: number
  readonly slots: readonly {
    readonly id: string
    readonly kind: RootKeyKind
    readonly createdAt: string
    /** The provider of this server that opens it, if any. */
    readonly openedBy?: string
  }[]
  readonly keys: readonly {
    readonly family: KeyFamily
    readonly version: number
    readonly createdAt: string
    readonly state: 'pending' | 'active' | 'old'
  }[]
  readonly warnings: readonly string[]
}

/** What an operator may know: states, never keys. */
export async function describeRootKey(keyring: LiveKeyring): Promise<RootKeyDescription> {
  const { header, keys, rev } = await currentContents(keyring)
  const slots = []
  for (const slot of header.slots) {
    const provider = await firstThatOpens(keyring.providers, header, slot)
    const createdAt = new Date(slot.createdAt).toISOString()
    slots.push({ id: slot.id, kind: slot.kind, createdAt, ...(provider && { openedBy: provider.where }) })
  }
  const state = (family: KeyFamily, version: number): 'pending' | 'active' | 'old' => {
    const active = keyring.activeVersion(family)
    return version === active ? 'active' : version > active ? 'pending' : 'old'
  }
  return {
    instanceId: header.instanceId,
    rev,
    keyringVersion: header.keyringVersion,
    slots,
    keys: KEY_FAMILIES.flatMap((name) =>
      keys
        .filter(({ family }) => family === name)
        .map(({ family, version, createdAt }) => ({
          family,
          version,
          createdAt: new Date(createdAt).toISOString(),
          state: state(family, version),
        })),
    ),
    warnings: (await Promise.all(keyring.providers.map((provider) => provider.warnings()))).flat(),
  }
}
