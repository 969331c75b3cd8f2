// POST /_strongroom/advise through the server: each finding with what looks like it and is none, rights, what is never told, and other accounts.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer, type TestServer, withJobsOnDemand } from '../../../testing.ts'
import { createAccessKey } from '../../iam/access-keys.ts'
import { policyDocument } from '../../iam/testing.ts'
import { call as kms, newKey } from '../../kms/testing.ts'
import { functionArn, startFunctions } from '../../secretsmanager/rotation/testing-functions.ts'
import { call, createCaller, events, token } from '../../secretsmanager/testing.ts'
import { newAccount, newRole, newUser, trusting } from '../../sts/testing.ts'
import { findAll } from '../advise/checks.ts'
import { DEFAULT_THRESHOLDS } from '../advise/model.ts'
import { advised, ask, found } from '../testing-advice.ts'
import { advise } from './advise.ts'

const DAY_MS = 86_400_000
const ALL = [
  ['public-policy', 'high'],
  ['failing-rotation', 'high'],
  ['no-rotation', 'high'],
  ['scattered-fields', 'medium'],
  ['copied-value', 'medium'],
  ['uncached-reads', 'medium'],
  ['user-tokens', 'low'],
  ['plain-configuration', 'low'],
  ['unread', 'low'],
]

type Value = string | object
const create = (server: TestServer, Name: string, value: Value, more: object = {}) =>
  call(server, 'CreateSecret', {
    Name,
    SecretString: typeof value === 'string' ? value : JSON.stringify(value),
    ClientRequestToken: token(),
    ...more,
  })

const database = (password: string) => ({ engine: 'postgres', host: 'db.internal', username: 'shop', password })
const may = (Action: string | readonly string[], Resource: string | readonly string[] = '*', more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
})

