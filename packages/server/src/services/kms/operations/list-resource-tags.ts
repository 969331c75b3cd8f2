// ListResourceTags lists the tags of a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { arnOf } from '../model.ts'
import { listingOf, page } from '../paging.ts'
import { KeyId, Limit, Marker, NextMarker, Tag } from '../shapes.ts'
import { shownTags } from '../tags.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

export const listResourceTags = operation({
  name: 'ListResourceTags',
  readOnly: true,
  input: { KeyId, Limit: optional(Limit), Marker: optional(Marker) },
  output: { Tags: optional(list(Tag)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  target: ownKeyTarget,

  async run(call) {
    const { key } = existingKey(call.target)
    const listing = listingOf(call, 'ListResourceTags', arnOf(key), 50)
    const sorted = shownTags(key.tags).toSorted((a, b) => (a.TagKey < b.TagKey ? -1 : 1))
    const left = sorted.filter(({ TagKey }) => TagKey > listing.after || listing.after === '')
    const { items, ...rest } = page(call, 'ListResourceTags', arnOf(key), listing, left, ({ TagKey }) => TagKey)
    return { Tags: items, ...rest }
  },
})
