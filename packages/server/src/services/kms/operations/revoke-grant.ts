// RevokeGrant ends a grant, by whoever may administer the key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { endDryRun } from '../cryptography.ts'
import { grantNotFound } from '../errors.ts'
import { granteeName } from '../grant.ts'
import { findGrantById, removeGrant } from '../grants.ts'
import { GrantId, KeyId } from '../shapes.ts'
import { removeRetirable } from '../store.ts'
import { existingKey, keyTarget } from '../target.ts'

export const revokeGrant = operation({
  name: 'RevokeGrant',
  readOnly: false,
  input: { KeyId, GrantId, DryRun: optional(boolean()) },
  target: keyTarget({ names: 'key', crossAccount: true }),

  async run(call) {
    const { input, target } = call
    const stored = existingKey(target)
    const grant = await findGrantById(call, stored.key, input.GrantId)
    if (grant === undefined) throw grantNotFound(input.GrantId)
    endDryRun(input)
    await removeGrant(call, stored, grant.grantId)
    if (grant.retiring) await removeRetirable(call, granteeName(grant.retiring), stored.key, grant.grantId)
    return {}
  },
})
