// ReplicateSecretToRegions through the server: what is asked for, what is refused, and what arrives.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { assertRefused, call, createCaller, events, token } from '../testing.ts'
import { askIn, callIn, OTHER, SYNCED, statuses, THIRD } from '../testing-replication.ts'

test('a secret is InProgress in each Region that is asked for, and InSync once it is there', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', SecretString: 'x', ClientRequestToken: token() })
  const asked = await call(server, 'ReplicateSecretToRegions', {
    SecretId: 'db',
    AddReplicaRegions: [{ Region: OTHER }, { Region: THIRD, KmsKeyId: 'alias/aws/secretsmanager' }],
  })
  const row = (Region: string) => ({ Region, KmsKeyId: 'alias/aws/secretsmanager', Status: 'InProgress' })
  assert.deepEqual(asked, { ARN, ReplicationStatus: [row(OTHER), row(THIRD)] })
  assert.equal(
    (await askIn(server, OTHER, 'DescribeSecret', { SecretId: 'db' })).body.__type,
    'ResourceNotFoundException',
  )

  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED, [THIRD]: SYNCED })
  const replica = await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'db' })
  assert.equal(replica.SecretString, 'x')
  assert.equal(replica.ARN, ARN.replace(server.region, OTHER))
  const described = await callIn(server, server.region, 'DescribeSecret', { SecretId: 'db' })
  assert.equal(described.PrimaryRegion, server.region)
  assert.ok(described.ReplicationStatus[0].LastAccessedDate > 0, 'the date of access in the Region')
  assert.ok(!('LastAccessedDate' in described.ReplicationStatus[1]))

  for (const [name, count] of [
    ['ReplicationStarted', 2],
    ['ReplicationSucceeded', 2],
    ['ReplicationFailed', 0],
  ] as const) {
    const told = await events(server, name)
    assert.equal(told.length, count, name)
    for (const { eventType, additionalEventData, readOnly } of told) {
      assert.deepEqual([eventType, additionalEventData?.SecretId, readOnly], ['AwsServiceEvent', ARN, false])
    }
  }
})

test('Regions that cannot be are refused, and nothing is replicated', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const create = { Name: 'db', SecretString: 'x', ClientRequestToken: token() }
  const refused = async (regions: readonly object[], message: string) => {
    const input = { SecretId: 'db', AddReplicaRegions: regions }
    await assertRefused(server, 'ReplicateSecretToRegions', input, 'InvalidParameterException', message)
    const { SecretId: _, ...added } = input
    const other = { ...create, ...added, Name: 'new', ClientRequestToken: token() }
    await assertRefused(server, 'CreateSecret', other, 'InvalidParameterException', message)
  }
  await call(server, 'CreateSecret', create)
  const own = server.region
  await refused([{ Region: own }], `You can't replicate a secret to its primary Region ${own}.`)
  await refused([{ Region: OTHER }, { Region: own }], `You can't replicate a secret to its primary Region ${own}.`)
  await refused([{ Region: OTHER }, { Region: OTHER }], `The Region ${OTHER} is given more than once.`)
  await refused([{}], 'Every replica Region must have a Region.')
  await refused([{ Region: `${'a'.repeat(40)}-1` }], `The Region ${'a'.repeat(40)}-1 is not a valid Region.`)
  assert.deepEqual(await statuses(server, 'db'), {})

  await call(server, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: [{ Region: OTHER }] })
  const again = { SecretId: 'db', AddReplicaRegions: [{ Region: OTHER }] }
  const message = `The secret is already replicated to the Region ${OTHER}.`
  await assertRefused(server, 'ReplicateSecretToRegions', again, 'InvalidParameterException', message)
})

test('a name that is taken fails, whoever has it, until the caller forces it; what belongs to others never gives way', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const taken = 'Failed: Secret with this name already exists in this region'
  const make = (region: string, Name: string, SecretString: string, more: object = {}) =>
    callIn(server, region, 'CreateSecret', { Name, SecretString, ClientRequestToken: token(), ...more })
  const replicate = (SecretId: string, force?: boolean) =>
    call(server, 'ReplicateSecretToRegions', {
      SecretId,
      AddReplicaRegions: [{ Region: OTHER }],
      ForceOverwriteReplicaSecret: force,
    })

  for (const [name, theirs] of [
    ['plain', {}],
    ['primary', { AddReplicaRegions: [{ Region: THIRD }] }],
  ] as const) {
    await make(OTHER, name, 'theirs', theirs)
    await make(server.region, name, 'ours')
    await replicate(name)
    await server.jobs.runDue()
    assert.deepEqual(await statuses(server, name), { [OTHER]: taken })
    assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: name })).SecretString, 'theirs')
    await replicate(name, true)
    await server.jobs.runDue()
    const forced = (await callIn(server, OTHER, 'GetSecretValue', { SecretId: name })).SecretString
    assert.deepEqual(
      [name, forced, (await statuses(server, name))[OTHER]],
      name === 'plain' ? [name, 'ours', SYNCED] : [name, 'theirs', taken],
    )
  }
  // A replica of another primary is that one's.
  await make(THIRD, 'replica', 'theirs', { AddReplicaRegions: [{ Region: OTHER }] })
  await make(server.region, 'replica', 'ours')
  await server.jobs.runDue()
  await replicate('replica', true)
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'replica'), { [OTHER]: taken })
  assert.equal((await events(server, 'ReplicationFailed')).length, 3 + 1)

  // One that is scheduled for deletion has its name still, and its purge is called off when it gives way.
  await make(OTHER, 'doomed', 'theirs')
  await callIn(server, OTHER, 'DeleteSecret', { SecretId: 'doomed', RecoveryWindowInDays: 7 })
  await make(server.region, 'doomed', 'ours', { AddReplicaRegions: [{ Region: OTHER }] })
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'doomed'), { [OTHER]: taken })
  await replicate('doomed', true)
  server.clock.advance(8 * 86_400_000)
  await server.jobs.runDue()
  assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'doomed' })).SecretString, 'ours')
})

