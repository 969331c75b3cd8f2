// GetKeyPolicy returns a key's policy, principals that are gone as their unique ids.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownDocument } from '../../iam/port.ts'
import { noSuchPolicy } from '../errors.ts'
import { POLICY_NAME } from '../key-policy.ts'
import { KeyId, Policy, PolicyName } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

export const getKeyPolicy = operation({
  name: 'GetKeyPolicy',
  readOnly: true,
  input: { KeyId, PolicyName: optional(PolicyName) },
  output: { Policy: optional(Policy), PolicyName: optional(PolicyName) },
  target: ownKeyTarget,

  async run({ app, tx, input, target }) {
    const { key } = existingKey(target)
    if ((input.PolicyName ?? POLICY_NAME) !== POLICY_NAME) throw noSuchPolicy()
    const document = await shownDocument(app, tx, { document: key.policy, principalIds: key.principalIds ?? {} })
    return { Policy: document, PolicyName: POLICY_NAME }
  },
})
