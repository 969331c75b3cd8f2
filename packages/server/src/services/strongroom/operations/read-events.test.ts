// GET /_strongroom/events: what each change tells, to whom, for how long, and where a stream goes on.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { startTestServer, TEST_REGION, type TestCredentials, type TestServer } from '../../../testing.ts'
import { deleteAccessKey, setAccessKeyStatus } from '../../iam/access-keys.ts'
import { setAccountStatus } from '../../iam/accounts.ts'
import { deleteInlinePolicy, putInlinePolicy } from '../../iam/inline-policies.ts'
import { revokeSession } from '../../iam/sessions.ts'
import { USER } from '../../iam/store.ts'
import { policyDocument } from '../../iam/testing.ts'
import { readUser } from '../../iam/users.ts'
import { call, createCaller, token, events as trailEvents } from '../../secretsmanager/testing.ts'
import { EVERYTHING, newAccount, newRole, newUser, sessionOf } from '../../sts/testing.ts'
import { type Frame, type Listening, listenTo } from '../testing.ts'

const MAY_LISTEN = { Effect: 'Allow', Action: 'strongroom:ReadEvents', Resource: '*' }
const mayRead = (Resource: string, Action = 'secretsmanager:GetSecretValue') => ({ Effect: 'Allow', Action, Resource })
const anySecret = (name: string): string => `arn:aws:secretsmanager:*:*:secret:${name}-*`

async function listen(
  t: TestContext,
  server: Pick<TestServer, 'url' | 'credentials'>,
  credentials: TestCredentials = server.credentials,
  options: { readonly lastId?: string; readonly region?: string } = {},
): Promise<Listening> {
  const stream = await listenTo(server.url, credentials, options)
  t.after(() => stream.close())
  return stream
}

const kindOf = ({ data }: Frame): string => {
  const { labelUpdated, label, eventName } = data.detail
  return [data['detail-type'], labelUpdated ?? label ?? eventName].filter(Boolean).join(': ')
}

/** Changes another secret and waits until it is told: then everything before it was told too. */
async function settled(server: TestServer, stream: Listening): Promise<readonly Frame[]> {
  const Name = `end-${token()}`
  await call(server, 'CreateSecret', { Name })
  const last = await stream.waitFor(({ data }) => data.detail?.name === Name)
  return stream.frames.slice(0, stream.frames.indexOf(last)).filter(({ data }) => !/^end-/.test(data.detail?.name))
}

