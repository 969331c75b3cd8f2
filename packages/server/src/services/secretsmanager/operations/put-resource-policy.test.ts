// PutResourcePolicy through the server: what is kept, what is refused in AWS's words, and who cannot lock itself out.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PutResourcePolicyCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { createAccessKey } from '../../iam/access-keys.ts'
import { policyDocument } from '../../iam/testing.ts'
import { assertRefused, call, createCaller, events } from '../testing.ts'

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db' })
  const put = (policy: string, more: object = {}) =>
    call(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy: policy, ...more })
  const get = async () => (await call(server, 'GetResourcePolicy', { SecretId: 'db' })).ResourcePolicy
  const refused = (policy: string, code: string, message: string, more: object = {}) =>
    assertRefused(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy: policy, ...more }, code, message)
  return { server, ARN, put, get, refused }
}

const read = (principal: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Principal: principal,
  Action: 'secretsmanager:GetSecretValue',
  Resource: '*',
  ...more,
})

test('the text is kept as it was put, the new policy takes the place of the old, and LastChangedDate tells of it', async (t) => {
  const { server, ARN, put, get } = await start(t)
  const texts = [
    ` {\n"Version" : "2012-10-17",\t"Id":"é\\u00e9", "Statement":${JSON.stringify(read('*'))}}  `,
    policyDocument(read({ AWS: server.accountId })),
  ]
  for (const text of texts) {
    const before = (await call(server, 'DescribeSecret', { SecretId: 'db' })).LastChangedDate
    server.clock.advance(1_000)
    assert.deepEqual(await put(text), { ARN, Name: 'db' })
    assert.equal(await get(), text)
    const { LastChangedDate } = await call(server, 'DescribeSecret', { SecretId: 'db' })
    assert.ok(LastChangedDate >= before + 1)
  }
  const [event] = await events(server, 'PutResourcePolicy')
  assert.deepEqual(
    [event?.readOnly, event?.requestParameters, event?.responseElements],
    [false, { secretId: 'db', resourcePolicy: texts[1] }, { arn: ARN, name: 'db' }],
  )
})

test('a policy has up to 20,480 characters, and one of that size counts', async (t) => {
  const { server, put, get, refused } = await start(t)
  const longest = policyDocument(read({ AWS: server.accountId })).padEnd(20_480)
  await put(longest)
  assert.equal(await get(), longest)
  await refused(
    `${longest} `,
    'ValidationException',
    `1 validation error detected: Value '${longest} ' at 'resourcePolicy' failed to satisfy constraint: Member must have length less than or equal to 20480`,
  )
  await refused(
    '',
    'ValidationException',
    "1 validation error detected: Value '' at 'resourcePolicy' failed to satisfy constraint: Member must have length greater than or equal to 1",
  )
})

test('what is no policy of a secret is refused with its place, and nothing is stored', async (t) => {
  const { server, get, refused } = await start(t)
  const syntax = 'This resource policy contains a syntax error. '
  const { accountId } = server
  for (const [policy, message] of [
    ['{', `${syntax}Syntax errors in policy.`],
    ['[]', `${syntax}Syntax errors in policy.`],
    ['{"Version":"2012-10-17","Statement":[]}', `${syntax}Syntax errors in policy. (Statement)`],
    [
      policyDocument(read('*', { Effect: 'AllowSomething' })),
      `${syntax}Syntax errors in policy. (Statement[0].Effect)`,
    ],
    [
      policyDocument(read(`arn:aws:iam::${accountId}:root`)),
      `${syntax}Syntax errors in policy. (Statement[0].Principal)`,
    ],
    [policyDocument(read('*', { Note: 'x' })), `${syntax}Syntax errors in policy. (Statement[0].Note)`],
    [
      policyDocument(read({ AWS: 'arn:aws:iam::123456789012:user/*' })),
      'This resource policy contains an unsupported principal.',
    ],
    [
      policyDocument(read({ AWS: `arn:aws:iam::${accountId}:user/nobody` })),
      'This resource policy contains an unsupported principal.',
    ],
    [policyDocument(read({ AWS: '999999999999' })), 'This resource policy contains an unsupported principal.'],
    [policyDocument(read({ CanonicalUser: 'x' })), 'This resource policy contains an unsupported principal.'],
    [policyDocument(read({ Service: 'rds' })), 'This resource policy contains an unsupported service principal.'],
    [
      policyDocument(read('*', { Action: ['secretsmanager:*', 's3:GetObject'] })),
      'This resource policy contains an unsupported action: s3:GetObject',
    ],
    [
      policyDocument(read('*', { Action: undefined, NotAction: '*:Get*' })),
      'This resource policy contains an unsupported action: *:Get*',
    ],
  ] as const) {
    await refused(policy, 'MalformedPolicyDocumentException', message)
  }
  assert.equal(await get(), undefined)
})

