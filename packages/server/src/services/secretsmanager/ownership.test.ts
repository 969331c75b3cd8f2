// Secrets that services own, through the real endpoint: a service of this test makes them through the port, users meet the rules of the table.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createHandler } from '../../handle.ts'
import { listen } from '../../http/listen.ts'
import { operation, type Service } from '../../operation.ts'
import { integer, optional, string } from '../../shape/shape.ts'
import { signedCall, startTestServer, type TestServer, withJobsOnDemand } from '../../testing.ts'
import * as errors from './errors.ts'
import { OWNERS, type Owner, type OwnersOperation } from './ownership.ts'
import { changeOwnedSecret, createOwnedSecret, deleteOwnedSecret } from './port.ts'
import { Tags } from './shapes.ts'
import { assertRefused, call, createCaller, events, labels, token } from './testing.ts'

const OWNER_TAG = 'aws:secretsmanager:owningService'
const FUNCTION_ARN = 'arn:aws:lambda:eu-central-1:111122223333:function:rotate'
const owners = Object.keys(OWNERS) as readonly Owner[]

test('users may do with an owned secret what its owner leaves to them, and are refused the rest', async (t) => {
  const server = await startTestServer(t)
  const asOwner = await startOwner(t, server)
  for (const owner of owners) {
    const name = `${owner}!secret`
    const one = token('one')
    await asOwner('CreateOwned', { Owner: owner, Name: name, VersionId: one, Value: 'x' })
    const SecretId = name
    const table: readonly (readonly [OwnersOperation | undefined, operation: string, input: object])[] = [
      ['PutSecretValue', 'PutSecretValue', { ClientRequestToken: token(), SecretString: 'y' }],
      ['UpdateSecret', 'UpdateSecret', { Description: 'y' }],
      ['UpdateSecret', 'UpdateSecret', { ClientRequestToken: token(), SecretString: 'y' }],
      ['UpdateSecretVersionStage', 'UpdateSecretVersionStage', { VersionStage: 'green', MoveToVersionId: one }],
      [undefined, 'GetSecretValue', {}],
      [undefined, 'DescribeSecret', {}],
      [undefined, 'ListSecretVersionIds', {}],
      [undefined, 'TagResource', { Tags: [{ Key: 'a', Value: 'b' }] }],
      [undefined, 'UntagResource', { TagKeys: ['a'] }],
      [undefined, 'PutResourcePolicy', { ResourcePolicy: policyFor(server) }],
      [undefined, 'GetResourcePolicy', {}],
      [undefined, 'DeleteResourcePolicy', {}],
      ['RotateSecret by a function', 'RotateSecret', { ClientRequestToken: token(), RotationLambdaARN: FUNCTION_ARN }],
      ['DeleteSecret without recovery', 'DeleteSecret', { ForceDeleteWithoutRecovery: true }],
      ['DeleteSecret', 'DeleteSecret', { RecoveryWindowInDays: 7 }],
      [undefined, 'RestoreSecret', {}],
    ]
    for (const [what, asked, input] of table) {
      const denied: ReadonlySet<OwnersOperation> = OWNERS[owner]
      if (what !== undefined && denied.has(what)) {
        const message = `You can't perform this operation on secret managed by ${owner}.`
        await assertRefused(server, asked, { SecretId, ...input }, 'InvalidRequestException', message)
      } else await call(server, asked, { SecretId, ...input })
    }
    assert.equal((await call(server, 'GetSecretValue', { SecretId })).SecretString, 'x')
    assert.deepEqual(await labels(server, SecretId), { [one]: ['AWSCURRENT'] })

    const reserved = `You can't create a secret whose name starts with ${owner}!, which is reserved for an AWS service.`
    await assertRefused(server, 'CreateSecret', { Name: `${owner}!mine` }, 'InvalidRequestException', reserved)
  }
  // What no service has is a user's; and a service that this table does not know keeps everything.
  await call(server, 'CreateSecret', { Name: 'rdsx!mine' })
  assert.deepEqual([...OWNERS.rds].sort(), [
    'CancelRotateSecret',
    'DeleteSecret',
    'DeleteSecret without recovery',
    'PutSecretValue',
    'RotateSecret by a function',
    'UpdateSecret',
    'UpdateSecretVersionStage',
  ])
})

