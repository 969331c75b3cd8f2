// Which secret a SecretId means to whom, and what a refusal shows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { call, createCaller, token } from './testing.ts'

test('A refusal names the secret as AWS does', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'prod/db',
    ClientRequestToken: token(),
    SecretString: 'x',
  })
  const nobody = await createCaller(server, 'nobody', [{ Effect: 'Allow', Action: 'sts:*', Resource: '*' }])
  const refusal = async (operation: string, input: object, { credentials } = nobody) => {
    const { status, body } = await server.call('secretsmanager', operation, input, { credentials })
    assert.deepEqual([status, body.__type], [400, 'AccessDeniedException'])
    return body.Message as string
  }
  const words = (action: string, resource: string) =>
    `User: ${nobody.arn} is not authorized to perform: secretsmanager:${action} on resource: ${resource} because no identity-based policy allows the secretsmanager:${action} action`

  await t.test('by its full ARN where it exists, however it was asked for', async () => {
    for (const SecretId of ['prod/db', ARN, ARN.slice(0, -7)]) {
      assert.equal(await refusal('GetSecretValue', { SecretId }), words('GetSecretValue', ARN))
    }
  })

  await t.test('by what was sent where it does not', async () => {
    for (const SecretId of ['none', ARN.replace('prod', 'test'), ARN.replace(server.region, 'us-east-1'), 'arn:aws']) {
      assert.equal(await refusal('DescribeSecret', { SecretId }), words('DescribeSecret', SecretId))
    }
  })

  await t.test('by the name of the one to be made, taken or not', async () => {
    for (const Name of ['new', 'prod/db']) {
      assert.equal(await refusal('CreateSecret', { Name }), words('CreateSecret', Name))
    }
  })
})

test('A policy on name-?????? covers the secret by name, by ARN and before it exists, and no other', async (t) => {
  const server = await startTestServer(t)
  const arn = `arn:aws:secretsmanager:${server.region}:${server.accountId}:secret`
  const { credentials } = await createCaller(server, 'app', [
    { Effect: 'Allow', Action: ['secretsmanager:*'], Resource: `${arn}:app/db-??????` },
  ])
  const asApp = (operation: string, input: object) => server.call('secretsmanager', operation, input, { credentials })
  const missing = await asApp('DescribeSecret', { SecretId: 'app/db' })
  assert.equal(missing.body.__type, 'ResourceNotFoundException')
  const created = await asApp('CreateSecret', { Name: 'app/db', ClientRequestToken: token(), SecretString: 'x' })
  assert.equal(created.status, 200)
  for (const SecretId of ['app/db', created.body.ARN, created.body.ARN.slice(0, -7)]) {
    assert.equal((await asApp('GetSecretValue', { SecretId })).body.SecretString, 'x')
  }
  for (const Name of ['app/db2', 'app/db-1', 'other']) {
    assert.equal((await asApp('CreateSecret', { Name })).body.__type, 'AccessDeniedException')
    assert.equal((await asApp('DescribeSecret', { SecretId: Name })).body.__type, 'AccessDeniedException')
  }
})

test('CreateSecret with Tags asks for TagResource too', async (t) => {
  const server = await startTestServer(t)
  const { arn, credentials } = await createCaller(server, 'maker', [
    { Effect: 'Allow', Action: 'secretsmanager:CreateSecret', Resource: '*' },
  ])
  const create = (input: object) => server.call('secretsmanager', 'CreateSecret', input, { credentials })
  assert.equal((await create({ Name: 'plain' })).status, 200)
  assert.equal((await create({ Name: 'no-tags', Tags: [] })).status, 200)
  const { body } = await create({ Name: 'tagged', Tags: [{ Key: 'a', Value: 'b' }] })
  assert.equal(
    body.Message,
    `User: ${arn} is not authorized to perform: secretsmanager:TagResource on resource: tagged because no identity-based policy allows the secretsmanager:TagResource action`,
  )
})

test("Another account's administrator learns nothing of a secret, not even whether it exists", async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'mine', ClientRequestToken: token(), SecretString: 'x' })
  const all = [{ Effect: 'Allow', Action: '*', Resource: '*' }]
  const { arn, credentials } = await createCaller(server, 'stranger', all, 'new')
  const asStranger = (operation: string, input: object) =>
    server.call('secretsmanager', operation, input, { credentials })

  for (const operation of ['GetSecretValue', 'DescribeSecret', 'PutSecretValue', 'DeleteSecret']) {
    for (const SecretId of [ARN, ARN.slice(0, -7), ARN.replace('mine', 'none'), ARN.replace(/.{6}$/, 'AAAAAA')]) {
      const { status, body } = await asStranger(operation, { SecretId })
      const Message = `User: ${arn} is not authorized to perform: secretsmanager:${operation} on resource: ${SecretId} because no resource-based policy allows the secretsmanager:${operation} action`
      assert.deepEqual({ status, body }, { status: 400, body: { __type: 'AccessDeniedException', Message } })
    }
  }

  // A name is one of their own account.
  assert.equal((await asStranger('DescribeSecret', { SecretId: 'mine' })).body.__type, 'ResourceNotFoundException')
  const theirs = await asStranger('CreateSecret', { Name: 'mine', ClientRequestToken: token(), SecretString: 'y' })
  assert.notEqual(theirs.body.ARN, ARN)
  assert.equal((await asStranger('GetSecretValue', { SecretId: 'mine' })).body.SecretString, 'y')
  assert.equal((await call(server, 'GetSecretValue', { SecretId: 'mine' })).SecretString, 'x')
})

test('A region is a world of its own', async (t) => {
  const server = await startTestServer(t)
  const inRegion = (region: string, operation: string, input: object) =>
    server.call('secretsmanager', operation, input, { region })
  for (const region of ['eu-west-1', 'us-east-1']) {
    const input = { Name: 'app', ClientRequestToken: token(), SecretString: region }
    const { body } = await inRegion(region, 'CreateSecret', input)
    assert.ok(body.ARN.startsWith(`arn:aws:secretsmanager:${region}:`))
  }
  const west = (await inRegion('eu-west-1', 'GetSecretValue', { SecretId: 'app' })).body
  assert.equal(west.SecretString, 'eu-west-1')
  const elsewhere = await inRegion('us-east-1', 'GetSecretValue', { SecretId: west.ARN })
  assert.equal(elsewhere.body.__type, 'ResourceNotFoundException')
})
