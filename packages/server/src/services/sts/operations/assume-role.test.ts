// AssumeRole through AWS's own client and the whole pipeline: who may, what the session may then, and what it inherits.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { signedCall, startTestServer, TEST_REGION, type TestServer } from '../../../testing.ts'
import { createAccessKey } from '../../iam/access-keys.ts'
import { createPolicy, deletePolicy } from '../../iam/policies.ts'
import { findRow, POLICY } from '../../iam/store.ts'
import { policyDocument } from '../../iam/testing.ts'
import {
  assume,
  credentialsOf,
  EVERYTHING,
  newAccount,
  newRole,
  newUser,
  readSecret,
  sessionOf,
  stsClient,
  trusting,
} from '../testing.ts'

const READ = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }
const ASSUME = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }

const denied = (message: RegExp | string) => ({ name: 'AccessDenied', message })

const createSecret = ({ secretsManager }: TestServer, Name = 'app/db') =>
  secretsManager.send(new CreateSecretCommand({ Name, SecretString: `value of ${Name}` }))

const events = async ({ app }: TestServer, account: string, eventName = 'AssumeRole') => {
  const found = await app.trail.lookup({
    account,
    region: TEST_REGION,
    filter: { key: 'EventName', value: eventName },
    startTime: 0,
    endTime: Date.now() + 60_000,
    limit: 50,
  })
  return found.events.map(({ json }) => JSON.parse(json))
}

test('whom the trust policy names gets credentials of the role, which may what the role may and no more', async (t) => {
  const server = await startTestServer(t)
  await createSecret(server)
  const alice = await newUser(server, 'alice')
  const trustPolicy = trusting(alice.arn)
  const reader = await newRole(server, 'Reader', { path: '/team/', statements: [READ], trustPolicy })

  const before = Date.now()
  const answer = await assume(t, server, alice, reader.arn, { RoleSessionName: 'alice@work' })
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials!
  assert.match(AccessKeyId!, /^ASIA[A-Z2-7]{16}$/)
  assert.match(SecretAccessKey!, /^[A-Za-z0-9+/]{40}$/)
  assert.ok(SessionToken!.length <= 4_096)
  const seconds = (Expiration!.getTime() - before) / 1_000
  assert.ok(seconds > 3_540 && seconds < 3_660, `${seconds}`)
  const Arn = `arn:aws:sts::${server.accountId}:assumed-role/Reader/alice@work`
  assert.deepEqual(answer.AssumedRoleUser, { AssumedRoleId: `${reader.roleId}:alice@work`, Arn })
  assert.deepEqual([answer.PackedPolicySize, answer.SourceIdentity], [undefined, undefined])

  const session = credentialsOf(answer)
  const { UserId, Account, Arn: arn } = await stsClient(t, server, session).send(new GetCallerIdentityCommand({}))
  assert.deepEqual([UserId, Account, arn], [`${reader.roleId}:alice@work`, server.accountId, Arn])
  assert.equal(await readSecret(t, server, session, 'app/db'), 'value of app/db')
  const { body } = await server.call('secretsmanager', 'DeleteSecret', { SecretId: 'app/db' }, { credentials: session })
  assert.match(
    body.Message,
    new RegExp(
      `^User: ${Arn} is not authorized to perform: secretsmanager:DeleteSecret on resource: arn:.*:secret:app/db-\\w{6} because no`,
    ),
  )
})

test('where the trust policy names the account, the policies of the caller decide', async (t) => {
  const server = await startTestServer(t)
  const role = await newRole(server, 'Open')
  const [bob, carol] = [await newUser(server, 'bob'), await newUser(server, 'carol', { statements: [ASSUME] })]
  await assert.rejects(
    assume(t, server, bob, role.arn),
    denied(
      `User: ${bob.arn} is not authorized to perform: sts:AssumeRole on resource: ${role.arn} because no identity-based policy allows the sts:AssumeRole action`,
    ),
  )
  assert.ok(await sessionOf(t, server, carol, role.arn))
})