test('an owned secret says whose it is: in its details, its tags, in lists and to policies', async (t) => {
  const server = await startTestServer(t)
  const asOwner = await startOwner(t, server)
  const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: '' }))
  await asOwner('CreateOwned', { Owner: 'rds', Name: 'rds!db-1', VersionId: token(), Value: 'x', Tags: many })
  await call(server, 'CreateSecret', { Name: 'mine' })
  const SecretId = 'rds!db-1'
  const { OwningService, Tags } = await call(server, 'DescribeSecret', { SecretId })
  assert.equal(OwningService, 'rds')
  assert.deepEqual(Tags.slice(0, 2), [
    { Key: OWNER_TAG, Value: 'rds' },
    { Key: 'aws:rds:primaryDBInstanceArn', Value: 'arn:aws:rds:::db:1' },
  ])
  assert.equal(Tags.length, 52)
  await assertRefused(
    server,
    'TagResource',
    { SecretId, Tags: [{ Key: 'one-more' }] },
    'InvalidParameterException',
    'A secret can have at most 50 tags.',
  )
  for (const [name, input] of [
    ['TagResource', { Tags: [{ Key: OWNER_TAG, Value: 'me' }] }],
    ['UntagResource', { TagKeys: [OWNER_TAG] }],
  ] as const) {
    const message = 'Tag keys starting with aws: are reserved for system use.'
    await assertRefused(server, name, { SecretId, ...input }, 'InvalidParameterException', message)
  }
  for (const [Key, value, names] of [
    ['owning-service', 'rds', ['rds!db-1']],
    ['owning-service', '!rds', ['mine']],
    ['tag-key', OWNER_TAG, ['rds!db-1']],
    ['tag-value', 'rds', ['rds!db-1']],
    ['name', 'rds!', ['rds!db-1']],
  ] as const) {
    const { SecretList } = await call(server, 'ListSecrets', { Filters: [{ Key, Values: [value] }] })
    assert.deepEqual(
      SecretList.map(({ Name }: { Name: string }) => Name),
      names,
      `${Key} ${value}`,
    )
  }
  const { credentials } = await createCaller(server, 'by-owner', [
    {
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: '*',
      Condition: { StringEquals: { [`aws:ResourceTag/${OWNER_TAG}`]: 'rds' } },
    },
  ])
  const read = (id: string) => server.call('secretsmanager', 'GetSecretValue', { SecretId: id }, { credentials })
  assert.equal((await read('rds!db-1')).body.SecretString, 'x')
  assert.equal((await read('mine')).body.__type, 'AccessDeniedException')
})

test('a service changes and deletes its own secrets in the transaction of its call, and no others', async (t) => {
  const server = await startTestServer(t)
  const asOwner = await startOwner(t, server)
  const [one, two, three] = [token('one'), token('two'), token('three')]
  const Name = 'rds!db-1'
  const ofRds = { Owner: 'rds', Name }
  await asOwner('CreateOwned', { ...ofRds, VersionId: one, Value: '1' })
  await asOwner('ChangeOwned', { ...ofRds, VersionId: two, Value: '2', Description: 'text' })
  await asOwner('ChangeOwned', { ...ofRds, VersionId: three, Value: '3', Stage: 'AWSPENDING' })
  assert.deepEqual(await labels(server, Name), {
    [one]: ['AWSPREVIOUS'],
    [two]: ['AWSCURRENT'],
    [three]: ['AWSPENDING'],
  })
  assert.equal((await call(server, 'DescribeSecret', { SecretId: Name })).Description, 'text')

  const refused = async (name: string, input: object, type: string, credentials = server.credentials) => {
    const { status, body } = await asOwner(name, input, credentials)
    assert.deepEqual([status, body.__type], [400, type])
  }
  await call(server, 'CreateSecret', { Name: 'mine' })
  for (const input of [
    { Owner: 'redshift', Name },
    { Owner: 'rds', Name: 'mine' },
    { Owner: 'rds', Name: 'rds!none' },
  ]) {
    await refused('ChangeOwned', { ...input, Description: 'x' }, 'ResourceNotFoundException')
    await refused('DeleteOwned', input, 'ResourceNotFoundException')
  }
  await refused('CreateOwned', { ...ofRds, VersionId: one, Value: '1' }, 'ResourceExistsException')
  await refused(
    'CreateOwned',
    { Owner: 'rds', Name: 'rds!db-2', VersionId: one, Value: '1', Fail: 'y' },
    'InvalidRequestException',
  )
  await refused('DeleteOwned', { ...ofRds, Fail: 'y' }, 'InvalidRequestException')
  const { SecretList } = await call(server, 'ListSecrets', {})
  assert.equal(SecretList.length, 2, 'what failed left nothing')

  const caller = await createCaller(server, 'operator', [{ Effect: 'Allow', Action: 'rds:*', Resource: '*' }])
  const input = { Owner: 'rds', Name: 'rds!db-3', VersionId: one, Value: '1' }
  await refused('CreateOwned', input, 'AccessDeniedException', caller.credentials)

  await asOwner('CreateOwned', { Owner: 'appflow', Name: 'appflow!a', VersionId: one, Value: '1' })
  await call(server, 'DeleteSecret', { SecretId: 'appflow!a' })
  await refused('ChangeOwned', { Owner: 'appflow', Name: 'appflow!a', Description: 'x' }, 'InvalidRequestException')
  await asOwner('DeleteOwned', { Owner: 'appflow', Name: 'appflow!a' })
  await asOwner('DeleteOwned', ofRds)
  const { SecretList: left } = await call(server, 'ListSecrets', { IncludePlannedDeletion: true })
  assert.deepEqual(
    left.map(({ Name }: { Name: string }) => Name),
    ['mine'],
  )

  const created = (await events(server, 'CreateSecret')).find(
    ({ requestParameters }) => requestParameters?.name === Name,
  )
  assert.equal(created?.eventSource, 'secretsmanager.amazonaws.com')
  assert.equal(created?.requestParameters?.clientRequestToken, one)
  assert.ok(!JSON.stringify(created).includes('"1"'))
  assert.equal((await events(server, 'EndSecretVersionDelete'))[0]?.eventSource, 'secretsmanager.amazonaws.com')
  assert.equal((await events(server, 'CreateOwned'))[0]?.eventSource, 'rds.amazonaws.com')
})

