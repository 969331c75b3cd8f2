// POST /_strongroom/policy/explain: the decision that a request would get, why, and to whom it is told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  signedCall,
  startTestServer,
  TEST_REGION,
  type TestAnswer,
  type TestCredentials,
  type TestServer,
} from '../../../testing.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { services } from '../../index.ts'
import { call as kms, newKey } from '../../kms/testing.ts'
import { startLambda } from '../../lambda/testing.ts'
import { call, createCaller } from '../../secretsmanager/testing.ts'
import { EVERYTHING, newRole, newUser, sessionOf } from '../../sts/testing.ts'

const ask = (
  server: TestServer,
  input: object,
  credentials: TestCredentials = server.credentials,
): Promise<TestAnswer> =>
  signedCall(`${server.url}/_strongroom/policy/explain`, 'secretsmanager', undefined, input, {
    credentials,
    region: TEST_REGION,
  })

async function explained(
  server: TestServer,
  input: object,
  credentials?: TestCredentials,
): Promise<TestAnswer['body']> {
  const { status, body } = await ask(server, input, credentials)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

// biome-ignore lint/suspicious/noExplicitAny: layers are what came
const outcomes = ({ Layers }: any): readonly string[] => Layers.map((one: any) => `${one.Layer} ${one.Outcome}`)

const GET = 'secretsmanager:GetSecretValue'
const may = (Action: string, Resource = '*', more: object = {}) => ({ Effect: 'Allow', Action, Resource, ...more })

test('the layer and the statement that decide are named, and what failed, and what to do', async (t) => {
  const server = await startTestServer(t)
  const iam = iamClient(t, server)
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'db',
    SecretString: 'x',
    ClientRequestToken: 'x'.repeat(32),
  })
  const alice = await newUser(server, 'alice')
  const about = { PrincipalArn: alice.arn, Action: GET, Resource: ARN }

  const nothing = await explained(server, about)
  assert.equal(nothing.Decision, 'implicitDeny')
  assert.deepEqual(outcomes(nothing), ['identity doesNotAllow'])
  assert.equal(nothing.Mend, `No identity-based policy of user alice allows ${GET}: attach one that does.`)
  await iam.createGroup({ GroupName: 'readers' })
  await iam.addUserToGroup({ GroupName: 'readers', UserName: 'alice' })
  const office = { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }
  await iam.putGroupPolicy({
    GroupName: 'readers',
    PolicyName: 'office',
    PolicyDocument: policyDocument({ Sid: 'Office', ...may(GET, '*', office) }),
  })
  const away = await explained(server, about)
  assert.deepEqual(away.Layers[0].MissedStatements, [
    {
      PolicyName: 'office',
      PolicyHolder: 'group readers',
      StatementIndex: 0,
      Sid: 'Office',
      Effect: 'Allow',
      Statement: JSON.stringify({ Sid: 'Office', ...may(GET, '*', office) }),
      PrincipalCovered: true,
      ResourceCovered: true,
      FailedConditions: [{ Operator: 'IpAddress', Key: 'aws:sourceip', Wanted: ['10.0.0.0/8'], Actual: ['127.0.0.1'] }],
    },
  ])
  assert.equal(
    away.Mend,
    'Statement "Office" of office of group readers (identity-based policy) would allow it, but IpAddress on aws:sourceip wants "10.0.0.0/8" and the request has "127.0.0.1".',
  )
  const inside = await explained(server, { ...about, Context: { 'AWS:sourceip': ['10.1.2.3'] } })
  assert.equal(inside.Decision, 'allowed')
  assert.equal(inside.Mend, undefined)
  assert.equal(inside.DecidingStatements[0].Sid, 'Office')

  await iam.putUserPermissionsBoundary({
    UserName: 'alice',
    PermissionsBoundary: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess',
  })
  const bounded = await explained(server, { ...about, Context: { 'aws:SourceIp': ['10.1.2.3'] } })
  assert.deepEqual([bounded.Decision, bounded.DecidingLayer], ['implicitDeny', 'boundary'])
  assert.deepEqual(outcomes(bounded), ['identity allows', 'boundary doesNotAllow'])
  assert.match(bounded.Mend, /^The permissions boundary of user alice does not allow secretsmanager:GetSecretValue/)

  // A resource policy that names the user is enough; one that denies outweighs everything.
  const put = (...statements: readonly object[]) =>
    call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy: policyDocument(...statements) })
  await put({ ...may(GET), Principal: { AWS: alice.arn } })
  const shared = await explained(server, about)
  assert.deepEqual([shared.Decision, shared.DecidingLayer], ['allowed', 'resource'])
  assert.equal(shared.DecidingStatements[0].PolicyName, ARN)
  await put({ Sid: 'never', ...may(GET), Effect: 'Deny', Principal: { AWS: alice.arn } })
  const denied = await explained(server, about)
  assert.deepEqual([denied.Decision, denied.DecidingLayer], ['explicitDeny', 'resource'])
  assert.match(denied.Mend, /^Statement "never" of arn:aws:secretsmanager:.* denies it: no Allow outweighs that/)
})