test('each finding is told of what it is about, in one order, with evidence and mend, and of nothing that only looks like it', async (t) => {
  const server = await startTestServer(t)
  const values: string[] = []
  const made = async (name: string, value: Value, more?: object) => {
    values.push(...(typeof value === 'string' ? [value] : Object.values(value).filter((text) => text.length > 8)))
    await create(server, name, value, more)
  }
  await made('prod/orders', database('canary-Pq3817zx'))
  await made('prod/ignored', database('canary-Lm98wvut'), {
    Tags: [{ Key: 'strongroom:advise-ignore', Value: 'unread no-rotation' }],
  })
  await made('staging/orders', database('canary-Tt11ghjk'))
  await made('prod/app', { apiKey: 'canary-Hh4711rs' })
  await made('shop/db/username', 'canary-Gx81kq')
  await made('shop/db/password', 'canary-Wz02mv')
  await made('alone/db/password', 'canary-Kj55tb')
  await made('mail/a', 'canary-Ee77yyqx')
  await made('mail/b', 'canary-Ee77yyqx')
  await made('fields/a', { user: 'canary-Ff20ubnm', pass: 'canary-Ff31pcvb' })
  await made('fields/b', { pass: 'canary-Ff31pcvb', user: 'canary-Ff20ubnm' })
  await made('short/a', 'hunter2')
  await made('short/b', 'hunter2')
  await made('settings', { level: 'debug', endpoint: 'https://canary.example.com/v1', retries: '3' })
  await made('hook', 'https://hooks.example.com/services/T00/B00/canaryXyZ1234')
  for (let user = 0; user < 4; user++) await made(`github/user-${user}`, `canary_ghp_${user}_0123456789abcdef`)
  for (let user = 0; user < 3; user++) await made(`gitlab/user-${user}`, `canary_glpat_${user}_0123456789abc`)
  const put = (SecretId: string, Statement: object) =>
    call(server, 'PutResourcePolicy', { SecretId, ResourcePolicy: policyDocument(Statement) })
  await put('mail/a', { Sid: 'Open', ...may('secretsmanager:GetSecretValue'), Principal: '*' })
  const ours = { Condition: { StringEquals: { 'aws:PrincipalOrgID': server.app.organization.id } } }
  await put('hook', { ...may('secretsmanager:GetSecretValue'), Principal: '*', ...ours })
  for (let read = 0; read < 5; read++) await call(server, 'GetSecretValue', { SecretId: 'prod/app' })
  for (let read = 0; read < 4; read++) await call(server, 'GetSecretValue', { SecretId: 'hook' })
  await call(server, 'BatchGetSecretValue', { SecretIdList: ['prod/app', 'mail/b'] })

  const input = { ReadsPerDay: 6, UserTokens: 4 }
  const report = await advised(server, input)
  assert.deepEqual(found(report), [
    'public-policy mail/a',
    'no-rotation prod/orders',
    'scattered-fields shop/db/password shop/db/username',
    'copied-value fields/a fields/b',
    'copied-value mail/a mail/b',
    'uncached-reads prod/app',
    'user-tokens github/user-0 github/user-1 github/user-2 github/user-3',
    'plain-configuration settings',
  ])
  assert.deepEqual(
    report.Summary.map((told: { readonly [member: string]: unknown }) => [told.Finding, told.Severity]),
    ALL,
  )
  const { Dismissed } = report.Summary.find(({ Finding }: { readonly Finding: string }) => Finding === 'no-rotation')
  assert.equal(Dismissed, 1)
  const evidence = Object.fromEntries(
    report.Findings.map(({ Finding, Evidence }: { readonly Finding: string; readonly Evidence: string }) => [
      Finding,
      Evidence,
    ]),
  )
  assert.match(evidence['public-policy'], /^Statement Open of its resource policy lets everyone in/)
  assert.match(evidence['no-rotation'], /production database, and it has rotation off, and a value that is 0 days old/)
  assert.match(evidence['uncached-reads'], /^arn:aws:iam::\d{12}:user\/\S+ read it 6 times on \d{4}-\d\d-\d\d/)
  assert.match(evidence['user-tokens'], /^4 secrets named github\/user-\{user\} hold a token each/)
  for (const { Mend, Command } of report.Findings) assert.ok(Mend.length > 20 && Command.length > 10)
  assert.deepEqual(report.NotLookedInto, { Secrets: 0, Values: 0, Rotations: 0, Policies: 0, Calls: false })
  assert.deepEqual([report.SecretCount, report.Incomplete, report.OtherAccounts], [22, false, undefined])

  // The same again, but for the time; and in parts.
  const { Date: _, CostOnAws: __, ...rest } = report
  const { Date: ___, CostOnAws, ...again } = await advised(server, input)
  assert.deepEqual(again, rest)
  assert.deepEqual([CostOnAws.Secrets, CostOnAws.SecretsUsd], [22, '8.80'])
  assert.ok(CostOnAws.Calls >= 22 + 2 + 10, 'a batch is one call')
  const part = await advised(server, { ...input, Findings: ['copied-value', 'unread'], MaxResults: 1 })
  assert.deepEqual(found(part), ['copied-value fields/a fields/b'])
  assert.deepEqual(part.Summary, [
    { Finding: 'copied-value', Severity: 'medium', Count: 2, Dismissed: 0 },
    { Finding: 'unread', Severity: 'low', Count: 0, Dismissed: 0 },
  ])

  const told = JSON.stringify([report, again, part])
  for (const value of values) for (const piece of fragments(value)) assert.ok(!told.includes(piece), piece)
  assert.doesNotMatch(told, /canary|hunter2/)
})

/** Every eight characters of it. */
const fragments = (value: string): readonly string[] =>
  Array.from({ length: Math.max(1, value.length - 7) }, (_, at) => value.slice(at, at + 8))

