// GET /_strongroom/pod-identity/v1/credentials/ACCOUNT: which pod gets which role, what its session is, and what everybody else hears.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { signedCall } from '../../../testing.ts'
import { setAccountStatus } from '../../iam/accounts.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { newAccount, newRole, readSecret, stsClient, trusting } from '../../sts/testing.ts'
import { startIssuer } from '../../sts/testing-issuer.ts'
import {
  askForCredentials,
  callAssociations,
  knowIssuer,
  NAMESPACE,
  POD_AUDIENCE,
  POD_NAME,
  POD_UID,
  podClaims,
  podEvents,
  SERVICE_ACCOUNT,
  startCluster,
  TRUSTS_PODS,
} from '../testing-pods.ts'

// biome-ignore lint/suspicious/noExplicitAny: whatever the endpoint answered
const sessionOf = ({ AccessKeyId, SecretAccessKey, Token }: any) => ({
  accessKeyId: AccessKeyId as string,
  secretAccessKey: SecretAccessKey as string,
  sessionToken: Token as string,
})

test('a pod gets the role that is associated with its service account, in the form that SDKs read', async (t) => {
  const { issuer, server, role, provider, associationId } = await startCluster(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const token = await issuer.sign(podClaims())
  const before = Math.floor(Date.now() / 1_000)
  const { status, body } = await askForCredentials(server.url, server.accountId, token)
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual(Object.keys(body), ['AccessKeyId', 'SecretAccessKey', 'Token', 'AccountId', 'Expiration'])
  assert.equal(body.AccountId, server.accountId)
  assert.match(body.Expiration, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  // The role allows an hour.
  const seconds = Date.parse(body.Expiration) / 1_000 - before
  assert.ok(seconds >= 3_600 && seconds < 3_660)
  const session = sessionOf(body)
  assert.equal(await readSecret(t, server, session, 'a'), 'x')
  const { Arn } = await stsClient(t, server, session).send(new GetCallerIdentityCommand({}))
  assert.match(Arn!, /:assumed-role\/Payments\/eks-production-api-7d9c5b6f-[0-9a-f-]{36}$/)

  const [event] = await podEvents(server)
  assert.deepEqual(event!.userIdentity, {
    type: 'WebIdentityUser',
    principalId: `${provider}:${POD_AUDIENCE}:system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`,
    userName: `system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}`,
    identityProvider: provider,
    invokedBy: POD_AUDIENCE,
  })
  const { roleSessionName, ...asked } = event!.requestParameters as { readonly [name: string]: string }
  assert.match(roleSessionName!, /^eks-production-api-7d9c5b6f-/)
  assert.deepEqual(asked, {
    account: server.accountId,
    associationId,
    roleArn: role.arn,
    clusterName: 'production',
    namespace: NAMESPACE,
    serviceAccount: SERVICE_ACCOUNT,
    podName: POD_NAME,
    podUid: POD_UID,
  })
  const text = JSON.stringify(event)
  assert.deepEqual(event!.responseElements, {
    accessKeyId: body.AccessKeyId,
    accountId: server.accountId,
    expiration: body.Expiration,
  })
  for (const secret of [token, body.SecretAccessKey, body.Token]) assert.ok(!text.includes(secret))
  assert.equal(event!.resources?.[0]?.ARN, role.arn)
  assert.equal((await askForCredentials(server.url, server.accountId, `Bearer ${token}`)).status, 200)
})

test('what the session is tagged with is the pod’s, and goes on from role to role', async (t) => {
  const { issuer, server } = await startCluster(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const tags = {
    'aws:PrincipalTag/eks-cluster-name': 'production',
    'aws:PrincipalTag/kubernetes-namespace': NAMESPACE,
    'aws:PrincipalTag/kubernetes-service-account': 'tagged',
    'aws:PrincipalTag/kubernetes-pod-name': POD_NAME,
    'aws:PrincipalTag/kubernetes-pod-uid': POD_UID,
  }
  const next = await newRole(server, 'Next', { trustPolicy: trusting(server.accountId) })
  const role = await newRole(server, 'Tagged', {
    trustPolicy: policyDocument({
      Effect: 'Allow',
      Principal: { Service: POD_AUDIENCE },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: {
        StringEquals: {
          'aws:RequestTag/kubernetes-namespace': NAMESPACE,
          'aws:SourceAccount': server.accountId,
          'aws:PrincipalServiceName': POD_AUDIENCE,
        },
        ArnEquals: { 'aws:SourceArn': `arn:aws:iam::${server.accountId}:oidc-provider/${issuer.url.slice(8)}` },
        Bool: { 'aws:PrincipalIsAWSService': 'true' },
      },
    }),
    statements: [
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*', Condition: { StringEquals: tags } },
      { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: next.arn },
    ],
  })
  const provider = `arn:aws:iam::${server.accountId}:oidc-provider/${issuer.url.slice(8)}`
  await callAssociations(server, 'CreatePodIdentityAssociation', {
    OpenIDConnectProviderArn: provider,
    clusterName: 'production',
    namespace: NAMESPACE,
    serviceAccount: 'tagged',
    roleArn: role.arn,
  })
  const { body } = await askForCredentials(server.url, server.accountId, await issuer.sign(podClaims('tagged')))
  const session = sessionOf(body)
  assert.equal(await readSecret(t, server, session, 'a'), 'x')
  const sts = stsClient(t, server, session)
  const assume = (Tags?: { Key: string; Value: string }[]) =>
    sts.send(new AssumeRoleCommand({ RoleArn: next.arn, RoleSessionName: 'next', ...(Tags && { Tags }) }))
  assert.ok((await assume()).Credentials)
  await assert.rejects(assume([{ Key: 'kubernetes-namespace', Value: 'other' }]), { name: 'InvalidParameterValue' })
})

test('nobody else gets anything, and hears it in a status that is not tried again', async (t) => {
  const { issuer, server, association } = await startCluster(t)
  const { accountId } = server
  const claims = podClaims()
  const kubernetes = claims['kubernetes.io']
  const refused = async (
    authorization: string | undefined,
    status: number,
    code: string,
    message?: string | RegExp,
  ) => {
    const { status: told, body } = await askForCredentials(server.url, accountId, authorization)
    assert.deepEqual([told, body.code, body.Code], [status, code, code], JSON.stringify(body))
    assert.equal(body.message, body.Message)
    if (message !== undefined) assert.match(body.message, new RegExp(message))
  }
  const invalid = 'InvalidIdentityToken'
  await refused(undefined, 400, 'ValidationException')
  await refused('no token', 400, invalid)
  await refused(`${(await issuer.sign(claims)).slice(0, -8)}AAAAAAAA`, 400, invalid, 'signature')
  const now = Math.floor(Date.now() / 1_000)
  await refused(await issuer.sign({ ...claims, iat: now - 600, exp: now - 300 }), 400, 'ExpiredTokenException')
  // One for AssumeRoleWithWebIdentity is none for here, though the provider knows its audience.
  await refused(await issuer.sign({ ...claims, aud: 'sts.amazonaws.com' }), 400, invalid, 'audience')
  await refused(await issuer.sign({ ...claims, aud: [POD_AUDIENCE, 'sts.amazonaws.com'] }), 400, invalid, 'audience')
  for (const wrong of [
    { sub: 'workload' },
    { sub: 'system:serviceaccount:payments' },
    { sub: 'system:serviceaccount:payments:api:x' },
    { sub: 'system:serviceaccount:other:api' },
    { 'kubernetes.io': undefined },
    { 'kubernetes.io': 'x' },
    { 'kubernetes.io': { ...kubernetes, namespace: 'other' } },
    { 'kubernetes.io': { ...kubernetes, serviceaccount: { name: 'other' } } },
    { 'kubernetes.io': { ...kubernetes, pod: undefined } },
    { 'kubernetes.io': { ...kubernetes, pod: { name: 'x y', uid: POD_UID } } },
    { 'kubernetes.io': { ...kubernetes, pod: { name: POD_NAME, uid: 1 } } },
  ]) {
    await refused(await issuer.sign({ ...claims, ...wrong }), 400, invalid, 'claim')
  }
  const none = 'No role is associated with the service account payments/other'
  await refused(await issuer.sign(podClaims('other')), 404, 'ResourceNotFoundException', none)

  // Roles that do not trust the service, or not the tags, or are gone.
  const iam = iamClient(t, server)
  const denied = 'Not authorized to perform sts:'
  const put = (document: string) => iam.updateAssumeRolePolicy({ RoleName: 'Payments', PolicyDocument: document })
  const token = await issuer.sign(claims)
  for (const trust of [
    trusting(accountId),
    policyDocument({ Effect: 'Allow', Principal: { Service: POD_AUDIENCE }, Action: 'sts:AssumeRole' }),
    policyDocument({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:*' }),
    policyDocument({
      Effect: 'Allow',
      Principal: { Federated: association.OpenIDConnectProviderArn },
      Action: ['sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
    }),
  ]) {
    await put(trust)
    await refused(token, 403, 'AccessDenied', denied)
  }
  await put(TRUSTS_PODS)
  assert.equal((await askForCredentials(server.url, accountId, token)).status, 200)
  await iam.deleteRolePolicy({ RoleName: 'Payments', PolicyName: 'own' })
  await iam.deleteRole({ RoleName: 'Payments' })
  await refused(token, 403, 'AccessDenied', denied)
  const trail = await podEvents(server)
  assert.ok(trail.some(({ errorCode }) => errorCode === 'AccessDenied'))

  for (const account of ['', 'x', '1', `${accountId}/x`, `${accountId}%20`, '000000000000']) {
    assert.equal((await askForCredentials(server.url, account, token)).status, 400, account)
  }
})

test('an account that knows the same issuer has no say in another account’s pods, nor gets them', async (t) => {
  const { issuer, server, association } = await startCluster(t)
  const everything = [{ Effect: 'Allow', Action: '*', Resource: '*' }]
  const { credentials, account } = await createCaller(server, 'mallory', everything, 'new')
  const provider = await knowIssuer(t, server, issuer, credentials)
  const own = await newRole(server, 'Hijack', { account, trustPolicy: TRUSTS_PODS })
  const create = (changes: object) =>
    callAssociations(server, 'CreatePodIdentityAssociation', { ...association, ...changes }, credentials)
  // Neither with the other's provider nor with the other's role.
  assert.equal((await create({ roleArn: own.arn })).body.__type, 'AccessDeniedException')
  assert.equal((await create({ OpenIDConnectProviderArn: provider })).body.__type, 'AccessDeniedException')
  assert.equal((await create({ OpenIDConnectProviderArn: provider, roleArn: own.arn })).status, 200)

  const token = await issuer.sign(podClaims())
  const first = await askForCredentials(server.url, server.accountId, token)
  const second = await askForCredentials(server.url, account, token)
  assert.deepEqual([first.body.AccountId, second.body.AccountId], [server.accountId, account])

  // Keys that the other account made up are keys of the other account's provider only.
  const forger = await startIssuer(t)
  await signedCall(
    `${server.url}/_strongroom/oidc-providers/set-keys`,
    'secretsmanager',
    undefined,
    { OpenIDConnectProviderArn: provider, Keys: forger.jwks() },
    { credentials, region: server.region },
  )
  const forged = await forger.sign({ ...podClaims(), iss: issuer.url })
  assert.equal((await askForCredentials(server.url, account, forged)).status, 200)
  assert.equal((await askForCredentials(server.url, server.accountId, forged)).body.code, 'InvalidIdentityToken')

  await server.app.database.transaction('write', (tx) => setAccountStatus(server.app, tx, account, 'SUSPENDED'))
  const closed = await askForCredentials(server.url, account, forged)
  assert.deepEqual(closed.body.code, 'InvalidIdentityToken')

  const bare = await newAccount(server, 'bare')
  const absent = await askForCredentials(server.url, '000000000000', token)
  assert.deepEqual(await askForCredentials(server.url, bare, token), absent)
})

test('a session outlives its association, and no new one is given', async (t) => {
  const { issuer, server, associationId } = await startCluster(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const token = await issuer.sign(podClaims())
  const { body } = await askForCredentials(server.url, server.accountId, token)
  await callAssociations(server, 'DeletePodIdentityAssociation', { associationId })
  const again = await askForCredentials(server.url, server.accountId, token)
  assert.deepEqual([again.status, again.body.code], [404, 'ResourceNotFoundException'])
  assert.equal(await readSecret(t, server, sessionOf(body), 'a'), 'x')
  // What ends it at once ends any session of a role.
  await iamClient(t, server).putRolePolicy({
    RoleName: 'Payments',
    PolicyName: 'AWSRevokeOlderSessions',
    PolicyDocument: policyDocument({
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date(Date.now() + 1_000).toISOString() } },
    }),
  })
  await assert.rejects(readSecret(t, server, sessionOf(body), 'a'), { name: 'AccessDeniedException' })
})

test('another audience takes an option, and an issuer that is away is asked again', async (t) => {
  const { issuer, server } = await startCluster(t, { podIdentityAudience: 'sts.amazonaws.com' })
  const ours = await issuer.sign({ ...podClaims(), aud: 'sts.amazonaws.com' })
  assert.equal((await askForCredentials(server.url, server.accountId, ours)).status, 200)
  const eks = await issuer.sign(podClaims())
  assert.equal((await askForCredentials(server.url, server.accountId, eks)).status, 400)

  const away = await startIssuer(t)
  const other = await startCluster(t, { allowOutbound: [away.url] })
  await iamClient(t, other.server).createOpenIDConnectProvider({ Url: away.url, ClientIDList: [POD_AUDIENCE] })
  const token = await away.sign(podClaims())
  await away.stop()
  const { status, body } = await askForCredentials(other.server.url, other.server.accountId, token)
  assert.deepEqual([status, body.code], [503, 'IDPCommunicationError'])
})
