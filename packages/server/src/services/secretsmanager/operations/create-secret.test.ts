// CreateSecret through the real server: the first version, retries, names, quotas and every refusal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { assertRefused, call, createCaller, token } from '../testing.ts'

test('CreateSecret', async (t) => {
  const server = await startTestServer(t)
  const { secretsManager } = server

  await t.test('makes a secret whose first version is current', async () => {
    const id = token()
    const created = await secretsManager.send(
      new CreateSecretCommand({
        Name: 'prod/db',
        SecretString: '{"a":"ü"}',
        ClientRequestToken: id,
        Description: 'main',
        Tags: [{ Key: 'Team', Value: 'core' }],
      }),
    )
    assert.match(
      created.ARN ?? '',
      new RegExp(`^arn:aws:secretsmanager:${server.region}:${server.accountId}:secret:prod/db-[A-Za-z0-9]{6}$`),
    )
    assert.equal(created.Name, 'prod/db')
    assert.equal(created.VersionId, id)
    assert.equal(created.ReplicationStatus, undefined)

    const value = await secretsManager.send(new GetSecretValueCommand({ SecretId: 'prod/db' }))
    assert.equal(value.SecretString, '{"a":"ü"}')
    assert.deepEqual(value.VersionStages, ['AWSCURRENT'])

    const described = await secretsManager.send(new DescribeSecretCommand({ SecretId: 'prod/db' }))
    assert.equal(described.Description, 'main')
    assert.deepEqual(described.Tags, [{ Key: 'Team', Value: 'core' }])
    assert.deepEqual(described.VersionIdsToStages, { [id]: ['AWSCURRENT'] })
  })

  await t.test('makes a secret without a version where no value is given, and asks for no token', async () => {
    const created = await call(server, 'CreateSecret', { Name: 'empty' })
    assert.deepEqual(Object.keys(created).sort(), ['ARN', 'Name'])
    await assertRefused(
      server,
      'GetSecretValue',
      { SecretId: 'empty' },
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )
  })

  await t.test('answers a retry as it answered first, and changes nothing', async () => {
    const binary = Buffer.from('value').toString('base64')
    for (const [name, value] of [
      ['retry-string', { SecretString: 'value' }],
      ['retry-binary', { SecretBinary: binary }],
      ['retry-empty', {}],
    ] as const) {
      const input = { Name: name, ClientRequestToken: token(name), ...value }
      const first = await call(server, 'CreateSecret', input)
      const before = await call(server, 'DescribeSecret', { SecretId: name })
      server.clock.advance(5_000)
      assert.deepEqual(await call(server, 'CreateSecret', input), first)
      assert.deepEqual(await call(server, 'DescribeSecret', { SecretId: name }), before)
    }
  })

  await t.test('refuses a name that is taken, unless the call is a retry with the same value', async () => {
    const mine = token('taken')
    const { ARN } = await call(server, 'CreateSecret', { Name: 'taken', ClientRequestToken: mine, SecretString: 'one' })
    const exists = 'The operation failed because the secret taken already exists.'
    const inUse = `You can't use ClientRequestToken ${mine} because that value is already in use for a version of secret ${ARN}.`
    for (const [input, message] of [
      [{ ClientRequestToken: token(), SecretString: 'one' }, exists],
      [{ ClientRequestToken: token() }, exists],
      [{ ClientRequestToken: mine }, exists],
      [{}, exists],
      [{ ClientRequestToken: mine, SecretString: 'two' }, inUse],
      [{ ClientRequestToken: mine, SecretString: 'on' }, inUse],
      [{ ClientRequestToken: mine, SecretBinary: Buffer.from('one').toString('base64') }, inUse],
    ] as const) {
      await assertRefused(server, 'CreateSecret', { Name: 'taken', ...input }, 'ResourceExistsException', message)
    }
  })

  await t.test('refuses what the rules of values, tokens, names and tags forbid', async () => {
    const it = { Name: 'refused', ClientRequestToken: token() }
    const invalidName =
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!'
    for (const [input, code, message] of [
      [{ Name: 'a b' }, 'ValidationException', invalidName],
      [{ Name: 'é' }, 'ValidationException', invalidName],
      [
        { Name: 'rds!db-1', SecretString: 'x' },
        'InvalidRequestException',
        "You can't create a secret whose name starts with rds!, which is reserved for an AWS service.",
      ],
      [
        { SecretString: 'x', SecretBinary: 'eA==' },
        'InvalidParameterException',
        "You can't specify both a binary secret value and a string secret value in the same secret.",
      ],
      [
        { SecretString: 'x', ClientRequestToken: null },
        'InvalidRequestException',
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      ],
      [
        { ClientRequestToken: 'short' },
        'ValidationException',
        "1 validation error detected: Value 'short' at 'clientRequestToken' failed to satisfy constraint: Member must have length greater than or equal to 32",
      ],
      [
        { SecretString: '' },
        'ValidationException',
        "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
      [
        { SecretString: 'é'.repeat(40_000) },
        'InvalidParameterException',
        "The secret value can't be longer than 65536 bytes.",
      ],
      [
        { Tags: [{ Key: 'aws:x' }] },
        'InvalidParameterException',
        'Tag keys starting with aws: are reserved for system use.',
      ],
      [
        { AddReplicaRegions: [{ Region: 'eu-west-1' }] },
        'InvalidRequestException',
        'This server does not replicate secrets to other Regions yet: AddReplicaRegions is not supported.',
      ],
      [
        { ForceOverwriteReplicaSecret: true },
        'InvalidRequestException',
        'This server does not replicate secrets to other Regions yet: ForceOverwriteReplicaSecret is not supported.',
      ],
      [
        { Type: 'Partner' },
        'InvalidParameterException',
        "The Type Partner isn't the type of a managed external secret.",
      ],
    ] as const) {
      await assertRefused(server, 'CreateSecret', { ...it, ...input }, code, message)
    }
    const notFound = "Secrets Manager can't find the specified secret."
    await assertRefused(server, 'DescribeSecret', { SecretId: 'refused' }, 'ResourceNotFoundException', notFound)
  })

  await t.test('gives a name that is free again a new suffix', async () => {
    const first = await call(server, 'CreateSecret', { Name: 'again' })
    await call(server, 'DeleteSecret', { SecretId: 'again', ForceDeleteWithoutRecovery: true })
    const second = await call(server, 'CreateSecret', { Name: 'again' })
    assert.notEqual(second.ARN, first.ARN)
  })

  await t.test('refuses the name of a secret that is scheduled for deletion', async () => {
    const input = { Name: 'doomed', ClientRequestToken: token(), SecretString: 'x' }
    await call(server, 'CreateSecret', input)
    await call(server, 'DeleteSecret', { SecretId: 'doomed' })
    await assertRefused(
      server,
      'CreateSecret',
      input,
      'InvalidRequestException',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
  })

  await t.test('makes one secret of many concurrent calls, and retries among them get its answer', async () => {
    const tokens = [token('a'), token('b'), token('c')]
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const ClientRequestToken = tokens[index % 3]!
        const input = { Name: 'contended', ClientRequestToken, SecretString: ClientRequestToken }
        return { ClientRequestToken, ...(await server.call('secretsmanager', 'CreateSecret', input)) }
      }),
    )
    const { ARN, SecretString } = await call(server, 'GetSecretValue', { SecretId: 'contended' })
    for (const { ClientRequestToken, status, body } of answers) {
      if (ClientRequestToken === SecretString)
        assert.deepEqual([status, body], [200, { ARN, Name: 'contended', VersionId: ClientRequestToken }])
      else assert.deepEqual([status, body.__type], [400, 'ResourceExistsException'])
    }
  })

  await t.test('keeps the longest text and the longest bytes exactly', async () => {
    for (const [Name, SecretString] of [
      ['long/ascii', 'x'.repeat(65_536)],
      // Each character is six bytes of JSON.
      ['long/control', '\u0001'.repeat(65_536)],
      ['long/emoji', '😀'.repeat(16_384)],
      ['long/mixed', `${'\u0000"\\\n😀'.repeat(7_168)}${'\r\n'.repeat(4_096)}`],
    ] as const) {
      assert.equal(Buffer.byteLength(SecretString), 65_536)
      await call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString })
      assert.equal((await call(server, 'GetSecretValue', { SecretId: Name })).SecretString, SecretString)
    }
    const bytes = Buffer.alloc(65_536, 0xfe)
    const input = new CreateSecretCommand({ Name: 'long/bytes', SecretBinary: bytes })
    await secretsManager.send(input)
    const read = await secretsManager.send(new GetSecretValueCommand({ SecretId: 'long/bytes' }))
    assert.equal(read.SecretString, undefined)
    assert.deepEqual(Buffer.from(read.SecretBinary!), bytes)
  })
})

