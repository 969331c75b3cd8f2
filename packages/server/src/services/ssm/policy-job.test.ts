// Parameter policies act: Expiration deletes, the notifications are told, and changes are told as EventBridge has them; on the test clock.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { schedule } from '../../jobs/job.ts'
import { startTestServer, type TestServer, withJobsOnDemand } from '../../testing.ts'
import { events } from '../secretsmanager/testing.ts'
import { PARAMETER_POLICIES } from './policy-schedule.ts'
import { call, history, outcome, overwrite, put } from './testing.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

const expiration = (at: number) => ({
  Type: 'Expiration',
  Version: '1.0',
  Attributes: { Timestamp: new Date(at).toISOString() },
})
const warning = (Before: string, Unit = 'Days') => ({
  Type: 'ExpirationNotification',
  Version: '1.0',
  Attributes: { Before, Unit },
})
const reminder = (After: string, Unit = 'Days') => ({
  Type: 'NoChangeNotification',
  Version: '1.0',
  Attributes: { After, Unit },
})

async function start(t: TestContext) {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const advance = async (ms: number) => {
    server.clock.advance(ms)
    await server.jobs.runDue()
  }
  const withPolicies = (name: string, ...policies: readonly object[]) =>
    put(server, name, 'x', { Tier: 'Advanced', Policies: JSON.stringify(policies) })
  return { server, advance, withPolicies, told: () => outbox(server) }
}

/** The events of parameters so far: what each tells, in order. */
async function outbox({ app }: TestServer) {
  await app.events.look()
  const rows = await app.events.after(0)
  return (rows ?? []).map(({ body }) => JSON.parse(body)).filter(({ source }) => source !== 'aws.secretsmanager')
}

const actions = (told: Awaited<ReturnType<typeof outbox>>) =>
  told
    .filter((event) => event['detail-type'] === 'Parameter Store Policy Action')
    .map(({ detail }) => `${detail['policy-type']} ${detail['parameter-name']}`)

const statuses = async (server: TestServer, name: string) => {
  const { Parameters } = await call(server, 'DescribeParameters', {
    ParameterFilters: [{ Key: 'Name', Values: [name] }],
  })
  return Parameters[0].Policies.map(({ PolicyStatus }: { PolicyStatus: string }) => PolicyStatus)
}

