// TagResource puts tags on a function, in the place of those with the same keys.
// https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html

import { operation } from '../../../operation.ts'
import { TaggableResource, Tags } from '../shapes.ts'
import { updateFunction } from '../store.ts'
import { tagTarget } from '../tag-target.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { existingFunction } from '../target.ts'

export const tagResource = operation({
  name: 'TagResource',
  readOnly: false,
  http: { method: 'POST', uri: '/2017-03-31/tags/{Resource}', code: 204 },
  input: { Resource: TaggableResource, Tags },
  target: tagTarget,
  conditions: ({ Tags }) => requestTagContext(Tags),

  async run(call) {
    const stored = existingFunction(call.target)
    await updateFunction(call, stored, { ...stored.fn, tags: withTags(stored.fn.tags, call.input.Tags) })
    return {}
  },
})
