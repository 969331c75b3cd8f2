// AddTagsToResource attaches tags to a parameter, taking the place of values that their keys had.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html

import { operation } from '../../../operation.ts'
import { requestTagContext } from '../../iam/port.ts'
import { withTags } from '../model.ts'
import { ResourceId, ResourceType, Tags } from '../shapes.ts'
import { updateParameter } from '../store.ts'
import { taggedParameter, taggedTarget } from '../tags.ts'

export const addTagsToResource = operation({
  name: 'AddTagsToResource',
  readOnly: false,

  input: { ResourceType, ResourceId, Tags },

  output: {},

  target: taggedTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run(call) {
    const stored = taggedParameter(call.input, call.target)
    const { parameter } = stored
    await updateParameter(call, stored, { ...parameter, tags: withTags(parameter.tags, call.input.Tags) })
    return {}
  },
})
