// BatchGetSecretValue through the server: values beside errors, pages by filter, and one event for each secret.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  BatchGetSecretValueCommand,
  type BatchGetSecretValueRequest,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const create = (Name: string, SecretString?: string) =>
    client.send(new CreateSecretCommand({ Name, ...(SecretString !== undefined && { SecretString }) }))
  const get = (input: BatchGetSecretValueRequest) => client.send(new BatchGetSecretValueCommand(input))
  return { server, client, create, get }
}

test('an entry is what GetSecretValue answers, in the order of the request', async (t) => {
  const { client, create, get } = await start(t)
  await create('a', 'value of a')
  const { ARN } = await create('b', 'old')
  await client.send(new PutSecretValueCommand({ SecretId: 'b', SecretBinary: new Uint8Array([0, 255, 1]) }))
  const { SecretValues, Errors, NextToken } = await get({ SecretIdList: ['b', 'a', ARN as string] })
  const single = async (SecretId: string) => {
    const { $metadata: _, ...value } = await client.send(new GetSecretValueCommand({ SecretId }))
    return value
  }
  assert.deepEqual(SecretValues, [await single('b'), await single('a'), await single('b')])
  assert.deepEqual(SecretValues?.[0]?.SecretBinary, new Uint8Array([0, 255, 1]))
  assert.equal(SecretValues?.[1]?.SecretString, 'value of a')
  assert.deepEqual(Errors, [])
  assert.equal(NextToken, undefined)
})

test('what goes wrong with one secret does not fail the others', async (t) => {
  const { client, create, get } = await start(t)
  await create('good', 'x')
  await create('empty')
  await create('gone', 'x')
  await client.send(new DeleteSecretCommand({ SecretId: 'gone' }))
  const { SecretValues, Errors } = await get({ SecretIdList: ['missing', 'good', 'empty', 'gone'] })
  assert.deepEqual(
    SecretValues?.map(({ Name }) => Name),
    ['good'],
  )
  assert.deepEqual(Errors, [
    {
      SecretId: 'missing',
      ErrorCode: 'ResourceNotFoundException',
      Message: "Secrets Manager can't find the specified secret.",
    },
    {
      SecretId: 'empty',
      ErrorCode: 'ResourceNotFoundException',
      Message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    },
    {
      SecretId: 'gone',
      ErrorCode: 'InvalidRequestException',
      Message: "You can't perform this operation on the secret because it was marked for deletion.",
    },
  ])
})

test('a value that was altered in the database fails the whole call', async (t) => {
  const { server, create, get } = await start(t)
  await create('a', 'x')
  await create('b', 'y')
  await server.app.database.transaction('write', (tx) => tx.run('UPDATE secret_version SET rev = rev + 1'))
  await assert.rejects(get({ SecretIdList: ['a', 'b'] }), { name: 'InternalServiceError' })
})

test('filters find secrets newest first, in pages, without those scheduled for deletion', async (t) => {
  const { server, client, create, get } = await start(t)
  for (let n = 0; n < 7; n++) {
    await server.clock.advance(1_000)
    await create(`app/${n}`, `v${n}`)
  }
  await create('other', 'x')
  await client.send(new DeleteSecretCommand({ SecretId: 'app/3' }))
  const Filters = [{ Key: 'name' as const, Values: ['app/'] }]
  assert.deepEqual(
    (await get({ Filters })).SecretValues?.map(({ SecretString }) => SecretString),
    ['v6', 'v5', 'v4', 'v2', 'v1', 'v0'],
  )
  const found: (string | undefined)[] = []
  let NextToken: string | undefined
  do {
    const page = await get({ Filters, MaxResults: 4, NextToken })
    found.push(...page.SecretValues!.map(({ Name }) => Name))
    NextToken = page.NextToken
  } while (NextToken !== undefined)
  assert.deepEqual(found, ['app/6', 'app/5', 'app/4', 'app/2', 'app/1', 'app/0'])
})