test('BlockPublicPolicy refuses a policy that lets everyone in, and no other', async (t) => {
  const { server, put, get, refused } = await start(t)
  const block = { BlockPublicPolicy: true }
  const broad = "You can't attach a resource-based policy that allows broad access to the secret."
  const narrow = policyDocument(
    read('*', { Condition: { StringEquals: { 'aws:PrincipalAccount': server.accountId } } }),
  )
  for (const principal of ['*', { AWS: '*' }, { AWS: ['*', server.accountId] }]) {
    const open = policyDocument(read(principal))
    await refused(open, 'PublicPolicyException', broad, block)
    await put(open)
    await put(open, { BlockPublicPolicy: false })
    await put(narrow, block)
    assert.equal(await get(), narrow)
  }
  await put(policyDocument(read({ AWS: server.accountId })), block)
})

test('nobody attaches a policy under which it could not put the next one, not even a root user', async (t) => {
  const { server, ARN, put, refused } = await start(t)
  const { app, accountId } = server
  const words = 'Your requested changes will not allow you to manage this secret in the future.'
  const deny = (principal: unknown, more: object = {}) =>
    policyDocument({ Effect: 'Deny', Principal: principal, Action: 'secretsmanager:*', Resource: '*', ...more })
  const me = { AWS: `arn:aws:iam::${accountId}:user/administrator` }
  for (const policy of [
    deny('*'),
    deny(me),
    deny(me, { Action: 'secretsmanager:PutResourcePolicy' }),
    deny(me, { Resource: ARN }),
    deny({ AWS: accountId }),
  ]) {
    await refused(policy, 'InvalidParameterException', words)
  }
  // None of these keeps the caller from putting another one.
  await put(deny('*', { Action: 'secretsmanager:GetSecretValue' }))
  await put(deny('*', { Resource: `${ARN}x` }))
  await put(deny('*', { Condition: { Bool: { 'secretsmanager:BlockPublicPolicy': 'false' } } }))

  const root = await app.database.transaction('write', (tx) =>
    createAccessKey(app, tx, accountId, 'root', app.wallNow()),
  )
  const asRoot = (ResourcePolicy: string) =>
    server.call('secretsmanager', 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy }, { credentials: root })
  assert.equal((await asRoot(deny('*'))).body.Message, words)
  assert.equal((await asRoot(deny(me))).status, 200)
})

test('a user whom only the policy of the secret lets put policies cannot take that from itself', async (t) => {
  const { server, put } = await start(t)
  const { arn, credentials } = await createCaller(server, 'manager', [])
  const manage = (...actions: readonly string[]) => policyDocument(read({ AWS: arn }, { Action: actions }))
  await put(manage('secretsmanager:PutResourcePolicy'))
  const asManager = async (ResourcePolicy: string) => {
    const input = { SecretId: 'db', ResourcePolicy }
    const { status, body } = await server.call('secretsmanager', 'PutResourcePolicy', input, { credentials })
    return status === 200 ? 'put' : body.__type
  }
  assert.equal(await asManager(manage('secretsmanager:GetSecretValue')), 'InvalidParameterException')
  assert.equal(await asManager(manage('secretsmanager:GetSecretValue', 'secretsmanager:Put*')), 'put')
})

test('a secret that is scheduled for deletion takes no policy, and one that is not there neither', async (t) => {
  const { server } = await start(t)
  const ResourcePolicy = policyDocument(read('*'))
  const send = (SecretId: string) =>
    server.secretsManager.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy }))
  await assert.rejects(send('none'), { name: 'ResourceNotFoundException' })
  await call(server, 'DeleteSecret', { SecretId: 'db' })
  await assert.rejects(send('db'), { name: 'InvalidRequestException' })
})

test('purging and forced deletion remove the policy, and a later secret of the name has none', async (t) => {
  const { server, put, get } = await start(t)
  const rows = async () =>
    (await server.app.database.transaction('read', (tx) => tx.all('SELECT secret_arn FROM secret_policy'))).length
  await put(policyDocument(read('*')))
  assert.equal(await rows(), 1)
  await call(server, 'DeleteSecret', { SecretId: 'db', ForceDeleteWithoutRecovery: true })
  assert.equal(await rows(), 0)
  await call(server, 'CreateSecret', { Name: 'db' })
  assert.equal(await get(), undefined)

  await put(policyDocument(read('*')))
  await call(server, 'DeleteSecret', { SecretId: 'db', RecoveryWindowInDays: 7 })
  assert.equal(await rows(), 1)
  server.clock.advance(8 * 86_400_000)
  await server.jobs.runDue()
  assert.equal(await rows(), 0)
})
