// ListKeyPolicies lists the names of a key's policies, of which there is one.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { POLICY_NAME } from '../key-policy.ts'
import { arnOf } from '../model.ts'
import { listingOf } from '../paging.ts'
import { KeyId, Limit, Marker, NextMarker, PolicyName } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

export const listKeyPolicies = operation({
  name: 'ListKeyPolicies',
  readOnly: true,
  input: { KeyId, Limit: optional(Limit), Marker: optional(Marker) },
  output: { PolicyNames: optional(list(PolicyName)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  target: ownKeyTarget,

  async run(call) {
    listingOf(call, 'ListKeyPolicies', arnOf(existingKey(call.target).key), 100)
    return { PolicyNames: [POLICY_NAME], Truncated: false }
  },
})