test('a secret is unread after its days, by the days of access and not by what advice looks into', async (t) => {
  const server = await startTestServer(t)
  await create(server, 'read', 'canary-1')
  await create(server, 'never', 'canary-2')
  await create(server, 'prod/db', database('canary-3'))
  server.clock.advance(60 * DAY_MS)
  await call(server, 'GetSecretValue', { SecretId: 'read' })
  await create(server, 'young', 'canary-4')
  await create(server, 'gone', 'canary-5')
  server.clock.advance(31 * DAY_MS)
  await call(server, 'DeleteSecret', { SecretId: 'gone' })
  assert.deepEqual(found(await advised(server)), ['no-rotation prod/db', 'unread never', 'unread prod/db'])
  const { Findings, CostOnAws } = await advised(server, { Findings: ['unread'], UnreadDays: 20 })
  assert.match(Findings[0].Evidence, /^It was never read since it was created 91 days ago\.$/)
  assert.equal(Findings.length, 4)
  // What is scheduled for deletion costs nothing.
  assert.deepEqual([CostOnAws.Secrets, CostOnAws.SecretsUsd], [4, '1.60'])
})

test('rotations that fail one after another are told once, and not as a rotation that is off', async (t) => {
  const functions = await startFunctions(t)
  const server = await withJobsOnDemand(t, await startTestServer(t, functions.options))
  functions.trust(server.accountId)
  await create(server, 'prod/db', database('canary-1'))
  const rotate = async () => {
    functions.functions.set('rotate', async () => undefined)
    await call(server, 'RotateSecret', {
      SecretId: 'prod/db',
      ClientRequestToken: token('second'),
      RotationLambdaARN: functionArn('rotate'),
    })
    functions.functions.delete('rotate')
    await server.jobs.runDue()
  }
  await rotate()
  assert.deepEqual(found(await advised(server)), [])
  assert.deepEqual(found(await advised(server, { RotationDays: 1 })), [])
  server.clock.advance(1_000)
  await rotate()
  const { Findings } = await advised(server)
  assert.deepEqual(found({ Findings }), ['failing-rotation prod/db'])
  assert.match(Findings[0].Evidence, /^Its latest 2 rotations failed; none has succeeded yet\.$/)
  assert.equal(Findings[0].Command, 'strongroom rotation history prod/db')
})

test('a caller learns of a secret what its rights allow, and else only how many were not looked into', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  await create(server, 'prod/db/one', database('canary-1'))
  await create(server, 'prod/two', database('canary-1'))
  await create(server, 'prod/three', { ...database('canary-1') }, { KmsKeyId: key.arn })
  await call(server, 'PutResourcePolicy', {
    SecretId: 'prod/two',
    ResourcePolicy: policyDocument({ ...may('secretsmanager:DescribeSecret'), Principal: '*' }),
  })
  const advise = may('strongroom:Advise')
  const refused = await createCaller(server, 'refused', [may('secretsmanager:*')])
  const denied = await ask(server, {}, refused.credentials)
  assert.equal(denied.status, 400)
  assert.match(denied.body.Message, /is not authorized to perform: strongroom:Advise on resource: \*/)
  const asked = async (name: string, ...statements: readonly object[]) => {
    const { credentials } = await createCaller(server, name, [advise, ...statements])
    return advised(server, {}, credentials)
  }

  const blind = await asked('blind')
  assert.deepEqual(found(blind), [])
  // The policy on one of them lets everyone describe it.
  assert.equal(blind.SecretCount, 1)
  assert.deepEqual(blind.NotLookedInto, { Secrets: 2, Values: 1, Rotations: 0, Policies: 1, Calls: true })
  assert.equal(blind.CostOnAws.Calls, undefined)

  const described = await asked('described', may('secretsmanager:DescribeSecret'))
  // Only names tell: two of them do not say what they are.
  assert.deepEqual(found(described), ['no-rotation prod/db/one'])
  assert.match(described.Findings[0].Evidence, /^By its name it is a production database/)
  assert.deepEqual(described.NotLookedInto, { Secrets: 0, Values: 3, Rotations: 0, Policies: 3, Calls: true })

  const reader = may([
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetSecretValue',
    'secretsmanager:GetResourcePolicy',
  ])
  const notThree = may('kms:Decrypt', key.arn, { Effect: 'Deny' })
  const read = await asked('reader', reader, notThree)
  assert.deepEqual(found(read), [
    'public-policy prod/two',
    'no-rotation prod/db/one',
    'no-rotation prod/two',
    'copied-value prod/db/one prod/two',
  ])
  assert.deepEqual(read.NotLookedInto, { Secrets: 0, Values: 1, Rotations: 0, Policies: 0, Calls: true })
})

