// CreateAccount through the server: the account, its role, who may make one, and what is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetRoleCommand, ListAttachedRolePoliciesCommand, ListRolesCommand } from '@aws-sdk/client-iam'
import {
  CreateAccountCommand,
  DescribeAccountCommand,
  DescribeCreateAccountStatusCommand,
} from '@aws-sdk/client-organizations'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { iamClient } from '../../iam/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import {
  assertRefused,
  call,
  createAdministrator,
  createMember,
  NOT_MANAGEMENT,
  organizationsClient,
} from '../testing.ts'

const create = (server: TestServer, input: object) =>
  call(server, 'CreateAccount', { AccountName: 'team', Email: 'team@example.com', ...input })

test('an account is whole when the call is answered, and the status of the request can be asked for', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const { CreateAccountStatus: status } = await client.send(
    new CreateAccountCommand({ AccountName: 'Team A', Email: 'Team-A@example.com', IamUserAccessToBilling: 'DENY' }),
  )
  assert.match(status!.Id!, /^car-[a-z0-9]{32}$/)
  assert.match(status!.AccountId!, /^[1-9]\d{11}$/)
  const { Id, AccountId, RequestedTimestamp, CompletedTimestamp, ...rest } = status!
  assert.deepEqual(rest, { AccountName: 'Team A', State: 'SUCCEEDED' })
  assert.deepEqual(RequestedTimestamp, CompletedTimestamp)
  assert.ok(Math.abs(RequestedTimestamp!.getTime() - server.app.now()) < 60_000)

  const asked = await client.send(new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: Id }))
  assert.deepEqual(asked.CreateAccountStatus, status)
  const { Account } = await client.send(new DescribeAccountCommand({ AccountId }))
  assert.deepEqual([Account!.Name, Account!.Email, Account!.Status], ['Team A', 'Team-A@example.com', 'ACTIVE'])
})

test('its role trusts the management account and has AdministratorAccess', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  for (const [name, RoleName] of [
    ['one', undefined],
    ['two', 'Reach'],
  ] as const) {
    const member = await createMember(client, name, { RoleName })
    const credentials = await createAdministrator(server, member)
    const iam = iamClient(t, server, credentials)
    const role = { RoleName: RoleName ?? 'OrganizationAccountAccessRole' }
    const { Role } = await iam.send(new GetRoleCommand(role))
    assert.deepEqual([Role!.Path, Role!.MaxSessionDuration], ['/', 3600])
    assert.deepEqual(JSON.parse(decodeURIComponent(Role!.AssumeRolePolicyDocument!)), {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${server.accountId}:root` }, Action: 'sts:AssumeRole' },
      ],
    })
    const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand(role))
    assert.deepEqual(
      AttachedPolicies!.map(({ PolicyArn }) => PolicyArn),
      ['arn:aws:iam::aws:policy/AdministratorAccess'],
    )
    const { Roles } = await iam.send(new ListRolesCommand({}))
    assert.equal(Roles!.length, 1)
  }
})

test('an address belongs to one account, whatever its case: a second request fails and says so', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  await createMember(client, 'one')
  const { CreateAccountStatus: status } = await client.send(
    new CreateAccountCommand({ AccountName: 'two', Email: 'ONE@Example.com' }),
  )
  assert.deepEqual([status!.State, status!.FailureReason], ['FAILED', 'EMAIL_ALREADY_EXISTS'])
  assert.equal(status!.AccountId, undefined)
  const asked = await client.send(new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: status!.Id }))
  assert.deepEqual(asked.CreateAccountStatus, status)

  const own = `${server.accountId}@accounts.invalid`
  const { body } = await create(server, { Email: own })
  assert.equal(body.CreateAccountStatus.FailureReason, 'EMAIL_ALREADY_EXISTS', 'the first account has an address too')
})

test('of requests for one address at once exactly one makes an account', async (t) => {
  const server = await startTestServer(t)
  const answers = await Promise.all(Array.from({ length: 6 }, () => create(server, {})))
  const states = answers.map(({ body }) => body.CreateAccountStatus.FailureReason ?? body.CreateAccountStatus.State)
  assert.deepEqual(states.sort(), [...Array(5).fill('EMAIL_ALREADY_EXISTS'), 'SUCCEEDED'])
  const { body } = await call(server, 'ListAccounts', {})
  assert.equal(body.Accounts.length, 2)
})

test('an address that AWS would find invalid later makes a request that failed', async (t) => {
  const server = await startTestServer(t)
  const invalid = [
    '.team@example.com',
    'te"am@example.com',
    'te(am@example.com',
    'te&am@example.com',
    'te%am@example.com',
    'te\\am@example.com',
    'te\u00e4m@example.com',
    'team@-example.com',
    'team@example.com-',
    'team@example.com.',
    'team@.example.com',
    'team@ex_ample.com',
  ]
  for (const Email of invalid) {
    const { status, body } = await create(server, { Email })
    assert.deepEqual([status, body.CreateAccountStatus?.FailureReason], [200, 'INVALID_EMAIL'], Email)
  }
  for (const Email of ['a@b.co', '{~!#$*+-/=?^_`}@a-b.c3.example', `${'l'.repeat(52)}@example.com`]) {
    const { body } = await create(server, { Email })
    assert.equal(body.CreateAccountStatus?.State, 'SUCCEEDED', Email)
  }
})

