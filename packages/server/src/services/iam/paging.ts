// Pages of users, groups, roles, policies and of what they list: each from where the last one ended, and never more than a bounded number
// looked at.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/iam-tools.html (Pagination)

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { App } from '../../app.ts'
import type { Call } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import * as errors from './errors.ts'
import { listByName, type NamedTable, type Stored } from './store.ts'

/** The most items that one page looks at. What is left is for the next page. */
export const EXAMINED_MAX = 2_000
/** Items read between two turns of the event loop. */
const CHUNK = 200
const MAX_ITEMS_DEFAULT = 100
/** A page of items that have a weight ends after the item with which it reaches this, and few of them are read at a time. */
const WEIGHT_MAX = 1_048_576
const WEIGHED_CHUNK = 10

/** What is listed, in the order of its places: a place is a text that no other item has. */
export type Source<T> = {
  /** The items after a place, `limit` at most; fewer only where there are no more. */
  readonly read: (after: string, limit: number) => Promise<readonly T[]>
  readonly place: (item: T) => string
  /** Whether an item is listed. Absent: every item is. */
  readonly passes?: (item: T) => boolean
  /** How many characters of the answer an item is, where items may be large. */
  readonly weight?: (item: T) => number
}

export type Page<T> = { readonly items: readonly T[]; readonly more: PageEnd }

/** What the answer carries beside its list. A page may be short, or empty, and not be the last. */
export type PageEnd = { readonly IsTruncated: boolean; readonly Marker?: string }

type PagedCall = {
  readonly app: Pick<App, 'keyring'>
  readonly account: string
  readonly input: { readonly Marker?: string | undefined; readonly MaxItems?: number | undefined }
}

/**
 * One page of an operation (`ListUsers`), whose markers work for it and for this account only.
 * @throws ValidationError for a Marker that is none of them.
 */
export async function pageOf<T>(
  { app, account, input }: PagedCall,
  operation: string,
  source: Source<T>,
): Promise<Page<T>> {
  const max = input.MaxItems ?? MAX_ITEMS_DEFAULT
  const purpose = `iam:${operation}`
  const page = (items: readonly T[], end?: string): Page<T> => ({
    items,
    more:
      end === undefined
        ? { IsTruncated: false }
        : { IsTruncated: true, Marker: sealPageToken(app.keyring, purpose, account, end) },
  })
  const { read, place, passes = () => true, weight = () => 0 } = source
  const chunkMax = source.weight ? WEIGHED_CHUNK : CHUNK
  const items: T[] = []
  let examined = 0
  let weighs = 0
  let after = input.Marker === undefined ? '' : openPageToken(app.keyring, purpose, account, input.Marker)
  if (after === undefined) throw errors.invalidMarker()
  for (;;) {
    const limit = Math.min(source.passes ? CHUNK : max - items.length + 1, chunkMax)
    const chunk = await read(after, limit)
    for (const item of chunk) {
      if (examined === EXAMINED_MAX) return page(items, after)
      examined += 1
      if (passes(item)) {
        // One too many: there is a next page, and it begins here.
        if (items.length === max || weighs >= WEIGHT_MAX) return page(items, after)
        items.push(item)
        weighs += weight(item)
      }
      after = place(item)
    }
    if (chunk.length < limit) return page(items)
    await nextTurn()
  }
}

type NamedBody = { readonly path: string }

/** The users, groups or roles of an account, by name; with a prefix of paths, those whose path begins with it. */
export function namedSource<Body extends NamedBody>(
  { app, tx, account }: Pick<Call, 'app' | 'tx' | 'account'>,
  table: NamedTable<Body>,
  pathPrefix = '/',
): Source<Stored<Body>> {
  return {
    read: (after, limit) => listByName(app, tx, table, account, after, limit),
    place: ({ body }) => String(table.lookup(body)[0]),
    ...(pathPrefix !== '/' && { passes: ({ body }) => body.path.startsWith(pathPrefix) }),
  }
}

/** Of what this server has none of. @throws ValidationError for a Marker: there are none. */
export const emptyPage = (call: PagedCall, operation: string): Promise<Page<never>> =>
  pageOf(call, operation, { place: () => '', read: async () => [] })

/** What one row lists, by `place`, which decides the order too. */
export function listed<T>(all: readonly T[], place: (item: T) => string): Source<T> {
  const items = all.map((item) => ({ item, at: place(item) })).sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return {
    place,
    read: async (after, limit) =>
      items
        .filter(({ at }) => at > after)
        .slice(0, limit)
        .map(({ item }) => item),
  }
}