test('a role that does not exist refuses as one does that does not trust the caller', async (t) => {
  const server = await startTestServer(t)
  const account = await newAccount(server, 'other')
  const stranger = await newUser(server, 'stranger', { account, statements: [EVERYTHING] })
  const clerk = await newUser(server, 'clerk', { statements: [EVERYTHING] })
  const tags = [{ key: 'Team', value: 'blue' }]
  const untrusting = await newRole(server, 'Untrusting', {
    trustPolicy: trusting(account),
    tags,
  })
  const denying = await newRole(server, 'Denying', {
    trustPolicy: policyDocument({ Effect: 'Deny', Principal: { AWS: account }, Action: 'sts:*' }),
  })
  const refusalOf = (caller: typeof clerk, arn: string) =>
    assume(t, server, caller, arn).then(
      () => assert.fail('was let in'),
      ({ name, message }) => ({ name, message: message.replaceAll(arn, 'ROLE') }),
    )
  const gone = `arn:aws:iam::${server.accountId}:role/Gone`
  const otherPath = `arn:aws:iam::${server.accountId}:role/path/Untrusting`
  const otherCase = `arn:aws:iam::${server.accountId}:role/untrusting`
  const words = (arn: string) => ({
    name: 'AccessDenied',
    message: `User: ${arn} is not authorized to perform: sts:AssumeRole on resource: ROLE because no role trust policy allows the sts:AssumeRole action`,
  })
  for (const arn of [gone, otherPath, otherCase, untrusting.arn]) {
    assert.deepEqual(await refusalOf(clerk, arn), words(clerk.arn), arn)
  }
  for (const arn of [gone, otherPath, otherCase, denying.arn, 'arn:aws:iam::999999999999:role/Untrusting']) {
    assert.deepEqual(await refusalOf(stranger, arn), words(stranger.arn), arn)
  }
})

test('a root user assumes no role', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const root = await app.database.transaction('write', (tx) => createAccessKey(app, tx, accountId, 'root', app.now()))
  const role = await newRole(server, 'Open', { trustPolicy: trusting('*') })
  await assert.rejects(assume(t, server, root, role.arn), denied('Roles may not be assumed by root accounts.'))
})

test('across accounts both sides must allow, and the event stands in both trails', async (t) => {
  const server = await startTestServer(t)
  await createSecret(server)
  const account = await newAccount(server, 'partner')
  const visitor = await newUser(server, 'visitor', { account, statements: [ASSUME] })
  const idle = await newUser(server, 'idle', { account })
  const role = await newRole(server, 'ForPartner', { trustPolicy: trusting(account), statements: [READ] })

  await assert.rejects(assume(t, server, idle, role.arn), denied(/because no identity-based policy allows/))
  const session = await sessionOf(t, server, visitor, role.arn)
  assert.equal(await readSecret(t, server, session, 'app/db'), 'value of app/db')

  const theirs = await events(server, account)
  const ours = await events(server, server.accountId)
  assert.equal(theirs.length, 2, 'the refusal stands where it was asked')
  assert.equal(ours.length, 1, 'and not where it led')
  const [own] = theirs.filter(({ errorCode }) => errorCode === undefined)
  const [copy] = ours
  assert.equal(own.sharedEventID, copy.sharedEventID)
  assert.notEqual(own.eventID, copy.eventID)
  assert.deepEqual([own.userIdentity.type, own.userIdentity.userName], ['IAMUser', 'visitor'])
  assert.deepEqual(copy.userIdentity, {
    type: 'AWSAccount',
    principalId: own.userIdentity.principalId,
    accountId: account,
  })
  assert.deepEqual([own.recipientAccountId, copy.recipientAccountId], [account, server.accountId])
  assert.deepEqual(copy.resources, [{ accountId: server.accountId, type: 'AWS::IAM::Role', ARN: role.arn }])
})

