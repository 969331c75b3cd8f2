// ListPodIdentityAssociations lists which service accounts get which roles of the caller's account. No AWS operation, but EKS's of this name in
// its members: docs/workloads.md.

import { operation } from '../../../operation.ts'
import { integer, list, optional, string } from '../../../shape/shape.ts'
import { listPodIdentities } from '../../iam/port.ts'
import { Association, shownAssociation } from '../pod-identity.ts'

export const listPodIdentityAssociations = operation({
  name: 'ListPodIdentityAssociations',
  readOnly: true,
  path: '/_strongroom/pod-identity/list-associations',

  input: {
    maxResults: optional(integer({ min: 1, max: 100 })),
    nextToken: optional(string({ min: 1, max: 2_048 })),
  },

  output: {
    associations: list(Association),
    nextToken: optional(string()),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run({ app, tx, account, input: { nextToken, maxResults } }) {
    const { items, more } = await listPodIdentities(app, tx, account, { nextToken, maxResults })
    return {
      associations: items.map(shownAssociation),
      ...(more.Marker !== undefined && { nextToken: more.Marker }),
    }
  },
})
