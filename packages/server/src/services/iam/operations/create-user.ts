// CreateUser makes a user, who has no policies and no access keys yet.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownUser } from '../details.ts'
import { userArn } from '../model.ts'
import { Arn, Path, Tags, User, UserName } from '../shapes.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { newTarget, permissionsOn } from '../target.ts'
import { createUser as create, readUser } from '../users.ts'

const output = { User: optional(User) }

export const createUser = operation({
  name: 'CreateUser',
  readOnly: false,

  input: {
    Path: optional(Path),
    UserName,
    PermissionsBoundary: optional(Arn),
    Tags: optional(Tags),
  },

  output,

  target: async ({ partition, account, input }) => {
    const { Path: path = '/', UserName: userName } = input
    return newTarget(account, 'user', userArn(partition, account, { path, userName }))
  },

  conditions: ({ PermissionsBoundary, Tags }) => ({
    'iam:PermissionsBoundary': PermissionsBoundary,
    ...requestTagContext(Tags),
  }),

  permissions: ({ Tags }, target) => permissionsOn(target, 'iam:CreateUser', ...(Tags?.length ? ['iam:TagUser'] : [])),

  responseElements: (result) => redact(output, result),

  async run({ app, tx, account, partition, now, input }) {
    const { UserName: userName, Path: path, PermissionsBoundary: boundary, Tags } = input
    const tags = withTags([], Tags, 'TagsPerUser')
    await create(app, tx, account, { userName, now, path, boundary, tags })
    return { User: shownUser(partition, await readUser(app, tx, account, userName)) }
  },
})
