// Rotation of the root key while serving: it re-wraps one row, and reads and writes go on.
// After a crash between any two steps some root key that is there opens the keyring, and the same command run again finishes.

import { RootKeyError } from './errors.ts'
import { KEY_FAMILIES, type KeyFamily, type KeyringOptions } from './keyring.ts'
import { type Header, type RootKeyKind, SLOTS_MAX, type Slot } from './keyring-format.ts'
import { type LiveKeyring, newKey, newSlot, type OpenedKeyring, opensSlot } from './lifecycle.ts'
import type { FileRootKeyProvider, RootKeyProvider } from './root-key.ts'
import type { OnStep } from './rotate.ts'

export type RootKeyStep =
  | 'next key on disk'
  | 'both keys open'
  | 'next key in place'
  | 'next key in use'
  | 'old key closed out'

export type RotateRootKeyOptions = Pick<KeyringOptions, 'randomBytes' | 'wallNow'> & {
  /** Leaves the old key's slot, for other servers that have the old key; `retireRootKeys` closes it out later. So on PostgreSQL unless told. */
  readonly keepOldSlot?: boolean
  readonly onStep?: OnStep<RootKeyStep>
}

/**
 * Replaces the root key of the file provider: the next key is written beside, both keys get a slot, the file is renamed, and a new
 * keyring key is wrapped under the new root key alone. One at a time.
 * @throws RootKeyError where no provider can be written to: then `moveRootKey`.
 */
export async function rotateRootKey(keyring: LiveKeyring, options: RotateRootKeyOptions): Promise<void> {
  const { onStep, keepOldSlot = keyring.database.dialect === 'postgres' } = options
  const file = keyring.providers.find((provider): provider is FileRootKeyProvider => 'prepareNext' in provider)
  if (file === undefined)
    throw new RootKeyError(
      `the server cannot write the root key in ${placesOf(keyring)}: make a new one, and say where it is with --new-root-key file:PATH, credential:NAME or env:VARIABLE`,
    )
  await refuseForeignSlots(keyring)

  if (!(await hasSlot(keyring, await file.findNext()))) {
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

export type MoveRootKeyOptions = RotateRootKeyOptions & {
  /** Resolves when the other processes of this server use the new root key too. */
  readonly share?: () => Promise<void>
}

/**
 * Replaces the root key by one that the operator put in a place of any kind; where it is a file that is not there, makes it. Both keys
 * get a slot, this server takes the new one, and a new keyring key is wrapped under that alone. One at a time.
 * @throws RootKeyError where the new key cannot be had, or is the one in use.
 */
export async function moveRootKey(
  keyring: LiveKeyring,
  next: RootKeyProvider,
  options: MoveRootKeyOptions,
): Promise<void> {
  const { share, onStep, keepOldSlot = keyring.database.dialect === 'postgres' } = options
  if ('create' in next) await (next as FileRootKeyProvider).create()
  // A slot that is there already was made by a rotation that died, or by another server.
  if (await hasSlot(keyring, next)) await refuseKeyInUse(keyring, next)
  else await addSlot(keyring, next, options)
  await onStep?.('both keys open')
  await share?.()
  keyring.useRootKeys([next])
  await onStep?.('next key in use')
  if (keepOldSlot) return
  await keepOnlySlotsOf(keyring, [next], options)
  await onStep?.('old key closed out')
}

/**
 * Closes out every root key but this server's.
 * @throws RootKeyError where the newest slot is of another one: this server has not been given the new root key yet.
 */
export async function retireRootKeys(
  keyring: LiveKeyring,
  options: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
): Promise<void> {
  const { header } = await currentContents(keyring)
  const newest = header.slots.at(-1)!
  if ((await firstThatOpens(keyring.providers, header, newest)) === undefined) {
    throw new RootKeyError(
      `the newest root key (slot ${newest.id}, ${newest.kind}) is not the one here, in ${placesOf(keyring)}: give it to this server first`,
    )
  }
  await keepOnlySlotsOf(keyring, keyring.providers, options)
}

async function hasSlot(keyring: LiveKeyring, provider: RootKeyProvider | undefined): Promise<boolean> {
  if (provider === undefined) return false
  const { header } = await currentContents(keyring)
  return (await slotsOf(provider, header)).length > 0
}

async function refuseKeyInUse(keyring: LiveKeyring, next: RootKeyProvider): Promise<void> {
  const { header } = await currentContents(keyring)
  for (const slot of await slotsOf(next, header)) {
    if ((await firstThatOpens(keyring.providers, header, slot)) === undefined) continue
    throw new RootKeyError(
      `the root key in ${next.where} is the one in use: put a new one there, or run "strongroom root-key retire" to close out all others`,
    )
  }
}

/** A slot of a kind that no provider here opens would be lost. */
async function refuseForeignSlots(keyring: LiveKeyring): Promise<void> {
  const kinds = new Set<RootKeyKind>(keyring.providers.map(({ kind }) => kind))
  const { header } = await currentContents(keyring)
  for (const slot of header.slots) {
    if (kinds.has(slot.kind) || (await firstThatOpens(keyring.providers, header, slot))) continue
    throw new RootKeyError(
      `slot ${slot.id} (${slot.kind}) has no root key here and would be closed out: give its key to the server, or run "strongroom root-key retire" first`,
    )
  }
}

/** Adds a slot: from now on the provider's root key opens the keyring too. */
export async function addSlot(
  keyring: LiveKeyring,
  provider: RootKeyProvider,
  options: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
): Promise<void> {
  await keyring.change(async (opened) => {
    if (opened.header.slots.length === SLOTS_MAX) {
      throw new RootKeyError(
        `the keyring has ${SLOTS_MAX} slots already: "strongroom root-key retire" closes out those that are of no more use`,
      )
    }
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

async function currentContents(keyring: LiveKeyring): Promise<OpenedKeyring> {
  await keyring.refresh()
  return keyring.opened()
}

const placesOf = (keyring: LiveKeyring): string => keyring.providers.map(({ where }) => where).join(', ')

async function slotsOf(provider: RootKeyProvider, header: Header): Promise<readonly Slot[]> {
  const opened = []
  for (const slot of header.slots) if (await opensSlot(provider, header, slot)) opened.push(slot)
  return opened
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
