// CreateRole makes a role that whoever its trust policy names may assume. It has no permissions yet.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownRole } from '../details.ts'
import { roleArn } from '../model.ts'
import { createRole as create } from '../roles.ts'
import { Arn, Path, PolicyDocument, Role, RoleDescription, RoleName, SessionDuration, Tags } from '../shapes.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { newTarget, permissionsOn } from '../target.ts'

const output = { Role }

export const createRole = operation({
  name: 'CreateRole',
  readOnly: false,

  input: {
    Path: optional(Path),
    RoleName,
    AssumeRolePolicyDocument: PolicyDocument,
    Description: optional(RoleDescription),
    MaxSessionDuration: optional(SessionDuration),
    PermissionsBoundary: optional(Arn),
    Tags: optional(Tags),
  },

  output,

  target: async ({ partition, account, input }) => {
    const { Path: path = '/', RoleName: roleName } = input
    return newTarget(account, 'role', roleArn(partition, account, { path, roleName }))
  },

  conditions: ({ PermissionsBoundary, Tags }) => ({
    'iam:PermissionsBoundary': PermissionsBoundary,
    ...requestTagContext(Tags),
  }),

  permissions: ({ Tags }, target) => permissionsOn(target, 'iam:CreateRole', ...(Tags?.length ? ['iam:TagRole'] : [])),

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { app, tx, account, now, input } = call
    const role = await create(app, tx, account, {
      roleName: input.RoleName,
      trustPolicy: input.AssumeRolePolicyDocument,
      now,
      path: input.Path,
      description: input.Description,
      maxSessionDuration: input.MaxSessionDuration,
      boundary: input.PermissionsBoundary,
      tags: withTags([], input.Tags, 'TagsPerRole'),
    })
    return { Role: await shownRole(call, role) }
  },
})
