// Managed master passwords from beginning to end, with AWS's own client, against a real PostgreSQL.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { DBInstance } from '@aws-sdk/client-rds'
import { startPostgresql, type TestPostgresql } from '../../../../../rotators/src/testing/postgresql.ts'
import type { GivenOptions } from '../../../config.ts'
import { call, createCaller, token } from '../../secretsmanager/testing.ts'
import { askDatabases, FIRST_PASSWORD, rdsClient, startRds } from '../testing.ts'

let postgres: TestPostgresql
let missing: string | undefined

before(async () => {
  const started = await startPostgresql()
  if ('reason' in started) missing = started.reason
  else postgres = started
})
after(() => postgres?.stop())

const skip = (t: TestContext): boolean => {
  if (missing !== undefined) t.skip(`NOT RUN: ${missing}`)
  return missing !== undefined
}

const refusal =
  (name: string, message: RegExp, status = 400) =>
  (error: unknown) => {
    const { name: code, message: text, $metadata } = error as Error & { $metadata: { httpStatusCode: number } }
    assert.deepEqual([code, $metadata?.httpStatusCode], [name, status], String(error))
    assert.match(text, message)
    return true
  }

async function start(t: TestContext, given: GivenOptions = {}) {
  const started = await startRds(t, postgres, given)
  const { server, rds } = started
  const describe = async (DBInstanceIdentifier: string): Promise<DBInstance> =>
    (await rds.describeDBInstances({ DBInstanceIdentifier })).DBInstances![0]!
  const read = async (SecretId: string, VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId, VersionStage })).SecretString)
  const manage = async (identifier: string): Promise<string> => {
    const { DBInstance } = await rds.modifyDBInstance({
      DBInstanceIdentifier: identifier,
      ManageMasterUserPassword: true,
    })
    return DBInstance!.MasterUserSecret!.SecretArn!
  }
  return { ...started, describe, read, manage }
}

