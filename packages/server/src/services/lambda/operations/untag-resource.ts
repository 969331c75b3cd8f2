// UntagResource takes tags off a function. Keys that are not there are nothing to take off.
// https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html

import { operation } from '../../../operation.ts'
import { TaggableResource, TagKeys } from '../shapes.ts'
import { updateFunction } from '../store.ts'
import { tagTarget } from '../tag-target.ts'
import { withoutTags } from '../tags.ts'
import { existingFunction } from '../target.ts'

export const untagResource = operation({
  name: 'UntagResource',
  readOnly: false,
  http: { method: 'DELETE', uri: '/2017-03-31/tags/{Resource}', code: 204, query: { TagKeys: 'tagKeys' } },
  input: { Resource: TaggableResource, TagKeys },
  target: tagTarget,
  conditions: ({ TagKeys }) => ({ 'aws:TagKeys': TagKeys }),

  async run(call) {
    const stored = existingFunction(call.target)
    await updateFunction(call, stored, { ...stored.fn, tags: withoutTags(stored.fn.tags, call.input.TagKeys) })
    return {}
  },
})