test('what is explained is what the request then gets', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'db',
    SecretString: 'x',
    ClientRequestToken: 'x'.repeat(32),
    Tags: [{ Key: 'team', Value: 'a' }],
  })
  const tagged = { Condition: { StringEquals: { 'aws:ResourceTag/team': 'a' } } }
  const other = { Condition: { StringEquals: { 'aws:ResourceTag/team': 'b' } } }
  for (const [name, statement] of Object.entries({
    tagged: may(GET, '*', tagged),
    other: may(GET, '*', other),
    name: may(GET, `arn:aws:secretsmanager:*:*:secret:db-??????`),
    elsewhere: may(GET, `arn:aws:secretsmanager:us-west-2:*:secret:db-??????`),
  })) {
    const { credentials, arn } = await createCaller(server, name, [statement])
    for (const SecretId of [ARN, 'db', 'absent', ARN.slice(0, -1)]) {
      const { body } = await server.call('secretsmanager', 'GetSecretValue', { SecretId }, { credentials })
      const { Decision } = await explained(server, { PrincipalArn: arn, Action: GET, Resource: SecretId })
      assert.equal(Decision !== 'allowed', body.__type === 'AccessDeniedException', `${name} ${SecretId} ${Decision}`)
    }
  }
})

test('key policies are gates, and grants take part', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const root = `arn:aws:iam::${server.accountId}:root`
  const Policy = policyDocument({
    Sid: 'administrator',
    Effect: 'Allow',
    Principal: { AWS: root },
    Action: 'kms:*',
    Resource: '*',
    Condition: { StringNotEquals: { 'aws:PrincipalArn': alice.arn } },
  })
  const { arn } = await newKey(server, { Policy })
  const about = { PrincipalArn: alice.arn, Action: 'kms:Decrypt', Resource: arn }
  const gated = await explained(server, about)
  assert.deepEqual([gated.Decision, gated.DecidingLayer], ['implicitDeny', 'resource'])
  assert.match(
    gated.Mend,
    /^Statement "administrator" of .* \(key policy\) would allow it, but StringNotEquals on aws:principalarn/,
  )
  const Constraints = { EncryptionContextSubset: { app: 'x' } }
  await kms(server, 'CreateGrant', { KeyId: arn, GranteePrincipal: alice.arn, Operations: ['Decrypt'], Constraints })
  assert.equal((await explained(server, about)).Decision, 'implicitDeny')
  const fitting = await explained(server, { ...about, Context: { 'kms:EncryptionContext:app': ['x'] } })
  assert.deepEqual([fitting.Decision, fitting.DecidingLayer], ['allowed', 'grant'])
  assert.deepEqual(outcomes(fitting), ['grant allows', 'identity allows', 'resource doesNotAllow'])
})