test('an event shows for whom the session is, and neither its secret nor its token', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const role = await newRole(server, 'Reader', {
    trustPolicy: trusting(alice.arn),
    path: '/a/',
    statements: [EVERYTHING],
  })
  const answer = await assume(t, server, alice, role.arn, { SourceIdentity: 'alice', DurationSeconds: 900 })
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials!
  const session = credentialsOf(answer)
  await assert.rejects(readSecret(t, server, session, 'absent'))

  const [assumed] = await events(server, server.accountId)
  assert.equal(assumed.readOnly, true)
  assert.deepEqual(assumed.requestParameters, {
    roleArn: role.arn,
    roleSessionName: 'session',
    durationSeconds: 900,
    sourceIdentity: 'alice',
  })
  assert.deepEqual(assumed.responseElements, {
    credentials: { accessKeyId: AccessKeyId, expiration: Expiration!.toISOString() },
    assumedRoleUser: { assumedRoleId: `${role.roleId}:session`, arn: answer.AssumedRoleUser!.Arn },
    sourceIdentity: 'alice',
    sessionTokenSize: answer.SessionTokenSize,
    sessionTokenUtilization: answer.SessionTokenUtilization,
  })
  const [read] = await events(server, server.accountId, 'GetSecretValue')
  const { attributes, ...sessionContext } = read.userIdentity.sessionContext
  assert.deepEqual(
    { ...read.userIdentity, sessionContext },
    {
      type: 'AssumedRole',
      principalId: `${role.roleId}:session`,
      arn: `arn:aws:sts::${server.accountId}:assumed-role/Reader/session`,
      accountId: server.accountId,
      accessKeyId: AccessKeyId,
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          principalId: role.roleId,
          arn: role.arn,
          accountId: server.accountId,
          userName: 'Reader',
        },
        sourceIdentity: 'alice',
      },
    },
  )
  assert.equal(attributes.mfaAuthenticated, 'false')
  assert.ok(Math.abs(Date.parse(attributes.creationDate) - Date.now()) < 60_000)
  for (const event of [assumed, read]) {
    const text = JSON.stringify(event)
    assert.ok(!text.includes(SecretAccessKey!) && !text.includes(SessionToken!))
  }
})

test('a trust policy may ask for an external id, a session name and a source identity', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const under = (name: string, Condition: object) =>
    newRole(server, name, {
      trustPolicy: policyDocument({ Effect: 'Allow', Principal: { AWS: alice.arn }, Action: 'sts:*', Condition }),
    })
  const external = await under('External', { StringEquals: { 'sts:ExternalId': 'Example/987' } })
  await assert.rejects(assume(t, server, alice, external.arn), denied(/because no role trust policy allows/))
  await assert.rejects(
    assume(t, server, alice, external.arn, { ExternalId: 'Example' }),
    denied(/no role trust policy/),
  )
  assert.ok(await sessionOf(t, server, alice, external.arn, { ExternalId: 'Example/987' }))

  const named = await under('Named', { StringLike: { 'sts:RoleSessionName': `\${aws:username}` } })
  await assert.rejects(assume(t, server, alice, named.arn), denied(/no role trust policy/))
  assert.ok(await sessionOf(t, server, alice, named.arn, { RoleSessionName: 'alice' }))

  const sourced = await under('Sourced', { StringEquals: { 'sts:SourceIdentity': 'alice' } })
  await assert.rejects(assume(t, server, alice, sourced.arn), denied(/no role trust policy/))
  const { SourceIdentity } = await assume(t, server, alice, sourced.arn, { SourceIdentity: 'alice' })
  assert.equal(SourceIdentity, 'alice')
})