test('Expiration warns, then deletes the parameter with all that it had, and leaves a record', async (t) => {
  const { server, advance, withPolicies, told } = await start(t)
  const at = server.app.now() + 30 * DAY_MS
  await withPolicies('/e', expiration(at), warning('15'), warning('6', 'Hours'))
  await overwrite(server, '/e', 'a new value does not put it off')
  await advance(15 * DAY_MS - HOUR_MS)
  assert.deepEqual(await statuses(server, '/e'), ['Pending', 'Pending', 'Pending'])
  await advance(HOUR_MS)
  assert.deepEqual(await statuses(server, '/e'), ['Pending', 'Finished', 'Pending'])
  await advance(15 * DAY_MS - 6 * HOUR_MS)
  assert.deepEqual(await statuses(server, '/e'), ['Pending', 'Finished', 'Finished'])
  await advance(6 * HOUR_MS)
  assert.equal(await outcome(server, 'GetParameter', { Name: '/e' }), 'ParameterNotFound: ')
  const all = await told()
  assert.deepEqual(actions(all), ['ExpirationNotification /e', 'ExpirationNotification /e', 'Expiration /e'])
  const [action, gone] = all.slice(-2)
  assert.deepEqual(
    [action['detail-type'], gone['detail-type'], gone.detail],
    ['Parameter Store Policy Action', 'Parameter Store Change', { operation: 'Delete', name: '/e', type: 'String' }],
  )
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/e`
  assert.deepEqual(
    [action.source, action.account, action.region, action.resources],
    ['aws.ssm', server.accountId, 'eu-central-1', [arn]],
  )
  assert.deepEqual(JSON.parse(action.detail['policy-content']), expiration(at))
  assert.match(action.detail['action-reason'], /^The parameter expired at /)
  const [event] = await events(server, 'DeleteParameter')
  assert.deepEqual(
    [event?.eventType, event?.sourceIPAddress, event?.requestParameters, event?.resources?.[0]?.ARN],
    ['AwsServiceEvent', 'ssm.amazonaws.com', { name: '/e' }, arn],
  )
  const rows = await server.app.database.transaction('read', async (tx) => [
    ...(await tx.all('SELECT parameter_id FROM parameter_version')),
    ...(await tx.all('SELECT job_id FROM job WHERE kind = $1', PARAMETER_POLICIES)),
  ])
  assert.deepEqual(rows, [])
})

test('NoChangeNotification reminds once, and a new value begins anew', async (t) => {
  const { server, advance, withPolicies, told } = await start(t)
  await withPolicies('/n', reminder('20'))
  await advance(19 * DAY_MS)
  await overwrite(server, '/n', 'changed')
  await advance(19 * DAY_MS)
  assert.deepEqual(actions(await told()), [])
  await advance(DAY_MS)
  await advance(50 * DAY_MS)
  assert.deepEqual(actions(await told()), ['NoChangeNotification /n'])
  assert.deepEqual(await statuses(server, '/n'), ['Finished'])
  // A label is no change of the value.
  await call(server, 'LabelParameterVersion', { Name: '/n', Labels: ['a'] })
  await advance(50 * DAY_MS)
  await overwrite(server, '/n', 'changed again')
  assert.deepEqual(await statuses(server, '/n'), ['Pending'])
  await advance(20 * DAY_MS)
  assert.deepEqual(actions(await told()), ['NoChangeNotification /n', 'NoChangeNotification /n'])

  // Other policies take the place of these; none at all act no more.
  await overwrite(server, '/n', 'y', { Policies: JSON.stringify([reminder('1', 'Hours')]) })
  await overwrite(server, '/n', 'z', { Policies: '[{}]' })
  await advance(50 * DAY_MS)
  assert.equal(actions(await told()).length, 2)
  const [first, , , last] = await history(server, '/n')
  assert.equal(first.Policies[0].PolicyType, 'NoChangeNotification')
  assert.equal(first.Policies[0].PolicyStatus, 'Finished')
  assert.deepEqual(JSON.parse(last.Policies[0].PolicyText), reminder('1', 'Hours'))
})

test('changes are told as EventBridge has them, and never with a value', async (t) => {
  const { server, told } = await start(t)
  const value = 'value-8c1f'
  await put(server, '/c', value, { Description: 'said' })
  await overwrite(server, '/c', value)
  await call(server, 'LabelParameterVersion', { Name: '/c', Labels: ['live'] })
  await call(server, 'LabelParameterVersion', { Name: '/c', Labels: ['live'] })
  await call(server, 'AddTagsToResource', {
    ResourceType: 'Parameter',
    ResourceId: '/c',
    Tags: [{ Key: 'a', Value: 'b' }],
  })
  await call(server, 'UnlabelParameterVersion', { Name: '/c', ParameterVersion: 2, Labels: ['live'] })
  await call(server, 'DeleteParameter', { Name: '/c' })
  await put(server, '/c', value, { Type: 'SecureString' })
  const all = await told()
  const change = (operation: string) => ({ operation, name: '/c', type: 'String', description: 'said' })
  assert.deepEqual(
    all.map(({ detail }) => detail),
    [
      change('Create'),
      change('Update'),
      change('LabelParameterVersion'),
      { name: '/c', labels: ['live'] },
      change('Delete'),
      { operation: 'Create', name: '/c', type: 'SecureString' },
    ],
  )
  assert.equal(all[3].source, 'strongroom')
  assert.ok(!JSON.stringify(all).includes(value))
})

test('a job that was made or moved in the database does what the parameter says, and nothing else', async (t) => {
  const { server, advance, withPolicies, told } = await start(t)
  const { app, accountId: account, region } = server
  await withPolicies('/e', expiration(app.now() + 10 * DAY_MS))
  await put(server, '/plain', 'x')
  const { rows } = await app.database.transaction('read', async (tx) => ({
    rows: await tx.all<{ readonly payload: string }>('SELECT payload FROM job WHERE kind = $1', PARAMETER_POLICIES),
  }))
  const payload = JSON.parse(rows[0]!.payload)
  for (const forged of [payload, { ...payload, id: 'another' }, { account, region, path: '/plain', id: 'x' }]) {
    await app.database.transaction('write', (tx) =>
      schedule(tx, { id: 'forged', kind: PARAMETER_POLICIES, dueAt: 0, payload: JSON.stringify(forged) }),
    )
    await advance(0)
  }
  assert.deepEqual(actions(await told()), [])
  // One of the same name is another parameter.
  await call(server, 'DeleteParameter', { Name: '/e' })
  await put(server, '/e', 'x')
  await advance(20 * DAY_MS)
  assert.equal(await outcome(server, 'GetParameter', { Name: '/e' }), 'ok')
})

test('policies are refused in AWS’s words', async (t) => {
  const { server } = await start(t)
  const at = server.app.now() + DAY_MS
  const told = (Policies: unknown, more: object = {}) => {
    const text = typeof Policies === 'string' ? Policies : JSON.stringify(Policies)
    return outcome(server, 'PutParameter', {
      Name: '/p',
      Value: 'x',
      Type: 'String',
      Tier: 'Advanced',
      Policies: text,
      ...more,
    })
  }
  for (const [policies, expected] of [
    ['{', /^ValidationException: Policies must be a JSON array/],
    ['{}', /^ValidationException: Policies must be a JSON array/],
    ['[1]', /^ValidationException: Policies must be a JSON array/],
    [
      [{ ...expiration(at), Type: 'Else' }],
      /^InvalidPolicyTypeException: The policy type isn't supported\. Parameter Store supp/,
    ],
    [[{}, expiration(at)], /^InvalidPolicyTypeException/],
    [[{ ...expiration(at), Version: '2.0' }], /^InvalidPolicyAttributeException/],
    [[{ ...expiration(at), Attributes: undefined }], /^InvalidPolicyAttributeException/],
    [[{ ...expiration(at), Extra: 1 }], /^InvalidPolicyAttributeException/],
    [[expiration(server.app.now() - 1)], /^InvalidPolicyAttributeException: .* must be in the future\.$/],
    [[{ ...expiration(at), Attributes: { Timestamp: 'tomorrow' } }], /^InvalidPolicyAttributeException/],
    [[{ ...expiration(at), Attributes: { Timestamp: '2030-13-01T00:00:00Z' } }], /^InvalidPolicyAttributeException/],
    [[{ ...expiration(at), Attributes: { Timestamp: '2030-02-31T00:00:00Z' } }], /^InvalidPolicyAttributeException/],
    [[expiration(at), expiration(at)], /^IncompatiblePolicyException: There is a conflict in the policies/],
    [[warning('1')], /^IncompatiblePolicyException/],
    [[reminder('0')], /^InvalidPolicyAttributeException/],
    [[reminder('-1')], /^InvalidPolicyAttributeException/],
    [[reminder('1.5')], /^InvalidPolicyAttributeException/],
    [[reminder('1', 'Weeks')], /^InvalidPolicyAttributeException/],
    [[reminder('36501')], /^InvalidPolicyAttributeException/],
    [Array(11).fill(reminder('1')), /^PoliciesLimitExceededException: .* The maximum is 10\.$/],
    [' '.repeat(4097), /^ValidationException/],
  ] as const) {
    assert.match(await told(policies), expected, JSON.stringify(policies).slice(0, 120))
  }
  assert.match(
    await told([reminder('1')], { Tier: 'Standard' }),
    /^ValidationException: Parameter policies are supported for parameters of the advanced-parameter tier only\./,
  )
  assert.equal(await told([reminder('1')], { Tier: 'Intelligent-Tiering' }), 'ok')
  const numbers = { Type: 'NoChangeNotification', Version: '1.0', Attributes: { After: 3, Unit: 'Hours' } }
  assert.equal(await told([numbers, expiration(at), warning('1', 'Hours')], { Name: '/q' }), 'ok')
  assert.equal(await told('[{}]', { Name: '/r', Tier: 'Standard' }), 'ok')
})