test('copies are made with the rights that the caller had when it asked', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  await call(server, 'CreateSecret', { Name: 'db', SecretString: 'x', ClientRequestToken: token() })
  const allow = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
  const FAILED = 'Failed: No permissions available on the KMS key to complete the replication'
  for (const [user, deny, expected] of [
    ['no-decrypt', { Action: 'kms:Decrypt', Resource: `arn:aws:kms:${server.region}:*:key/*` }, FAILED],
    ['no-encrypt', { Action: 'kms:GenerateDataKey', Resource: `arn:aws:kms:${OTHER}:*:key/*` }, FAILED],
    ['both', { Action: 'kms:CreateKey', Resource: '*' }, SYNCED],
  ] as const) {
    const { credentials } = await createCaller(server, user, [allow, { Effect: 'Deny', ...deny }])
    const input = { SecretId: 'db', AddReplicaRegions: [{ Region: OTHER }] }
    const asked = await askIn(server, server.region, 'ReplicateSecretToRegions', input, credentials)
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    await server.jobs.runDue()
    assert.deepEqual(await statuses(server, 'db'), { [OTHER]: expected }, user)
    const found = await askIn(server, OTHER, 'DescribeSecret', { SecretId: 'db' })
    assert.equal(found.status, expected === SYNCED ? 200 : 400, 'a replica without a value is none')
  }
  // A key that is not there.
  const KmsKeyId = `arn:aws:kms:${THIRD}:${server.accountId}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
  await call(server, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: [{ Region: THIRD, KmsKeyId }] })
  await server.jobs.runDue()
  assert.equal((await statuses(server, 'db'))[THIRD], 'Failed: The KMS key is disabled or not found')
  // Failed is no end: removed, or asked for again.
  await call(server, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: [{ Region: THIRD }] })
  await server.jobs.runDue()
  assert.equal((await statuses(server, 'db'))[THIRD], SYNCED)
})

test('another account that the secret lets in has it copied as far as both keys let it', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const guest = await createCaller(server, 'guest', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const own = { Effect: 'Allow', Principal: { AWS: server.accountId }, Action: 'kms:*', Resource: '*' }
  const forBoth = policyDocument(own, { ...own, Principal: { AWS: guest.account } })
  const keyIn = async (region: string): Promise<string> => {
    const { body } = await server.call('kms', 'CreateKey', { Policy: forBoth }, { region })
    return body.KeyMetadata.Arn
  }
  const ResourcePolicy = policyDocument({ ...own, Principal: { AWS: guest.account }, Action: 'secretsmanager:*' })
  for (const [Name, KmsKeyId, there, expected] of [
    ['managed', undefined, undefined, 'Failed: No permissions available on the KMS key to complete the replication'],
    ['shared', await keyIn(server.region), await keyIn(OTHER), SYNCED],
  ] as const) {
    const { ARN } = await call(server, 'CreateSecret', {
      Name,
      SecretString: `value of ${Name}`,
      ClientRequestToken: token(),
      ...(KmsKeyId && { KmsKeyId }),
    })
    await call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy })
    const AddReplicaRegions = [{ Region: OTHER, ...(there && { KmsKeyId: there }) }]
    const input = { SecretId: ARN, AddReplicaRegions }
    const { status, body } = await askIn(server, server.region, 'ReplicateSecretToRegions', input, guest.credentials)
    assert.equal(status, 200, JSON.stringify(body))
    await server.jobs.runDue()
    assert.deepEqual(await statuses(server, ARN), { [OTHER]: expected }, Name)
  }
  assert.equal((await callIn(server, OTHER, 'GetSecretValue', { SecretId: 'shared' })).SecretString, 'value of shared')
})

test('the quota of secrets holds in the Region of the replica', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t, { secretsPerRegion: '2' }))
  for (const Name of ['a', 'b']) await callIn(server, OTHER, 'CreateSecret', { Name })
  await call(server, 'CreateSecret', { Name: 'db', AddReplicaRegions: [{ Region: OTHER }] })
  await server.jobs.runDue()
  const full = "Failed: You've reached the quota of 2 secrets in this account and Region."
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: full })
  await callIn(server, OTHER, 'DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true })
  await call(server, 'ReplicateSecretToRegions', { SecretId: 'db', AddReplicaRegions: [{ Region: OTHER }] })
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED })
  const { body } = await askIn(server, OTHER, 'CreateSecret', { Name: 'c' })
  assert.equal(body.__type, 'LimitExceededException', 'the replica counts')
})
