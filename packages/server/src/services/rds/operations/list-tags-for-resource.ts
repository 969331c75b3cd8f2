// ListTagsForResource lists the tags of a database.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ListTagsForResource.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { Identifier, TagList } from '../shapes.ts'
import { shownTags } from '../tags.ts'
import { arnTarget, existingDatabase } from '../target.ts'

export const listTagsForResource = operation({
  name: 'ListTagsForResource',
  readOnly: true,

  input: { ResourceName: Identifier },

  output: { TagList: optional(TagList) },

  target: arnTarget,

  async run(call) {
    return { TagList: shownTags(existingDatabase(call.target).database.tags) }
  },
})