test('tags and a source identity each take a permission of their own, of the caller and of the role', async (t) => {
  const server = await startTestServer(t)
  const allow = (...actions: string[]) => ({ Effect: 'Allow', Action: actions, Resource: '*' })
  const clerk = await newUser(server, 'clerk', { statements: [ASSUME] })
  const tagger = await newUser(server, 'tagger', {
    statements: [allow('sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity')],
  })
  const open = await newRole(server, 'Open')
  const narrow = await newRole(server, 'Narrow', {
    trustPolicy: policyDocument({ Effect: 'Allow', Principal: { AWS: server.accountId }, Action: 'sts:AssumeRole' }),
  })
  const Tags = [{ Key: 'Team', Value: 'blue' }]
  const asked = { TagSession: { Tags }, SetSourceIdentity: { SourceIdentity: 'someone' } }
  for (const [action, more] of Object.entries(asked)) {
    await assert.rejects(
      assume(t, server, clerk, open.arn, more),
      denied(
        new RegExp(`sts:${action} on resource: ${open.arn} because no identity-based policy allows the sts:${action}`),
      ),
    )
    await assert.rejects(
      assume(t, server, tagger, narrow.arn, more),
      denied(
        new RegExp(`sts:${action} on resource: ${narrow.arn} because no role trust policy allows the sts:${action}`),
      ),
    )
    assert.ok(await sessionOf(t, server, tagger, open.arn, more))
    assert.ok(await sessionOf(t, server, tagger, narrow.arn))
  }

  const choosy = await newRole(server, 'Choosy', {
    trustPolicy: policyDocument({
      Effect: 'Allow',
      Principal: { AWS: tagger.arn },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: {
        StringEquals: { 'aws:RequestTag/Team': ['blue', 'red'] },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['Team', 'Project'], 'sts:TransitiveTagKeys': ['Project'] },
      },
    }),
  })
  const tagged = (tags: Record<string, string>, TransitiveTagKeys: string[] = []) =>
    assume(t, server, tagger, choosy.arn, {
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      TransitiveTagKeys,
    })
  assert.ok(await tagged({ Team: 'blue', Project: 'x' }, ['Project']))
  await assert.rejects(tagged({ Team: 'green' }), denied(/no role trust policy/))
  await assert.rejects(tagged({ Team: 'blue', Other: 'x' }), denied(/no role trust policy/))
  await assert.rejects(tagged({ Team: 'blue' }, ['Team']), denied(/no role trust policy/))
})

test('the tags of a session are those of its role, of the call, and those inherited; who may not change any of them cannot', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const tag = (key: string, value: string) => ({ key, value })
  const secretOf = (condition: object) => ({ ...READ, Condition: { StringEquals: condition } })
  await createSecret(server)
  const first = await newRole(server, 'First', { statements: [EVERYTHING], tags: [tag('Heart', '1'), tag('Sun', '1')] })
  const second = await newRole(server, 'Second', {
    statements: [EVERYTHING],
    tags: [tag('star', '2'), tag('Sun', '2')],
  })
  const third = await newRole(server, 'Third', {
    tags: [tag('Lightning', '3')],
    statements: [
      secretOf({
        'aws:PrincipalTag/Star': '1',
        'aws:PrincipalTag/Lightning': '3',
        'aws:SourceIdentity': 'alice',
      }),
      { ...secretOf({ 'aws:PrincipalTag/Heart': '1' }), Effect: 'Deny' },
      { ...secretOf({ 'aws:PrincipalTag/Sun': '2' }), Effect: 'Deny' },
    ],
  })
  const one = await sessionOf(t, server, alice, first.arn, {
    SourceIdentity: 'alice',
    Tags: [
      { Key: 'Star', Value: '1' },
      { Key: 'Heart', Value: '2' },
    ],
    TransitiveTagKeys: ['STAR'],
  })
  const two = await sessionOf(t, server, one, second.arn)
  const answer = await assume(t, server, two, third.arn)
  assert.equal(answer.SourceIdentity, 'alice')
  const three = credentialsOf(answer)
  assert.equal(await readSecret(t, server, three, 'app/db'), 'value of app/db')

  const [chained] = (await events(server, accountId)).filter(
    ({ requestParameters }) => requestParameters.roleArn === third.arn,
  )
  assert.deepEqual(chained.requestParameters.incomingTransitiveTags, { Star: '1' })
  assert.equal(chained.requestParameters.sourceIdentity, 'alice')
  assert.equal(chained.userIdentity.sessionContext.sourceIdentity, 'alice')

  const refusals: readonly (readonly [object, string, RegExp])[] = [
    [
      { Tags: [{ Key: 'star', Value: '1' }] },
      'InvalidParameterValue',
      /conflicts with a transitive tag key from the calling/,
    ],
    [{ SourceIdentity: 'bob' }, 'AccessDenied', /source identity of a session cannot be changed/],
    [
      { DurationSeconds: 3_601 },
      'ValidationError',
      /exceeds the 1 hour session limit for roles assumed by role chaining/,
    ],
  ]
  for (const [more, name, message] of refusals) {
    await assert.rejects(assume(t, server, two, third.arn, more), { name, message })
  }
  assert.ok(await sessionOf(t, server, two, third.arn, { SourceIdentity: 'alice', DurationSeconds: 3_600 }))
})