test('Type is one of a partner, is shown, changed and taken away', async (t) => {
  const server = await startTestServer(t)
  const typeOf = async (SecretId: string) => (await call(server, 'DescribeSecret', { SecretId })).Type
  await call(server, 'CreateSecret', { Name: 'typed', Type: 'SalesforceClientSecret' })
  await call(server, 'CreateSecret', { Name: 'plain', Type: '' })
  assert.deepEqual([await typeOf('typed'), await typeOf('plain')], ['SalesforceClientSecret', undefined])
  const { SecretList } = await call(server, 'ListSecrets', { Filters: [{ Key: 'all', Values: ['salesforce'] }] })
  assert.deepEqual([SecretList.length, SecretList[0].Type], [1, 'SalesforceClientSecret'])
  await call(server, 'UpdateSecret', { SecretId: 'plain', Type: 'GitLabAccessToken' })
  await call(server, 'UpdateSecret', { SecretId: 'typed', Description: 'x' })
  assert.deepEqual([await typeOf('typed'), await typeOf('plain')], ['SalesforceClientSecret', 'GitLabAccessToken'])
  await call(server, 'UpdateSecret', { SecretId: 'plain', Type: '' })
  assert.equal(await typeOf('plain'), undefined)
  for (const [name, input] of [
    ['CreateSecret', { Name: 'odd' }],
    ['UpdateSecret', { SecretId: 'typed' }],
  ] as const) {
    const message = "The Type gitlabaccesstoken isn't the type of a managed external secret."
    const asked = { ...input, Type: 'gitlabaccesstoken' }
    await assertRefused(server, name, asked, 'InvalidParameterException', message)
  }
})

const policyFor = ({ accountId }: TestServer): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: 'secretsmanager:GetSecretValue',
        Resource: '*',
      },
    ],
  })

