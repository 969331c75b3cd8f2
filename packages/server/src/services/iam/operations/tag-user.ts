// TagUser puts tags on a user, taking the place of values that their keys had.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html

import { operation } from '../../../operation.ts'
import { ExistingUserName, Tags } from '../shapes.ts'
import { replaceRow, USER } from '../store.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { existingUser, userTarget } from '../target.ts'

export const tagUser = operation({
  name: 'TagUser',
  readOnly: false,

  input: { UserName: ExistingUserName, Tags },

  target: userTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run({ app, tx, input, target }) {
    const user = existingUser(target)
    await replaceRow(app, tx, USER, user, { ...user.body, tags: withTags(user.body.tags, input.Tags, 'TagsPerUser') })
    return {}
  },
})
