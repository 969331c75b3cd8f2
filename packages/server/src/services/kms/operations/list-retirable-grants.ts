// ListRetirableGrants lists the grants that a principal of the caller's account may retire, on keys of whatever account.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { invalidRequest, unsupported } from '../errors.ts'
import { granteeName } from '../grant.ts'
import { resolvePrincipal } from '../grant-principals.ts'
import { findGrantById } from '../grants.ts'
import { listingOf, page } from '../paging.ts'
import { GrantEntry, Limit, Marker, NextMarker, Principal, ServicePrincipal } from '../shapes.ts'
import { shownGrant } from '../shown-grant.ts'
import { findKey, listRetirable } from '../store.ts'

export const listRetirableGrants = operation({
  name: 'ListRetirableGrants',
  readOnly: true,
  input: {
    Limit: optional(Limit),
    Marker: optional(Marker),
    RetiringPrincipal: optional(Principal),
    RetiringServicePrincipal: optional(ServicePrincipal),
  },
  output: { Grants: optional(list(GrantEntry)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },

  // The principal is the resource, and only one of the caller's own account can be allowed.
  async target({ account, input: { RetiringPrincipal: arn = '*' } }) {
    const owner = /^arn:[a-z-]+:(?:iam|sts)::(\d{12}):/.exec(arn)?.[1] ?? (/^\d{12}$/.test(arn) ? arn : account)
    return { resource: arn, shown: arn, account: owner }
  },

  async run(call) {
    const { region, input } = call
    if (input.RetiringServicePrincipal !== undefined)
      throw unsupported('RetiringServicePrincipal is usable only by service principals.')
    if (input.RetiringPrincipal === undefined) throw invalidRequest('RetiringPrincipal is required.')
    const of = granteeName(await resolvePrincipal(call, input.RetiringPrincipal))
    const listing = listingOf(call, 'ListRetirableGrants', of, 50)
    const [account = '', keyId = '', grantId = ''] = listing.after.split('/')
    const places = await listRetirable(call, of, region, { account, keyId, grantId }, listing.limit + 1)
    const { items, ...rest } = page(call, 'ListRetirableGrants', of, listing, places, (place) =>
      [place.account, place.keyId, place.grantId].join('/'),
    )
    const grants = []
    for (const place of items) {
      const stored = await findKey(call, place.account, region, place.keyId)
      const grant = stored && (await findGrantById(call, stored.key, place.grantId))
      // The index decides nothing: what the key does not have, or has for others, is not shown.
      if (stored && grant?.retiring && granteeName(grant.retiring) === of) grants.push(shownGrant(stored.key, grant))
    }
    return { Grants: grants, ...rest }
  },
})
