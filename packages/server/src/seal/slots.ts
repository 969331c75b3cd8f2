// The slots of the keyring while serving: added, tried, removed, told of. Each change is one row, so a crash leaves the one before or after.

import { RootKeyError } from './errors.ts'
import { KEY_FAMILIES, type KeyFamily, type KeyringOptions } from './keyring.ts'
import { type Header, type RootKeyKind, type ShareSet, SLOTS_MAX, type Slot } from './keyring-format.ts'
import { type LiveKeyring, newKey, newSlot, type OpenedKeyring, openedSlot, opensSlot } from './lifecycle.ts'
import type { FileRootKeyProvider, RootKeyProvider } from './root-key.ts'
import type { OnStep } from './rotate.ts'

type SlotOptions = Pick<KeyringOptions, 'randomBytes' | 'wallNow'>

/** Adds a slot: from now on the provider's root key opens the keyring too. */
export async function addSlot(keyring: LiveKeyring, provider: RootKeyProvider, options: SlotOptions): Promise<void> {
  await keyring.change(async (opened) => {
    if (opened.header.slots.length >= SLOTS_MAX) {
      throw new RootKeyError(
        `the keyring has ${SLOTS_MAX} slots already: "strongroom root-key remove" and "retire" close out those that are of no more use`,
      )
    }
    const slot = await newSlot(provider, opened.header, opened.keyringKey, options)
    return { ...opened, header: { ...opened.header, slots: [...opened.header.slots, slot] } }
  })
}

/**
 * `addSlot` for an operator: a file that is not there is made.
 * @throws RootKeyError where the key cannot be had, or opens the keyring already.
 */
export async function addRootKey(
  keyring: LiveKeyring,
  provider: RootKeyProvider,
  { onStep, ...options }: SlotOptions & { readonly onStep?: OnStep<'key on disk' | 'slot added'> },
): Promise<void> {
  if ('create' in provider) await (provider as FileRootKeyProvider).create()
  await onStep?.('key on disk')
  const { header } = await currentContents(keyring)
  const [slot] = await slotsOf(provider, header)
  if (slot !== undefined) {
    throw new RootKeyError(`the root key in ${provider.where} opens the keyring already: it has slot ${slot.id}`)
  }
  await addSlot(keyring, provider, options)
  await onStep?.('slot added')
}

/**
 * Removes a slot. Where this server can open all others, a new keyring key is made, which the removed root key never wrapped; otherwise
 * the keyring key stays, and who has the removed root key and the old row can still work it out.
 * @returns whether the keyring key is a new one
 * @throws RootKeyError where there is no such slot, where it is the last one, or where this server could open none of the others
 */
export async function removeSlot(keyring: LiveKeyring, id: string, options: SlotOptions): Promise<boolean> {
  let renewed = false
  await keyring.change(async (opened) => {
    const { header } = opened
    if (!header.slots.some((slot) => slot.id === id)) throw new RootKeyError(`the keyring has no slot ${id}`)
    const rest = header.slots.filter((slot) => slot.id !== id)
    if (rest.length === 0) {
      throw new RootKeyError(
        `slot ${id} is the last one: without it the keyring could never be opened again. Add another first`,
      )
    }
    const openers = new Map<Slot, RootKeyProvider>()
    for (const slot of rest) {
      const provider = await firstThatOpens(keyring.providers, header, slot)
      if (provider !== undefined) openers.set(slot, provider)
    }
    if (openers.size === 0) {
      throw new RootKeyError(
        `this server has no root key of any other slot, and could not open the keyring without slot ${id}: give it one first ("strongroom root-key add", or "strongroom unseal" for shares)`,
      )
    }
    renewed = openers.size === rest.length
    if (!renewed) return { ...opened, header: { ...header, slots: rest } }
    const keyringKey = newKey(options.randomBytes)
    const next = { instanceId: header.instanceId, keyringVersion: header.keyringVersion + 1 }
    const slots = []
    for (const [slot, provider] of openers) slots.push(await newSlot(provider, next, keyringKey, options, slot.id))
    return { header: { ...next, slots }, keyringKey, keys: opened.keys }
  })
  return renewed
}

