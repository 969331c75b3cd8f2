// GetServiceLinkedRoleDeletionStatus tells of a role that DeleteServiceLinkedRole deleted in the last seven days.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLinkedRoleDeletionStatus.html

import { operation } from '../../../operation.ts'
import { enumeration, list, optional, string, structure } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { mustBeDeleted, roleArnOfTask } from '../service-linked-roles.ts'
import { DeletionTaskId } from '../shapes.ts'

export const getServiceLinkedRoleDeletionStatus = operation({
  name: 'GetServiceLinkedRoleDeletionStatus',
  readOnly: true,

  input: { DeletionTaskId },

  output: {
    Status: enumeration('SUCCEEDED', 'IN_PROGRESS', 'FAILED', 'NOT_STARTED'),
    /** Always absent: no deletion fails. */
    Reason: optional(
      structure({
        Reason: optional(string()),
        RoleUsageList: optional(list(structure({ Region: optional(string()), Resources: optional(list(string())) }))),
      }),
    ),
  },

  target: async ({ partition, account, input }) => {
    const resource = roleArnOfTask(partition, account, input.DeletionTaskId) ?? '*'
    return { resource, shown: resource, account }
  },

  async run({ app, tx, account, input, target }) {
    if (target.resource === '*') throw errors.invalidDeletion()
    await mustBeDeleted(app, tx, account, input.DeletionTaskId)
    return { Status: 'SUCCEEDED' as const }
  },
})
