// DeletePodIdentityAssociation ends an association: its pods get no new credentials. Those that they have go on until they expire. No AWS
// operation, but EKS's of this name in its members: docs/workloads.md.

import { operation } from '../../../operation.ts'
import { deletePodIdentity, findPodIdentity, noSuchPodIdentity } from '../../iam/port.ts'
import { Association, AssociationId, shownAssociation } from '../pod-identity.ts'

export const deletePodIdentityAssociation = operation({
  name: 'DeletePodIdentityAssociation',
  readOnly: false,
  path: '/_strongroom/pod-identity/delete-association',

  input: { associationId: AssociationId },

  output: { association: Association },

  /** The provider that it is of, as for CreatePodIdentityAssociation; where there is none, `*`. */
  async target({ app, tx, account, input }) {
    const stored = await findPodIdentity(app, tx, account, input.associationId)
    return { resource: stored?.body.provider ?? '*', shown: `association ${input.associationId}`, account, stored }
  },

  responseElements: ({ association }) => ({ roleArn: association.roleArn }),

  async run({ tx, target }) {
    if (target.stored === undefined) throw noSuchPodIdentity()
    await deletePodIdentity(tx, target.stored)
    return { association: shownAssociation(target.stored) }
  },
})