/** A new keyring key with one slot for each provider given: every other root key is closed out. */
export async function keepOnlySlotsOf(
  keyring: LiveKeyring,
  providers: readonly RootKeyProvider[],
  options: SlotOptions,
): Promise<void> {
  if (providers.length === 0) throw new RootKeyError('a keyring without a slot could never be opened again')
  await keyring.change(async ({ header, keys }) => {
    const keyringKey = newKey(options.randomBytes)
    const next = { instanceId: header.instanceId, keyringVersion: header.keyringVersion + 1 }
    const slots = []
    for (const provider of providers) {
      const id = (await slotsOf(provider, header)).at(-1)?.id
      slots.push(await newSlot(provider, next, keyringKey, options, id))
    }
    return { header: { ...next, slots }, keyringKey, keys }
  })
}

export type SlotState = {
  readonly id: string
  readonly kind: RootKeyKind
  /** Where its key was when the slot was made. */
  readonly where?: string
  readonly state: 'opens' | 'has no root key here' | 'cannot be tried'
  /** Why it cannot be tried. */
  readonly problem?: string
  /** The root key of this server that opens it. */
  readonly openedBy?: string
}

/** Tries every root key of this server on every slot, devices and other servers too. `ok` where every slot opens. */
export async function verifySlots(
  keyring: LiveKeyring,
): Promise<{ readonly ok: boolean; readonly slots: readonly SlotState[] }> {
  const { header } = await currentContents(keyring)
  const slots: SlotState[] = []
  for (const slot of header.slots) {
    let problem: string | undefined
    let openedBy: string | undefined
    for (const provider of keyring.providers) {
      try {
        if (await opensSlot(provider, header, slot)) openedBy ??= provider.where
      } catch (error) {
        if (!(error instanceof RootKeyError)) throw error
        if (provider.kind === slot.kind) problem ??= error.message
      }
    }
    const { id, kind, where } = slot
    const told = { id, kind, ...(where !== undefined && { where }) }
    if (openedBy !== undefined) slots.push({ ...told, state: 'opens', openedBy })
    else if (problem !== undefined) slots.push({ ...told, state: 'cannot be tried', problem })
    else slots.push({ ...told, state: 'has no root key here' })
  }
  return { ok: slots.every(({ state }) => state === 'opens'), slots }
}

export async function currentContents(keyring: LiveKeyring): Promise<OpenedKeyring> {
  await keyring.refresh()
  return keyring.opened()
}

export const placesOf = (keyring: LiveKeyring): string => keyring.providers.map(({ where }) => where).join(', ')

export async function slotsOf(provider: RootKeyProvider, header: Header): Promise<readonly Slot[]> {
  const opened = []
  for (const slot of header.slots) if (await opensSlot(provider, header, slot)) opened.push(slot)
  return opened
}

export async function hasSlot(keyring: LiveKeyring, provider: RootKeyProvider | undefined): Promise<boolean> {
  if (provider === undefined) return false
  const { header } = await currentContents(keyring)
  return (await slotsOf(provider, header)).length > 0
}

/** One that cannot be had opens nothing, and must not hide that another does. */
export async function firstThatOpens(
  providers: readonly RootKeyProvider[],
  header: Header,
  slot: Slot,
  opens: typeof opensSlot = opensSlot,
): Promise<RootKeyProvider | undefined> {
  for (const provider of providers) {
    const opened = await opens(provider, header, slot).catch((error: unknown) => {
      if (error instanceof RootKeyError) return false
      throw error
    })
    if (opened) return provider
  }
  return undefined
}

export type RootKeyStatus = {
  readonly instanceId: string
  readonly rev: number
  readonly keyringVersion: number
  readonly slots: readonly {
    readonly id: string
    readonly kind: RootKeyKind
    readonly createdAt: string
    /** Where its key was when the slot was made. */
    readonly where?: string
    readonly shareSet?: ShareSet
    /** The root key of this server that opens it, if any; of a device or another server, that opened it last. */
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
export async function rootKeyStatus(keyring: LiveKeyring): Promise<RootKeyStatus> {
  const { header, keys, rev } = await currentContents(keyring)
  const slots = []
  for (const slot of header.slots) {
    const provider = await firstThatOpens(keyring.providers, header, slot, openedSlot)
    const { id, kind, where, shareSet } = slot
    slots.push({
      id,
      kind,
      createdAt: new Date(slot.createdAt).toISOString(),
      ...(where !== undefined && { where }),
      ...(shareSet !== undefined && { shareSet }),
      ...(provider && { openedBy: provider.where }),
    })
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
