// UntagRole takes tags off a role; keys that it does not have are nothing to take off.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html

import { operation } from '../../../operation.ts'
import { RoleName, TagKeys } from '../shapes.ts'
import { ROLE, replaceRow } from '../store.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { existingRole, roleTarget } from '../target.ts'

export const untagRole = operation({
  name: 'UntagRole',
  readOnly: false,

  input: { RoleName, TagKeys },

  target: roleTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run({ app, tx, input, target }) {
    const role = existingRole(target)
    await replaceRow(app, tx, ROLE, role, { ...role.body, tags: withoutTags(role.body.tags, input.TagKeys) })
    return {}
  },
})
