// StopReplicationToReplica through the server: a replica becomes a secret of its own and keeps its ARN.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { assertRefused, call, createCaller, token } from '../testing.ts'
import { askIn, callIn, OTHER, SYNCED, statuses, THIRD } from '../testing-replication.ts'

test('a promoted replica keeps its ARN and value, can be written and replicated, and its old primary knows', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const regions = [{ Region: OTHER }]
  const create = { Name: 'db', SecretString: 'x', ClientRequestToken: token(), AddReplicaRegions: regions }
  const { ARN } = await call(server, 'CreateSecret', create)
  await server.jobs.runDue()
  const message =
    "Operation not permitted on a secret that is not a replica. Call must be made in the replica's region."
  await assertRefused(server, 'StopReplicationToReplica', { SecretId: 'db' }, 'InvalidParameterException', message)

  const arn = ARN.replace(server.region, OTHER)
  const condition = { StringEquals: { 'secretsmanager:SecretPrimaryRegion': server.region } }
  const { credentials } = await createCaller(server, 'promoter', [
    { Effect: 'Allow', Action: 'secretsmanager:StopReplicationToReplica', Resource: arn, Condition: condition },
  ])
  // A change that is on its way is too late.
  await call(server, 'PutSecretValue', { SecretId: 'db', SecretString: 'late', ClientRequestToken: token() })
  const stopped = await askIn(server, OTHER, 'StopReplicationToReplica', { SecretId: arn }, credentials)
  assert.deepEqual([stopped.status, stopped.body], [200, { ARN: arn }])
  const again = await askIn(server, OTHER, 'StopReplicationToReplica', { SecretId: arn }, credentials)
  assert.equal(again.body.__type, 'AccessDeniedException', 'its primary Region is its own now')
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), {})
  assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'db' })).SecretString, 'x')
  const described = await callIn(server, OTHER, 'DescribeSecret', { SecretId: 'db' })
  assert.ok(!('PrimaryRegion' in described))

  await callIn(server, OTHER, 'PutSecretValue', { SecretId: 'db', SecretString: 'own', ClientRequestToken: token() })
  await callIn(server, OTHER, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: [{ Region: THIRD }] })
  await server.jobs.runDue()
  assert.equal((await callIn(server, THIRD, 'GetSecretValue', { SecretId: 'db' })).SecretString, 'own')
  assert.equal((await call(server, 'GetSecretValue', { SecretId: 'db' })).SecretString, 'late')
  await call(server, 'DeleteSecret', { SecretId: 'db' })

  // The name is the promoted one's now: only force makes a replica of it again.
  await call(server, 'RestoreSecret', { SecretId: 'db' })
  await callIn(server, OTHER, 'RemoveRegionsFromReplication', { SecretId: 'db', RemoveReplicaRegions: [THIRD] })
  await call(server, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: regions })
  await server.jobs.runDue()
  assert.match((await statuses(server, 'db'))[OTHER]!, /already exists/)
  const forced = { SecretId: 'db', AddReplicaRegions: regions, ForceOverwriteReplicaSecret: true }
  await call(server, 'ReplicateSecretToRegions', forced)
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED })
  assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'db' })).SecretString, 'late')
})
