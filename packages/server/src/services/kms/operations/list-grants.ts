// ListGrants lists the grants on a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { listGrants as listOfKey } from '../grants.ts'
import { arnOf } from '../model.ts'
import { listingOf, page } from '../paging.ts'
import { GrantEntry, GrantId, KeyId, Limit, Marker, NextMarker, Principal, ServicePrincipal } from '../shapes.ts'
import { shownGrant } from '../shown-grant.ts'
import { existingKey, keyTarget } from '../target.ts'

export const listGrants = operation({
  name: 'ListGrants',
  readOnly: true,
  input: {
    Limit: optional(Limit),
    Marker: optional(Marker),
    KeyId,
    GrantId: optional(GrantId),
    GranteePrincipal: optional(Principal),
    GranteeServicePrincipal: optional(ServicePrincipal),
  },
  output: { Grants: optional(list(GrantEntry)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  target: keyTarget({ names: 'key', crossAccount: true }),

  async run(call) {
    const { key } = existingKey(call.target)
    const { GrantId, GranteePrincipal, GranteeServicePrincipal } = call.input
    const of = arnOf(key)
    const listing = listingOf(call, 'ListGrants', of, 50)
    const found = await listOfKey(
      call,
      key,
      listing.after,
      listing.limit + 1,
      ({ grantId, grantee }) =>
        GranteeServicePrincipal === undefined &&
        (GrantId === undefined || grantId === GrantId) &&
        (GranteePrincipal === undefined || grantee.arn === GranteePrincipal || grantee.account === GranteePrincipal),
    )
    const { items, ...rest } = page(call, 'ListGrants', of, listing, found, ({ grantId }) => grantId)
    return { Grants: items.map((grant) => shownGrant(key, grant)), ...rest }
  },
})
