// DeleteResourcePolicy takes the policy off a parameter, which is shared with nobody then.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteResourcePolicy.html

import { operation } from '../../../operation.ts'
import { enumeration, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { PolicyHash, PolicyId, ResourceArn } from '../shapes.ts'
import { mustBeCurrentPolicy, sharedParameter, sharedTarget } from '../sharing.ts'
import { removeSharing, updateParameter } from '../store.ts'

export const deleteResourcePolicy = operation({
  name: 'DeleteResourcePolicy',
  readOnly: false,

  input: {
    ResourceArn,
    PolicyId,
    PolicyHash,
    /** Of documents: AWS ignores it for every other resource. */
    DeletionMode: optional(enumeration('RemoveSharing', 'RollbackMigration')),
  },

  output: {},

  target: sharedTarget,

  async run(call) {
    const stored = sharedParameter(call, call.target)
    const { sharing, ...parameter } = stored.parameter
    if (sharing === undefined) throw errors.policyNotFound()
    mustBeCurrentPolicy(sharing, call.input)
    await removeSharing(call, stored)
    await updateParameter(call, stored, parameter)
    return {}
  },
})