test('a page by filter has 20 secrets unless fewer are asked for', async (t) => {
  const { create, get } = await start(t)
  for (let n = 0; n < 21; n++) await create(`app/${n}`, 'x')
  const first = await get({ Filters: [{ Key: 'name', Values: ['app/'] }] })
  assert.equal(first.SecretValues?.length, 20)
  const rest = await get({ Filters: [{ Key: 'name', Values: ['app/'] }], NextToken: first.NextToken })
  assert.equal(rest.SecretValues?.length, 1)
  assert.equal(rest.NextToken, undefined)
})

test('exactly one of SecretIdList and Filters is taken, and MaxResults and NextToken only with Filters', async (t) => {
  const { client, create, get } = await start(t)
  await create('a', 'x')
  await create('b', 'x')
  const Filters = [{ Key: 'name' as const, Values: ['a'] }]
  const INVALID = { name: 'InvalidParameterException' }
  await assert.rejects(get({}), INVALID)
  await assert.rejects(get({ SecretIdList: ['a'], Filters }), INVALID)
  await assert.rejects(get({ SecretIdList: ['a'], MaxResults: 5 }), INVALID)
  await assert.rejects(get({ SecretIdList: ['a'], NextToken: 'x' }), { name: 'InvalidNextTokenException' })
  await assert.rejects(get({ Filters, NextToken: 'x' }), { name: 'InvalidNextTokenException' })
  const { NextToken } = await client.send(new ListSecretsCommand({ MaxResults: 1 }))
  await assert.rejects(get({ Filters, NextToken }), { name: 'InvalidNextTokenException' })
})

test('lists and pages beyond the limits are refused by the model', async (t) => {
  const { get } = await start(t)
  for (const input of [
    { SecretIdList: [] },
    { SecretIdList: Array.from({ length: 21 }, (_, n) => `s${n}`) },
    { SecretIdList: ['not a name'] },
    { Filters: [], MaxResults: 21 },
    { Filters: [], MaxResults: 0 },
  ]) {
    await assert.rejects(get(input), { name: 'ValidationException' }, JSON.stringify(input))
  }
})

test('the trail has the call and one GetSecretValue for each secret, failures with their error', async (t) => {
  const { server, create, get } = await start(t)
  const { ARN } = await create('good', 'hunter2')
  await get({ SecretIdList: ['good', 'missing'] })
  const lookup = async (AttributeValue: string) => {
    const { body } = await server.call('cloudtrail', 'LookupEvents', {
      LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue }],
    })
    return (body as { Events: { CloudTrailEvent: string }[] }).Events.map(({ CloudTrailEvent }) => {
      assert.ok(!CloudTrailEvent.includes('hunter2'))
      return JSON.parse(CloudTrailEvent)
    })
  }
  const [batch] = await lookup('BatchGetSecretValue')
  assert.deepEqual(batch.requestParameters, { secretIdList: ['good', 'missing'] })
  assert.equal(batch.responseElements, null)
  const singles = await lookup('GetSecretValue')
  assert.equal(singles.length, 2)
  const good = singles.find((record) => record.requestParameters.secretId === 'good')
  assert.equal(good.errorCode, undefined)
  assert.equal(good.eventType, 'AwsApiCall')
  assert.equal(good.userIdentity.accessKeyId, server.credentials.accessKeyId)
  assert.deepEqual(
    good.resources.map((resource: { ARN: string }) => resource.ARN),
    [ARN],
  )
  const missing = singles.find((record) => record.requestParameters.secretId === 'missing')
  assert.equal(missing.errorCode, 'ResourceNotFoundException')
})

test('reading in a batch is reading: the day of access is kept', async (t) => {
  const { server, client, create, get } = await start(t)
  await create('a', 'x')
  await get({ SecretIdList: ['a'] })
  const { LastAccessedDate } = await client.send(new DescribeSecretCommand({ SecretId: 'a' }))
  assert.equal(LastAccessedDate?.getTime(), new Date(server.app.now()).setUTCHours(0, 0, 0, 0))
})
