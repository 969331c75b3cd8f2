// Who reaches a secret by its resource policy: in its own account, and across accounts, where a stranger learns nothing.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer, type TestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { decodedFor } from '../sts/testing.ts'
import { secretsmanager } from './index.ts'
import { type Caller, call, createCaller, events, token } from './testing.ts'

const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }

const allow = (principal: unknown, action: string | readonly string[] = 'secretsmanager:*', more: object = {}) => ({
  Effect: 'Allow',
  Principal: principal,
  Action: action,
  Resource: '*',
  ...more,
})

type Who = Pick<Caller, 'credentials'>

const ask = (server: TestServer, { credentials }: Who, operation: string, input: object) =>
  server.call('secretsmanager', operation, input, { credentials })

/** `ok`, or the refusal without the words that are the same in each. */
async function outcome(server: TestServer, who: Who, operation: string, input: object): Promise<string> {
  const { status, body } = await ask(server, who, operation, input)
  return status === 200 ? 'ok' : body.Message.replace(/^User: .* on resource: \S+ /, '').replace(/ the \S+ action$/, '')
}

const createSecret = async (server: TestServer, Name: string, ...statements: readonly object[]): Promise<string> => {
  const input = { Name, ClientRequestToken: token(), SecretString: `value of ${Name}` }
  const { ARN } = await call(server, 'CreateSecret', input)
  if (statements.length > 0) await putPolicy(server, ARN, ...statements)
  return ARN
}

const putPolicy = (server: TestServer, SecretId: string, ...statements: readonly object[]) =>
  call(server, 'PutResourcePolicy', { SecretId, ResourcePolicy: policyDocument(...statements) })

