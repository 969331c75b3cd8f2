// Marker and NextMarker: a place under a MAC, for one account, Region, operation and list.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html

import type { Call } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import { invalidMarker } from './errors.ts'

/** A page has at most so many items, whatever MaxItems says, as on AWS. */
const PAGE_MAX = 50

type Paged = Call<{ readonly Marker?: string | undefined; readonly MaxItems?: number | undefined }>
type Place<P> = { readonly region: string; readonly of: string; readonly after: P }

export const pageSize = ({ input }: Paged): number => Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)

/** Where the list goes on; undefined at its beginning. @param of what the list is of @throws InvalidParameterValueException */
export function openMarker<P>({ app, account, region, input }: Paged, operation: string, of: string): P | undefined {
  if (input.Marker === undefined || input.Marker === '') return undefined
  const json = openPageToken(app.keyring, `lambda:${operation}`, account, input.Marker)
  if (json === undefined) throw invalidMarker()
  const place = JSON.parse(json) as Place<P>
  if (place.region !== region || place.of !== of) throw invalidMarker()
  return place.after
}

export const sealMarker = <P>({ app, account, region }: Paged, operation: string, of: string, after: P): string =>
  sealPageToken(app.keyring, `lambda:${operation}`, account, JSON.stringify({ region, of, after } satisfies Place<P>))
