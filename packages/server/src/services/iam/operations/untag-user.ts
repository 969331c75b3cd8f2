// UntagUser takes tags off a user. Keys that it does not have are nothing to remove.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html

import { operation } from '../../../operation.ts'
import { ExistingUserName, TagKeys } from '../shapes.ts'
import { replaceRow, USER } from '../store.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { existingUser, userTarget } from '../target.ts'

export const untagUser = operation({
  name: 'UntagUser',
  readOnly: false,

  input: { UserName: ExistingUserName, TagKeys },

  target: userTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run({ app, tx, input, target }) {
    const user = existingUser(target)
    await replaceRow(app, tx, USER, user, { ...user.body, tags: withoutTags(user.body.tags, input.TagKeys) })
    return {}
  },
})
