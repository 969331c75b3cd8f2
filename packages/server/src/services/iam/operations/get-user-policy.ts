// GetUserPolicy tells an inline policy of a user, its document percent-encoded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html

import { operation } from '../../../operation.ts'
import { encodedDocument } from '../documents.ts'
import { existingInlinePolicy } from '../inline-policies.ts'
import { ExistingUserName, PolicyDocument, PolicyName } from '../shapes.ts'
import { USER } from '../store.ts'
import { existingUser, userTarget } from '../target.ts'

export const getUserPolicy = operation({
  name: 'GetUserPolicy',
  readOnly: true,

  input: { UserName: ExistingUserName, PolicyName },

  output: { UserName: ExistingUserName, PolicyName, PolicyDocument },

  target: userTarget,

  async run({ input, target }) {
    const user = existingUser(target)
    const { policyName, document } = existingInlinePolicy(USER, user, input.PolicyName)
    return { UserName: user.body.userName, PolicyName: policyName, PolicyDocument: encodedDocument(document) }
  },
})
