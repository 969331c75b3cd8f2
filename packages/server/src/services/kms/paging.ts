// Limit, Marker, NextMarker, Truncated: a marker is a place under a MAC, for one account, Region and operation.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html

import type { Call } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import { invalidMarker } from './errors.ts'

type Place = { readonly region: string; readonly of: string; readonly after: string }

export type Listing = {
  readonly limit: number
  /** Empty at the beginning. */
  readonly after: string
}

type Paged = Call<{ readonly Limit?: number | undefined; readonly Marker?: string | undefined }>

/** @param of what the list is of, besides the operation: the key. @throws InvalidMarkerException */
export function listingOf(call: Paged, operation: string, of: string, unlessGiven: number): Listing {
  const { Limit: limit = unlessGiven, Marker } = call.input
  if (Marker === undefined) return { limit, after: '' }
  const json = openPageToken(call.app.keyring, `kms:${operation}`, call.account, Marker)
  if (json === undefined) throw invalidMarker()
  const place = JSON.parse(json) as Place
  if (place.region !== call.region || place.of !== of) throw invalidMarker()
  return { limit, after: place.after }
}

/** What a list answers besides its items, of which one more than `limit` were asked for. */
export function page<Item>(
  { app, account, region }: Paged,
  operation: string,
  of: string,
  { limit }: Listing,
  found: readonly Item[],
  placeOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly NextMarker?: string; readonly Truncated: boolean } {
  const items = found.slice(0, limit)
  if (found.length <= limit) return { items, Truncated: false }
  const place: Place = { region, of, after: placeOf(items.at(-1)!) }
  return {
    items,
    Truncated: true,
    NextMarker: sealPageToken(app.keyring, `kms:${operation}`, account, JSON.stringify(place)),
  }
}
