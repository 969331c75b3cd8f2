// PutUserPermissionsBoundary sets the managed policy that says what a user may at most, in place of the one before.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html

import { operation } from '../../../operation.ts'
import { findBoundary, replaceBoundary } from '../attachments.ts'
import { Arn, UserName } from '../shapes.ts'
import { USER } from '../store.ts'
import { existingUser, userTarget } from '../target.ts'

export const putUserPermissionsBoundary = operation({
  name: 'PutUserPermissionsBoundary',
  readOnly: false,

  input: { UserName, PermissionsBoundary: Arn },

  target: userTarget,

  /** Of the boundary to be; the other operations that have this key give the one that is. */
  conditions: ({ PermissionsBoundary }) => ({ 'iam:PermissionsBoundary': PermissionsBoundary }),

  async run({ app, tx, account, input, target }) {
    const user = existingUser(target)
    const boundary = await findBoundary(app, tx, account, input.PermissionsBoundary)
    await replaceBoundary(app, tx, USER, user, boundary)
    return {}
  },
})