test('a registered instance is managed, rotated and released, and the database has what the secret says', async (t) => {
  if (skip(t)) return
  const { server, rds, register, describe, read, manage } = await start(t)
  const username = await register('Orders', { DatabaseName: 'postgres' })
  const before = await describe('orders')
  assert.deepEqual(
    [before.DBInstanceIdentifier, before.Engine, before.DBInstanceStatus, before.MasterUsername, before.DBName],
    ['orders', 'postgres', 'available', username, 'postgres'],
  )
  assert.deepEqual(before.Endpoint, { Address: 'localhost', Port: postgres.port })
  assert.equal(before.DBInstanceArn, `arn:aws:rds:${server.region}:${server.accountId}:db:orders`)
  assert.equal(before.ReadReplicaSourceDBInstanceIdentifier, undefined)
  assert.equal(before.MasterUserSecret, undefined)

  const arn = await manage('orders')
  assert.match(arn, /:secret:rds!db-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[A-Za-z0-9]{6}$/)
  // Until the new password is set, who asks is told the one that works.
  assert.equal((await describe('orders')).MasterUserSecret?.SecretStatus, 'creating')
  await postgres.logIn(username, (await read(arn)).password)

  await server.jobs.runDue()
  const managed = await describe('orders')
  assert.equal(managed.MasterUserSecret?.SecretStatus, 'active')
  assert.match(managed.MasterUserSecret?.KmsKeyId ?? '', /^arn:aws:kms:/)
  const first = await read(arn)
  assert.deepEqual(Object.keys(first), ['username', 'password'])
  assert.equal(first.username, username)
  assert.equal(first.password.length, 32)
  await postgres.logIn(username, first.password)
  await assert.rejects(postgres.logIn(username, FIRST_PASSWORD), /password authentication failed/)

  const secret = await call(server, 'DescribeSecret', { SecretId: arn })
  assert.equal(secret.OwningService, 'rds')
  assert.equal(secret.RotationEnabled, true)
  assert.equal(secret.RotationLambdaARN, undefined)
  assert.deepEqual(secret.RotationRules, { AutomaticallyAfterDays: 7 })
  assert.deepEqual(secret.Tags.map(({ Key, Value }: { Key: string; Value: string }) => [Key, Value]).sort(), [
    ['aws:rds:primaryDBInstanceArn', managed.DBInstanceArn],
    ['aws:secretsmanager:owningService', 'rds'],
  ])

  await rds.modifyDBInstance({ DBInstanceIdentifier: 'orders', RotateMasterUserPassword: true, ApplyImmediately: true })
  assert.equal((await describe('orders')).MasterUserSecret?.SecretStatus, 'rotating')
  await server.jobs.runDue()
  const second = await read(arn)
  assert.notEqual(second.password, first.password)
  await postgres.logIn(username, second.password)
  assert.deepEqual(await read(arn, 'AWSPREVIOUS'), first)

  // A user changes the schedule and rotates too, and the rotation still has its rights.
  await call(server, 'RotateSecret', {
    SecretId: arn,
    ClientRequestToken: 'a'.repeat(32),
    RotationRules: { AutomaticallyAfterDays: 30 },
  })
  await server.jobs.runDue()
  const third = await read(arn)
  assert.notEqual(third.password, second.password)
  await postgres.logIn(username, third.password)

  await rds.modifyDBInstance({
    DBInstanceIdentifier: 'orders',
    ManageMasterUserPassword: false,
    MasterUserPassword: 'back-in-our-hands',
  })
  const changing = await describe('orders')
  assert.equal(changing.DBInstanceStatus, 'resetting-master-credentials')
  assert.deepEqual(changing.PendingModifiedValues, { MasterUserPassword: '****' })
  await assert.rejects(
    rds.modifyDBInstance({ DBInstanceIdentifier: 'orders', ManageMasterUserPassword: true }),
    refusal('InvalidDBInstanceStateFault', /resetting-master-credentials/),
  )
  await server.jobs.runDue()
  await postgres.logIn(username, 'back-in-our-hands')
  const after = await describe('orders')
  assert.deepEqual([after.DBInstanceStatus, after.MasterUserSecret], ['available', undefined])
  const { status } = await server.call('secretsmanager', 'DescribeSecret', { SecretId: arn })
  assert.equal(status, 400)

  await rds.deleteDBInstance({ DBInstanceIdentifier: 'orders', SkipFinalSnapshot: true })
  await assert.rejects(
    rds.describeDBInstances({ DBInstanceIdentifier: 'orders' }),
    refusal('DBInstanceNotFoundFault', /DBInstance orders not found/, 404),
  )
  await postgres.logIn(username, 'back-in-our-hands')
})

test('it rotates by itself every seven days', async (t) => {
  if (skip(t)) return
  const { server, register, read, manage } = await start(t)
  const username = await register('weekly')
  const arn = await manage('weekly')
  await server.jobs.runDue()
  const first = await read(arn)
  server.clock.advance(7 * 86_400_000)
  await server.jobs.runDue()
  server.clock.advance(86_400_000 - 1)
  await server.jobs.runDue()
  const second = await read(arn)
  assert.notEqual(second.password, first.password)
  await postgres.logIn(username, second.password)
})

test('a master password that is not managed is really changed, and what the database refuses changes nothing', async (t) => {
  if (skip(t)) return
  const { server, rds, register, describe } = await start(t)
  const username = await register('plain')
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'plain', MasterUserPassword: 'set-by-hand-1' })
  await server.jobs.runDue()
  await postgres.logIn(username, 'set-by-hand-1')
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'plain', MasterUserPassword: 'set-by-hand-2' })
  await server.jobs.runDue()
  await postgres.logIn(username, 'set-by-hand-2')
  assert.equal((await describe('plain')).DBInstanceStatus, 'available')

  const refusal = async () => (await askDatabases(server, 'show', { Identifier: 'plain' })).body.Database.Refusal
  await postgres.sql(`ALTER ROLE ${username} PASSWORD 'somebody-else'`)
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'plain', MasterUserPassword: 'set-by-hand-3' })
  await server.jobs.runDue()
  assert.match(await refusal(), /password is refused/)
  assert.equal((await describe('plain')).DBInstanceStatus, 'available')
  await postgres.logIn(username, 'somebody-else')
  await postgres.sql(`ALTER ROLE ${username} PASSWORD 'set-by-hand-2'`)
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'plain', MasterUserPassword: 'set-by-hand-3' })
  await server.jobs.runDue()
  assert.equal(await refusal(), undefined)
  await postgres.logIn(username, 'set-by-hand-3')
})

