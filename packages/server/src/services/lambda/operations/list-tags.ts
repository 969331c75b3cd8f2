// ListTags shows the tags of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { TaggableResource, Tags } from '../shapes.ts'
import { tagTarget } from '../tag-target.ts'
import { existingFunction } from '../target.ts'

export const listTags = operation({
  name: 'ListTags',
  readOnly: true,
  http: { method: 'GET', uri: '/2017-03-31/tags/{Resource}', code: 200 },
  input: { Resource: TaggableResource },
  output: { Tags: optional(Tags) },
  target: tagTarget,

  async run({ target }) {
    return { Tags: existingFunction(target).fn.tags }
  },
})
