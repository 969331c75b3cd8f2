// Who may do what with parameters: resources by path, hierarchies, condition keys, and the words of refusals.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { putUserPolicy } from '../iam/users.ts'
import { createCaller } from '../secretsmanager/testing.ts'
import { call, outcome, put } from './testing.ts'

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const caller = await createCaller(server, 'caller', [])
  const arnOf = (path: string) => `arn:aws:ssm:eu-central-1:${accountId}:parameter${path}`
  const policy = (...statements: readonly object[]) =>
    app.database.transaction('write', (tx) =>
      putUserPolicy(app, tx, accountId, 'caller', 'test', policyDocument(...statements)),
    )
  const { credentials } = caller
  /** `ok`, or the refusal. */
  const told = (operation: string, input: object) => outcome(server, operation, input, { credentials })
  const denied = async (operation: string, input: object): Promise<boolean> =>
    (await told(operation, input)).startsWith('AccessDeniedException: User: ')
  return { server, caller, arnOf, policy, told, denied }
}

const allow = (Action: string | readonly string[], Resource: string | readonly string[], more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
})

test('a parameter is asked for by its ARN, whether it exists or not, and the refusal names it', async (t) => {
  const { server, caller, arnOf, policy, told } = await start(t)
  await put(server, '/app/db', 'x', { Type: 'SecureString' })
  await policy(allow('ssm:*', arnOf('/app/*')))
  assert.equal(await told('GetParameter', { Name: '/app/db', WithDecryption: true }), 'ok')
  assert.equal(await told('GetParameter', { Name: '/app/none' }), 'ParameterNotFound: ')
  const refusal = (action: string, path: string) =>
    `AccessDeniedException: User: ${caller.arn} is not authorized to perform: ssm:${action} on resource: ${arnOf(path)} because no identity-based policy allows the ssm:${action} action`
  assert.equal(await told('GetParameter', { Name: '/other' }), refusal('GetParameter', '/other'))
  assert.equal(await told('GetParameter', { Name: 'other:3' }), refusal('GetParameter', '/other'))
  assert.equal(await told('GetParameters', { Names: ['/app/db', '/other'] }), refusal('GetParameters', '/other'))
  assert.equal(await told('DeleteParameters', { Names: ['/app/db', '/other'] }), refusal('DeleteParameters', '/other'))
  assert.equal(
    await told('ListTagsForResource', { ResourceType: 'Parameter', ResourceId: '/other' }),
    refusal('ListTagsForResource', '/other'),
  )
  assert.equal(
    await told('DescribeParameters', {}),
    `AccessDeniedException: User: ${caller.arn} is not authorized to perform: ssm:DescribeParameters on resource: arn:aws:ssm:eu-central-1:${server.accountId}:* because no identity-based policy allows the ssm:DescribeParameters action`,
  )
  await policy(allow('ssm:DescribeParameters', '*'))
  assert.equal(await told('DescribeParameters', {}), 'ok')
  // Each action is its own.
  await policy(allow('ssm:GetParameter', '*'))
  for (const [operation, input] of [
    ['GetParameters', { Names: ['/app/db'] }],
    ['GetParameterHistory', { Name: '/app/db' }],
    ['GetParametersByPath', { Path: '/app' }],
  ] as const) {
    assert.match(await told(operation, input), /^AccessDeniedException: User: /, operation)
  }
})

test('a hierarchy is allowed by its own name or with all that is below, and denied by either', async (t) => {
  const { server, caller, arnOf, policy, told, denied } = await start(t)
  await put(server, '/app/a', 'x')
  await put(server, '/app/b/secret', 'x')
  const action = 'ssm:GetParametersByPath'
  const byPath = (Path: string, more: object = {}) => denied('GetParametersByPath', { Path, ...more })
  for (const resource of ['/app', '/app/', '/app/*', '/app*', '/*']) {
    await policy(allow(action, arnOf(resource)))
    assert.equal(await byPath('/app'), false, resource)
    assert.equal(await byPath('/app/'), false, resource)
  }
  for (const resource of ['/app/a', '/app/b/*', '/ap', '/other/*']) {
    await policy(allow(action, arnOf(resource)))
    assert.equal(await byPath('/app'), true, resource)
  }
  await policy(allow(action, arnOf('/app/*')))
  assert.equal(await byPath('/'), true)
  assert.equal(await byPath('/app/b'), false)
  assert.equal(
    await told('GetParametersByPath', { Path: '/' }),
    `AccessDeniedException: User: ${caller.arn} is not authorized to perform: ${action} on resource: ${arnOf('/')} because no identity-based policy allows the ${action} action`,
  )
  for (const resource of ['/app', '/app/*']) {
    await policy(allow(action, '*'), { Effect: 'Deny', Action: action, Resource: arnOf(resource) })
    assert.equal(await byPath('/app'), true, resource)
    assert.equal(await byPath('/'), false, resource)
  }
  // As AWS has it: who may ask for a path sees all that is below, whatever is denied there.
  await policy(allow('ssm:*', '*'), { Effect: 'Deny', Action: 'ssm:*', Resource: arnOf('/app/b/*') })
  assert.equal(await byPath('/app', { Recursive: true }), false)
  assert.equal(await byPath('/app/b'), true)
  await policy(allow(action, '*', { Condition: { StringEquals: { 'ssm:Recursive': 'false' } } }))
  assert.equal(await byPath('/app'), false)
  assert.equal(await byPath('/app', { Recursive: false }), false)
  assert.equal(await byPath('/app', { Recursive: true }), true)
})