test('a role is a session of it, narrowed by the session policies that are given, and the caller is its own session', async (t) => {
  const server = await startTestServer(t)
  const role = await newRole(server, 'App', { statements: [may('secretsmanager:*'), may('strongroom:ExplainAccess')] })
  const PrincipalArn = role.arn
  const whole = await explained(server, { PrincipalArn, Action: GET })
  assert.equal(whole.Decision, 'allowed')
  assert.match(whole.PrincipalArn, /:assumed-role\/App\/explain$/)
  const SessionPolicy = policyDocument(may('secretsmanager:Describe*'), may('strongroom:*'))
  const narrowed = await explained(server, { PrincipalArn, Action: GET, SessionPolicy })
  assert.deepEqual([narrowed.Decision, narrowed.DecidingLayer], ['implicitDeny', 'session'])
  const admin = await newUser(server, 'admin', { statements: [EVERYTHING] })
  const session = await sessionOf(t, server, admin, role.arn, { Policy: SessionPolicy })
  const itself = await explained(server, { Action: GET }, session)
  assert.deepEqual([itself.Decision, itself.DecidingLayer], ['implicitDeny', 'session'])
  assert.equal(
    (await explained(server, { PrincipalArn: itself.PrincipalArn, Action: GET }, session)).Decision,
    'allowed',
  )
  const trust = await explained(server, { PrincipalArn: admin.arn, Action: 'sts:AssumeRole', Resource: role.arn })
  assert.deepEqual([trust.Decision, trust.DecidingLayer], ['allowed', 'identity'])
})

test('of a resource of another account only the outcome is told, the same for one that is not there', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'db',
    SecretString: 'x',
    ClientRequestToken: 'x'.repeat(32),
  })
  const guest = await createCaller(server, 'guest', [EVERYTHING], 'new')
  const about = { Action: GET, Resource: ARN }
  const told = async (Resource: string) =>
    JSON.stringify(await explained(server, { ...about, Resource }, guest.credentials)).replaceAll(Resource, 'SECRET')
  const absent = `${ARN.slice(0, -6)}AbCdEf`
  const before = await told(ARN)
  assert.equal(before, await told(absent))
  assert.match(before, /The policy of the resource is account \d{12}'s: it does not allow/)
  const put = (statement: object) =>
    call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy: policyDocument(statement) })
  await put({ ...may(GET), Effect: 'Deny', Principal: { AWS: guest.arn } })
  assert.equal(await told(ARN), before)
  await put({
    ...may(GET),
    Sid: 'hidden',
    Principal: { AWS: guest.arn },
    Condition: { StringEquals: { 'secretsmanager:VersionStage': 'x' } },
  })
  assert.equal(await told(ARN), before)
  const open = await explained(
    server,
    { ...about, Context: { 'secretsmanager:VersionStage': ['x'] } },
    guest.credentials,
  )
  assert.equal(open.Decision, 'allowed')
  assert.ok(!JSON.stringify(open).includes('hidden'))
  const role = await newRole(server, 'Theirs')
  const assuming = await explained(server, { Action: 'sts:AssumeRole', Resource: role.arn }, guest.credentials)
  assert.deepEqual(outcomes(assuming), ['identity allows', 'resource doesNotAllow'])
  const supposing = { ...about, Context: { 'aws:SourceIp': ['10.0.0.1'] } }
  assert.equal((await ask(server, supposing, guest.credentials)).body.__type, 'InvalidParameterException')
})

test('who may not ask about a principal learns nothing, not even whether it is there', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const nobody = await createCaller(server, 'nobody', [may('secretsmanager:*')])
  const some = await createCaller(server, 'some', [may('strongroom:ExplainAccess', alice.arn)])
  const stranger = await createCaller(server, 'stranger', [EVERYTHING], 'new')
  const refused = async (arn: string, credentials: TestCredentials) => {
    const { status, body } = await ask(server, { PrincipalArn: arn, Action: GET }, credentials)
    assert.deepEqual([status, body.__type], [400, 'AccessDeniedException'])
    return body.Message.replaceAll(arn, 'ARN')
  }
  const absent = `${alice.arn}-absent`
  assert.equal(await refused(alice.arn, nobody.credentials), await refused(absent, nobody.credentials))
  assert.equal(await refused(alice.arn, stranger.credentials), await refused(absent, stranger.credentials))
  assert.match(
    await refused(alice.arn, stranger.credentials),
    /no resource-based policy allows the strongroom:ExplainAccess/,
  )
  assert.equal(
    (await explained(server, { PrincipalArn: alice.arn, Action: GET }, some.credentials)).Decision,
    'implicitDeny',
  )
  assert.equal((await ask(server, { PrincipalArn: absent, Action: GET })).body.__type, 'ResourceNotFoundException')
  const federated = `arn:aws:sts::${server.accountId}:federated-user/x`
  assert.equal((await ask(server, { PrincipalArn: federated, Action: GET })).body.__type, 'InvalidParameterException')
  assert.equal((await ask(server, { Action: 'GetSecretValue' })).body.__type, 'ValidationException')
})