test('looking into a value leaves an event of its own, and a report that needs no values looks into none', async (t) => {
  const server = await startTestServer(t)
  const { ARN, VersionId } = await create(server, 'one', 'canary-one')
  await advised(server, { Findings: ['unread', 'public-policy', 'failing-rotation', 'uncached-reads'] })
  assert.deepEqual(await events(server, 'InspectSecretValue'), [])
  await advised(server)
  const [looked] = await events(server, 'InspectSecretValue')
  assert.deepEqual(
    [looked?.eventSource, looked?.readOnly, looked?.requestParameters, looked?.resources?.map(({ ARN }) => ARN)],
    ['strongroom.amazonaws.com', true, { secretId: ARN, versionId: VersionId }, [ARN]],
  )
  assert.equal((await events(server, 'Advise')).length, 2)
  assert.deepEqual(await events(server, 'GetSecretValue'), [])
  assert.equal((await call(server, 'DescribeSecret', { SecretId: 'one' })).LastAccessedDate, undefined)
})

async function startAccounts(t: TestContext) {
  const server = await startTestServer(t)
  const value = 'canary-shared-by-all'
  await create(server, 'ours', value)
  const [open, shut] = [await newAccount(server, 'open'), await newAccount(server, 'shut')]
  const access = { roleName: 'OrganizationAccountAccessRole', trustPolicy: trusting(server.accountId) }
  await newRole(server, access.roleName, {
    account: open,
    statements: [may(['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'])],
    ...access,
  })
  await newRole(server, access.roleName, { account: shut, statements: [may('*')], trustPolicy: trusting(shut) })
  const put = async (account: string, name: string) => {
    const credentials = await newUser(server, 'maker', { account, statements: [may('*')] })
    const input = { Name: name, SecretString: value, ClientRequestToken: token() }
    assert.equal((await server.call('secretsmanager', 'CreateSecret', input, { credentials })).status, 200)
    return credentials
  }
  return { server, open, shut, ofOpen: await put(open, 'theirs'), ofShut: await put(shut, 'hidden') }
}

test('values are compared across accounts for the management account alone, with a permission and the role of each account', async (t) => {
  const { server, open, ofOpen, ofShut } = await startAccounts(t)
  assert.deepEqual(found(await advised(server)), [])
  const across = await advised(server, { AcrossAccounts: true })
  assert.deepEqual(found(across), ['copied-value ours theirs'])
  assert.match(across.Findings[0].Evidence, /^2 secrets of 2 accounts have the same value\.$/)
  assert.deepEqual(across.OtherAccounts, { LookedInto: 1, NotLookedInto: 1 })
  assert.equal(across.SecretCount, 1)
  const [looked] = await events(server, 'InspectSecretValue', { credentials: ofOpen })
  assert.deepEqual(
    [looked?.recipientAccountId, looked?.userIdentity.type, looked?.userIdentity.accountId],
    [open, 'AWSAccount', server.accountId],
  )
  assert.deepEqual(looked?.additionalEventData, {
    lookedAs: `arn:aws:iam::${open}:role/OrganizationAccountAccessRole`,
  })
  assert.deepEqual(await events(server, 'InspectSecretValue', { credentials: ofShut }), [])

  const refused = await ask(server, { AcrossAccounts: true }, ofOpen)
  assert.match(refused.body.Message, /^Only the management account/)
  const own = [may('strongroom:Advise'), may('sts:AssumeRole'), may('secretsmanager:*')]
  const { credentials } = await createCaller(server, 'advisor', own)
  assert.match(
    (await ask(server, { AcrossAccounts: true }, credentials)).body.Message,
    /strongroom:AdviseAcrossAccounts on resource: \*/,
  )
  const unassuming = await createCaller(server, 'unassuming', [may('strongroom:*'), may('secretsmanager:*')])
  const alone = await advised(server, { AcrossAccounts: true }, unassuming.credentials)
  assert.deepEqual([found(alone), alone.OtherAccounts], [[], { LookedInto: 0, NotLookedInto: 2 }])
  const { app, accountId } = server
  const root = await app.database.transaction('write', (tx) => createAccessKey(app, tx, accountId, 'root', app.now()))
  const asRoot = await advised(server, { AcrossAccounts: true }, root)
  assert.deepEqual([found(asRoot), asRoot.OtherAccounts], [[], { LookedInto: 0, NotLookedInto: 2 }])
})

