// DeleteServiceLinkedRole deletes the role of a service. On AWS a task does it; here it is done with the call, and the task's status is told.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import * as errors from '../errors.ts'
import { isServiceLinked, deleteServiceLinkedRole as remove } from '../service-linked-roles.ts'
import { DeletionTaskId, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

const output = { DeletionTaskId }

export const deleteServiceLinkedRole = operation({
  name: 'DeleteServiceLinkedRole',
  readOnly: false,

  input: { RoleName },

  output,

  target: roleTarget,

  responseElements: (result) => redact(output, result),

  async run({ app, tx, now, target }) {
    const role = existingRole(target)
    if (!isServiceLinked(role)) throw errors.noSuchRole(target.name)
    return { DeletionTaskId: await remove(app, tx, role, { uuid: app.uuid(), now }) }
  },
})
