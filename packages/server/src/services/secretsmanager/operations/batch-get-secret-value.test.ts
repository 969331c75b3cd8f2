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
import { startTestServer, type TestServer } from '../../../testing.ts'
import { type Caller, createCaller, events } from '../testing.ts'

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
  const { SecretValues, Errors } = await get({ Filters })
  assert.deepEqual(
    SecretValues?.map(({ SecretString }) => SecretString),
    ['v6', 'v5', 'v4', 'v2', 'v1', 'v0'],
  )
  assert.deepEqual(Errors, [])
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
  const [batch] = await events(server, 'BatchGetSecretValue')
  assert.deepEqual(batch?.requestParameters, { secretIdList: ['good', 'missing'] })
  assert.equal(batch?.responseElements, null)
  const singles = await events(server, 'GetSecretValue')
  assert.ok(!JSON.stringify([batch, singles]).includes('hunter2'))
  assert.equal(singles.length, 2)
  const eventOf = (secretId: string) =>
    singles.find(({ requestParameters }) => requestParameters?.secretId === secretId)
  const good = eventOf('good')
  assert.equal(good?.eventType, 'AwsApiCall')
  assert.equal(good?.readOnly, true)
  assert.equal(good?.errorCode, undefined)
  assert.deepEqual(
    good?.resources?.map((resource) => resource.ARN),
    [ARN],
  )
  const missing = eventOf('missing')
  assert.equal(missing?.errorCode, 'ResourceNotFoundException')
  assert.equal(missing?.errorMessage, "Secrets Manager can't find the specified secret.")
})

test('reading in a batch is reading: the day of access is kept', async (t) => {
  const { server, client, create, get } = await start(t)
  await create('a', 'x')
  await get({ SecretIdList: ['a'] })
  const { LastAccessedDate } = await client.send(new DescribeSecretCommand({ SecretId: 'a' }))
  assert.equal(LastAccessedDate?.getTime(), new Date(server.app.now()).setUTCHours(0, 0, 0, 0))
})

const allow = (Action: string, Resource = '*') => ({ Effect: 'Allow', Action: `secretsmanager:${Action}`, Resource })

test('each secret needs its own permission, and a refusal tells what GetSecretValue would tell', async (t) => {
  const { server, create } = await start(t)
  const { ARN: allowed } = await create('allowed', 'x')
  const { ARN: denied } = await create('denied', 'y')
  const caller = await createCaller(server, 'some', [
    allow('BatchGetSecretValue'),
    allow('ListSecrets'),
    allow('GetSecretValue', allowed as string),
  ])
  const refusal = (id: string, shown: string) => ({
    SecretId: id,
    ErrorCode: 'AccessDeniedException',
    Message: `User: ${caller.arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${shown} because no identity-based policy allows the secretsmanager:GetSecretValue action`,
  })
  const byId = await batchAs(server, caller, { SecretIdList: ['denied', 'allowed', 'missing'] })
  assert.deepEqual(
    byId.body.SecretValues.map(({ Name }: { Name: string }) => Name),
    ['allowed'],
  )
  // What is missing is refused too: whether it exists is not told.
  assert.deepEqual(byId.body.Errors, [refusal('denied', denied as string), refusal('missing', 'missing')])

  const byFilter = await batchAs(server, caller, { Filters: [{ Key: 'name', Values: ['denied', 'allowed'] }] })
  assert.deepEqual(
    byFilter.body.SecretValues.map(({ Name }: { Name: string }) => Name),
    ['allowed'],
  )
  assert.deepEqual(byFilter.body.Errors, [refusal(denied as string, denied as string)])
})

test('the call itself needs BatchGetSecretValue, and with filters ListSecrets; refusals name no resource', async (t) => {
  const { server, create } = await start(t)
  await create('a', 'x')
  const Filters = [{ Key: 'name', Values: ['a'] }]
  const getter = await createCaller(server, 'getter', [allow('GetSecretValue'), allow('ListSecrets')])
  const batcher = await createCaller(server, 'batcher', [allow('GetSecretValue'), allow('BatchGetSecretValue')])
  const refusal = ({ arn }: Caller, action: string) => ({
    __type: 'AccessDeniedException',
    Message: `User: ${arn} is not authorized to perform: secretsmanager:${action} because no identity-based policy allows the secretsmanager:${action} action`,
  })
  const refused = await batchAs(server, getter, { SecretIdList: ['a'] })
  assert.deepEqual(refused.body, refusal(getter, 'BatchGetSecretValue'))
  assert.deepEqual((await batchAs(server, batcher, { Filters })).body, refusal(batcher, 'ListSecrets'))
  assert.equal((await batchAs(server, batcher, { SecretIdList: ['a'] })).body.SecretValues.length, 1)
})

test('a secret of another account is refused like one that does not exist', async (t) => {
  const { server, create } = await start(t)
  const { ARN } = await create('a', 'x')
  const stranger = await createCaller(server, 'stranger', [allow('*')], 'new')
  const missing = (ARN as string).replace(/......$/, 'AbCdEf')
  const { body } = await batchAs(server, stranger, { SecretIdList: ['a', ARN as string, missing] })
  assert.deepEqual(body.SecretValues, [])
  const [byName, byArn, byMissingArn] = body.Errors
  assert.equal(byName.ErrorCode, 'ResourceNotFoundException')
  assert.equal(byArn.ErrorCode, 'AccessDeniedException')
  assert.deepEqual(byMissingArn, { ...byArn, SecretId: missing, Message: byArn.Message.replace(ARN, missing) })
})

const batchAs = (server: TestServer, { credentials }: Caller, input: object) =>
  server.call('secretsmanager', 'BatchGetSecretValue', input, { credentials })
