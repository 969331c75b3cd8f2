// The shapes of associations of pods with roles: EKS's, but that a cluster is known by the OIDC provider of its issuer.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html

import { string, structure, timestamp } from '../../shape/shape.ts'
import type { PodIdentityBody, Stored } from '../iam/port.ts'

/** https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html */
export const ClusterName = string({
  min: 1,
  max: 100,
  pattern: /^[0-9A-Za-z][A-Za-z0-9_-]*$/,
  patternText: '^[0-9A-Za-z][A-Za-z0-9\\-_]*',
})

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const Namespace = string({
  min: 1,
  max: 63,
  pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/,
  patternText: '[a-z0-9]([-a-z0-9]*[a-z0-9])?',
})
export const ServiceAccountName = string({
  min: 1,
  max: 253,
  pattern: /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/,
  patternText: '[a-z0-9]([-a-z0-9.]*[a-z0-9])?',
})

export const AssociationId = string({ min: 1, max: 64 })

export const Association = structure({
  associationId: string(),
  OpenIDConnectProviderArn: string(),
  clusterName: string(),
  namespace: string(),
  serviceAccount: string(),
  roleArn: string(),
  createdAt: timestamp(),
})

export const shownAssociation = ({ key, body }: Stored<PodIdentityBody>) => {
  const { provider, ...shown } = body
  return { associationId: key[1]!, OpenIDConnectProviderArn: provider, ...shown }
}
