// PutUserPolicy adds an inline policy to a user, or replaces the one of the same name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html

import { operation } from '../../../operation.ts'
import { putInlinePolicy } from '../inline-policies.ts'
import { ExistingUserName, PolicyDocument, PolicyName } from '../shapes.ts'
import { USER } from '../store.ts'
import { boundedUserTarget, existingUser } from '../target.ts'

export const putUserPolicy = operation({
  name: 'PutUserPolicy',
  readOnly: false,

  input: { UserName: ExistingUserName, PolicyName, PolicyDocument },

  target: boundedUserTarget,

  async run({ app, tx, input, target }) {
    const user = existingUser(target)
    const policy = { policyName: input.PolicyName, document: input.PolicyDocument }
    await putInlinePolicy(app, tx, USER, user, user.body.userName, policy)
    return {}
  },
})
