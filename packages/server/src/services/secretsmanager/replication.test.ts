// Replicas follow their primary in everything, refuse every change of their own, and are the same secret to those who read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer, withJobsOnDemand } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { secretsmanager } from './index.ts'
import { assertRefused, call, token } from './testing.ts'
import { askIn, callIn, OTHER, REPLICA_READ_ONLY, SYNCED, statuses, THIRD } from './testing-replication.ts'

/** All that can be read of a secret in a Region, but what is its own there. */
async function everythingIn(server: TestServer, region: string, SecretId: string): Promise<object> {
  const { ARN, KmsKeyId, LastAccessedDate, ReplicationStatus, ...described } = await callIn(
    server,
    region,
    'DescribeSecret',
    { SecretId },
  )
  const { Versions } = await callIn(server, region, 'ListSecretVersionIds', { SecretId, IncludeDeprecated: true })
  const values: unknown[] = []
  for (const { VersionId } of Versions) {
    const { ARN: _, ...value } = await callIn(server, region, 'GetSecretValue', { SecretId, VersionId })
    values.push(value)
  }
  const { ResourcePolicy } = await callIn(server, region, 'GetResourcePolicy', { SecretId })
  return { described, values, ResourcePolicy }
}

test('a replica follows each change: values, labels, tags, description, policy', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const first = token('first')
  const create = {
    Name: 'db',
    Description: 'main',
    Tags: [{ Key: 'team', Value: 'blue' }],
    SecretString: 'one',
    ClientRequestToken: first,
    AddReplicaRegions: [{ Region: OTHER }],
  }
  const created = await call(server, 'CreateSecret', create)
  assert.equal(created.ReplicationStatus[0].Status, 'InProgress')
  assert.deepEqual(await call(server, 'CreateSecret', create), created, 'a retry makes nothing new')

  const ResourcePolicy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: server.accountId },
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
  })
  const second = token('second')
  const binary = { SecretBinary: Buffer.from([0, 255, 1]).toString('base64'), ClientRequestToken: second }
  const changes: readonly (readonly [string, object])[] = [
    ['PutSecretValue', binary],
    ['PutSecretValue', { SecretString: 'three', ClientRequestToken: token('third'), VersionStages: ['green'] }],
    ['UpdateSecret', { Description: 'other', SecretString: 'four', ClientRequestToken: token('fourth') }],
    ['UpdateSecretVersionStage', { VersionStage: 'green', RemoveFromVersionId: token('third') }],
    [
      'UpdateSecretVersionStage',
      { VersionStage: 'AWSCURRENT', RemoveFromVersionId: token('fourth'), MoveToVersionId: first },
    ],
    ['TagResource', { Tags: [{ Key: 'cost', Value: '1' }] }],
    ['UntagResource', { TagKeys: ['team'] }],
    ['PutResourcePolicy', { ResourcePolicy }],
    ['UpdateSecret', { Description: '' }],
    ['DeleteResourcePolicy', {}],
  ]
  await server.jobs.runDue()
  for (const [operation, input] of changes) {
    await call(server, operation, { SecretId: 'db', ...input })
    assert.deepEqual(await statuses(server, 'db'), { [OTHER]: 'InProgress' }, operation)
    await server.jobs.runDue()
    assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED }, operation)
    const here = await everythingIn(server, server.region, 'db')
    assert.deepEqual(await everythingIn(server, OTHER, 'db'), here, operation)
  }

  // A retry of what was done changes nothing, and copies nothing.
  await call(server, 'PutSecretValue', { SecretId: 'db', ...binary })
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED })

  // Each value is encrypted for the one ARN only.
  const rows = await server.app.database.transaction('read', (tx) =>
    tx.all<{ readonly secret_arn: string; readonly body: Uint8Array }>(
      'SELECT secret_arn, body FROM secret_version WHERE version_id = $1 ORDER BY secret_arn',
      second,
    ),
  )
  assert.equal(new Set(rows.map(({ secret_arn }) => secret_arn.split(':')[3])).size, 2)
  assert.ok(Buffer.compare(rows[0]!.body, rows[1]!.body) !== 0)

  // It is found by where its primary is, in both Regions.
  await call(server, 'CreateSecret', { Name: 'alone' })
  const Filters = [{ Key: 'primary-region', Values: [server.region] }]
  for (const region of [server.region, OTHER]) {
    const { SecretList } = await callIn(server, region, 'ListSecrets', { Filters })
    assert.deepEqual(
      SecretList.map((one: { Name: string; PrimaryRegion: string }) => [one.Name, one.PrimaryRegion]),
      [['db', server.region]],
    )
  }
  const { SecretList } = await callIn(server, OTHER, 'ListSecrets', {
    Filters: [{ Key: 'primary-region', Values: [OTHER] }],
  })
  assert.deepEqual(SecretList, [])
})

