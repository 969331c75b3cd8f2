// CreateGrant lets a principal use a key. A caller who may do so by a grant alone can give no more than that grant has.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { endDryRun } from '../cryptography.ts'
import { limitExceeded } from '../errors.ts'
import { granteeName, isWithin } from '../grant.ts'
import { addGrant, sealGrantToken } from '../grants.ts'
import { GRANTS_MAX, isSameGrant, type NewGrantInput, newGrant, scopeOf } from '../new-grant.ts'
import {
  GrantConstraints,
  GrantId,
  GrantName,
  GrantOperations,
  GrantToken,
  GrantTokens,
  KeyId,
  Principal,
  ServicePrincipal,
} from '../shapes.ts'
import { bucketOf, insertRetirable, readGrants } from '../store.ts'
import { fitKey, keyTarget } from '../target.ts'

const output = { GrantToken: optional(GrantToken), GrantId: optional(GrantId) }

export const createGrant = operation({
  name: 'CreateGrant',
  readOnly: false,
  input: {
    KeyId,
    GranteePrincipal: optional(Principal),
    RetiringPrincipal: optional(Principal),
    Operations: GrantOperations,
    Constraints: optional(GrantConstraints),
    GrantTokens: optional(GrantTokens),
    Name: optional(GrantName),
    DryRun: optional(boolean()),
    GranteeServicePrincipal: optional(ServicePrincipal),
    RetiringServicePrincipal: optional(ServicePrincipal),
  },
  output,

  target: (call: Call<NewGrantInput & { readonly KeyId: string }>) =>
    keyTarget({
      names: 'key',
      crossAccount: true,
      grant: 'CreateGrant',
      fits: (parent) => isWithin(scopeOf(call.input), parent),
    })(call),

  conditions: ({ Constraints }) => ({
    'kms:GrantConstraintType':
      Constraints && Object.keys(Constraints).filter((name) => name.startsWith('EncryptionContext')),
    'kms:GrantIsForAWSResource': 'false',
  }),

  responseElements: ({ GrantId }) => redact(output, { GrantId }),

  async run(call) {
    const { app, input, target } = call
    const stored = fitKey(target, 'use')
    const { key } = stored
    const grant = await newGrant(call, key, input)
    const place = { account: key.accountId, region: key.region, keyId: key.keyId }
    if (grant.name !== undefined) {
      const { grants } = await readGrants(call, key, bucketOf(granteeName(grant.grantee)))
      const same = grants.find((other) => isSameGrant(other, grant))
      if (same !== undefined) {
        endDryRun(input)
        return { GrantId: same.grantId, GrantToken: sealGrantToken(app.keyring, { ...place, grantId: same.grantId }) }
      }
    }
    if ((key.grantCount ?? 0) >= GRANTS_MAX) throw limitExceeded(`A KMS key has at most ${GRANTS_MAX} grants.`)
    endDryRun(input)
    await addGrant(call, stored, grant)
    if (grant.retiring) await insertRetirable(call, granteeName(grant.retiring), key, grant.grantId)
    return { GrantId: grant.grantId, GrantToken: sealGrantToken(app.keyring, { ...place, grantId: grant.grantId }) }
  },
})
