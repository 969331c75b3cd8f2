// GetUser tells of a user, or of whose request it is where no name is given.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownUser } from '../details.ts'
import { ExistingUserName, User } from '../shapes.ts'
import { existingUser, ownTarget } from '../target.ts'
import { readAccount } from '../users.ts'

export const getUser = operation({
  name: 'GetUser',
  readOnly: true,

  input: { UserName: optional(ExistingUserName) },

  output: { User },

  target: ownTarget,

  async run({ app, tx, partition, account, target }) {
    if (target.owner !== 'root') return { User: shownUser(partition, existingUser(target)) }
    const { createdAt } = await readAccount(app, tx, account)
    return { User: { UserId: account, Arn: target.resource, CreateDate: createdAt } }
  },
})