/** The same server with one service more, at another address: it owns secrets of every kind, and its calls are calls like others. */
async function startOwner(t: TestContext, server: TestServer) {
  const members = { Owner: string(), Name: string(), Fail: optional(string()) }
  const version = { VersionId: optional(string()), Value: optional(string({ sensitive: true })) }
  const target = async ({ account }: { readonly account: string }) => ({ resource: '*', account })
  const common = { readOnly: false, output: {}, target } as const
  const failIfAsked = ({ Fail }: { readonly Fail?: string | undefined }) => {
    if (Fail) throw errors.noValue()
    return {}
  }
  const service: Service = {
    name: 'rds',
    protocol: 'json',
    targetPrefixes: ['TestOwner'],
    bodyBytesMax: 65_536,
    operations: [
      operation({
        ...common,
        name: 'CreateOwned',
        input: { ...members, ...version, Tags: optional(Tags), Days: optional(integer()) },
        async run(call) {
          const { Owner: owner, Name: name, VersionId = '', Value = '', Tags: tags = [] } = call.input
          const systemTags = [{ key: 'aws:rds:primaryDBInstanceArn', value: 'arn:aws:rds:::db:1' }]
          const { Days } = call.input
          const rotation = Days !== undefined && { rotationRules: { AutomaticallyAfterDays: Days } }
          const given = { name, versionId: VersionId, value: Value, tags, systemTags, ...rotation }
          await createOwnedSecret(call, owner as Owner, given)
          return failIfAsked(call.input)
        },
      }),
      operation({
        ...common,
        name: 'ChangeOwned',
        input: { ...members, ...version, Description: optional(string()), Stage: optional(string()) },
        async run(call) {
          const { Owner: owner, Name, VersionId, Value = '', Description, Stage } = call.input
          await changeOwnedSecret(call, owner as Owner, Name, {
            ...(Description !== undefined && { description: Description }),
            ...(VersionId !== undefined && {
              version: { id: VersionId, value: Value, ...(Stage !== undefined && { stages: [Stage] }) },
            }),
          })
          return failIfAsked(call.input)
        },
      }),
      operation({
        ...common,
        name: 'PromoteOwned',
        input: { ...members, VersionId: string() },
        async run(call) {
          const { Owner: owner, Name, VersionId: promote } = call.input
          await changeOwnedSecret(call, owner as Owner, Name, { promote })
          return failIfAsked(call.input)
        },
      }),
      operation({
        ...common,
        name: 'DeleteOwned',
        input: members,
        async run(call) {
          await deleteOwnedSecret(call, call.input.Owner as Owner, call.input.Name)
          return failIfAsked(call.input)
        },
      }),
    ],
  }
  const app = { ...server.app, services: [...server.app.services, service] }
  const answers = { health: async () => ({ ok: true, problems: [], warnings: [] }), metrics: async () => '' }
  const options = { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 10 }
  const listener = await listen(options, createHandler(app, answers, server.jobs.wake))
  t.after(() => listener.close(1_000))
  return (name: string, input: object, credentials = server.credentials) =>
    signedCall(`http://127.0.0.1:${listener.port}/`, 'rds', `TestOwner.${name}`, input, {
      credentials,
      region: server.region,
    })
}

test('a service rotates its own secret without a function, by the schedule and when a user asks', async (t) => {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const asOwner = await startOwner(t, server)
  const SecretId = 'rds!db-1'
  await asOwner('CreateOwned', { Owner: 'rds', Name: SecretId, VersionId: token('one'), Value: '1', Days: 7 })
  const noFunction = 'No Lambda rotation function ARN is associated with this secret.'
  const nobody = { SecretId, ClientRequestToken: token() }
  server.app.rotationFunctions.managed.delete('rds')
  await assertRefused(server, 'RotateSecret', nobody, 'InvalidRequestException', noFunction)

  const steps: string[] = []
  server.app.rotationFunctions.managed.set('rds', {
    invoke: async (_app, { step, versionId, rotationToken }) => {
      steps.push(step)
      const at = { Owner: 'rds', Name: SecretId, VersionId: versionId }
      if (step === 'createSecret') {
        await asOwner('ChangeOwned', { ...at, Value: `at call ${steps.length}`, Stage: 'AWSPENDING' })
      }
      if (step === 'finishSecret') await asOwner('PromoteOwned', at)
      assert.equal(rotationToken.length, 36)
      return { ok: true }
    },
  })
  const value = async () => (await call(server, 'GetSecretValue', { SecretId })).SecretString
  server.clock.advance(8 * 86_400_000)
  await server.jobs.runDue()
  assert.deepEqual(steps, ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
  assert.equal(await value(), 'at call 1')
  const two = token('two')
  await call(server, 'RotateSecret', {
    SecretId,
    ClientRequestToken: two,
    RotationRules: { AutomaticallyAfterDays: 1 },
  })
  await server.jobs.runDue()
  assert.equal(await value(), 'at call 5')
  assert.deepEqual((await labels(server, SecretId))[two], ['AWSCURRENT'])
  const { RotationEnabled, RotationLambdaARN, RotationRules } = await call(server, 'DescribeSecret', { SecretId })
  assert.deepEqual(
    [RotationEnabled, RotationLambdaARN, RotationRules],
    [true, undefined, { AutomaticallyAfterDays: 1 }],
  )
  const denied = "You can't perform this operation on secret managed by rds."
  await assertRefused(server, 'CancelRotateSecret', { SecretId }, 'InvalidRequestException', denied)
})
