// Pages of secrets: filtered, in any order, each from where the last one ended, and never more than a bounded number examined.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { App } from '../../app.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import * as errors from './errors.ts'
import { compileFilters, type Filter, type NameRange, nameRange, type Searchable } from './filters.ts'
import { primaryRegionOf } from './model.ts'
import {
  holdsMoreNames,
  listSecrets,
  placeOf,
  type SecretOrder,
  type SecretPlace,
  type Store,
  type StoredSecret,
} from './store.ts'

/** The most secrets that one page looks at. What is left is for the next page. */
export const EXAMINED_MAX = 2_000
/** Rows read and opened between two turns of the event loop. */
const CHUNK_ROWS = 200

export type SortBy = 'created-date' | 'last-accessed-date' | 'last-changed-date' | 'name'

export type Listing = {
  readonly account: string
  readonly region: string
  readonly filters: readonly Filter[]
  /** Whether secrets that are scheduled for deletion are listed too. */
  readonly planned: boolean
  readonly order: SecretOrder
  /** Where the page before this one ended. */
  readonly after: SecretPlace | undefined
  readonly max: number
}

export type Page = {
  readonly secrets: readonly StoredSecret[]
  /** Where this page ended, unless it is the last. A page may be short, or empty, and not be the last. */
  readonly next: SecretPlace | undefined
}

const ORDERS = {
  'created-date': 'created',
  'last-accessed-date': 'accessed',
  'last-changed-date': 'changed',
  name: 'name',
} as const

/** Newest first, names from A to Z, unless the caller says otherwise. */
export function orderOf(sortBy: SortBy = 'created-date', sortOrder?: 'asc' | 'desc'): SecretOrder {
  return { by: ORDERS[sortBy], descending: (sortOrder ?? (sortBy === 'name' ? 'asc' : 'desc')) === 'desc' }
}

/**
 * One page. Secrets that were never read come last when sorted by the date of access; names break ties.
 * @throws InvalidParameterException for a filter without key or values; IntegrityError where a row on the way was altered.
 */
export async function listPage(store: Store, listing: Listing): Promise<Page> {
  const passes = compileFilters(listing.filters)
  const secrets: StoredSecret[] = []
  let examined = 0
  let last = listing.after
  for await (const chunk of chunksOf(store, listing)) {
    for (const stored of chunk) {
      if (examined === EXAMINED_MAX) return { secrets, next: last }
      examined += 1
      if ((listing.planned || stored.secret.deletedAt === undefined) && passes(searchable(stored))) {
        // One match too many: there is a next page, and it begins here.
        if (secrets.length === listing.max) return { secrets, next: last }
        secrets.push(stored)
      }
      last = placeOf(stored, listing.order)
    }
    await nextTurn()
  }
  return { secrets, next: undefined }
}

/** What filters look at in a secret. */
export const searchable = ({ region, secret }: Pick<StoredSecret, 'region' | 'secret'>): Searchable => ({
  ...secret,
  primaryRegion: primaryRegionOf(region, secret),
})

type Chunks = AsyncGenerator<readonly StoredSecret[], void, undefined>

/** Every secret after `after` that may pass the filters, in order, in chunks. */
async function* chunksOf(store: Store, listing: Listing): Chunks {
  const { order } = listing
  const names = nameRange(listing.filters)
  if (order.by === 'name') {
    yield* walk(store, listing, listing.after, names)
  } else if (
    names !== undefined &&
    !(await holdsMoreNames(store, listing.account, listing.region, names, EXAMINED_MAX))
  ) {
    yield* sortedByHand(store, listing, names)
  } else if (order.by === 'accessed' && !order.descending) {
    yield* accessedUpwards(store, listing)
  } else {
    yield* walk(store, listing, listing.after)
  }
}

