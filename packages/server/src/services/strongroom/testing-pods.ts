// A Kubernetes cluster for tests: an issuer that the first account knows, tokens as kubelet projects them, and roles for pods.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { GivenOptions } from '../../config.ts'
import { signedCall, startTestServer, TEST_REGION, type TestServer } from '../../testing.ts'
import { iamClient, policyDocument } from '../iam/testing.ts'
import type { CloudTrailRecord } from '../secretsmanager/testing.ts'
import { newRole } from '../sts/testing.ts'
import { startIssuer, type TestIssuer } from '../sts/testing-issuer.ts'

export const POD_AUDIENCE = 'pods.eks.amazonaws.com'
export const NAMESPACE = 'payments'
export const SERVICE_ACCOUNT = 'api'
export const POD_NAME = 'api-7d9c5b6f4-x2x7q'
export const POD_UID = '5d0c3d2e-7c1f-4f3a-9f0e-0a3b2d8e1c44'

/** What a projected token of a service account says besides the standard claims. */
export const podClaims = (serviceAccount = SERVICE_ACCOUNT, namespace = NAMESPACE) => ({
  sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  aud: [POD_AUDIENCE],
  'kubernetes.io': {
    namespace,
    node: { name: 'node-1', uid: '9f0c3d2e-7c1f-4f3a-9f0e-0a3b2d8e1c44' },
    pod: { name: POD_NAME, uid: POD_UID },
    serviceaccount: { name: serviceAccount, uid: '1a0c3d2e-7c1f-4f3a-9f0e-0a3b2d8e1c44' },
  },
})

export const TRUSTS_PODS = policyDocument({
  Effect: 'Allow',
  Principal: { Service: POD_AUDIENCE },
  Action: ['sts:AssumeRole', 'sts:TagSession'],
})

const ROUTES = {
  CreatePodIdentityAssociation: 'create-association',
  ListPodIdentityAssociations: 'list-associations',
  DeletePodIdentityAssociation: 'delete-association',
}

export const callAssociations = (
  { url, credentials: own }: Pick<TestServer, 'url' | 'credentials'>,
  operation: keyof typeof ROUTES,
  input: object = {},
  credentials = own,
) =>
  signedCall(`${url}/_strongroom/pod-identity/${ROUTES[operation]}`, 'secretsmanager', undefined, input, {
    credentials,
    region: TEST_REGION,
  })

/** As an SDK asks: the token as it is. */
export async function askForCredentials(url: string, account: string, authorization?: string) {
  const response = await fetch(`${url}/_strongroom/pod-identity/v1/credentials/${account}`, {
    headers: authorization === undefined ? {} : { authorization },
  })
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
  return { status: response.status, body: (await response.json()) as any }
}

/** The events of who asked, the latest first. */
export async function podEvents({ app, accountId }: TestServer): Promise<readonly CloudTrailRecord[]> {
  const { events } = await app.trail.lookup({
    account: accountId,
    region: 'us-east-1',
    filter: { key: 'EventName', value: 'AssumeRoleForPodIdentity' },
    startTime: 0,
    endTime: Date.now() + 60_000,
    limit: 50,
  })
  return events.map(({ json }) => JSON.parse(json))
}

/** A server whose first account knows the issuer by its keys, with a role that trusts pods and is associated with the service account. */
export async function startCluster(t: TestContext, given: GivenOptions = {}) {
  const issuer = await startIssuer(t)
  const server = await startTestServer(t, given)
  const provider = await knowIssuer(t, server, issuer)
  const role = await newRole(server, 'Payments', {
    trustPolicy: TRUSTS_PODS,
    statements: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
  })
  const association = {
    OpenIDConnectProviderArn: provider,
    clusterName: 'production',
    namespace: NAMESPACE,
    serviceAccount: SERVICE_ACCOUNT,
    roleArn: role.arn,
  }
  const { status, body } = await callAssociations(server, 'CreatePodIdentityAssociation', association)
  assert.equal(status, 200, JSON.stringify(body))
  return { issuer, server, provider, role, association, associationId: body.association.associationId as string }
}

/** Makes the issuer a provider of the caller's account, with the keys that it has now. Returns the ARN. */
export async function knowIssuer(
  t: TestContext,
  server: TestServer,
  issuer: TestIssuer,
  credentials = server.credentials,
): Promise<string> {
  const { OpenIDConnectProviderArn } = await iamClient(t, server, credentials).createOpenIDConnectProvider({
    Url: issuer.url,
    ClientIDList: [POD_AUDIENCE, 'sts.amazonaws.com'],
  })
  const { status } = await signedCall(
    `${server.url}/_strongroom/oidc-providers/set-keys`,
    'secretsmanager',
    undefined,
    { OpenIDConnectProviderArn, Keys: issuer.jwks() },
    { credentials, region: TEST_REGION },
  )
  assert.equal(status, 200)
  return OpenIDConnectProviderArn!
}