test('one report of an account is made at a time, and what is no figure is refused', async (t) => {
  const server = await startTestServer(t)
  for (let at = 0; at < 3; at++) await create(server, `secret-${at}`, `canary-${at}`)
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(server)))
  assert.ok(answers.some(({ status }) => status === 200))
  for (const { status, body } of answers)
    if (status !== 200) assert.equal(body.__type, 'LimitExceededException', JSON.stringify(body))
  for (const input of [
    { Findings: ['none'] },
    { Findings: [] },
    { MaxResults: 0 },
    { UserTokens: 1 },
    { UnreadDays: 0 },
  ])
    assert.equal((await ask(server, input)).body.__type, 'ValidationException')
})

test('a value that was altered, or whose key is disabled, is no finding and no reason to tell less of the others', async (t) => {
  const server = await startTestServer(t)
  const { id: KeyId } = await newKey(server)
  await create(server, 'a', 'canary-same-value', { KmsKeyId: KeyId })
  await create(server, 'b', 'canary-same-value')
  await create(server, 'c', 'canary-same-value')
  await kms(server, 'DisableKey', { KeyId })
  const report = await advised(server)
  assert.deepEqual([found(report), report.NotLookedInto.Values], [['copied-value b c'], 1])
  await server.app.database.transaction('write', (tx) =>
    tx.run(
      "UPDATE secret_version SET body = (SELECT body FROM secret_version WHERE secret_arn LIKE '%:b-%') WHERE secret_arn LIKE '%:c-%'",
    ),
  )
  const altered = await ask(server)
  assert.deepEqual(
    [altered.status, altered.body.Message],
    [500, 'A stored record failed its integrity check and was not used.'],
  )
})

test('an answer names a bounded number of secrets, and tells how many there are', async () => {
  const secrets = Array.from({ length: 120 }, (_, at) => ({ arn: `arn:${at}`, name: `${at}` }))
  const finding = { check: 'copied-value', secrets, evidence: '', mend: '', command: '' }
  const prepared = {
    findings: Array.from({ length: 60 }, () => finding),
    dismissed: new Map(),
    refused: {},
    cost: {},
  }
  const call = { now: 0, input: { MaxResults: 1_000 }, prepared } as unknown as Parameters<typeof advise.run>[0]
  type Named = { readonly Secrets: readonly object[]; readonly SecretCount: number }
  const { Findings } = (await advise.run(call)) as unknown as { readonly Findings: readonly Named[] }
  assert.deepEqual(
    Findings.map(({ Secrets, SecretCount }) => [Secrets.length, SecretCount]),
    Array.from({ length: 60 }, (_, at) => [at < 50 ? 100 : 1, 120]),
  )

  const value = { isText: true, isDatabase: false, isConfiguration: false, isToken: false }
  const fields = Array.from({ length: 12 }, (_, at) => {
    const name = `db${'-_/.'[at % 4]}${['password', 'Password', 'user'][at % 3]}`
    return { ...secrets[at]!, name, tags: [], createdAt: 0, isReplica: false, value }
  })
  const known = { secrets: fields, elsewhere: [], readings: new Map(), thresholds: DEFAULT_THRESHOLDS, now: 0 }
  const [scattered] = (await findAll(known, ['scattered-fields'])).findings
  assert.match(
    scattered!.evidence,
    /^12 secrets hold one field each of the same thing: (db\S+, ){9}db\S+ and 2 more\.$/,
  )
})
