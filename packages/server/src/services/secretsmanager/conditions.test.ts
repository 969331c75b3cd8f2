// The condition keys that each operation gives to policies, as AWS documents them, and that a key is there only where its member was sent.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer, TEST_REGION } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { putUserPolicy } from '../iam/users.ts'
import { secretsmanager } from './index.ts'
import { call, createCaller, token } from './testing.ts'

const KEY_ARN = `arn:aws:kms:${TEST_REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const TAG = { Key: 'team', Value: 'blue' }
const TYPE = 'SnowflakePat'
const VERSION = token('version')
const POLICY = policyDocument({
  Effect: 'Allow',
  Principal: '*',
  Action: 'secretsmanager:GetSecretValue',
  Resource: '*',
})

type Keys = { readonly [key: string]: string }
type Case = {
  /** Besides SecretId. */
  readonly input: object
  /** What it gives, beside the keys of the secret. */
  readonly keys: Keys
  /** Those of the keys that are not there where the optional members are not sent. */
  readonly optional?: readonly string[]
  /** What must be sent even so. */
  readonly required?: object
}

const PLAIN: Case = { input: {}, keys: {} }

/** Absent: an operation that has no resource and no keys. */
const FUNCTION_ARN = 'arn:aws:lambda:eu-central-1:111122223333:function:rotate'
const ROLE_ARN = 'arn:aws:iam::111122223333:role/rotation'

const CASES: { readonly [operation: string]: Case | undefined } = {
  BatchGetSecretValue: undefined,
  CancelRotateSecret: PLAIN,
  CreateSecret: {
    // With two values, so that it ends before KMS, which would deny the key too.
    input: {
      SecretString: 'y',
      SecretBinary: 'eQ==',
      Name: 'new',
      Description: 'text',
      KmsKeyId: KEY_ARN,
      Type: 'DatadogApiKey',
      Tags: [TAG],
      AddReplicaRegions: [{ Region: 'us-east-1' }],
      ForceOverwriteReplicaSecret: true,
    },
    keys: {
      'secretsmanager:Name': 'new',
      'secretsmanager:Description': 'text',
      'secretsmanager:KmsKeyId': KEY_ARN,
      'secretsmanager:KmsKeyArn': KEY_ARN,
      'secretsmanager:Type': 'DatadogApiKey',
      'secretsmanager:AddReplicaRegions': 'us-east-1',
      'secretsmanager:ForceOverwriteReplicaSecret': 'true',
      'secretsmanager:ResourceTag/team': 'blue',
      'aws:ResourceTag/team': 'blue',
      'aws:RequestTag/team': 'blue',
      'aws:TagKeys': 'team',
    },
    optional: [
      'secretsmanager:Description',
      'secretsmanager:KmsKeyId',
      'secretsmanager:KmsKeyArn',
      'secretsmanager:Type',
      'secretsmanager:AddReplicaRegions',
      'secretsmanager:ForceOverwriteReplicaSecret',
      'secretsmanager:ResourceTag/team',
      'aws:ResourceTag/team',
      'aws:RequestTag/team',
      'aws:TagKeys',
    ],
    required: { Name: 'new' },
  },
  DeleteResourcePolicy: PLAIN,
  DeleteSecret: {
    input: { RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: false },
    keys: { 'secretsmanager:RecoveryWindowInDays': '7', 'secretsmanager:ForceDeleteWithoutRecovery': 'false' },
    optional: ['secretsmanager:RecoveryWindowInDays', 'secretsmanager:ForceDeleteWithoutRecovery'],
  },
  DescribeSecret: PLAIN,
  GetRandomPassword: undefined,
  GetResourcePolicy: PLAIN,
  GetSecretValue: {
    input: { VersionId: VERSION, VersionStage: 'AWSCURRENT' },
    keys: { 'secretsmanager:VersionId': VERSION, 'secretsmanager:VersionStage': 'AWSCURRENT' },
    optional: ['secretsmanager:VersionId', 'secretsmanager:VersionStage'],
  },
  ListSecretVersionIds: PLAIN,
  ListSecrets: undefined,
  PutResourcePolicy: {
    input: { ResourcePolicy: POLICY, BlockPublicPolicy: false },
    keys: { 'secretsmanager:BlockPublicPolicy': 'false' },
    optional: ['secretsmanager:BlockPublicPolicy'],
    required: { ResourcePolicy: POLICY },
  },
  PutSecretValue: { input: { ClientRequestToken: token('second'), SecretString: 'y' }, keys: {} },
  RemoveRegionsFromReplication: { input: { RemoveReplicaRegions: ['us-east-1'] }, keys: {} },
  ReplicateSecretToRegions: {
    input: { AddReplicaRegions: [{ Region: 'us-east-1' }], ForceOverwriteReplicaSecret: true },
    keys: {
      'secretsmanager:AddReplicaRegions': 'us-east-1',
      'secretsmanager:ForceOverwriteReplicaSecret': 'true',
    },
    optional: ['secretsmanager:ForceOverwriteReplicaSecret'],
    required: { AddReplicaRegions: [{ Region: 'us-east-1' }] },
  },
  RestoreSecret: PLAIN,
  RotateSecret: {
    input: {
      ClientRequestToken: token('second'),
      RotationLambdaARN: FUNCTION_ARN,
      RotationRules: { AutomaticallyAfterDays: 7 },
      ExternalSecretRotationRoleArn: ROLE_ARN,
      RotateImmediately: false,
    },
    keys: {
      'secretsmanager:RotationLambdaARN': FUNCTION_ARN,
      'secretsmanager:ExternalSecretRotationRoleArn': ROLE_ARN,
      'secretsmanager:RotateImmediately': 'false',
      'secretsmanager:ModifyRotationRules': 'true',
    },
    optional: [
      'secretsmanager:RotationLambdaARN',
      'secretsmanager:ExternalSecretRotationRoleArn',
      'secretsmanager:RotateImmediately',
      'secretsmanager:ModifyRotationRules',
    ],
  },
  StopReplicationToReplica: PLAIN,
  TagResource: {
    input: { Tags: [{ Key: 'owner', Value: 'me' }] },
    keys: { 'aws:RequestTag/owner': 'me', 'aws:TagKeys': 'owner' },
  },
  UntagResource: { input: { TagKeys: ['owner'] }, keys: { 'aws:TagKeys': 'owner' } },
  UpdateSecret: {
    // With two values, so that it ends before KMS, which would deny the key too.
    input: { Description: 'text', KmsKeyId: KEY_ARN, Type: 'DatadogApiKey', SecretString: 'y', SecretBinary: 'eQ==' },
    keys: {
      'secretsmanager:Description': 'text',
      'secretsmanager:KmsKeyId': KEY_ARN,
      'secretsmanager:KmsKeyArn': KEY_ARN,
      'secretsmanager:Type': 'DatadogApiKey',
    },
    optional: [
      'secretsmanager:Description',
      'secretsmanager:KmsKeyId',
      'secretsmanager:KmsKeyArn',
      'secretsmanager:Type',
    ],
  },
  UpdateSecretVersionStage: {
    input: { VersionStage: 'green', MoveToVersionId: VERSION },
    keys: { 'secretsmanager:VersionStage': 'green' },
  },
  ValidateResourcePolicy: { input: { ResourcePolicy: POLICY }, keys: {} },
}

/** None of these secrets has a rotation function. It is asked of in operations/rotate-secret.test.ts. */
const NEVER = { 'secretsmanager:resource/AllowRotationLambdaArn': 'true' }

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const { credentials } = await createCaller(server, 'caller', [])
  const denied = async (operation: string, input: object, ...conditions: readonly object[]): Promise<boolean> => {
    const statements = conditions.map((Condition) => ({ Effect: 'Allow', Action: '*', Resource: '*', Condition }))
    const document = policyDocument(...statements)
    await app.database.transaction('write', (tx) => putUserPolicy(app, tx, accountId, 'caller', 'test', document))
    const { body } = await server.call('secretsmanager', operation, input, { credentials })
    return body?.__type === 'AccessDeniedException'
  }
  const create = (Name: string) =>
    call(server, 'CreateSecret', { Name, Tags: [TAG], Type: TYPE, SecretString: 'x', ClientRequestToken: VERSION })
  return { server, create, denied }
}

test('every operation is in the table of condition keys', () => {
  assert.deepEqual(
    secretsmanager.operations.map(({ name }) => name),
    Object.keys(CASES),
  )
})

test('a policy allows by each key that AWS documents, denies by another value, and by a member that was not sent', async (t) => {
  const { create, denied } = await start(t)
  for (const { name, input: members } of secretsmanager.operations) {
    const known = CASES[name]
    if (known === undefined) continue
    const { input, keys, optional = [], required = {} } = known
    const hasSecret = 'SecretId' in members
    if (hasSecret) await create(name)
    const id = hasSecret ? { SecretId: name } : {}
    const ofSecret: Keys = {
      'secretsmanager:SecretId': name,
      'secretsmanager:SecretPrimaryRegion': TEST_REGION,
      'secretsmanager:resource/Type': TYPE,
      'secretsmanager:ResourceTag/team': 'blue',
      'aws:ResourceTag/team': 'blue',
    }
    const all: Keys = { ...(hasSecret && ofSecret), ...keys }

    for (const key of Object.keys(all)) {
      const condition = { StringEquals: { ...all, [key]: 'other' } }
      assert.ok(await denied(name, { ...id, ...input }, condition), `${name} with another ${key}`)
    }
    for (const key of optional) {
      const condition = { StringEquals: { [key]: all[key]! } }
      assert.ok(await denied(name, { ...id, ...required }, condition), `${name} without ${key}`)
    }
    const condition = { StringEquals: all, Null: NEVER }
    assert.ok(!(await denied(name, { ...id, ...input }, condition)), `${name} with ${JSON.stringify(all)}`)
  }
})

test('an operation without a resource gives no key of a secret', async (t) => {
  const { denied } = await start(t)
  const absent = Object.fromEntries(
    ['SecretId', 'SecretPrimaryRegion', 'VersionStage', 'Name'].map((key) => [`secretsmanager:${key}`, 'true']),
  )
  const filtered = { Filters: [{ Key: 'name', Values: ['a'] }] }
  for (const [name, input] of [
    ['BatchGetSecretValue', filtered],
    ['GetRandomPassword', {}],
    ['ListSecrets', filtered],
  ] as const) {
    assert.ok(!(await denied(name, input, { Null: absent })), name)
  }
})

test('each secret of a batch gives its own keys, and none of a version', async (t) => {
  const { server, create } = await start(t)
  const { ARN } = await create('blue')
  await call(server, 'CreateSecret', { Name: 'bare', SecretString: 'x', ClientRequestToken: token() })
  const batch = async (condition: object) => {
    const input = { SecretIdList: ['blue', 'bare', ARN] }
    const caller = await createCaller(server, `batch-${token()}`, [
      { Effect: 'Allow', Action: 'secretsmanager:BatchGetSecretValue', Resource: '*' },
      { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*', Condition: condition },
    ])
    const { body } = await server.call('secretsmanager', 'BatchGetSecretValue', input, caller)
    return [body.SecretValues.map(({ Name }: { Name: string }) => Name), body.Errors.length]
  }
  assert.deepEqual(await batch({ StringEquals: { 'aws:ResourceTag/team': 'blue' } }), [['blue', 'blue'], 1])
  assert.deepEqual(await batch({ StringEquals: { 'secretsmanager:SecretId': 'bare' } }), [['bare'], 2])
  assert.deepEqual(await batch({ StringEquals: { 'secretsmanager:SecretId': ARN } }), [['blue'], 2])
  assert.deepEqual(await batch({ StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } }), [[], 3])
})
