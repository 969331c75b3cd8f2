// `shamir`: a root key of which each of several holders has a share. It is in memory only: its shares for ten minutes at most, the key
// they give for as long as the server serves with it.

import { createSecretKey } from 'node:crypto'
import { combineShares, parseShare, SHARES_MAX, SHARES_MIN, type Share, splitKey } from '../crypto/shamir.ts'
import { RootKeyError } from './errors.ts'
import type { Header, ShareSet } from './keyring-format.ts'
import { opensSlot } from './lifecycle.ts'
import { type RootKeyProvider, rawProvider } from './root-key.ts'

export const SHARES_KEPT_MS = 600_000
const TRIES_MAX = 30
const TRIES_MS = 60_000

/** Zeroes `key`. */
export function shamirRootKey(key: Uint8Array, shareSet: ShareSet): RootKeyProvider {
  const secret = createSecretKey(key)
  key.fill(0)
  return { ...rawProvider('shamir', `shares of set ${shareSet.set}`, async () => secret), shareSet }
}

/** Stands for the shares until they are there: opens nothing. */
export const awaitedShares: RootKeyProvider = {
  kind: 'shamir',
  where: 'shares',
  wrap: () => Promise.reject(new RootKeyError('the shares are not there: give them with "strongroom unseal"')),
  unwrap: async () => 'other-key',
  warnings: async () => [],
}

/** A fresh root key and the shares of it, which exist nowhere else. @throws RootKeyError */
export async function makeShares(
  shares: number,
  threshold: number,
  randomBytes: (size: number) => Uint8Array,
): Promise<{ readonly provider: RootKeyProvider; readonly texts: readonly string[] }> {
  const whole = Number.isInteger(shares) && Number.isInteger(threshold)
  if (!whole || threshold < SHARES_MIN || shares < threshold || shares > SHARES_MAX) {
    throw new RootKeyError(
      `--shares ${shares} --threshold ${threshold} is not allowed: give ${SHARES_MIN} to ${SHARES_MAX} shares, and a threshold from ${SHARES_MIN} to their number`,
    )
  }
  const set = Buffer.from(randomBytes(8)).toString('hex')
  const key = Buffer.from(randomBytes(32))
  const texts = await splitKey(key, set, shares, threshold)
  return { provider: shamirRootKey(key, { set, shares, threshold }), texts }
}

export type SharesGiven = ShareSet & {
  /** The slot that they open. */
  readonly slot: string
  readonly received: number
}

export type Shares = {
  /** Of every set of the keyring, how many shares are there. */
  status(): Promise<readonly SharesGiven[]>
  /**
   * Takes a share. `key`, which the caller zeroes, where there were enough.
   * @throws RootKeyError where it is none, of another set, or one of those that together do not open the slot; and after too many tries.
   */
  submit(text: string): Promise<SharesGiven & { readonly key?: Buffer }>
  /** Forgets all. */
  forget(): void
}

type Kept = { readonly share: Share; readonly timer: NodeJS.Timeout }

export type SharesOptions = {
  readonly readHeader: () => Promise<Header>
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicNow?: () => number
  readonly keptMs?: number
}

export function createShares({
  readHeader,
  monotonicNow = () => performance.now(),
  keptMs = SHARES_KEPT_MS,
}: SharesOptions): Shares {
  const sets = new Map<string, Map<number, Kept>>()
  let tries: number[] = []

  const drop = (set: string, index: number): void => {
    const kept = sets.get(set)?.get(index)
    clearTimeout(kept?.timer)
    kept?.share.payload.fill(0)
    sets.get(set)?.delete(index)
  }
  const dropSet = (set: string): void => {
    for (const index of [...(sets.get(set)?.keys() ?? [])]) drop(set, index)
    sets.delete(set)
  }
  const keep = (share: Share): ReadonlyMap<number, Kept> => {
    const { set, index } = share
    const kept = sets.get(set) ?? new Map<number, Kept>()
    sets.set(set, kept)
    drop(set, index)
    kept.set(index, { share, timer: setTimeout(() => drop(set, index), keptMs).unref() })
    return kept
  }
  const count = (): void => {
    const now = monotonicNow()
    tries = tries.filter((at) => now - at < TRIES_MS)
    if (tries.length >= TRIES_MAX) throw new RootKeyError('too many shares were tried: wait a minute')
    tries.push(now)
  }

  return {
    status: async () =>
      (await readHeader()).slots.flatMap(({ id, shareSet }) =>
        shareSet === undefined ? [] : [{ ...shareSet, slot: id, received: sets.get(shareSet.set)?.size ?? 0 }],
      ),

    submit: async (text) => {
      count()
      const share = parseShare(text)
      if (share === undefined) throw new RootKeyError('this is not a whole share: it was mistyped or cut')
      const header = await readHeader()
      const slot = header.slots.find(({ shareSet }) => shareSet?.set === share.set)
      if (slot?.shareSet === undefined || slot.shareSet.threshold !== share.threshold) {
        throw new RootKeyError('the share is of another set: no slot of this keyring is opened by it')
      }
      const kept = keep(share)
      const given = { ...slot.shareSet, slot: slot.id, received: kept.size }
      if (kept.size < share.threshold) return given
      const key = await combineShares([...kept.values()].map((each) => each.share))
      dropSet(share.set)
      if (key !== undefined && (await opensSlot(shamirRootKey(Buffer.from(key), slot.shareSet), header, slot)))
        return { ...given, key }
      key?.fill(0)
      throw new RootKeyError('the shares do not open the keyring: they are forgotten, so give all of them again')
    },

    forget: () => {
      for (const set of [...sets.keys()]) dropSet(set)
    },
  }
}
