// A grant as ListGrants and ListRetirableGrants show it.

import type { Grant } from './grant.ts'
import { arnOf, type KmsKey } from './model.ts'

export const shownGrant = (key: KmsKey, grant: Grant) => ({
  KeyId: arnOf(key),
  GrantId: grant.grantId,
  ...(grant.name !== undefined && { Name: grant.name }),
  CreationDate: grant.createdAt,
  GranteePrincipal: grant.grantee.arn,
  ...(grant.retiring && { RetiringPrincipal: grant.retiring.arn }),
  IssuingAccount: `arn:${key.partition}:iam::${grant.issuingAccount}:root`,
  Operations: grant.operations,
  ...(grant.constraints && {
    Constraints: {
      ...(grant.constraints.subset && { EncryptionContextSubset: grant.constraints.subset }),
      ...(grant.constraints.equals && { EncryptionContextEquals: grant.constraints.equals }),
    },
  }),
})