test('what a session inherits takes the permissions that it took at first', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const first = await newRole(server, 'First', { statements: [ASSUME] })
  const second = await newRole(server, 'Second')
  const tagged = { Tags: [{ Key: 'a', Value: 'b' }], TransitiveTagKeys: ['a'] }
  await assert.rejects(
    assume(t, server, await sessionOf(t, server, alice, first.arn, tagged), second.arn),
    denied(/sts:TagSession .* because no identity-based policy allows/),
  )
  await assert.rejects(
    assume(t, server, await sessionOf(t, server, alice, first.arn, { SourceIdentity: 'al' }), second.arn),
    denied(/sts:SetSourceIdentity .* because no identity-based policy allows/),
  )
  assert.ok(await sessionOf(t, server, await sessionOf(t, server, alice, first.arn), second.arn))
})

test('a session lives as long as was asked, which the role may limit', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const short = await newRole(server, 'Short', { trustPolicy: trusting(alice.arn) })
  const long = await newRole(server, 'Long', { trustPolicy: trusting(alice.arn), maxSessionDuration: 43_200 })
  const seconds = async (arn: string, DurationSeconds?: number) => {
    const { Credentials } = await assume(
      t,
      server,
      alice,
      arn,
      DurationSeconds === undefined ? {} : { DurationSeconds },
    )
    return Math.round((Credentials!.Expiration!.getTime() - Date.now()) / 100_000) * 100
  }
  assert.deepEqual(
    [await seconds(short.arn), await seconds(short.arn, 900), await seconds(long.arn), await seconds(long.arn, 43_200)],
    [3_600, 900, 3_600, 43_200],
  )
  await assert.rejects(seconds(short.arn, 3_601), {
    name: 'ValidationError',
    message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  })
  await assert.rejects(seconds(long.arn, 899), {
    name: 'ValidationError',
    message:
      "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
  })
  await assert.rejects(seconds(long.arn, 43_201), { name: 'ValidationError', message: /less than or equal to 43200$/ })
})

