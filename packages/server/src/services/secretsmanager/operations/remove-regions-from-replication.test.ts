// RemoveRegionsFromReplication through the server: the replica is gone at once, its name and its place in the quota are free.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { assertRefused, call, events, token } from '../testing.ts'
import { askIn, callIn, OTHER, SYNCED, statuses, THIRD } from '../testing-replication.ts'

test('a removed replica is gone at once, and a copy on its way never arrives', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const regions = [{ Region: OTHER }, { Region: THIRD }]
  const create = { Name: 'db', SecretString: 'x', ClientRequestToken: token(), AddReplicaRegions: regions }
  const { ARN } = await call(server, 'CreateSecret', create)
  await server.jobs.runDue()

  const unknown = 'The secret is not replicated to the Region ap-south-1.'
  const input = { SecretId: 'db', RemoveReplicaRegions: [OTHER, 'ap-south-1'] }
  await assertRefused(server, 'RemoveRegionsFromReplication', input, 'InvalidParameterException', unknown)
  assert.equal((await askIn(server, OTHER, 'GetSecretValue', { SecretId: 'db' })).status, 200, 'nothing was done')

  const removed = await call(server, 'RemoveRegionsFromReplication', { SecretId: ARN, RemoveReplicaRegions: [OTHER] })
  assert.deepEqual(
    [removed.ARN, removed.ReplicationStatus.map((row: { Region: string }) => row.Region)],
    [ARN, [THIRD]],
  )
  assert.equal(
    (await askIn(server, OTHER, 'DescribeSecret', { SecretId: 'db' })).body.__type,
    'ResourceNotFoundException',
  )
  assert.equal((await events(server, 'EndSecretVersionDelete')).length, 1)
  await callIn(server, OTHER, 'CreateSecret', { Name: 'db' })

  // A change is to be copied, and the Region goes before it is.
  await call(server, 'PutSecretValue', { SecretId: 'db', SecretString: 'y', ClientRequestToken: token() })
  assert.deepEqual(await statuses(server, 'db'), { [THIRD]: 'InProgress' })
  const last = await call(server, 'RemoveRegionsFromReplication', { SecretId: 'db', RemoveReplicaRegions: [THIRD] })
  assert.deepEqual(last, { ARN, ReplicationStatus: [] })
  await server.jobs.runDue()
  assert.equal((await askIn(server, THIRD, 'DescribeSecret', { SecretId: 'db' })).status, 400)
  const described = await call(server, 'DescribeSecret', { SecretId: 'db' })
  assert.ok(!('PrimaryRegion' in described) && !('ReplicationStatus' in described))
  await call(server, 'DeleteSecret', { SecretId: 'db' })
})

test('a secret of the same name that made replication fail is not removed with it', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  await callIn(server, OTHER, 'CreateSecret', { Name: 'db', SecretString: 'theirs', ClientRequestToken: token() })
  await call(server, 'CreateSecret', { Name: 'db', AddReplicaRegions: [{ Region: OTHER }] })
  await server.jobs.runDue()
  await call(server, 'RemoveRegionsFromReplication', { SecretId: 'db', RemoveReplicaRegions: [OTHER] })
  assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'db' })).SecretString, 'theirs')
  assert.notEqual((await statuses(server, 'db'))[OTHER], SYNCED)
})
