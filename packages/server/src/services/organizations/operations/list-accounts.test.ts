// ListAccounts through the server: every account once, page by page, and none that went missing unnoticed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListAccountsCommand, paginateListAccounts } from '@aws-sdk/client-organizations'
import { startTestServer } from '../../../testing.ts'
import {
  assertRefused,
  call,
  createAdministrator,
  createMember,
  NOT_MANAGEMENT,
  organizationsClient,
} from '../testing.ts'

test("the SDK's paginator sees every account once, the management account and closed ones too", async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const ids = [server.accountId]
  for (let i = 0; i < 22; i += 1) ids.push(await createMember(client, `team-${i}`))
  assert.equal((await call(server, 'CloseAccount', { AccountId: ids[3]! })).status, 200)

  const { Accounts, NextToken } = await client.send(new ListAccountsCommand({}))
  assert.equal(Accounts!.length, 20)
  assert.ok(NextToken)
  for (const pageSize of [20, 7, 1]) {
    const seen: string[] = []
    for await (const page of paginateListAccounts({ client, pageSize }, {})) {
      assert.ok(page.Accounts!.length > 0 && page.Accounts!.length <= pageSize)
      for (const { Id, Status } of page.Accounts!) {
        seen.push(Id!)
        assert.equal(Status, Id === ids[3] ? 'SUSPENDED' : 'ACTIVE')
      }
    }
    assert.deepEqual(seen, ids.toSorted())
  }
})

test('a page that ends with the last account has no token', async (t) => {
  const server = await startTestServer(t)
  await createMember(organizationsClient(t, server), 'one')
  const { body } = await call(server, 'ListAccounts', { MaxResults: 2 })
  assert.deepEqual([body.Accounts.length, body.NextToken], [2, undefined])
})

test('sizes out of range, tokens of elsewhere and callers of other accounts are refused', async (t) => {
  const server = await startTestServer(t)
  const member = await createMember(organizationsClient(t, server), 'one')
  const list = (input: object, credentials = server.credentials) => call(server, 'ListAccounts', input, credentials)
  const invalid = (input: object, reason: string, message: string) =>
    assertRefused(list(input), 'InvalidInputException', message, reason)
  const numeric = (size: string) => `You provided a numeric parameter that has a ${size} value than allowed.`
  await invalid({ MaxResults: 21 }, 'MAX_VALUE_EXCEEDED', numeric('larger'))
  await invalid({ MaxResults: 0 }, 'MIN_VALUE_EXCEEDED', numeric('smaller'))

  const { NextToken } = (await list({ MaxResults: 1 })).body
  const events = await server.call('cloudtrail', 'LookupEvents', { MaxResults: 1 })
  const other = await startTestServer(t)
  await createMember(organizationsClient(t, other), 'one')
  const foreign = (await call(other, 'ListAccounts', { MaxResults: 1 })).body.NextToken
  assert.ok(NextToken && foreign && events.body.NextToken)
  for (const token of ['', 'x', `${NextToken}A`, `${NextToken.slice(0, -4)}AAAA`, events.body.NextToken, foreign]) {
    await invalid(
      { NextToken: token },
      'INVALID_NEXT_TOKEN',
      'Get the value for the NextToken parameter from the response to a previous call of the operation.',
    )
  }
  await assertRefused(list({}, await createAdministrator(server, member)), ...NOT_MANAGEMENT)
})

test('an account whose row was altered or deleted in the database is missed, and the listing refused', async (t) => {
  const server = await startTestServer(t)
  const member = await createMember(organizationsClient(t, server), 'one')
  const { database } = server.app
  for (const change of [
    'UPDATE account SET rev = rev + 1 WHERE account_id = $1',
    "UPDATE account SET email_key = 'two@example.com' WHERE account_id = $1",
    'DELETE FROM account WHERE account_id = $1',
  ]) {
    await database.transaction('write', (tx) => tx.run(change, member))
    const { status, body } = await call(server, 'ListAccounts', {})
    assert.deepEqual([status, body.__type], [500, 'ServiceException'], change)
  }
})
