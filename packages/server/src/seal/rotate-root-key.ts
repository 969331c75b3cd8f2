// Rotation of the root key while serving: it re-wraps one row, and reads and writes go on.
// After a crash between any two steps some root key that is there opens the keyring, and the same command run again finishes.

import { RootKeyError } from './errors.ts'
import type { KeyringOptions } from './keyring.ts'
import type { RootKeyKind } from './keyring-format.ts'
import type { LiveKeyring } from './lifecycle.ts'
import type { FileRootKeyProvider, RootKeyProvider } from './root-key.ts'
import type { OnStep } from './rotate.ts'
import { addSlot, currentContents, firstThatOpens, hasSlot, keepOnlySlotsOf, placesOf, slotsOf } from './slots.ts'

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
  await refuseForeignSlots(keyring, keyring.providers, ['file'])

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
  await keepOnlySlotsOf(keyring, [...(await keptProviders(keyring, (provider) => provider !== file)), file], options)
  await onStep?.('old key closed out')
}

export type MoveRootKeyOptions = RotateRootKeyOptions & {
  /** Resolves when the other processes of this server use these root keys too. */
  readonly share?: (providers: readonly RootKeyProvider[]) => Promise<void>
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
  await refuseForeignSlots(keyring, [next, ...keyring.providers], REPLACEABLE)
  // A slot that is there already was made by a rotation that died, or by another server.
  if (await hasSlot(keyring, next)) await refuseKeyInUse(keyring, next)
  else await addSlot(keyring, next, options)
  await onStep?.('both keys open')
  const kept = await keptProviders(keyring, ({ kind }) => !REPLACEABLE.includes(kind))
  const providers = [...kept.filter(({ where }) => where !== next.where), next]
  await share?.(providers)
  keyring.useRootKeys(providers)
  await onStep?.('next key in use')
  if (keepOldSlot) return
  await keepOnlySlotsOf(keyring, keyring.providers, options)
  await onStep?.('old key closed out')
}

/**
 * Closes out every file, credential and variable but this server's.
 * @throws RootKeyError where the newest slot is of another one: this server has not been given the new root key yet; and where a slot of
 * another kind would be lost.
 */
export async function retireRootKeys(
  keyring: LiveKeyring,
  options: Pick<KeyringOptions, 'randomBytes' | 'wallNow'>,
): Promise<void> {
  const { header } = await currentContents(keyring)
  await refuseForeignSlots(keyring, keyring.providers, REPLACEABLE)
  const newest = header.slots.findLast(({ kind }) => REPLACEABLE.includes(kind)) ?? header.slots.at(-1)!
  if ((await firstThatOpens(keyring.providers, header, newest)) === undefined) {
    throw new RootKeyError(
      `the newest root key (slot ${newest.id}, ${newest.kind}) is not the one here, in ${placesOf(keyring)}: give it to this server first`,
    )
  }
  await keepOnlySlotsOf(keyring, await keptProviders(keyring, () => true), options)
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

/** Kinds of which a new one takes the place of any other. */
const REPLACEABLE: readonly RootKeyKind[] = ['file', 'credential', 'env']

/** A slot that no provider here can wrap again would be lost. `replaced`: kinds whose slots are to be closed out. */
async function refuseForeignSlots(
  keyring: LiveKeyring,
  providers: readonly RootKeyProvider[],
  replaced: readonly RootKeyKind[],
): Promise<void> {
  const { header } = await currentContents(keyring)
  for (const slot of header.slots) {
    if (replaced.includes(slot.kind) || (await firstThatOpens(providers, header, slot))) continue
    const mend =
      slot.kind === 'shamir'
        ? 'give the server its shares with "strongroom unseal"'
        : 'give its key to the server with --root-key'
    throw new RootKeyError(
      `slot ${slot.id} (${slot.kind}) has no root key here and would be closed out: ${mend}, or close it out with "strongroom root-key remove ${slot.id}"`,
    )
  }
}

/** Those of the server's root keys that have a slot, and are not replaced. */
async function keptProviders(
  keyring: LiveKeyring,
  isKept: (provider: RootKeyProvider) => boolean,
): Promise<readonly RootKeyProvider[]> {
  const { header } = await currentContents(keyring)
  const kept = []
  for (const provider of keyring.providers) {
    if (isKept(provider) && (await slotsOf(provider, header)).length > 0) kept.push(provider)
  }
  return kept
}
