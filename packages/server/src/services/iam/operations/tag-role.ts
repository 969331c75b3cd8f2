// TagRole puts tags on a role, in place of those with the same keys.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html

import { operation } from '../../../operation.ts'
import { RoleName, Tags } from '../shapes.ts'
import { ROLE, replaceRow } from '../store.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { existingRole, roleTarget } from '../target.ts'

export const tagRole = operation({
  name: 'TagRole',
  readOnly: false,

  input: { RoleName, Tags },

  target: roleTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run({ app, tx, input, target }) {
    const role = existingRole(target)
    const tags = withTags(role.body.tags, input.Tags, 'TagsPerRole')
    await replaceRow(app, tx, ROLE, role, { ...role.body, tags })
    return {}
  },
})