/** Along the index of the order. */
async function* walk(store: Store, listing: Listing, from: SecretPlace | undefined, names?: NameRange): Chunks {
  const { account, region, order, max, filters } = listing
  // Without filters one page and one more secret is all that is asked for.
  let limit = filters.length === 0 ? Math.min(max + 1, CHUNK_ROWS) : CHUNK_ROWS
  let after = from
  for (;;) {
    const chunk = await listSecrets(store, account, region, order, after, limit, names)
    if (chunk.length > 0) yield chunk
    if (chunk.length < limit) return
    after = placeOf(chunk.at(-1) as StoredSecret, order)
    limit = CHUNK_ROWS
  }
}

/** A `~` comes after every name, so this is the place after all secrets that were never read. */
const AFTER_NEVER_READ: SecretPlace = { key: 0, name: '~' }

/** The index has those that were never read first; here they come last. */
async function* accessedUpwards(store: Store, listing: Listing): Chunks {
  const { after } = listing
  if (after === undefined || after.key !== 0) yield* walk(store, listing, after ?? AFTER_NEVER_READ)
  for await (const chunk of walk(store, listing, after?.key === 0 ? after : undefined)) {
    const neverRead = chunk.filter((stored) => stored.accessedDay === 0)
    if (neverRead.length > 0) yield neverRead
    if (neverRead.length < chunk.length) return
  }
}

/** A range of names that one page can look at whole is read by its own index and sorted here, whatever the order. */
async function* sortedByHand(store: Store, listing: Listing, names: NameRange): Chunks {
  const { order, after } = listing
  const all: StoredSecret[] = []
  for await (const chunk of walk(store, { ...listing, order: { by: 'name', descending: false } }, undefined, names)) {
    all.push(...chunk)
    await nextTurn()
  }
  const compare = comparePlaces(order)
  const sorted = all
    .map((stored) => ({ stored, place: placeOf(stored, order) }))
    .filter(({ place }) => after === undefined || compare(place, after) > 0)
    .sort((a, b) => compare(a.place, b.place))
  for (let at = 0; at < sorted.length; at += CHUNK_ROWS) {
    yield sorted.slice(at, at + CHUNK_ROWS).map(({ stored }) => stored)
  }
}

/** As the database orders: names are ASCII, so comparing them here is comparing their bytes. */
export function comparePlaces({ by, descending }: SecretOrder): (a: SecretPlace, b: SecretPlace) => number {
  const way = descending ? -1 : 1
  const keyOf = ({ key = 0 }: SecretPlace): number =>
    by === 'accessed' && key === 0 && !descending ? Number.POSITIVE_INFINITY : key
  return (a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)]
    if (x !== y) return x < y ? -way : way
    return a.name === b.name ? 0 : a.name < b.name ? -way : way
  }
}

// Tokens.

type PageToken = SecretOrder & { readonly region: string; readonly place: SecretPlace }

type TokenScope = { readonly app: App; readonly account: string; readonly region: string }

const purposeOf = (operation: string): string => `secretsmanager:${operation}`

/** What continues a list, for this account, region and operation only. */
export function sealNextToken(
  { app, account, region }: TokenScope,
  operation: string,
  order: SecretOrder,
  next: SecretPlace | undefined,
): string | undefined {
  if (next === undefined) return undefined
  const token: PageToken = { ...order, region, place: next }
  return sealPageToken(app.keyring, purposeOf(operation), account, JSON.stringify(token))
}

/** @throws InvalidNextTokenException for a token that this operation did not give to this account and region, for this order. */
export function openNextToken(
  { app, account, region }: TokenScope,
  operation: string,
  order: SecretOrder,
  token: string | undefined,
): SecretPlace | undefined {
  if (token === undefined) return undefined
  const json = openPageToken(app.keyring, purposeOf(operation), account, token)
  if (json === undefined) throw errors.invalidNextToken(token)
  const opened = JSON.parse(json) as PageToken
  if (opened.region !== region || opened.by !== order.by || opened.descending !== order.descending) {
    throw errors.invalidNextToken(token)
  }
  return opened.place
}