test('what does not have the form that AWS asks for is refused with its reason', async (t) => {
  const server = await startTestServer(t)
  const pattern = ['INVALID_PATTERN', 'You provided a value that does not match the required pattern.'] as const
  const long = ['MAX_LENGTH_EXCEEDED', 'You provided a string parameter that is longer than allowed.'] as const
  const short = ['MIN_LENGTH_EXCEEDED', 'You provided a string parameter that is shorter than allowed.'] as const
  const roleName = [
    'INVALID_ROLE_NAME',
    "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.",
  ] as const
  const tag = (Key: string, Value = '') => ({ Tags: [{ Key, Value }] })
  const cases: readonly (readonly [object, readonly [string, string]])[] = [
    [{ Email: 'a@b.c' }, short],
    [{ Email: `${'l'.repeat(53)}@example.com` }, long],
    [{ Email: 'team.example.com' }, pattern],
    [{ Email: 'team@example' }, pattern],
    [{ Email: 'te am@example.com' }, pattern],
    [{ Email: 'te@am@example.com' }, pattern],
    [{ AccountName: '' }, short],
    [{ AccountName: 'n'.repeat(51) }, long],
    [{ AccountName: 't\u00e9am' }, pattern],
    [{ AccountName: 'te\nam' }, pattern],
    [{ RoleName: '' }, short],
    [{ RoleName: 'r'.repeat(65) }, long],
    [{ RoleName: 'a/b' }, pattern],
    [{ RoleName: 'AWSServiceRoleForTeams' }, roleName],
    [{ IamUserAccessToBilling: 'allow' }, ['INVALID_ENUM', 'You specified an invalid value.']],
    [tag(''), short],
    [tag('k'.repeat(129)), long],
    [tag('k', 'v'.repeat(257)), long],
    [tag('k?'), pattern],
    [tag('k', 'a&b'), pattern],
    [
      tag('aws:team'),
      [
        'INVALID_SYSTEM_TAGS_PARAMETER',
        "You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because they're reserved for AWS use.",
      ],
    ],
    [
      { Tags: [...tag('k', 'a').Tags, ...tag('k', 'b').Tags] },
      ['DUPLICATE_TAG_KEY', 'Tag keys must be unique among the tags attached to the same entity.'],
    ],
  ]
  for (const [input, [reason, message]] of cases) {
    await assertRefused(create(server, input), 'InvalidInputException', message, reason)
  }
  const tags = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' }))
  await assertRefused(
    create(server, { Tags: tags }),
    'ConstraintViolationException',
    'You have exceeded the number of tags allowed on this resource.',
    'MAX_TAG_LIMIT_EXCEEDED',
  )
  for (const missing of ['Email', 'AccountName']) {
    const { status, body } = await create(server, { [missing]: null })
    assert.deepEqual([status, body.__type], [400, 'ValidationException'])
  }
  assert.equal((await create(server, { Tags: tags.slice(1) })).body.CreateAccountStatus.State, 'SUCCEEDED')
})