/** Operations that ask for no permission of a principal. */
const FREE = ['AssumeRoleForPodIdentity', 'AssumeRoleWithWebIdentity', 'GetCallerIdentity', 'GetSessionToken']

test('the action of every operation is explained', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'db',
    SecretString: 'x',
    ClientRequestToken: 'x'.repeat(32),
  })
  const { arn: key } = await newKey(server)
  const role = await newRole(server, 'App')
  const alice = await newUser(server, 'alice')
  await kms(server, 'CreateGrant', { KeyId: key, GranteePrincipal: alice.arn, Operations: ['CreateGrant', 'Decrypt'] })
  const fn = `arn:aws:lambda:${server.region}:${server.accountId}:function:fn`
  const about: { readonly [service: string]: string } = {
    secretsmanager: ARN,
    kms: key,
    iam: role.arn,
    lambda: fn,
    ssm: `arn:aws:ssm:${server.region}:${server.accountId}:parameter/app/db`,
    sts: role.arn,
  }
  const asked = [
    ...services.flatMap(({ name, operations }) =>
      operations.map((operation) => [`${name}:${operation.name}`, about[name] ?? '*'] as const),
    ),
    ['s3:GetObject', 'arn:aws:s3:::bucket/key'],
    ['kms:ReEncryptFrom', key],
    ['kms:reencryptto', key],
    ['secretsmanager:CreateSecret', 'new'],
    ['ssm:GetParameter', '/app/db:live'],
    ['ssm:PutParameter', '*'],
    ['iam:DeleteUser', alice.arn],
  ] as const
  for (const [Action, Resource] of asked) {
    const { status, body } = await ask(server, { PrincipalArn: alice.arn, Action, Resource })
    const told = FREE.some((name) => Action.endsWith(`:${name}`)) ? 'InvalidParameterException' : undefined
    assert.deepEqual([status, body.__type], [told ? 400 : 200, told], `${Action} ${Resource} ${JSON.stringify(body)}`)
  }
})

test('the tags and the policy of a parameter take part', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const parameter = {
    Name: '/app/db',
    Value: 'x',
    Type: 'String',
    Tier: 'Advanced',
    Tags: [{ Key: 'Team', Value: 'blue' }],
  }
  assert.equal((await server.call('ssm', 'PutParameter', parameter)).status, 200)
  const Resource = `arn:aws:ssm:${server.region}:${server.accountId}:parameter/app/db`
  const asked = { PrincipalArn: alice.arn, Action: 'ssm:GetParameter', Resource }
  assert.equal((await explained(server, asked)).Decision, 'implicitDeny')
  const statement = {
    ...may('ssm:GetParameter'),
    Principal: { AWS: alice.arn },
    Condition: { StringEquals: { 'ssm:resourceTag/Team': 'blue' } },
  }
  const shared = { ResourceArn: Resource, Policy: policyDocument(statement) }
  assert.equal((await server.call('ssm', 'PutResourcePolicy', shared)).status, 200)
  assert.equal((await explained(server, asked)).Decision, 'allowed')
  assert.equal((await explained(server, { ...asked, Resource: '/app/db' })).Decision, 'allowed')
})

test('the policy of a function takes part', async (t) => {
  const { server, lambda, create } = await startLambda(t)
  const alice = await newUser(server, 'alice')
  const { FunctionArn: Resource } = await create()
  const asked = { PrincipalArn: alice.arn, Action: 'lambda:InvokeFunction', Resource }
  assert.equal((await explained(server, asked)).Decision, 'implicitDeny')
  await lambda.addPermission({
    FunctionName: 'fn',
    StatementId: 'alice',
    Action: 'lambda:InvokeFunction',
    Principal: alice.arn,
  })
  assert.equal((await explained(server, asked)).Decision, 'allowed')
})
