// DescribeAccount through the server: every member of the answer, and who is told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DescribeAccountCommand, DescribeOrganizationCommand } from '@aws-sdk/client-organizations'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import {
  assertRefused,
  call,
  createAdministrator,
  createMember,
  NOT_MANAGEMENT,
  organizationsClient,
} from '../testing.ts'

test('an account is told with its place in the organization, the management account as one that was invited', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const before = server.app.now()
  const member = await createMember(client, 'one')
  const { Organization } = await client.send(new DescribeOrganizationCommand({}))
  const describe = async (AccountId: string) => (await client.send(new DescribeAccountCommand({ AccountId }))).Account!

  const { JoinedTimestamp, Paths, ...one } = await describe(member)
  assert.ok(JoinedTimestamp!.getTime() >= before - 1 && JoinedTimestamp!.getTime() <= server.app.now())
  assert.equal(Paths!.length, 1)
  assert.match(Paths![0]!, new RegExp(`^${Organization!.Id}/r-[a-z0-9]{4}/${member}/$`))
  assert.deepEqual(one, {
    Id: member,
    Arn: `arn:aws:organizations::${server.accountId}:account/${Organization!.Id}/${member}`,
    Email: 'one@example.com',
    Name: 'one',
    Status: 'ACTIVE',
    State: 'ACTIVE',
    JoinedMethod: 'CREATED',
  })

  const first = await describe(server.accountId)
  assert.deepEqual(
    [first.JoinedMethod, first.Name, first.Email],
    ['INVITED', 'first account', `${server.accountId}@accounts.invalid`],
  )
  assert.equal(first.Arn, Organization!.MasterAccountArn)
})

test('an account that does not exist, and an id that is none, are refused', async (t) => {
  const server = await startTestServer(t)
  const describe = (AccountId: string) => call(server, 'DescribeAccount', { AccountId })
  await assertRefused(
    describe('000000000000'),
    'AccountNotFoundException',
    "You specified an account that doesn't exist.",
  )
  const pattern = 'You provided a value that does not match the required pattern.'
  for (const id of ['', '12345678901', '12345678901x']) {
    await assertRefused(describe(id), 'InvalidInputException', pattern, 'INVALID_PATTERN')
  }
  const long = 'You provided a string parameter that is longer than allowed.'
  await assertRefused(describe('1234567890123'), 'InvalidInputException', long, 'MAX_LENGTH_EXCEEDED')
})

test('a member account is told of none, not even of itself, and not whether one exists', async (t) => {
  const server = await startTestServer(t)
  const member = await createMember(organizationsClient(t, server), 'one')
  const credentials = await createAdministrator(server, member)
  for (const AccountId of [member, server.accountId, '000000000000']) {
    await assertRefused(call(server, 'DescribeAccount', { AccountId }, credentials), ...NOT_MANAGEMENT)
  }
})

test('policies name accounts by their ARN, and by the tags that they were made with', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const tags = (Value: string) => ({ Tags: [{ Key: 'stage', Value }] })
  const [dev, prod] = [await createMember(client, 'dev', tags('dev')), await createMember(client, 'prod', tags('prod'))]
  const { Organization } = await client.send(new DescribeOrganizationCommand({}))
  const arn = (id: string) => `arn:aws:organizations::${server.accountId}:account/${Organization!.Id}/${id}`
  const Action = 'organizations:DescribeAccount'
  const byArn = await createCaller(server, 'by-arn', [{ Effect: 'Allow', Action, Resource: arn(dev) }])
  const Condition = { StringEquals: { 'aws:ResourceTag/stage': 'dev' } }
  const byTag = await createCaller(server, 'by-tag', [{ Effect: 'Allow', Action, Resource: '*', Condition }])
  for (const caller of [byArn, byTag]) {
    assert.equal((await call(server, 'DescribeAccount', { AccountId: dev }, caller.credentials)).status, 200)
    await assertRefused(
      call(server, 'DescribeAccount', { AccountId: prod }, caller.credentials),
      'AccessDeniedException',
      `User: ${caller.arn} is not authorized to perform: ${Action} on resource: ${arn(prod)} because no identity-based policy allows the ${Action} action`,
    )
  }
})
