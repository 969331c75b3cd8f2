// AddTagsToResource puts tags on a database; those with the same key are replaced.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddTagsToResource.html

import { operation } from '../../../operation.ts'
import { Identifier, TagList } from '../shapes.ts'
import { updateDatabase } from '../store.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { arnTarget, existingDatabase } from '../target.ts'

export const addTagsToResource = operation({
  name: 'AddTagsToResource',
  readOnly: false,

  input: { ResourceName: Identifier, Tags: TagList },

  target: arnTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run(call) {
    const stored = existingDatabase(call.target)
    const { database } = stored
    await updateDatabase(call, stored, { ...database, tags: withTags(database.tags, call.input.Tags) })
    return {}
  },
})
