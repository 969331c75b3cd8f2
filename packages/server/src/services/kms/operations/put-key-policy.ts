// PutKeyPolicy puts another policy in the place of a key's own, unless that would leave the caller without the right to do so again.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { noSuchPolicy } from '../errors.ts'
import { acceptKeyPolicy, mustKeepControl, POLICY_NAME } from '../key-policy.ts'
import { KeyId, Policy, PolicyName } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const conditions = ({
  BypassPolicyLockoutSafetyCheck: bypass = false,
}: {
  readonly BypassPolicyLockoutSafetyCheck?: boolean | undefined
}) => ({
  'kms:BypassPolicyLockoutSafetyCheck': String(bypass),
})

export const putKeyPolicy = operation({
  name: 'PutKeyPolicy',
  readOnly: false,
  input: {
    KeyId,
    PolicyName: optional(PolicyName),
    Policy,
    BypassPolicyLockoutSafetyCheck: optional(boolean()),
  },
  target: ownKeyTarget,
  conditions,

  async run(call) {
    const { input, target } = call
    const stored = existingKey(target)
    if ((input.PolicyName ?? POLICY_NAME) !== POLICY_NAME) throw noSuchPolicy()
    const { document, principalIds } = await acceptKeyPolicy(call, input.Policy)
    const key = { ...stored.key, policy: document, principalIds }
    if (!input.BypassPolicyLockoutSafetyCheck) mustKeepControl(call, key, { ...target.context, ...conditions(input) })
    await updateKey(call, stored, key)
    return {}
  },
})