test('session policies narrow the role and never widen it', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  for (const name of ['app/db', 'app/other', 'team/db']) await createSecret(server, name)
  const alice = await newUser(server, 'alice')
  const appOnly = { ...READ, Resource: `arn:aws:secretsmanager:*:*:secret:app/*` }
  const role = await newRole(server, 'Reader', { trustPolicy: trusting(alice.arn), statements: [appOnly] })
  const reads = async (more: object) => {
    const session = await sessionOf(t, server, alice, role.arn, more)
    const read: string[] = []
    for (const name of ['app/db', 'app/other', 'team/db']) {
      const { status, body } = await server.call(
        'secretsmanager',
        'GetSecretValue',
        { SecretId: name },
        { credentials: session },
      )
      if (status === 200) read.push(name)
      else if (name.startsWith('app/')) assert.match(body.Message, /session policy/)
    }
    return read
  }
  assert.deepEqual(await reads({}), ['app/db', 'app/other'])
  const dbOnly = policyDocument({ ...READ, Resource: 'arn:aws:secretsmanager:*:*:secret:*/db-??????' })
  assert.deepEqual(await reads({ Policy: dbOnly }), ['app/db'])
  assert.deepEqual(await reads({ Policy: policyDocument({ ...EVERYTHING, Effect: 'Deny' }) }), [])
  assert.deepEqual(await reads({ PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] }), [])
  const document = policyDocument({ ...READ, Resource: 'arn:aws:secretsmanager:*:*:secret:app/other-??????' })
  const arn = await app.database.transaction('write', (tx) =>
    createPolicy(app, tx, accountId, { policyName: 'others', document, now: app.now() }),
  )
  const PolicyArns = [{ arn }]
  assert.deepEqual(await reads({ PolicyArns }), ['app/other'])
  assert.deepEqual(
    await reads({ PolicyArns, Policy: dbOnly }),
    ['app/db', 'app/other'],
    'together they allow what one allows',
  )

  const session = await sessionOf(t, server, alice, role.arn, { PolicyArns, Policy: dbOnly })
  assert.equal(await readSecret(t, server, session, 'app/db'), 'value of app/db')
  await app.database.transaction('write', async (tx) => {
    await deletePolicy(tx, (await findRow(app, tx, POLICY, [accountId, arn]))!)
  })
  await assert.rejects(readSecret(t, server, session, 'app/db'), {
    name: 'AccessDeniedException',
    message: /with an explicit deny in a session policy$/,
  })
})

test('session policies that cannot be are refused, and what they take of the token is told', async (t) => {
  const server = await startTestServer(t)
  const other = await newAccount(server, 'other')
  const alice = await newUser(server, 'alice')
  const role = await newRole(server, 'Reader', { trustPolicy: trusting(alice.arn) })
  const refused = (more: object, name: string, message: RegExp | string) =>
    assert.rejects(assume(t, server, alice, role.arn, more), { name, message })

  await refused({ Policy: '{' }, 'MalformedPolicyDocumentException', /./)
  await refused(
    { Policy: policyDocument({ ...READ, Principal: '*' }) },
    'MalformedPolicyDocumentException',
    /Principal/,
  )
  const form = `Action=AssumeRole&Version=2011-06-15&RoleArn=${role.arn}&RoleSessionName=session&PolicyArns.member.1=`
  const empty = await signedCall(server.url, 'sts', undefined, form, {
    credentials: alice,
    region: TEST_REGION,
    contentType: 'application/x-www-form-urlencoded',
  })
  assert.match(empty.body, /<Code>ValidationError<.*Value null at &apos;policyArns.1.member.arn&apos; failed/)
  for (const arn of [
    `arn:aws:iam::${server.accountId}:policy/absent`,
    `arn:aws:iam::${other}:policy/absent`,
    'arn:aws:iam::aws:policy/Absent',
    role.arn,
  ]) {
    await refused({ PolicyArns: [{ arn }] }, 'ValidationError', `Policy ${arn} does not exist or is not attachable.`)
  }
  const managed = { arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
  await refused({ PolicyArns: Array(11).fill(managed) }, 'ValidationError', /length less than or equal to 10$/)
  const wide = (characters: number) => {
    const empty = policyDocument({ ...READ, Resource: '' })
    return policyDocument({ ...READ, Resource: `arn:aws:x:::${'y'.repeat(characters - empty.length - 12)}` })
  }
  await refused({ Policy: wide(2_049) }, 'ValidationError', /length less than or equal to 2048$/)
  await refused({ Policy: wide(2_048), PolicyArns: [managed] }, 'ValidationError', /at most 2048 characters/)

  const sizeOf = async (more: object) => (await assume(t, server, alice, role.arn, more)).PackedPolicySize
  assert.equal(await sizeOf({ PolicyArns: [managed] }), Math.ceil((41 * 100) / 2_256))
  assert.equal(await sizeOf({ Policy: wide(2_048) }), Math.ceil((2_051 * 100) / 2_256))
  const Tags = Array.from({ length: 50 }, (_, i) => ({ Key: `key-${i}`, Value: 'v'.repeat(256) }))
  await refused({ Tags }, 'PackedPolicyTooLargeException', /^Packed policy consumes 5\d\d% of allotted space\.$/)
})

test('tags that cannot be are refused', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const role = await newRole(server, 'Reader', { trustPolicy: trusting(alice.arn) })
  const tag = (Key: string, Value = 'x') => ({ Key, Value })
  const refusals: readonly (readonly [object, string, RegExp])[] = [
    [{ Tags: [tag('Team'), tag('team')] }, 'InvalidParameterValue', /^Duplicate tag keys found/],
    [{ Tags: [tag('AWS:x')] }, 'InvalidParameterValue', /^Tag keys that begin with aws:/],
    [
      { Tags: [tag('a')], TransitiveTagKeys: ['b'] },
      'InvalidParameterValue',
      /must be included in the requested tags\.$/,
    ],
    [
      { Tags: [tag('a*')] },
      'ValidationError',
      /at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular/,
    ],
    [{ Tags: [tag('a', 'x'.repeat(257))] }, 'ValidationError', /less than or equal to 256$/],
    [{ Tags: Array.from({ length: 51 }, (_, i) => tag(`${i}`)) }, 'ValidationError', /less than or equal to 50$/],
  ]
  for (const [more, name, message] of refusals) {
    await assert.rejects(assume(t, server, alice, role.arn, more), { name, message })
  }
})

