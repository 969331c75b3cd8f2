// DeleteUserPolicy removes an inline policy of a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html

import { operation } from '../../../operation.ts'
import { deleteInlinePolicy } from '../inline-policies.ts'
import { ExistingUserName, PolicyName } from '../shapes.ts'
import { USER } from '../store.ts'
import { boundedUserTarget, existingUser } from '../target.ts'

export const deleteUserPolicy = operation({
  name: 'DeleteUserPolicy',
  readOnly: false,

  input: { UserName: ExistingUserName, PolicyName },

  target: boundedUserTarget,

  async run({ app, tx, input, target }) {
    await deleteInlinePolicy(app, tx, USER, existingUser(target), input.PolicyName)
    return {}
  },
})
