// GetResourcePolicies returns the policy by which a parameter is shared; there is at most one, so at most one page.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetResourcePolicies.html

import { operation } from '../../../operation.ts'
import { list, optional, structure } from '../../../shape/shape.ts'
import { shownDocument } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { MaxResults, NextToken, Policy, PolicyHash, PolicyId, ResourceArn } from '../shapes.ts'
import { sharedParameter, sharedTarget } from '../sharing.ts'
import { readSharing } from '../store.ts'

export const getResourcePolicies = operation({
  name: 'GetResourcePolicies',
  readOnly: true,

  input: { ResourceArn, NextToken: optional(NextToken), MaxResults: optional(MaxResults) },

  output: {
    NextToken: optional(NextToken),
    Policies: optional(
      list(structure({ PolicyId: optional(PolicyId), PolicyHash: optional(PolicyHash), Policy: optional(Policy) })),
    ),
  },

  target: sharedTarget,

  async run(call) {
    const { parameter } = sharedParameter(call, call.target)
    if (call.input.NextToken !== undefined) throw errors.noFurtherPolicies()
    const policy = await readSharing(call, parameter)
    if (policy === undefined) return { Policies: [] }
    const { policyId, hash } = parameter.sharing!
    return {
      Policies: [{ PolicyId: policyId, PolicyHash: hash, Policy: await shownDocument(call.app, call.tx, policy) }],
    }
  },
})