test('in its own account a user needs what its policies allow or what the policy of the secret allows it by name', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const nobody = await createCaller(server, 'nobody', [])
  const reader = await createCaller(server, 'reader', [EVERYTHING])
  const read = (who: Who, SecretId: string) => outcome(server, who, 'GetSecretValue', { SecretId })
  const NO_IDENTITY = 'because no identity-based policy allows'

  for (const [name, statements, forNobody, forReader] of [
    ['none', [], NO_IDENTITY, 'ok'],
    ['user', [allow({ AWS: nobody.arn })], 'ok', 'ok'],
    ['other-user', [allow({ AWS: reader.arn })], NO_IDENTITY, 'ok'],
    ['everyone', [allow('*')], 'ok', 'ok'],
    ['account', [allow({ AWS: accountId })], NO_IDENTITY, 'ok'],
    ['root', [allow({ AWS: `arn:aws:iam::${accountId}:root` })], NO_IDENTITY, 'ok'],
    ['other-action', [allow({ AWS: nobody.arn }, 'secretsmanager:DescribeSecret')], NO_IDENTITY, 'ok'],
    [
      'condition',
      [allow({ AWS: nobody.arn }, 'secretsmanager:*', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
      NO_IDENTITY,
      'ok',
    ],
    [
      'denied',
      [allow('*'), { ...allow({ AWS: [nobody.arn, reader.arn] }), Effect: 'Deny' }],
      'with an explicit deny in a resource-based policy',
      'with an explicit deny in a resource-based policy',
    ],
  ] as const) {
    await createSecret(server, name, ...statements)
    assert.deepEqual([await read(nobody, name), await read(reader, name)], [forNobody, forReader], name)
  }
})

test('every operation that takes a SecretId obeys the policy of the secret, and so does each secret of a batch', async (t) => {
  const server = await startTestServer(t)
  const caller = await createCaller(server, 'caller', [EVERYTHING])
  const denied = await createSecret(server, 'denied', { ...allow({ AWS: caller.arn }), Effect: 'Deny' })
  await createSecret(server, 'open')
  for (const name of OF_SECRETS) {
    const body = { ...INPUTS[name], SecretId: 'denied' }
    assert.equal(await outcome(server, caller, name, body), 'with an explicit deny in a resource-based policy', name)
  }
  const batch = await ask(server, caller, 'BatchGetSecretValue', { SecretIdList: ['denied', 'open'] })
  assert.deepEqual(
    [batch.body.SecretValues.map(({ Name }: { Name: string }) => Name), batch.body.Errors],
    [
      ['open'],
      [
        {
          SecretId: 'denied',
          ErrorCode: 'AccessDeniedException',
          Message: `User: ${caller.arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${denied} with an explicit deny in a resource-based policy`,
        },
      ],
    ],
  )
})

/** The operations that take a SecretId. */
const OF_SECRETS = secretsmanager.operations.filter(({ input }) => 'SecretId' in input).map(({ name }) => name)

/** What they need besides. */
const INPUTS: { readonly [operation: string]: object } = {
  PutResourcePolicy: { ResourcePolicy: policyDocument(allow('*')) },
  PutSecretValue: { ClientRequestToken: token(), SecretString: 'x' },
  RemoveRegionsFromReplication: { RemoveReplicaRegions: ['eu-west-1'] },
  ReplicateSecretToRegions: { AddReplicaRegions: [{ Region: 'eu-west-1' }] },
  TagResource: { Tags: [{ Key: 'a', Value: 'b' }] },
  UntagResource: { TagKeys: ['a'] },
  UpdateSecret: { Description: 'x' },
  UpdateSecretVersionStage: { VersionStage: 'x', MoveToVersionId: token() },
  ValidateResourcePolicy: { ResourcePolicy: policyDocument(allow('*')) },
}

test('across accounts both sides must allow, and the caller is told which one does not', async (t) => {
  const server = await startTestServer(t)
  const admin = await createCaller(server, 'admin', [EVERYTHING], 'new')
  const powerless = await createCaller(server, 'powerless', [], admin.account)
  const describe = (who: Who, SecretId: string) => outcome(server, who, 'DescribeSecret', { SecretId })
  const [NO_IDENTITY, NO_RESOURCE] = ['identity', 'resource'].map((kind) => `because no ${kind}-based policy allows`)

  for (const [name, statements, forAdmin] of [
    ['none', [], NO_RESOURCE],
    ['account', [allow({ AWS: admin.account })], 'ok'],
    ['user', [allow({ AWS: admin.arn })], 'ok'],
    ['everyone', [allow('*')], 'ok'],
    [
      'condition',
      [allow('*', 'secretsmanager:*', { Condition: { StringEquals: { 'aws:PrincipalAccount': admin.account } } })],
      'ok',
    ],
    ['other', [allow({ AWS: powerless.arn })], NO_RESOURCE],
    ['denied', [allow('*'), { ...allow({ AWS: admin.arn }), Effect: 'Deny' }], NO_RESOURCE],
  ] as const) {
    const ARN = await createSecret(server, name, ...statements)
    assert.deepEqual([await describe(admin, ARN), await describe(powerless, ARN)], [forAdmin, NO_IDENTITY], name)
    // By the full ARN only: a name is one of the caller's own account.
    assert.equal(await describe(admin, name), "Secrets Manager can't find the specified secret.")
    assert.equal(await describe(admin, ARN.slice(0, -7)), NO_RESOURCE)
  }
})

async function twoAccounts(t: TestContext) {
  const server = await startTestServer(t)
  const guest = await createCaller(server, 'guest', [EVERYTHING], 'new')
  return { server, guest, as: (operation: string, input: object) => ask(server, guest, operation, input) }
}

test('whom a secret lets in from another account does with it what it could at home, but for the value under the managed key', async (t) => {
  const { server, guest, as } = await twoAccounts(t)
  const ARN = await createSecret(server, 'shared', allow({ AWS: guest.account }))
  const [version] = Object.keys((await call(server, 'DescribeSecret', { SecretId: ARN })).VersionIdsToStages)
  const ResourcePolicy = policyDocument(allow({ AWS: guest.arn }))
  for (const [operation, input] of [
    ['DescribeSecret', {}],
    ['ListSecretVersionIds', {}],
    ['TagResource', { Tags: [{ Key: 'from', Value: 'guest' }] }],
    ['UntagResource', { TagKeys: ['from'] }],
    ['GetResourcePolicy', {}],
    ['ValidateResourcePolicy', { ResourcePolicy }],
    ['PutResourcePolicy', { ResourcePolicy }],
    ['UpdateSecret', { Description: 'by a guest' }],
    ['UpdateSecretVersionStage', { VersionStage: 'seen', MoveToVersionId: version }],
    ['DeleteSecret', { RecoveryWindowInDays: 7 }],
    ['RestoreSecret', {}],
  ] as const) {
    const { status, body } = await as(operation, { SecretId: ARN, ...input })
    assert.equal(status, 200, `${operation}: ${JSON.stringify(body)}`)
  }
  const seen = await call(server, 'DescribeSecret', { SecretId: ARN })
  assert.deepEqual([seen.Description, seen.VersionIdsToStages[version!]], ['by a guest', ['AWSCURRENT', 'seen']])

  const kms = { __type: 'AccessDeniedException', Message: 'Access to KMS is not allowed' }
  for (const [operation, input] of [
    ['GetSecretValue', {}],
    ['PutSecretValue', { ClientRequestToken: token(), SecretString: 'x' }],
    ['UpdateSecret', { ClientRequestToken: token(), SecretString: 'x' }],
    ['UpdateSecret', { KmsKeyId: 'alias/aws/secretsmanager' }],
    ['UpdateSecret', { KmsKeyId: '' }],
  ] as const) {
    const { status, body } = await as(operation, { SecretId: ARN, ...input })
    assert.deepEqual({ status, body }, { status: 400, body: kms }, `${operation} ${JSON.stringify(input)}`)
  }
  const batch = (await as('BatchGetSecretValue', { SecretIdList: [ARN] })).body
  assert.deepEqual(batch, {
    SecretValues: [],
    Errors: [{ SecretId: ARN, ErrorCode: kms.__type, Message: kms.Message }],
  })
  assert.equal((await call(server, 'GetSecretValue', { SecretId: ARN })).SecretString, 'value of shared')

  assert.equal((await as('DeleteResourcePolicy', { SecretId: ARN })).status, 200)
  assert.equal((await as('DescribeSecret', { SecretId: ARN })).body.__type, 'AccessDeniedException')
})

test('no list and no filter shows a secret of another account, however open its policy is', async (t) => {
  const { server, as } = await twoAccounts(t)
  await createSecret(server, 'shared', allow('*'))
  assert.deepEqual((await as('ListSecrets', {})).body, { SecretList: [] })
  const batch = await as('BatchGetSecretValue', { Filters: [{ Key: 'name', Values: ['shared'] }] })
  assert.deepEqual(batch.body, { SecretValues: [], Errors: [] })
  const theirs = await as('CreateSecret', { Name: 'shared' })
  assert.equal(theirs.status, 200)
  assert.deepEqual((await as('GetResourcePolicy', { SecretId: 'shared' })).body, {
    ARN: theirs.body.ARN,
    Name: 'shared',
  })
})

test('a stranger is refused alike whatever there is: answer, headers and events, of which the owner has none', async (t) => {
  const server = await startTestServer(t)
  const tagged = { Condition: { StringEquals: { 'aws:ResourceTag/team': 'red' } } }
  const ofRegion = { Condition: { StringEquals: { 'secretsmanager:SecretPrimaryRegion': server.region } } }
  const strangers = {
    administrator: [EVERYTHING],
    powerless: [],
    'by tag': [{ ...EVERYTHING, ...tagged }],
    'but by tag': [EVERYTHING, { ...EVERYTHING, ...tagged, Effect: 'Deny' }],
    'by region': [{ ...EVERYTHING, ...ofRegion }],
  }
  const friend = await createCaller(server, 'friend', [], 'new')
  const bare = await createSecret(server, 'bare')
  const none = bare.replace('bare-', 'none-')
  const abroad = { Condition: { StringNotEquals: { 'aws:PrincipalAccount': server.accountId } } }
  const closed = { ...allow('*', 'secretsmanager:*', abroad), Effect: 'Deny' }
  const ids = [
    none,
    bare,
    bare.replace(/.{6}$/, 'AAAAAA'),
    await createSecret(server, 'tags'),
    await createSecret(server, 'gone'),
    await createSecret(server, 'shut', allow('*'), closed),
    await createSecret(server, 'lent', allow({ AWS: friend.account })),
  ]
  await call(server, 'TagResource', { SecretId: 'tags', Tags: [{ Key: 'team', Value: 'red' }] })
  await call(server, 'DeleteSecret', { SecretId: 'gone' })
  const untouched = await call(server, 'ListSecrets', { IncludePlannedDeletion: true })

  for (const [userName, statements] of Object.entries(strangers)) {
    const more = ['cloudtrail:LookupEvents', 'secretsmanager:BatchGetSecretValue']
    const allowed = [...statements, { Effect: 'Allow', Action: more, Resource: '*' }]
    const stranger = await createCaller(server, userName.replaceAll(' ', '-'), allowed, 'new')
    const names =
      userName === 'administrator' ? OF_SECRETS : ['GetSecretValue', 'TagResource', 'ValidateResourcePolicy']
    for (const name of names) {
      const refusals = new Set<string>()
      for (const SecretId of ids) {
        const { status, headers, body } = await ask(server, stranger, name, { ...INPUTS[name], SecretId })
        assert.deepEqual([status, body.__type], [400, 'AccessDeniedException'], `${userName}: ${name} of ${SecretId}`)
        const same = [...headers]
          .filter(([header]) => header !== 'x-amzn-requestid' && header !== 'date')
          .map(([header, text]) =>
            header === 'x-strongroom-authorization-message'
              ? [header, text.length, decodedFor(server.app, stranger.account, text)]
              : [header, text],
          )
        refusals.add(JSON.stringify([same, body]).replaceAll(SecretId, 'ID'))
      }
      assert.equal(refusals.size, 1, `${userName}: ${name}: ${[...refusals].join('\n')}`)
      if (userName !== 'administrator') continue
      const told = (await events(server, name, stranger)).map((event) => withoutIds(event, ids))
      assert.deepEqual([new Set(told).size, told.length], [1, ids.length], name)
      const known = (await events(server, name)).filter(
        ({ userIdentity }) => userIdentity.accountId !== server.accountId,
      )
      assert.deepEqual(known, [], `${name} in the trail of the owner`)
    }
    const { body } = await ask(server, stranger, 'BatchGetSecretValue', { SecretIdList: ids })
    const errors = new Set(body.Errors.map((error: object, at: number) => withoutIds(error, [ids[at]!])))
    assert.deepEqual([body.SecretValues, body.Errors.length, errors.size], [[], ids.length, 1])
  }
  assert.deepEqual(await call(server, 'ListSecrets', { IncludePlannedDeletion: true }), untouched)
})

const withoutIds = (value: object, ids: readonly string[]): string => {
  const text = JSON.stringify(value, (key, member) =>
    /^(eventID|requestID|eventTime)$/.test(key) ? undefined : member,
  )
  return ids.reduce((shorter, id) => shorter.replaceAll(id, 'ID'), text)
}

test('what another account did stands in both trails, once it was let through', async (t) => {
  const { server, guest, as } = await twoAccounts(t)
  const ARN = await createSecret(server, 'shared', allow({ AWS: guest.account }))
  const both = async (name: string) =>
    [(await events(server, name, guest))[0]!, (await events(server, name))[0]!] as const

  await as('DescribeSecret', { SecretId: ARN })
  await as('GetSecretValue', { SecretId: ARN })
  await as('TagResource', { SecretId: ARN, Tags: [{ Key: 'from', Value: 'guest' }] })
  for (const [name, errorCode] of [
    ['DescribeSecret', undefined],
    ['GetSecretValue', 'AccessDeniedException'],
    ['TagResource', undefined],
  ] as const) {
    const [own, owners] = await both(name)
    const { eventID, userIdentity, recipientAccountId, ...rest } = own
    const { eventID: ownersId, userIdentity: who, recipientAccountId: recipient, ...ownersRest } = owners
    assert.deepEqual(ownersRest, rest)
    assert.deepEqual(
      [rest.errorCode, rest.resources],
      [errorCode, [{ accountId: server.accountId, type: 'AWS::SecretsManager::Secret', ARN }]],
    )
    assert.match(rest.sharedEventID!, /^[0-9a-f-]{36}$/)
    assert.notEqual(eventID, ownersId)
    assert.deepEqual([recipientAccountId, recipient], [guest.account, server.accountId])
    const { type, principalId, arn } = userIdentity
    assert.deepEqual([type, arn], ['IAMUser', guest.arn])
    assert.deepEqual(who, { type: 'AWSAccount', principalId, accountId: guest.account })
  }

  await as('BatchGetSecretValue', { SecretIdList: [ARN, ARN.replace('shared', 'absent')] })
  assert.deepEqual(
    [(await events(server, 'BatchGetSecretValue')).length, (await events(server, 'GetSecretValue')).length],
    [0, 2],
  )
  assert.equal((await events(server, 'GetSecretValue', guest)).length, 3)

  // What the service does to the secret is told to its owner alone.
  await as('DeleteSecret', { SecretId: ARN, ForceDeleteWithoutRecovery: true })
  for (const name of ['StartSecretVersionDelete', 'EndSecretVersionDelete']) {
    assert.deepEqual(await events(server, name, guest), [])
    const [event] = await events(server, name)
    assert.deepEqual([event?.eventType, event?.recipientAccountId], ['AwsServiceEvent', server.accountId])
  }
})
