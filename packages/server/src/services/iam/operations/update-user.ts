// UpdateUser gives a user another name, another path or both. Its id, and with it its policies, keys and groups, stay.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { userArn } from '../model.ts'
import { ExistingUserName, NewPath, NewUserName } from '../shapes.ts'
import { existingUser, permissionsOnRenamed, userTarget } from '../target.ts'
import { updateUser as update } from '../users.ts'

export const updateUser = operation({
  name: 'UpdateUser',
  readOnly: false,

  input: {
    UserName: ExistingUserName,
    NewPath: optional(NewPath),
    NewUserName: optional(NewUserName),
  },

  target: async (call) => {
    const target = await userTarget(call)
    const { NewUserName, NewPath } = call.input
    const { userName, path } = target.stored?.body ?? { userName: target.name, path: '/' }
    const renamed = userArn(call.partition, call.account, { userName: NewUserName ?? userName, path: NewPath ?? path })
    return { ...target, renamed }
  },

  /** Of what the user was and of what it becomes. */
  permissions: (_, target) => permissionsOnRenamed('iam:UpdateUser', target),

  async run({ app, tx, input, target }) {
    await update(app, tx, existingUser(target), { userName: input.NewUserName, path: input.NewPath })
    return {}
  },
})