test('the SDK meets its own exception with the reason', async (t) => {
  const server = await startTestServer(t)
  const sent = organizationsClient(t, server).send(
    new CreateAccountCommand({ AccountName: '', Email: 'a@example.com' }),
  )
  await assert.rejects(sent, { name: 'InvalidInputException', Reason: 'MIN_LENGTH_EXCEEDED' })
})

test('the server holds as many accounts as its operator allows, closed ones included', async (t) => {
  const server = await startTestServer(t, { maxAccounts: '3' })
  const client = organizationsClient(t, server)
  const one = await createMember(client, 'one')
  await createMember(client, 'two')
  const refusal = [
    'ConstraintViolationException',
    'You have exceeded the allowed number of AWS accounts.',
    'ACCOUNT_NUMBER_LIMIT_EXCEEDED',
  ] as const
  await assertRefused(create(server, {}), ...refusal)
  const known = await create(server, { Email: 'one@example.com' })
  assert.equal(known.body.CreateAccountStatus.FailureReason, 'EMAIL_ALREADY_EXISTS', 'the limit does not hide it')
  assert.equal((await call(server, 'CloseAccount', { AccountId: one })).status, 200)
  await assertRefused(create(server, {}), ...refusal)
})

test('only the management account makes accounts, whatever a member is allowed', async (t) => {
  const server = await startTestServer(t)
  const member = await createMember(organizationsClient(t, server), 'one')
  const credentials = await createAdministrator(server, member)
  await assertRefused(
    call(server, 'CreateAccount', { AccountName: 'two', Email: 'two@example.com' }, credentials),
    ...NOT_MANAGEMENT,
  )
})

test('a user needs organizations:CreateAccount, and for tags organizations:TagResource, under the conditions of the tags', async (t) => {
  const server = await startTestServer(t)
  const allow = (Action: string, Condition?: object) => ({
    Effect: 'Allow',
    Action,
    Resource: '*',
    ...(Condition && { Condition }),
  })
  const nobody = await createCaller(server, 'nobody', [allow('secretsmanager:*')])
  const plain = await createCaller(server, 'plain', [allow('organizations:CreateAccount')])
  const tagging = await createCaller(server, 'tagging', [
    allow('organizations:CreateAccount'),
    allow('organizations:TagResource', { StringEquals: { 'aws:RequestTag/team': 'red' } }),
  ])
  const as = ({ credentials }: typeof nobody, name: string, Tags?: readonly object[]) =>
    call(server, 'CreateAccount', { AccountName: name, Email: `${name}@example.com`, Tags }, credentials)
  const denied = (arn: string, action: string) =>
    `User: ${arn} is not authorized to perform: ${action} on resource: * because no identity-based policy allows the ${action} action`

  await assertRefused(as(nobody, 'a'), 'AccessDeniedException', denied(nobody.arn, 'organizations:CreateAccount'))
  const red = [{ Key: 'team', Value: 'red' }]
  assert.equal((await as(plain, 'b')).status, 200)
  await assertRefused(as(plain, 'c', red), 'AccessDeniedException', denied(plain.arn, 'organizations:TagResource'))
  assert.equal((await as(tagging, 'd', red)).status, 200)
  const blue = [{ Key: 'team', Value: 'blue' }]
  await assertRefused(as(tagging, 'e', blue), 'AccessDeniedException', denied(tagging.arn, 'organizations:TagResource'))
})

test('the trail has the call and its result, without the name and the address of the account', async (t) => {
  const server = await startTestServer(t)
  const AccountId = await createMember(organizationsClient(t, server), 'canary-5e1f', { RoleName: 'Reach' })
  const [made] = await events(server, 'CreateAccount')
  assert.deepEqual(made!.requestParameters, { roleName: 'Reach' })
  const { createAccountStatus } = made!.responseElements as { readonly createAccountStatus: { readonly id: string } }
  assert.deepEqual(createAccountStatus, { id: createAccountStatus.id, state: 'SUCCEEDED', accountId: AccountId })
  const [result] = await events(server, 'CreateAccountResult')
  assert.equal(result!.eventType, 'AwsServiceEvent')
  assert.deepEqual(result!.additionalEventData, { createAccountStatus })
  assert.doesNotMatch(JSON.stringify([made, result]), /canary/)
})
