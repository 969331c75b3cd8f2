// ListTagsForResource returns the tags of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { ResourceId, ResourceType, Tags } from '../shapes.ts'
import { taggedParameter, taggedTarget } from '../tags.ts'

export const listTagsForResource = operation({
  name: 'ListTagsForResource',
  readOnly: true,

  input: { ResourceType, ResourceId },

  output: { TagList: optional(Tags) },

  target: taggedTarget,

  async run(call) {
    const { parameter } = taggedParameter(call.input, call.target)
    return { TagList: parameter.tags.map(({ key, value }) => ({ Key: key, Value: value })) }
  },
})
