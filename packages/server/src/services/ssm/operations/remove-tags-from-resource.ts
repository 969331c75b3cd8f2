// RemoveTagsFromResource takes tags off a parameter. Keys that are not there are nothing to remove.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html

import { operation } from '../../../operation.ts'
import { tagKeysContext } from '../../iam/port.ts'
import { ResourceId, ResourceType, TagKeys } from '../shapes.ts'
import { updateParameter } from '../store.ts'
import { taggedParameter, taggedTarget } from '../tags.ts'

export const removeTagsFromResource = operation({
  name: 'RemoveTagsFromResource',
  readOnly: false,

  input: { ResourceType, ResourceId, TagKeys },

  output: {},

  target: taggedTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run(call) {
    const stored = taggedParameter(call.input, call.target)
    const { parameter } = stored
    const tags = parameter.tags.filter(({ key }) => !call.input.TagKeys.includes(key))
    if (tags.length < parameter.tags.length) await updateParameter(call, stored, { ...parameter, tags })
    return {}
  },
})