test('CreateSecret counts secrets in each region against the quota, and counts down again', async (t) => {
  const server = await startTestServer(t, { secretsPerRegion: '2' })
  await call(server, 'CreateSecret', { Name: 'one' })
  await call(server, 'CreateSecret', { Name: 'two' })
  const message = "You've reached the quota of 2 secrets in this account and Region."
  await assertRefused(server, 'CreateSecret', { Name: 'three' }, 'LimitExceededException', message)
  await call(server, 'DeleteSecret', { SecretId: 'one', ForceDeleteWithoutRecovery: true })
  await call(server, 'CreateSecret', { Name: 'three' })
  await assertRefused(server, 'CreateSecret', { Name: 'four' }, 'LimitExceededException', message)
})

test('CreateSecret makes no secret whose tags would keep its maker from it', async (t) => {
  const server = await startTestServer(t)
  const { credentials } = await createCaller(server, 'blue', [
    {
      Effect: 'Allow',
      Action: 'secretsmanager:*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/team': 'blue' } },
    },
  ])
  const create = async (Name: string, ...tags: readonly string[]) => {
    const input = { Name, Tags: tags.map((Value) => ({ Key: 'team', Value })) }
    return (await server.call('secretsmanager', 'CreateSecret', input, { credentials })).body.__type ?? 'created'
  }
  assert.equal(await create('blue', 'blue'), 'created')
  assert.equal(await create('red', 'red'), 'AccessDeniedException')
  assert.equal(await create('bare'), 'AccessDeniedException')
  assert.equal((await call(server, 'ListSecrets', {})).SecretList.length, 1)
})
