// Pods of a Kubernetes cluster: who comes with the token of a service account, which role is associated with it, and the session that it gets,
// as EKS Pod Identity has it. The token is checked as AssumeRoleWithWebIdentity checks it; the role must trust pods.eks.amazonaws.com.
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html

import type { App } from '../../app.ts'
import type { Call, Identity } from '../../call.ts'
import type { Context } from '../../policy/engine.ts'
import { findOidcProvider, findPodIdentityOf, requestTagContext } from '../iam/port.ts'
import * as errors from './errors.ts'
import { roleSession } from './role-session.ts'
import { type SessionRequest, sessionRequest } from './session-request.ts'
import { type RoleTarget, roleTarget } from './target.ts'
import type { WebIdentityToken } from './web-identity.ts'

/** The principal that trust policies name. */
export const POD_IDENTITY_SERVICE = 'pods.eks.amazonaws.com'

/** As EKS gives; a role that allows less gives less. */
const SESSION_SECONDS_MAX = 6 * 3_600
const SESSION_NAME_CHARACTERS_MAX = 64

type Pod = {
  readonly provider: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly podName: string
  readonly podUid: string
}

/** What the facts of an identity do not hold; by the identity, which lives as long as its request. */
const pods = new WeakMap<Identity, Pod>()

/**
 * The token must be one of a provider of this very account, for the audience of pod identities, and of a pod that runs.
 * @throws ServiceError
 */
export async function podIdentity(app: App, account: string, text: string): Promise<Identity> {
  const findProvider = (issuer: string) =>
    app.database.transaction('read', (tx) => findOidcProvider(app, tx, account, issuer))
  const { provider, token } = await app.webIdentities.verify(text, findProvider, app.wallNow())
  if (token.audience !== app.podIdentityAudience) throw errors.wrongAudience()
  const identity: Identity = {
    accessKeyId: '',
    account,
    kind: 'federated',
    userId: `${provider.arn}:${token.audience}:${token.subject}`,
    arn: provider.arn,
    federated: {
      provider: provider.arn,
      subject: token.subject,
      service: POD_IDENTITY_SERVICE,
      context: { 'aws:PrincipalIsAWSService': 'true', 'aws:PrincipalServiceName': POD_IDENTITY_SERVICE },
    },
  }
  pods.set(identity, podOf(provider.arn, token))
  return identity
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const SUBDOMAIN = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?'
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const SUBJECT = new RegExp(`^system:serviceaccount:(${LABEL}):(${SUBDOMAIN})$`)
const POD_NAME = new RegExp(`^${SUBDOMAIN}$`)
const POD_UID = /^[A-Za-z0-9-]{1,128}$/

/** By the subject and the claim `kubernetes.io`, which must agree. A token that is bound to no pod is nobody's. */
function podOf(provider: string, { subject, claims }: WebIdentityToken): Pod {
  const [, namespace, serviceAccount] = SUBJECT.exec(subject) ?? []
  if (namespace === undefined || serviceAccount === undefined) throw errors.claimInvalid('sub')
  const bound = claims['kubernetes.io'] as
    | {
        readonly namespace?: unknown
        readonly serviceaccount?: { readonly name?: unknown }
        readonly pod?: { readonly name?: unknown; readonly uid?: unknown }
      }
    | undefined
  const { name: podName, uid: podUid } = bound?.pod ?? {}
  const agrees = bound?.namespace === namespace && bound.serviceaccount?.name === serviceAccount
  const isPod = typeof podName === 'string' && POD_NAME.test(podName) && typeof podUid === 'string'
  if (!agrees || !isPod || !POD_UID.test(podUid)) throw errors.claimInvalid('kubernetes.io')
  return { provider, namespace, serviceAccount, podName, podUid }
}

export type PodTarget = RoleTarget & {
  readonly request: SessionRequest
  readonly sessionName: string
  readonly asked: Context
}

/**
 * The role that is associated with the pod's service account, and what is asked for its session.
 * @throws ServiceError where nothing is: who has the token of a service account may know that of it.
 */
export async function podTarget(call: Call): Promise<PodTarget> {
  const { app, tx, account, identity } = call
  const pod = pods.get(identity)!
  const { namespace, serviceAccount, podName, podUid, provider } = pod
  const association = await findPodIdentityOf(app, tx, account, pod)
  if (association === undefined) throw errors.noPodIdentity(namespace, serviceAccount)
  const { clusterName, roleArn } = association.body
  const target = await roleTarget(call, roleArn)
  // Only the account's own roles were ever associated: what trusts the service trusts it on behalf of its own account.
  if (target.account !== account) throw new Error('a role of another account is associated')
  const Tags = Object.entries({
    'eks-cluster-name': clusterName,
    'kubernetes-namespace': namespace,
    'kubernetes-service-account': serviceAccount,
    'kubernetes-pod-name': podName,
    'kubernetes-pod-uid': podUid,
  }).map(([Key, Value]) => ({ Key, Value }))
  const TransitiveTagKeys = Tags.map(({ Key }) => Key)
  const sessionName = sessionNameOf(clusterName, podName, app.uuid())
  return {
    ...target,
    request: sessionRequest(identity, { Tags, TransitiveTagKeys }),
    sessionName,
    asked: {
      ...requestTagContext(Tags),
      'sts:TransitiveTagKeys': TransitiveTagKeys,
      'sts:RoleSessionName': sessionName,
      'aws:SourceAccount': account,
      'aws:SourceArn': provider,
    },
    requestParameters: {
      associationId: association.key[1]!,
      roleArn,
      roleSessionName: sessionName,
      clusterName,
      namespace,
      serviceAccount,
      podName,
      podUid,
    },
  }
}

/** `eks-CLUSTER-POD-UUID`; cluster and pod are cut to what fits. */
function sessionNameOf(clusterName: string, podName: string, uuid: string): string {
  const left = SESSION_NAME_CHARACTERS_MAX - 'eks--'.length - uuid.length
  return `eks-${`${clusterName}-${podName}`.slice(0, left)}-${uuid}`
}

export async function podSession(call: Call, target: PodTarget) {
  const { sessionName: RoleSessionName, request, role } = target
  const DurationSeconds = Math.min(role?.body.maxSessionDuration ?? 0, SESSION_SECONDS_MAX)
  const { provider } = call.identity.federated!
  const session = await roleSession({ ...call, input: { RoleSessionName, DurationSeconds } }, target, request, provider)
  return session.Credentials
}
