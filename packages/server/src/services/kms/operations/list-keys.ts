// ListKeys lists the keys of the caller's account in a region, those of AWS's services too.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional, structure } from '../../../shape/shape.ts'
import { keyArn } from '../model.ts'
import { listingOf, page } from '../paging.ts'
import { Arn, Limit, Marker, NextMarker } from '../shapes.ts'
import { listKeyIds } from '../store.ts'

const KeyListEntry = structure({ KeyId: optional(Arn), KeyArn: optional(Arn) })

export const listKeys = operation({
  name: 'ListKeys',
  readOnly: true,
  input: { Limit: optional(Limit), Marker: optional(Marker) },
  output: { Keys: optional(list(KeyListEntry)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { account, region } = call
    const listing = listingOf(call, 'ListKeys', '', 100)
    const found = await listKeyIds(call, account, region, listing.after, listing.limit + 1)
    const { items, ...rest } = page(call, 'ListKeys', '', listing, found, (keyId) => keyId)
    return { Keys: items.map((keyId) => ({ KeyId: keyId, KeyArn: keyArn(call, keyId) })), ...rest }
  },
})
