// PutResourcePolicy shares an advanced parameter by a policy, or changes the policy that it has: PolicyId and PolicyHash then say which.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutResourcePolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { acceptDocument, hashOf, toResourcePolicy } from '../resource-policy.ts'
import { Policy, PolicyHash, PolicyId, ResourceArn } from '../shapes.ts'
import { mustBeCurrentPolicy, sharedParameter, sharedTarget } from '../sharing.ts'
import { updateParameter, writeSharing } from '../store.ts'
import { permissionOn, withPolicy } from '../target.ts'

export const putResourcePolicy = operation({
  name: 'PutResourcePolicy',
  readOnly: false,

  input: { ResourceArn, Policy, PolicyId: optional(PolicyId), PolicyHash: optional(PolicyHash) },

  output: { PolicyId: optional(PolicyId), PolicyHash: optional(PolicyHash) },

  target: sharedTarget,

  responseElements: ({ PolicyId: policyId, PolicyHash: policyHash }) => ({ policyId, policyHash }),

  async run(call) {
    const { app, input, target } = call
    const stored = sharedParameter(call, target)
    const { parameter } = stored
    if (parameter.details.tier !== 'Advanced') throw errors.sharingOfStandard()
    const policy = await acceptDocument(call, input.Policy)
    if (parameter.sharing === undefined && input.PolicyId !== undefined) throw errors.policyNotFound()
    if (parameter.sharing !== undefined) {
      if (input.PolicyId === undefined && input.PolicyHash === undefined) throw errors.onePolicy()
      mustBeCurrentPolicy(parameter.sharing, input)
    }
    const changed = withPolicy(call, target, toResourcePolicy(target.resource, policy))
    if (!call.decide(permissionOn(changed, 'ssm:PutResourcePolicy')).allow) throw errors.policyLocksOut()

    const policyId = parameter.sharing?.policyId ?? app.uuid()
    const policyHash = hashOf(policyId, stored.rev + 1, policy)
    const digest = await writeSharing(call, stored, policy)
    await updateParameter(call, stored, { ...parameter, sharing: { policyId, hash: policyHash, digest } })
    return { PolicyId: policyId, PolicyHash: policyHash }
  },
})