test('a database that cannot be reached keeps its status, which tells why, until the password is set', async (t) => {
  if (skip(t)) return
  const { server, rds, register, describe } = await start(t)
  const username = await register('away')
  const refusal = async () => (await askDatabases(server, 'show', { Identifier: 'away' })).body.Database.Refusal
  await postgres.sql(`ALTER ROLE ${username} CONNECTION LIMIT 0`)
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'away', MasterUserPassword: 'set-at-last' })
  for (let attempt = 0; attempt < 3; attempt++) {
    await server.jobs.runDue()
    const { DBInstanceStatus, PendingModifiedValues } = await describe('away')
    assert.deepEqual(
      [DBInstanceStatus, PendingModifiedValues],
      ['resetting-master-credentials', { MasterUserPassword: '****' }],
    )
    assert.match(await refusal(), /does not answer now/)
    server.clock.advance(60_000)
  }
  await postgres.sql(`ALTER ROLE ${username} CONNECTION LIMIT -1`)
  await server.jobs.runDue()
  assert.deepEqual([(await describe('away')).DBInstanceStatus, await refusal()], ['available', undefined])
  await postgres.logIn(username, 'set-at-last')
})

test('users by turns have a managed master, before and after its own rotations', async (t) => {
  if (skip(t)) return
  const { server, rds, register, read, manage } = await start(t, { rotationCa: postgres.authorityFile })
  await register('turned')
  const masterarn = await manage('turned')
  await server.jobs.runDue()
  await postgres.sql(`CREATE ROLE turning LOGIN PASSWORD 'first-of-the-user'`)
  const place = { engine: 'postgres', host: 'localhost', port: postgres.port }
  const value = { ...place, username: 'turning', password: 'first-of-the-user', masterarn }
  await call(server, 'CreateSecret', {
    Name: 'turning',
    ClientRequestToken: token(),
    SecretString: JSON.stringify(value),
  })
  const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-postgresql-alternating-users`
  let before = value
  for (const username of ['turning_clone', 'turning', 'turning_clone']) {
    await call(server, 'RotateSecret', { SecretId: 'turning', ClientRequestToken: token(), RotationLambdaARN })
    await server.jobs.runDue()
    const now = await read('turning')
    assert.equal(now.username, username)
    for (const { username, password } of [before, now]) await postgres.logIn(username, password)
    before = now
    await rds.modifyDBInstance({
      DBInstanceIdentifier: 'turned',
      RotateMasterUserPassword: true,
      ApplyImmediately: true,
    })
    await server.jobs.runDue()
  }
})

test('combinations are refused as AWS refuses them, and no parameter is passed over', async (t) => {
  if (skip(t)) return
  const { server, rds, register, manage } = await start(t)
  await register('combined')
  const modify = (input: object) => rds.modifyDBInstance({ DBInstanceIdentifier: 'combined', ...input })
  const combination = (message: RegExp) => refusal('InvalidParameterCombination', message)
  await assert.rejects(
    modify({ ManageMasterUserPassword: true, MasterUserPassword: 'long-enough' }),
    combination(/MasterUserPassword can not/),
  )
  await assert.rejects(modify({ RotateMasterUserPassword: true, ApplyImmediately: true }), combination(/is managed/))
  await assert.rejects(modify({ MasterUserSecretKmsKeyId: 'alias/x' }), combination(/MasterUserSecretKmsKeyId/))
  await assert.rejects(modify({ AllocatedStorage: 20 }), combination(/AllocatedStorage is not supported/))
  await assert.rejects(modify({ VpcSecurityGroupIds: ['sg-1'] }), combination(/VpcSecurityGroupIds is not supported/))
  await assert.rejects(modify({ MasterUserPassword: 'short' }), refusal('InvalidParameterValue', /8 to 128/))
  await assert.rejects(modify({ MasterUserPassword: 'with a space' }), refusal('InvalidParameterValue', /printable/))
  await assert.rejects(
    modify({ ManageMasterUserPassword: true, MasterUserSecretKmsKeyId: 'alias/absent' }),
    refusal('KMSKeyNotAccessibleFault', /alias\/absent/),
  )
  await manage('combined')
  await server.jobs.runDue()
  await assert.rejects(modify({ RotateMasterUserPassword: true }), combination(/ApplyImmediately/))
  await assert.rejects(modify({ ManageMasterUserPassword: false }), combination(/must be specified/))
  await assert.rejects(modify({ MasterUserPassword: 'long-enough' }), combination(/can not be specified/))
  await assert.rejects(
    rds.deleteDBInstance({ DBInstanceIdentifier: 'combined' }),
    combination(/FinalDBSnapshotIdentifier is required/),
  )
})

test('Create adopts the endpoint that was registered for it, and none other', async (t) => {
  if (skip(t)) return
  const { server, rds, register, describe, read } = await start(t)
  const username = await register('adopted', { AwaitCreate: true })
  await assert.rejects(describe('adopted'), refusal('DBInstanceNotFoundFault', /not found/, 404))
  assert.deepEqual((await rds.describeDBInstances({})).DBInstances, [])
  const create = (input: object) =>
    rds.createDBInstance({
      DBInstanceIdentifier: 'adopted',
      DBInstanceClass: 'db.external',
      Engine: 'postgres',
      ManageMasterUserPassword: true,
      Tags: [{ Key: 'team', Value: 'blue' }],
      ...input,
    })
  await assert.rejects(create({ DBInstanceIdentifier: 'other' }), refusal('InvalidParameterValue', /No endpoint waits/))
  await assert.rejects(create({ Engine: 'mysql' }), refusal('InvalidParameterValue', /Engine does not match/))
  await assert.rejects(create({ MasterUsername: 'root' }), refusal('InvalidParameterValue', /MasterUsername does not/))
  await assert.rejects(create({ DBInstanceClass: 'db.t3.micro' }), refusal('InvalidParameterValue', /db\.external/))
  await assert.rejects(create({ AllocatedStorage: 20 }), refusal('InvalidParameterCombination', /AllocatedStorage/))
  const { DBInstance } = await create({ MasterUsername: username, Port: postgres.port })
  assert.deepEqual(DBInstance?.TagList, [{ Key: 'team', Value: 'blue' }])
  await server.jobs.runDue()
  await postgres.logIn(username, (await read(DBInstance!.MasterUserSecret!.SecretArn!)).password)
  await assert.rejects(create({}), refusal('DBInstanceAlreadyExistsFault', /already exists/))
})

test('a cluster is managed in the same way, under its own names', async (t) => {
  if (skip(t)) return
  const { server, rds, register, read } = await start(t)
  const username = await register('ledger', { Cluster: true, Engine: 'aurora-postgresql', AwaitCreate: true })
  const { DBCluster } = await rds.createDBCluster({
    DBClusterIdentifier: 'ledger',
    Engine: 'aurora-postgresql',
    ManageMasterUserPassword: true,
  })
  const arn = DBCluster!.MasterUserSecret!.SecretArn!
  assert.match(arn, /:secret:rds!cluster-/)
  await server.jobs.runDue()
  const { DBClusters } = await rds.describeDBClusters({ Filters: [{ Name: 'engine', Values: ['aurora-postgresql'] }] })
  assert.deepEqual(
    DBClusters?.map(({ DBClusterIdentifier, Endpoint, Port, MasterUserSecret }) => [
      DBClusterIdentifier,
      Endpoint,
      Port,
      MasterUserSecret?.SecretStatus,
    ]),
    [['ledger', 'localhost', postgres.port, 'active']],
  )
  const { password } = await read(arn)
  await postgres.logIn(username, password)
  await rds.modifyDBCluster({ DBClusterIdentifier: 'ledger', RotateMasterUserPassword: true, ApplyImmediately: true })
  await server.jobs.runDue()
  assert.notEqual((await read(arn)).password, password)
  await rds.deleteDBCluster({ DBClusterIdentifier: 'ledger', SkipFinalSnapshot: true })
  await assert.rejects(
    rds.describeDBClusters({ DBClusterIdentifier: 'ledger' }),
    refusal('DBClusterNotFoundFault', /not found/, 404),
  )
  assert.equal((await server.call('secretsmanager', 'DescribeSecret', { SecretId: arn })).status, 400)
})

test('a disabled key or a refused login shows as impaired, and mends', async (t) => {
  if (skip(t)) return
  const { server, rds, register, describe, read } = await start(t)
  const username = await register('ailing')
  const { body: key } = await server.call('kms', 'CreateKey', {})
  const KeyId = key.KeyMetadata.Arn
  const { DBInstance } = await rds.modifyDBInstance({
    DBInstanceIdentifier: 'ailing',
    ManageMasterUserPassword: true,
    MasterUserSecretKmsKeyId: KeyId,
  })
  const arn = DBInstance!.MasterUserSecret!.SecretArn!
  assert.equal(DBInstance!.MasterUserSecret!.KmsKeyId, KeyId)
  await server.jobs.runDue()
  const status = async () => (await describe('ailing')).MasterUserSecret?.SecretStatus
  assert.equal(await status(), 'active')
  await server.call('kms', 'DisableKey', { KeyId })
  assert.equal(await status(), 'impaired')
  await server.call('kms', 'EnableKey', { KeyId })
  assert.equal(await status(), 'active')

  const { password } = await read(arn)
  await postgres.sql(`ALTER ROLE ${username} PASSWORD 'somebody else'`)
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'ailing', RotateMasterUserPassword: true, ApplyImmediately: true })
  await server.jobs.runDue()
  assert.equal(await status(), 'impaired')
  await postgres.sql(`ALTER ROLE ${username} PASSWORD '${password}'`)
  server.clock.advance(10_000)
  await server.jobs.runDue()
  assert.equal(await status(), 'active')
  await postgres.logIn(username, (await read(arn)).password)
})

test('pages, filters and tags', async (t) => {
  if (skip(t)) return
  const { rds, newMaster, registrationOf, server } = await start(t)
  const username = await newMaster()
  for (let n = 10; n < 32; n++) {
    const { status } = await askDatabases(
      server,
      'register',
      registrationOf(`page-${n}`, username, { SkipLogin: true }),
    )
    assert.equal(status, 200)
  }
  const first = await rds.describeDBInstances({ MaxRecords: 20 })
  const second = await rds.describeDBInstances({ MaxRecords: 20, Marker: first.Marker })
  assert.deepEqual([first.DBInstances?.length, second.DBInstances?.length, second.Marker], [20, 2, undefined])
  await assert.rejects(rds.describeDBInstances({ Marker: 'none' }), refusal('InvalidParameterValue', /marker/))
  await assert.rejects(rds.describeDBInstances({ MaxRecords: 19 }), /greater than or equal to 20/)
  const Filters = [{ Name: 'db-instance-id', Values: ['page-11', 'page-30', 'absent'] }]
  const found = await rds.describeDBInstances({ Filters })
  assert.deepEqual(
    found.DBInstances?.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    ['page-11', 'page-30'],
  )
  await assert.rejects(
    rds.describeDBInstances({ Filters: [{ Name: 'colour', Values: ['x'] }] }),
    refusal('InvalidParameterValue', /Unrecognized filter name: colour/),
  )
  const ResourceName = found.DBInstances![0]!.DBInstanceArn!
  assert.equal((await rds.describeDBInstances({ DBInstanceIdentifier: ResourceName })).DBInstances?.length, 1)
  await rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }] }) // biome-ignore format: short
  await rds.removeTagsFromResource({ ResourceName, TagKeys: ['a'] })
  assert.deepEqual((await rds.listTagsForResource({ ResourceName })).TagList, [{ Key: 'b', Value: '2' }])
})

test('who may not use Secrets Manager cannot have a password managed, and policies can demand that it is', async (t) => {
  if (skip(t)) return
  const { server, register } = await start(t)
  await register('guarded')
  const clientOf = async (name: string, ...statements: readonly object[]) =>
    rdsClient(t, server, (await createCaller(server, name, statements)).credentials)
  const allow = (...Action: string[]) => ({ Effect: 'Allow', Action, Resource: '*' })
  const manage = { DBInstanceIdentifier: 'guarded', ManageMasterUserPassword: true }
  const rdsOnly = await clientOf('rds-only', allow('rds:*'))
  await assert.rejects(rdsOnly.modifyDBInstance(manage), /secretsmanager:CreateSecret/)
  const noTags = await clientOf('no-tags', allow('rds:*', 'secretsmanager:CreateSecret'))
  await assert.rejects(noTags.modifyDBInstance(manage), /secretsmanager:TagResource/)
  const noKey = await clientOf('no-key', allow('rds:*', 'secretsmanager:*'), {
    ...allow('kms:DescribeKey'),
    Effect: 'Deny',
  })
  await assert.rejects(noKey.modifyDBInstance(manage), /kms:DescribeKey/)
  const demanding = await clientOf('demanding', allow('rds:*', 'secretsmanager:*'), {
    ...allow('rds:ModifyDBInstance'),
    Effect: 'Deny',
    Condition: { Bool: { 'rds:ManageMasterUserPassword': 'false' } },
  })
  await assert.rejects(
    demanding.modifyDBInstance({ ...manage, ManageMasterUserPassword: false, MasterUserPassword: 'long-enough' }),
    refusal('AccessDenied', /explicit deny/, 403),
  )
  await demanding.modifyDBInstance(manage)
  await server.jobs.runDue()
  await assert.rejects(
    rdsOnly.modifyDBInstance({
      DBInstanceIdentifier: 'guarded',
      RotateMasterUserPassword: true,
      ApplyImmediately: true,
    }),
    /secretsmanager:RotateSecret/,
  )
})

test('each operation asks for its own action on the database, before it tells whether there is one', async (t) => {
  if (skip(t)) return
  const { server } = await start(t)
  const { credentials } = await createCaller(server, 'nobody', [])
  const rds = rdsClient(t, server, credentials)
  const [DBInstanceIdentifier, DBClusterIdentifier] = ['absent', 'absent']
  const ResourceName = `arn:aws:rds:${server.region}:${server.accountId}:db:absent`
  const instance = { DBInstanceIdentifier, DBInstanceClass: 'db.external', Engine: 'postgres' }
  const calls: readonly (readonly [operation: string, ask: () => Promise<unknown>])[] = [
    ['AddTagsToResource', () => rds.addTagsToResource({ ResourceName, Tags: [] })],
    ['CreateDBCluster', () => rds.createDBCluster({ DBClusterIdentifier, Engine: 'postgres' })],
    ['CreateDBInstance', () => rds.createDBInstance(instance)],
    ['DeleteDBCluster', () => rds.deleteDBCluster({ DBClusterIdentifier })],
    ['DeleteDBInstance', () => rds.deleteDBInstance({ DBInstanceIdentifier })],
    ['DescribeDBClusters', () => rds.describeDBClusters({ DBClusterIdentifier })],
    ['DescribeDBInstances', () => rds.describeDBInstances({})],
    ['ListTagsForResource', () => rds.listTagsForResource({ ResourceName })],
    ['ModifyDBCluster', () => rds.modifyDBCluster({ DBClusterIdentifier })],
    ['ModifyDBInstance', () => rds.modifyDBInstance({ DBInstanceIdentifier })],
    ['RemoveTagsFromResource', () => rds.removeTagsFromResource({ ResourceName, TagKeys: [] })],
  ]
  for (const [operation, ask] of calls) {
    const kind = operation.includes('Cluster') ? 'cluster' : 'db'
    const named = operation === 'DescribeDBInstances' ? '\\*' : 'absent'
    const message = new RegExp(`perform: rds:${operation} on resource: arn:aws:rds:[^ ]+:${kind}:${named}`)
    await assert.rejects(ask(), refusal('AccessDenied', message, 403), operation)
  }
})
