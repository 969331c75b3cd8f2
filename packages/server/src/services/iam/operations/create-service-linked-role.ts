// CreateServiceLinkedRole makes the role of a service, which nobody but that service can assume or change.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownRole } from '../details.ts'
import { createServiceLinkedRole as create, serviceLinkedRoleArn } from '../service-linked-roles.ts'
import { CustomSuffix, Role, RoleDescription, ServicePrincipal } from '../shapes.ts'
import { newTarget } from '../target.ts'

const output = { Role: optional(Role) }

export const createServiceLinkedRole = operation({
  name: 'CreateServiceLinkedRole',
  readOnly: false,

  input: {
    AWSServiceName: ServicePrincipal,
    Description: optional(RoleDescription),
    CustomSuffix: optional(CustomSuffix),
  },

  output,

  target: async ({ partition, account, input }) =>
    newTarget(account, 'role', serviceLinkedRoleArn(partition, account, input.AWSServiceName)),

  conditions: ({ AWSServiceName }) => ({ 'iam:AWSServiceName': AWSServiceName }),

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { app, tx, account, now, input } = call
    const { AWSServiceName: service, Description: description, CustomSuffix: suffix } = input
    return { Role: await shownRole(call, await create(app, tx, account, { service, suffix, description, now })) }
  },
})
