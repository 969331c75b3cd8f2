// CreatePodIdentityAssociation says which role of the caller's account the pods of a service account get. No AWS operation, but EKS's of this
// name in its members: docs/workloads.md.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html

import { operation } from '../../../operation.ts'
import { string } from '../../../shape/shape.ts'
import {
  createPodIdentity,
  existingOidcProvider,
  findAssumableRole,
  notAnOwnRole,
  oidcProviderTarget,
  resourceTagContext,
} from '../../iam/port.ts'
import { POD_IDENTITY_SERVICE } from '../../sts/port.ts'
import { Association, ClusterName, Namespace, ServiceAccountName, shownAssociation } from '../pod-identity.ts'

export const createPodIdentityAssociation = operation({
  name: 'CreatePodIdentityAssociation',
  readOnly: false,
  path: '/_strongroom/pod-identity/create-association',

  input: {
    /** Of the cluster's issuer. */
    OpenIDConnectProviderArn: string({ min: 20, max: 2048 }),
    /** The tag `eks-cluster-name` of the sessions. */
    clusterName: ClusterName,
    namespace: Namespace,
    serviceAccount: ServiceAccountName,
    roleArn: string({ min: 20, max: 2048 }),
  },

  output: { association: Association },

  async target(call) {
    const { app, tx, account, input } = call
    const owner = input.roleArn.split(':')[4] ?? ''
    const role = owner === account ? await findAssumableRole(app, tx, input.roleArn) : undefined
    return { ...(await oidcProviderTarget(call)), role, roleOwner: owner }
  },

  permissions: ({ roleArn }, { resource, account, role, roleOwner }) => [
    { action: 'strongroom:CreatePodIdentityAssociation', resource, shown: resource, resourceAccount: account },
    {
      action: 'iam:PassRole',
      resource: roleArn,
      shown: roleArn,
      resourceAccount: roleOwner,
      context: {
        ...resourceTagContext(role?.body.tags),
        'iam:PassedToService': POD_IDENTITY_SERVICE,
        'iam:AssociatedResourceArn': resource,
      },
    },
  ],

  responseElements: ({ association }) => ({ associationId: association.associationId }),

  async run({ app, tx, now, account, input, target }) {
    existingOidcProvider(target)
    if (target.role === undefined) throw notAnOwnRole()
    const { clusterName, namespace, serviceAccount, roleArn } = input
    const body = { provider: target.arn, clusterName, namespace, serviceAccount, roleArn, createdAt: now }
    return { association: shownAssociation(await createPodIdentity(app, tx, account, body)) }
  },
})
