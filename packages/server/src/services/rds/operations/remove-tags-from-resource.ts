// RemoveTagsFromResource takes tags off a database.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RemoveTagsFromResource.html

import { operation } from '../../../operation.ts'
import { Identifier, TagKeys } from '../shapes.ts'
import { updateDatabase } from '../store.ts'
import { withoutTags } from '../tags.ts'
import { arnTarget, existingDatabase } from '../target.ts'

export const removeTagsFromResource = operation({
  name: 'RemoveTagsFromResource',
  readOnly: false,

  input: { ResourceName: Identifier, TagKeys },

  target: arnTarget,

  conditions: ({ TagKeys }) => ({ 'aws:TagKeys': TagKeys }),

  async run(call) {
    const stored = existingDatabase(call.target)
    const { database } = stored
    await updateDatabase(call, stored, { ...database, tags: withoutTags(database.tags, call.input.TagKeys) })
    return {}
  },
})
