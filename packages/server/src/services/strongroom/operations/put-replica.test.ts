// PutReplica through the server: what may arrive, from whom, and that an older copy never takes the place of a newer one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { createCaller, events, token } from '../../secretsmanager/testing.ts'
import { ask, copyOf, HOME, VERSION } from '../testing-replicas.ts'

test('a copy asks for the values it lacks, is made once, and is never undone by an older one', async (t) => {
  const server = await startTestServer(t)
  const status = async (input: object): Promise<string> => {
    const { status, body } = await ask(server, 'put', input)
    assert.equal(status, 200, JSON.stringify(body))
    return body.Status
  }
  const missing = (await ask(server, 'put', copyOf(server, 5, undefined))).body
  assert.deepEqual(missing, { Status: 'ValuesMissing', MissingVersionIds: [VERSION] })
  const read = () => server.call('secretsmanager', 'GetSecretValue', { SecretId: 'db' })
  assert.equal((await read()).body.__type, 'ResourceNotFoundException')
  assert.equal(await status(copyOf(server, 5, 'five')), 'InSync')
  assert.equal((await read()).body.SecretString, 'five')
  assert.equal(await status(copyOf(server, 5, 'five')), 'InSync')
  assert.equal(await status(copyOf(server, 6, undefined, { Description: 'six' })), 'InSync')
  assert.equal(await status(copyOf(server, 5, 'five', { Description: 'late' })), 'Newer')
  const described = await server.call('secretsmanager', 'DescribeSecret', { SecretId: 'db' })
  assert.deepEqual([described.body.Description, described.body.PrimaryRegion], ['six', HOME])

  // Two values, one a call: until both are here, nothing that is read changes.
  const [two, three] = [token('two'), token('three')]
  const version = (VersionId: string, ...VersionStages: readonly string[]) => ({
    VersionId,
    VersionStages,
    CreatedAt: 3_000,
    HasValue: true,
  })
  const Versions = [version(VERSION), version(two, 'AWSPREVIOUS'), version(three, 'AWSCURRENT')]
  const value = (VersionId: string, text: string) => ({
    Value: { VersionId, Kind: 'string', Bytes: Buffer.from(text).toString('base64') },
  })
  assert.equal(await status(copyOf(server, 7, undefined, { Versions, ...value(two, '2') })), 'ValuesMissing')
  assert.equal((await read()).body.SecretString, 'five')
  assert.equal(await status(copyOf(server, 7, undefined, { Versions, ...value(three, '3') })), 'InSync')
  assert.equal((await read()).body.SecretString, '3')

  // What is not to be made is not made, and what is a secret of its own stays one.
  await server.call('secretsmanager', 'StopReplicationToReplica', { SecretId: 'db' })
  assert.equal(await status(copyOf(server, 8, 'x', { Create: false })), 'Stopped')
  const taken = await ask(server, 'put', copyOf(server, 8, 'x'))
  assert.deepEqual(taken.body, {
    Status: 'Failed',
    StatusMessage: 'Secret with this name already exists in this region',
  })
  await server.call('secretsmanager', 'DeleteSecret', { SecretId: 'db', ForceDeleteWithoutRecovery: true })
  assert.equal(await status(copyOf(server, 8, 'x', { Create: false })), 'Gone')

  const trail = await events(server, 'PutReplica')
  assert.ok(trail.length > 5)
  assert.ok(!JSON.stringify(trail).includes(Buffer.from('five').toString('base64')), 'no value is in the trail')
})

test('only who may, for secrets of its own account in another Region, within bounds', async (t) => {
  const server = await startTestServer(t)
  const may = (Resource: string) => [{ Effect: 'Allow', Action: 'strongroom:PutReplica', Resource }]
  const refused = async (input: object, credentials: TestServer['credentials'], code: string) => {
    const { status, body } = await ask(server, 'put', input, credentials)
    assert.deepEqual([status, body.__type], [400, code], JSON.stringify(body))
  }
  const secret = (region: string) => `arn:aws:secretsmanager:${region}:${server.accountId}:secret:`
  const copy = copyOf(server, 1, 'x')
  const none = await createCaller(server, 'none', [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }])
  await refused(copy, none.credentials, 'AccessDeniedException')
  const elsewhere = await createCaller(server, 'elsewhere', may(`${secret(HOME)}*`))
  await refused(copy, elsewhere.credentials, 'AccessDeniedException')
  const stranger = await createCaller(server, 'stranger', may('*'), 'new')
  await refused(copy, stranger.credentials, 'AccessDeniedException')

  const { credentials } = await createCaller(server, 'replicator', may(`${secret(server.region)}*`))
  const invalid = 'InvalidParameterException'
  await refused({ ...copy, PrimaryArn: `${secret(server.region)}db-AbCdEf` }, credentials, invalid)
  await refused({ ...copy, PrimaryArn: `${secret(HOME)}db` }, credentials, invalid)
  await refused({ ...copy, Revision: 0 }, credentials, 'ValidationException')
  const long = { VersionId: VERSION, Kind: 'string', Bytes: Buffer.alloc(65_537).toString('base64') }
  await refused({ ...copy, Value: long }, credentials, 'ValidationException')
  const policy = await ask(server, 'put', { ...copy, ResourcePolicy: '{}' }, credentials)
  assert.match(policy.body.StatusMessage, /^The resource policy cannot stand in this Region/)
  // As on AWS, KMS has a say of its own: the value is encrypted as the caller.
  const denied = await createCaller(server, 'no-key', [
    ...may('*'),
    { Effect: 'Deny', Action: 'kms:GenerateDataKey', Resource: '*' },
  ])
  const failed = await ask(server, 'put', copy, denied.credentials)
  assert.deepEqual(failed.body, {
    Status: 'Failed',
    StatusMessage: 'No permissions available on the KMS key to complete the replication',
  })
  assert.equal((await server.call('secretsmanager', 'DescribeSecret', { SecretId: 'db' })).status, 400)
  assert.equal((await ask(server, 'put', copy, credentials)).body.Status, 'InSync')
})