test('each kind of change is told in the order in which it was made, in the form that AWS gives it', async (t) => {
  const server = await startTestServer(t)
  const stream = await listen(t, server)
  assert.equal(stream.status, 200)
  assert.equal(stream.headers['content-type'], 'text/event-stream')
  assert.equal(stream.headers['cache-control'], 'no-store')
  const elsewhere = await listen(t, server, server.credentials, { region: 'us-east-1' })

  const [one, two] = [token('one'), token('two')]
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', SecretString: 'first', ClientRequestToken: one })
  await call(server, 'PutSecretValue', { SecretId: 'db', SecretString: 'second', ClientRequestToken: two })
  await call(server, 'PutSecretValue', { SecretId: 'db', SecretString: 'second', ClientRequestToken: two })
  const pending = token('pending')
  const next = { SecretString: 'third', ClientRequestToken: pending, VersionStages: ['AWSPENDING'] }
  await call(server, 'PutSecretValue', { SecretId: 'db', ...next })
  const stage = (VersionStage: string, ids: object) =>
    call(server, 'UpdateSecretVersionStage', { SecretId: 'db', VersionStage, ...ids })
  await stage('blue', { MoveToVersionId: one })
  await stage('blue', { RemoveFromVersionId: one })
  await stage('AWSCURRENT', { RemoveFromVersionId: two, MoveToVersionId: pending })
  await call(server, 'TagResource', { SecretId: 'db', Tags: [{ Key: 'a', Value: 'b' }] })
  await call(server, 'DeleteSecret', { SecretId: 'db', RecoveryWindowInDays: 7 })
  await call(server, 'RestoreSecret', { SecretId: 'db' })
  await call(server, 'DeleteSecret', { SecretId: 'db', ForceDeleteWithoutRecovery: true })
  await call(server, 'CreateSecret', { Name: 'bare' })
  await call(server, 'DeleteSecret', { SecretId: 'bare', RecoveryWindowInDays: 7 })
  server.clock.advance(8 * 86_400_000)
  await server.jobs.runDue()

  const told = await settled(server, stream)
  const threeTimes = (name: string) => Array.from({ length: 3 }, () => `AWS Service Event via CloudTrail: ${name}`)
  assert.deepEqual(told.map(kindOf), [
    'Secret Created',
    'Secret Label Updated: AWSCURRENT',
    'Secret Label Updated: AWSCURRENT',
    'Secret Label Changed: AWSPREVIOUS',
    'Secret Label Changed: AWSPENDING',
    'Secret Label Updated: blue',
    'Secret Label Changed: blue',
    'Secret Label Updated: AWSCURRENT',
    'Secret Label Changed: AWSPREVIOUS',
    'Secret Deletion Scheduled',
    ...threeTimes('StartSecretVersionDelete'),
    'Secret Deletion Cancelled',
    ...threeTimes('CancelSecretVersionDelete'),
    'Secret Deleted',
    ...threeTimes('StartSecretVersionDelete'),
    ...threeTimes('EndSecretVersionDelete'),
    'Secret Created',
    'Secret Deletion Scheduled',
    'Secret Deleted',
  ])
  for (const { id, data } of told) {
    assert.equal(data.id, id)
    assert.deepEqual(Object.keys(data), [
      'version',
      'id',
      'detail-type',
      'source',
      'account',
      'time',
      'region',
      'resources',
      'detail',
    ])
    assert.deepEqual([data.version, data.account, data.region], ['0', server.accountId, TEST_REGION])
    assert.match(data.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(data.resources.length, 1)
    assert.equal(
      data.source,
      /^Secret Label Updated|CloudTrail/.test(kindOf({ data } as Frame)) ? 'aws.secretsmanager' : 'strongroom',
    )
  }
  const details = told.map(({ data }) => data.detail)
  assert.deepEqual(told[0]!.data.resources, [ARN])
  assert.deepEqual(details[1], { name: 'db', labelUpdated: 'AWSCURRENT', versionId: one })
  assert.deepEqual(details[2], { name: 'db', labelUpdated: 'AWSCURRENT', versionId: two })
  assert.deepEqual(details[3], { name: 'db', label: 'AWSPREVIOUS', versionId: one })
  assert.deepEqual(details[6], { name: 'db', label: 'blue', previousVersionId: one })
  const started = details[10]
  assert.deepEqual(started.additionalEventData, { SecretId: ARN, SecretVersionId: one })
  assert.deepEqual(
    [started.eventType, started.userIdentity.invokedBy, started.recipientAccountId, started.requestParameters],
    ['AwsServiceEvent', 'secretsmanager.amazonaws.com', server.accountId, null],
  )
  const inTrail = await trailEvents(server, 'StartSecretVersionDelete')
  assert.ok(inTrail.some(({ eventID }) => eventID === started.eventID))
  assert.doesNotMatch(JSON.stringify(told), /first|second|third/)

  assert.deepEqual(elsewhere.frames, [])
  const opened = await trailEvents(server, 'ReadEvents')
  assert.equal(opened.length, 1)
  assert.equal(opened[0]!.readOnly, true)
})

test('a version that makes room is told of', async (t) => {
  const server = await startTestServer(t)
  const stream = await listen(t, server)
  await call(server, 'CreateSecret', { Name: 'db' })
  const put = () => call(server, 'PutSecretValue', { SecretId: 'db', SecretString: 'x', ClientRequestToken: token() })
  for (let count = 0; count < 100; count++) await put()
  server.clock.advance(2 * 86_400_000)
  await put()
  const pruned = await stream.waitFor(({ data }) => data.detail.eventName === 'SecretVersionDeletion')
  const [inTrail] = await trailEvents(server, 'SecretVersionDeletion')
  assert.deepEqual(pruned.data.detail.additionalEventData, inTrail!.additionalEventData)
})

test('the stream takes a signature and the permission strongroom:ReadEvents, and any signer can open it', async (t) => {
  const server = await startTestServer(t)
  const unsigned = await fetch(`${server.url}/_strongroom/events`)
  assert.equal(unsigned.status, 400)
  assert.match(await unsigned.text(), /MissingAuthenticationToken/)
  assert.equal((await fetch(`${server.url}/_strongroom/events`, { method: 'POST', body: '{}' })).status, 400)

  const { credentials } = await createCaller(server, 'nobody', [mayRead('*')])
  const refused = await listen(t, server, credentials)
  assert.equal(refused.status, 400)
  assert.match(await refused.body(), /is not authorized to perform: strongroom:ReadEvents on resource: \*/)

  const { accessKeyId, secretAccessKey } = server.credentials
  const curl = spawn('curl', [
    ...['--silent', '--no-buffer', '--max-time', '60', '--aws-sigv4', `aws:amz:${TEST_REGION}:secretsmanager`],
    ...['--user', `${accessKeyId}:${secretAccessKey}`, `${server.url}/_strongroom/events`],
  ])
  t.after(() => curl.kill())
  let printed = ''
  for await (const text of curl.stdout.setEncoding('utf8')) {
    const isReady = printed.includes(': ready')
    printed += text
    if (!isReady && printed.includes(': ready')) {
      await call(server, 'CreateSecret', { Name: 'db', SecretString: 'x', ClientRequestToken: token() })
    }
    if (printed.includes('Secret Created')) break
  }
  assert.match(
    printed,
    /^retry: 1000\nid: \S+\n: ready\n\nid: \S+\ndata: \{"version":"0",.*"detail-type":"Secret Created"/,
  )
})

test('who may read or describe a secret when its change is sent hears of it, and nobody else', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const reader = await newUser(server, 'reader', { statements: [MAY_LISTEN, mayRead(anySecret('mine'))] })
  const describer = await newUser(server, 'describer', {
    statements: [MAY_LISTEN, mayRead(anySecret('mine'), 'secretsmanager:DescribeSecret')],
  })
  const Condition = { StringEquals: { 'aws:ResourceTag/Team': 'blue' } }
  const tagged = await newUser(server, 'tagged', { statements: [MAY_LISTEN, { ...mayRead('*'), Condition }] })
  const account = await newAccount(server, 'other')
  const foreign = await newUser(server, 'foreign', { account, statements: [EVERYTHING] })
  const streams = await Promise.all([reader, describer, tagged, foreign].map((user) => listen(t, server, user)))
  const all = await listen(t, server)
  const names = () => streams.map(({ frames }) => [...new Set(frames.map(({ data }) => data.detail.name))].join())
  const put = (SecretId: string) =>
    call(server, 'PutSecretValue', { SecretId, SecretString: 'x', ClientRequestToken: token() })
  const quiet = () => {
    for (const { frames } of streams) (frames as Frame[]).length = 0
  }

  const { ARN } = await call(server, 'CreateSecret', { Name: 'mine' })
  await call(server, 'CreateSecret', { Name: 'blue', Tags: [{ Key: 'Team', Value: 'blue' }] })
  await call(server, 'CreateSecret', { Name: 'theirs' })
  await settled(server, all)
  await streams[2]!.waitFor(({ data }) => data.detail.name === 'blue')
  assert.deepEqual(names(), ['mine', 'mine', 'blue', ''])

  // Shared with the other account, by a policy on the secret.
  const shared = {
    Effect: 'Allow',
    Principal: { AWS: foreign.arn },
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
    Condition: { StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
  }
  await call(server, 'PutResourcePolicy', { SecretId: 'mine', ResourcePolicy: policyDocument(shared) })
  await call(server, 'UntagResource', { SecretId: 'blue', TagKeys: ['Team'] })
  quiet()
  await put('mine')
  await put('mine')
  await put('blue')
  await settled(server, all)
  await streams[3]!.waitFor(({ data }) => data.detail.labelUpdated === 'AWSCURRENT')
  assert.deepEqual(names(), ['mine', 'mine', '', 'mine'])
  assert.deepEqual(
    streams[3]!.frames.map(({ data }) => [data['detail-type'], data.account, data.resources]),
    Array.from({ length: 2 }, () => ['Secret Label Updated', accountId, [ARN]]),
    'of the label alone that the policy gives',
  )

  // The rights are taken away while the streams are open.
  await app.database.transaction('write', async (tx) => {
    const user = await readUser(app, tx, accountId, 'reader')
    const document = policyDocument(MAY_LISTEN, mayRead(anySecret('blue')))
    await putInlinePolicy(app, tx, USER, user, 'reader', { policyName: 'own', document })
  })
  await call(server, 'DeleteResourcePolicy', { SecretId: 'mine' })
  quiet()
  await put('mine')
  await put('blue')
  await settled(server, all)
  await streams[0]!.waitFor(({ data }) => data.detail.name === 'blue')
  assert.deepEqual(names(), ['blue', 'mine', '', ''])
})

test('a stream ends within moments when its credentials no longer hold, and says why', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const write = (work: (tx: Parameters<typeof readUser>[1]) => Promise<unknown>) =>
    app.database.transaction('write', work)
  const statements = [EVERYTHING]
  const users = {
    inactive: await newUser(server, 'inactive', { statements }),
    deleted: await newUser(server, 'deleted', { statements }),
    refused: await newUser(server, 'refused', { statements }),
  }
  const account = await newAccount(server, 'closed')
  const closed = await newUser(server, 'closed', { account, statements })
  const role = await newRole(server, 'Reader', { statements })
  const session = await sessionOf(t, server, server.credentials, role.arn)
  const now = app.wallNow()
  const brief = app.sessionTokens.issue({
    account: accountId,
    kind: 'role-session',
    role: { roleId: role.roleId, path: '/', roleName: 'Reader' },
    sessionName: 'brief',
    issuedAt: now - 900_000,
    expiresAt: now + 1_500,
    tags: {},
    policies: [],
    policyArns: [],
    transitiveTagKeys: [],
    chain: 1,
  })
  const open = (credentials: TestCredentials) => listen(t, server, credentials)
  const [inactive, deleted, refused, ofClosed, revoked, expired] = await Promise.all(
    [users.inactive, users.deleted, users.refused, closed, session, brief].map(open),
  )
  const lasting = await open(server.credentials)

  await write((tx) =>
    setAccessKeyStatus(app, tx, accountId, { userName: 'inactive' }, users.inactive.accessKeyId, 'Inactive'),
  )
  await write((tx) => deleteAccessKey(app, tx, accountId, { userName: 'deleted' }, users.deleted.accessKeyId))
  await write(async (tx) => deleteInlinePolicy(app, tx, USER, await readUser(app, tx, accountId, 'refused'), 'own'))
  await write((tx) => setAccountStatus(app, tx, account, 'SUSPENDED'))
  await write((tx) =>
    revokeSession(app, tx, accountId, { accessKeyId: session.accessKeyId, expiresAt: now + 43_200_000 }, now),
  )
  const INVALID = 'UnrecognizedClientException'
  for (const [stream, code] of [
    [inactive!, INVALID],
    [deleted!, INVALID],
    [refused!, 'AccessDeniedException'],
    [ofClosed!, INVALID],
    [revoked!, INVALID],
    [expired!, 'ExpiredTokenException'],
  ] as const) {
    assert.equal(stream.status, 200)
    const end = await stream.waitFor(({ event }) => event === 'end', 4_000)
    assert.equal(end.data.code, code)
    await stream.ended
  }
  await call(server, 'CreateSecret', { Name: 'after' })
  await lasting.waitFor(({ data }) => data.detail.name === 'after')
})

test('a stream goes on after the last event that its client has seen, also over a restart, and says where it cannot', async (t) => {
  const server = await startTestServer(t)
  const create = (on: TestServer, Name: string) => call(on, 'CreateSecret', { Name })
  const first = await listen(t, server)
  first.close()
  await create(server, 'a')
  const second = await listen(t, server, server.credentials, { lastId: first.lastId() })
  await second.waitFor(({ data }) => data.detail.name === 'a')
  await create(server, 'b')
  const b = await second.waitFor(({ data }) => data.detail.name === 'b')
  second.close()
  for (const name of ['c', 'd']) await create(server, name)
  const again = await server.restart()
  await create(again, 'e')
  const third = await listen(t, again, again.credentials, { lastId: b.id })
  await third.waitFor(({ data }) => data.detail.name === 'e')
  assert.deepEqual(
    third.frames.map(({ data }) => data.detail.name),
    ['c', 'd', 'e'],
  )

  const unknown = await listen(t, again, again.credentials, { lastId: token() })
  const { data } = await unknown.waitFor(({ event }) => event === 'reset')
  assert.match(data.reason, /no longer kept/)
  await create(again, 'f')
  await unknown.waitFor(({ data }) => data.detail?.name === 'f')
  assert.equal(unknown.frames.length, 2)
})

test('events go when there are too many of them; the streams that still wanted them are told, and those that did not go on', async (t) => {
  const server = await startTestServer(t, { eventRetentionCount: '100' })
  const { app } = server
  const stream = await listen(t, server)
  await call(server, 'CreateSecret', { Name: 'old' })
  const old = await stream.waitFor(({ data }) => data.detail.name === 'old')
  for (let count = 0; count < 120; count++) await call(server, 'CreateSecret', { Name: `n${count}` })
  await stream.waitFor(({ data }) => data.detail.name === 'n119')
  await app.events.prune()
  const late = await listen(t, server, server.credentials, { lastId: old.id })
  await late.waitFor(({ event }) => event === 'reset')
  const lasting = await listen(t, server, server.credentials, { lastId: stream.lastId() })
  await call(server, 'CreateSecret', { Name: 'new' })
  for (const one of [stream, late, lasting]) await one.waitFor(({ data }) => data.detail?.name === 'new')
  assert.equal(lasting.frames.length, 1)
})

test('streams are bounded, for each account and in all, and end at once when the server stops', async (t) => {
  const server = await startTestServer(t, { maxEventStreams: '3', maxEventStreamsPerAccount: '2' })
  const foreign = await newUser(server, 'foreign', {
    account: await newAccount(server, 'other'),
    statements: [EVERYTHING],
  })
  const opened = [await listen(t, server), await listen(t, server)]
  const third = await listen(t, server)
  assert.equal(third.status, 400)
  assert.match(await third.body(), /LimitExceededException/)
  opened.push(await listen(t, server, foreign))
  assert.equal((await listen(t, server, foreign)).status, 400)
  const metrics = await (await fetch(`${server.url}/_strongroom/metrics`)).text()
  assert.match(metrics, /^strongroom_event_streams 3$/m)
  opened.shift()!.close()
  let reopened = await listen(t, server)
  for (let tries = 0; tries < 1_000 && reopened.status !== 200; tries++) reopened = await listen(t, server)
  assert.equal(reopened.status, 200)
  opened.push(reopened)

  const before = performance.now()
  await server.close(60_000)
  await Promise.all(opened.map(({ ended }) => ended))
  assert.ok(performance.now() - before < 50_000, 'none was waited for')
})