/** Of a replica, by operation: refused with AWS's error, or answered. Absent: no operation on a secret. */
const ON_A_REPLICA: {
  readonly [operation: string]: { readonly input: object; readonly refused: boolean } | undefined
} = {
  BatchGetSecretValue: undefined,
  CancelRotateSecret: { input: {}, refused: true },
  CreateSecret: undefined,
  DeleteResourcePolicy: { input: {}, refused: true },
  DeleteSecret: { input: {}, refused: true },
  DescribeSecret: { input: {}, refused: false },
  GetRandomPassword: undefined,
  GetResourcePolicy: { input: {}, refused: false },
  GetSecretValue: { input: {}, refused: false },
  ListSecretVersionIds: { input: {}, refused: false },
  ListSecrets: undefined,
  PutResourcePolicy: {
    input: {
      ResourcePolicy: policyDocument({
        Effect: 'Deny',
        Principal: '*',
        Action: 'secretsmanager:DeleteSecret',
        Resource: '*',
      }),
    },
    refused: true,
  },
  PutSecretValue: { input: { SecretString: 'y', ClientRequestToken: token() }, refused: true },
  RemoveRegionsFromReplication: { input: { RemoveReplicaRegions: [OTHER] }, refused: true },
  ReplicateSecretToRegions: { input: { AddReplicaRegions: [{ Region: THIRD }] }, refused: true },
  RestoreSecret: { input: {}, refused: true },
  RotateSecret: { input: { ClientRequestToken: token() }, refused: true },
  StopReplicationToReplica: { input: {}, refused: false },
  TagResource: { input: { Tags: [{ Key: 'a', Value: 'b' }] }, refused: true },
  UntagResource: { input: { TagKeys: ['a'] }, refused: true },
  UpdateSecret: { input: { Description: 'x' }, refused: true },
  UpdateSecretVersionStage: { input: { VersionStage: 'x', MoveToVersionId: token('first') }, refused: true },
  ValidateResourcePolicy: undefined,
}

test('a replica refuses each operation that would change it, in the words of AWS, and answers the others', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const create = { Name: 'db', SecretString: 'x', ClientRequestToken: token('first') }
  await call(server, 'CreateSecret', { ...create, AddReplicaRegions: [{ Region: OTHER }] })
  await server.jobs.runDue()
  const before = await everythingIn(server, OTHER, 'db')
  const answered: string[] = []
  for (const { name } of secretsmanager.operations) {
    assert.ok(Object.hasOwn(ON_A_REPLICA, name), `${name} is in the table`)
    const known = ON_A_REPLICA[name]
    if (known === undefined) continue
    if (!known.refused) answered.push(name)
    else {
      const { status, body } = await askIn(server, OTHER, name, { SecretId: 'db', ...known.input })
      const expected = { __type: 'InvalidParameterException', Message: REPLICA_READ_ONLY }
      assert.deepEqual([name, status, body], [name, 400, expected])
    }
  }
  for (const more of [
    { SecretString: 'y', ClientRequestToken: token() },
    { KmsKeyId: 'alias/aws/secretsmanager', Description: 'x' },
    { KmsKeyId: 'alias/aws/secretsmanager', SecretString: 'y', ClientRequestToken: token() },
    {},
  ]) {
    const { body } = await askIn(server, OTHER, 'UpdateSecret', { SecretId: 'db', ...more })
    assert.equal(body.Message, REPLICA_READ_ONLY, JSON.stringify(more))
  }
  const forced = { SecretId: 'db', ForceDeleteWithoutRecovery: true }
  assert.equal((await askIn(server, OTHER, 'DeleteSecret', forced)).body.Message, REPLICA_READ_ONLY)
  const taken = await askIn(server, OTHER, 'CreateSecret', create)
  assert.equal(taken.body.__type, 'ResourceExistsException', 'not even with the token of its version')
  assert.deepEqual(await everythingIn(server, OTHER, 'db'), before)
  // Its key is its own.
  await callIn(server, OTHER, 'UpdateSecret', { SecretId: 'db', KmsKeyId: 'alias/aws/secretsmanager' })
  for (const name of answered) await callIn(server, OTHER, name, { SecretId: 'db', ...ON_A_REPLICA[name]!.input })
})

test('a primary is not deleted while it has replicas, forced or not', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const regions = [{ Region: OTHER }, { Region: THIRD }]
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', AddReplicaRegions: regions })
  const message = `You can't delete secret ${ARN} that still has replica regions [${OTHER}, ${THIRD}].`
  for (const more of [{}, { ForceDeleteWithoutRecovery: true }, { RecoveryWindowInDays: 7 }]) {
    await assertRefused(server, 'DeleteSecret', { SecretId: 'db', ...more }, 'InvalidParameterException', message)
  }
  await call(server, 'RemoveRegionsFromReplication', { SecretId: 'db', RemoveReplicaRegions: [OTHER, THIRD] })
  await call(server, 'DeleteSecret', { SecretId: 'db' })
  const scheduled = "You can't perform this operation on the secret because it was marked for deletion."
  for (const [name, input] of [
    ['ReplicateSecretToRegions', { AddReplicaRegions: regions }],
    ['RemoveRegionsFromReplication', { RemoveReplicaRegions: [OTHER] }],
    ['StopReplicationToReplica', {}],
  ] as const) {
    await assertRefused(server, name, { SecretId: 'db', ...input }, 'InvalidRequestException', scheduled)
  }
})

test('no value and no right is in the row of a job, and a job made by SQL copies nothing that was not asked for', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const create = { Name: 'db', SecretString: 'plain-value', ClientRequestToken: token() }
  const { ARN } = await call(server, 'CreateSecret', { ...create, AddReplicaRegions: [{ Region: OTHER }] })
  const jobs = await server.app.database.transaction('read', (tx) =>
    tx.all<{ readonly job_id: string; readonly payload: string }>(
      "SELECT job_id, payload FROM job WHERE kind = 'secretsmanager.CopySecret'",
    ),
  )
  const named = { account: server.accountId, region: server.region, name: 'db', arn: ARN, to: OTHER }
  assert.deepEqual(
    jobs.map(({ payload }) => JSON.parse(payload)),
    [named],
  )
  await server.app.database.transaction('write', (tx) =>
    tx.run(
      "INSERT INTO job (job_id, kind, due_at, payload) VALUES ('x', 'secretsmanager.CopySecret', 0, $1)",
      JSON.stringify({ ...named, to: THIRD }),
    ),
  )
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED })
  assert.equal((await askIn(server, THIRD, 'DescribeSecret', { SecretId: 'db' })).status, 400)
})