test('what nobody can have here is refused as AWS refuses it', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const role = await newRole(server, 'Reader', { trustPolicy: trusting(alice.arn) })
  const SerialNumber = `arn:aws:iam::${server.accountId}:mfa/alice`
  const refusals: readonly (readonly [object, string, RegExp])[] = [
    [
      { SerialNumber, TokenCode: '123456' },
      'AccessDenied',
      /^MultiFactorAuthentication failed, unable to validate MFA code\./,
    ],
    [{ SerialNumber }, 'AccessDenied', /must provide both MFA serial number and one time pass code\.$/],
    [{ TokenCode: '123456' }, 'AccessDenied', /must provide both MFA serial number and one time pass code\.$/],
    [
      { ProvidedContexts: [{ ProviderArn: 'arn:aws:iam::aws:contextProvider/X' }] },
      'ValidationError',
      /contextProvider\/X does not exist/,
    ],
  ]
  for (const [more, name, message] of refusals) {
    await assert.rejects(assume(t, server, alice, role.arn, more), { name, message })
  }
  for (const arn of [
    'arn:aws:iam::123456789012:user/someone',
    'arn:aws:iam::1234:role/Reader',
    'arn:aws-cn:iam::123456789012:role/R',
    'not an ARN, but long enough',
  ]) {
    await assert.rejects(assume(t, server, alice, arn), { name: 'ValidationError', message: 'Request ARN is invalid' })
  }
  await assert.rejects(assume(t, server, alice, role.arn, { RoleSessionName: 'a b' }), {
    name: 'ValidationError',
    message:
      "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
  })
})

test('a token is as long as was asked', async (t) => {
  const server = await startTestServer(t)
  const alice = await newUser(server, 'alice')
  const role = await newRole(server, 'Reader', { trustPolicy: trusting(alice.arn) })
  for (const [MinimumSessionTokenSize, percent] of [
    [1_000, 25],
    [4_096, 100],
  ] as const) {
    const answer = await assume(t, server, alice, role.arn, { MinimumSessionTokenSize })
    const session = credentialsOf(answer)
    assert.equal(session.sessionToken!.length, MinimumSessionTokenSize)
    assert.deepEqual([answer.SessionTokenSize, answer.SessionTokenUtilization], [MinimumSessionTokenSize, percent])
    assert.ok(await stsClient(t, server, session).send(new GetCallerIdentityCommand({})))
  }
  await assert.rejects(assume(t, server, alice, role.arn, { MinimumSessionTokenSize: 4_097 }), {
    name: 'ValidationError',
    message: /less than or equal to 4096$/,
  })
})
