// CloseAccount through the server: what a closed account is told as, and what cannot be closed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CloseAccountCommand, CreateAccountCommand, DescribeAccountCommand } from '@aws-sdk/client-organizations'
import { startTestServer } from '../../../testing.ts'
import { events } from '../../secretsmanager/testing.ts'
import {
  assertRefused,
  call,
  createAdministrator,
  createMember,
  NOT_MANAGEMENT,
  organizationsClient,
} from '../testing.ts'

test('a closed account is SUSPENDED at once, keeps its address, and cannot be closed again', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const AccountId = await createMember(client, 'one')
  const answer = await client.send(new CloseAccountCommand({ AccountId }))
  assert.equal(answer.$metadata.httpStatusCode, 200)
  const { Account } = await client.send(new DescribeAccountCommand({ AccountId }))
  assert.deepEqual([Account!.Status, Account!.State, Account!.Name], ['SUSPENDED', 'CLOSED', 'one'])

  const again = await client.send(new CreateAccountCommand({ AccountName: 'one', Email: 'one@example.com' }))
  assert.equal(again.CreateAccountStatus!.FailureReason, 'EMAIL_ALREADY_EXISTS')
  await assertRefused(
    call(server, 'CloseAccount', { AccountId }),
    'AccountAlreadyClosedException',
    'This account is already closed.',
  )
  const [result] = await events(server, 'CloseAccountResult')
  assert.equal(result!.eventType, 'AwsServiceEvent')
  assert.deepEqual(result!.additionalEventData, { closeAccountStatus: { accountId: AccountId, state: 'SUCCEEDED' } })
})

test('the management account, an account that does not exist, and accounts of who does not manage them stay', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const [one, two] = [await createMember(client, 'one'), await createMember(client, 'two')]
  const close = (AccountId: string, credentials = server.credentials) =>
    call(server, 'CloseAccount', { AccountId }, credentials)
  await assertRefused(
    close(server.accountId),
    'ConstraintViolationException',
    "You can't close the management account of the organization.",
    'CANNOT_CLOSE_MANAGEMENT_ACCOUNT',
  )
  await assertRefused(close('000000000000'), 'AccountNotFoundException', "You specified an account that doesn't exist.")
  const pattern = 'You provided a value that does not match the required pattern.'
  await assertRefused(close('one'), 'InvalidInputException', pattern, 'INVALID_PATTERN')
  const credentials = await createAdministrator(server, one)
  for (const id of [one, two, server.accountId, '000000000000']) {
    await assertRefused(close(id, credentials), ...NOT_MANAGEMENT)
  }
  const { body } = await call(server, 'ListAccounts', {})
  assert.deepEqual(
    body.Accounts.map(({ Status }: { readonly Status: string }) => Status),
    ['ACTIVE', 'ACTIVE', 'ACTIVE'],
  )
})
