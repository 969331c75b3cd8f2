// ListRoleTags lists the tags of a role, by key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html

import { operation } from '../../../operation.ts'
import { pageOf } from '../paging.ts'
import { PageInput, PageOutput, RoleName, Tags } from '../shapes.ts'
import { shownTags, tagSource } from '../tags.ts'
import { existingRole, roleTarget } from '../target.ts'

export const listRoleTags = operation({
  name: 'ListRoleTags',
  readOnly: true,

  input: { RoleName, ...PageInput },

  output: { Tags, ...PageOutput },

  target: roleTarget,

  async run(call) {
    const { tags } = existingRole(call.target).body
    const { items, more } = await pageOf(call, 'ListRoleTags', tagSource(tags))
    return { Tags: shownTags(items), ...more }
  },
})