test('condition keys: tags of the parameter and of the request, Overwrite and Policies', async (t) => {
  const { server, policy, denied, told } = await start(t)
  await put(server, '/blue', 'x', { Tags: [{ Key: 'Team', Value: 'blue' }] })
  await put(server, '/bare', 'x')
  const when = (Condition: object, Action: string | readonly string[] = 'ssm:*') =>
    policy(allow(Action, '*', { Condition }))
  for (const key of ['ssm:resourceTag/Team', 'aws:ResourceTag/Team']) {
    await when({ StringEquals: { [key]: 'blue' } })
    for (const [operation, of] of [
      ['GetParameter', (Name: string) => ({ Name })],
      ['GetParameters', (name: string) => ({ Names: [name] })],
      ['GetParameterHistory', (Name: string) => ({ Name })],
      ['LabelParameterVersion', (Name: string) => ({ Name, Labels: ['x'] })],
      ['ListTagsForResource', (ResourceId: string) => ({ ResourceType: 'Parameter', ResourceId })],
      ['PutParameter', (Name: string) => ({ Name, Value: 'y', Overwrite: true })],
    ] as const) {
      assert.equal(await denied(operation, of('/blue')), false, `${operation} ${key}`)
      assert.equal(await denied(operation, of('/bare')), true, `${operation} ${key}`)
    }
  }
  const input = { Value: 'x', Type: 'String' }
  const tagged = (Value: string) => ({ ...input, Tags: [{ Key: 'Team', Value }] })
  await when({
    StringEquals: { 'aws:RequestTag/Team': 'blue' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': ['Team'] },
  })
  assert.equal(await denied('PutParameter', { Name: '/n1', ...tagged('red') }), true)
  assert.equal(await denied('PutParameter', { Name: '/n1', ...input }), true)
  assert.equal(await denied('PutParameter', { Name: '/n1', ...tagged('blue') }), false)
  const resource = { ResourceType: 'Parameter', ResourceId: '/bare' }
  assert.equal(await denied('AddTagsToResource', { ...resource, Tags: [{ Key: 'Team', Value: 'red' }] }), true)
  assert.equal(await denied('AddTagsToResource', { ...resource, Tags: [{ Key: 'Team', Value: 'blue' }] }), false)
  await when({ StringEquals: { 'aws:TagKeys': 'Team' } })
  assert.equal(await denied('RemoveTagsFromResource', { ...resource, TagKeys: ['Else'] }), true)
  assert.equal(await denied('RemoveTagsFromResource', { ...resource, TagKeys: ['Team'] }), false)
  // Making a parameter with tags is tagging, too.
  await policy(allow('ssm:PutParameter', '*'))
  assert.match(
    await told('PutParameter', { Name: '/n2', ...tagged('blue') }),
    / perform: ssm:AddTagsToResource on resource: /,
  )
  assert.equal(await told('PutParameter', { Name: '/n2', ...input }), 'ok')

  await policy(allow('ssm:*', '*'), {
    Effect: 'Deny',
    Action: 'ssm:PutParameter',
    Resource: '*',
    Condition: { StringEquals: { 'ssm:Overwrite': 'true' } },
  })
  assert.equal(await denied('PutParameter', { Name: '/n3', ...input }), false)
  assert.equal(await denied('PutParameter', { Name: '/n3', ...input, Overwrite: true }), true)
  assert.match(await told('PutParameter', { Name: '/n3', ...input }), /^ParameterAlreadyExists/)

  await policy(allow('ssm:*', '*'), {
    Effect: 'Deny',
    Action: 'ssm:PutParameter',
    Resource: '*',
    Condition: { StringEquals: { 'ssm:Policies': 'true' } },
  })
  const Policies = JSON.stringify([
    { Type: 'NoChangeNotification', Version: '1.0', Attributes: { After: '1', Unit: 'Days' } },
  ])
  const advanced = { ...input, Tier: 'Advanced' }
  assert.equal(await denied('PutParameter', { Name: '/p', ...advanced, Policies }), true)
  assert.equal(await denied('PutParameter', { Name: '/p', ...advanced }), false)
  await call(server, 'PutParameter', { Name: '/q', ...advanced, Policies })
  assert.equal(await denied('PutParameter', { Name: '/q', Value: 'y', Overwrite: true }), true)
  assert.equal(await denied('PutParameter', { Name: '/q', Value: 'y', Overwrite: true, Policies: '[{}]' }), false)
  await policy(allow('ssm:*', '*', { Condition: { StringEquals: { 'ssm:Policies': 'true' } } }))
  assert.equal(await denied('PutParameter', { Name: '/r', ...advanced, Policies }), false)
  for (const none of ['[]', ' [ ] ', '[{ }]']) {
    assert.equal(await denied('PutParameter', { Name: '/s', ...advanced, Policies: none }), true, none)
  }
})

test('a new parameter must be one that its maker may reach, by the tags that it is to have', async (t) => {
  const { policy, denied } = await start(t)
  await policy(allow('ssm:*', '*', { Condition: { StringEquals: { 'ssm:resourceTag/Team': 'blue' } } }))
  const tagged = (Value: string) => ({ Name: '/n', Value: 'x', Type: 'String', Tags: [{ Key: 'Team', Value }] })
  assert.equal(await denied('PutParameter', tagged('red')), true)
  assert.equal(await denied('PutParameter', tagged('blue')), false)
})
