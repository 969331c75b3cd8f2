// Rotation of the domain keys while serving: new keys are published, and rows are sealed anew in the background.
// After a crash between any two steps the same command run again finishes.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Transaction } from '../storage/database.ts'
import { ACTIVATION_DELAY_MS, KEY_FAMILIES, type KeyFamily, type KeyringOptions, SEALED_PURPOSES } from './keyring.ts'
import { type LiveKeyring, newDomainKey } from './lifecycle.ts'

/** A step that is done. Throwing from it stands for a crash in tests. */
export type OnStep<Step> = (step: Step) => void | Promise<void>

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
