// DescribeCreateAccountStatus through the server: for how long a request is known, and to whom.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import {
  assertRefused,
  call,
  createAdministrator,
  createMember,
  NOT_MANAGEMENT,
  organizationsClient,
} from '../testing.ts'

const UNKNOWN = [
  'CreateAccountStatusNotFoundException',
  "You specified a create account request that doesn't exist.",
] as const

test('a request is known for 90 days, until the next one is made', async (t) => {
  const server = await startTestServer(t)
  const create = async (name: string) =>
    (await call(server, 'CreateAccount', { AccountName: name, Email: `${name}@example.com` })).body.CreateAccountStatus
  const ask = (id: string) => call(server, 'DescribeCreateAccountStatus', { CreateAccountRequestId: id })
  const one = await create('one')
  assert.deepEqual((await ask(one.Id)).body, { CreateAccountStatus: one })

  server.clock.advance(90 * 86_400_000 - 60_000)
  const two = await create('two')
  assert.equal((await ask(one.Id)).status, 200)
  server.clock.advance(120_000)
  await create('three')
  await assertRefused(ask(one.Id), ...UNKNOWN)
  assert.equal((await ask(two.Id)).status, 200)
})

test('an id of no request, one that is none, and a caller of another account are refused', async (t) => {
  const server = await startTestServer(t)
  const ask = (id: string, credentials = server.credentials) =>
    call(server, 'DescribeCreateAccountStatus', { CreateAccountRequestId: id }, credentials)
  await assertRefused(ask(`car-${'a'.repeat(32)}`), ...UNKNOWN)
  const pattern = 'You provided a value that does not match the required pattern.'
  for (const id of ['', 'car-1234567', 'CAR-12345678', 'x']) {
    await assertRefused(ask(id), 'InvalidInputException', pattern, 'INVALID_PATTERN')
  }
  const long = 'You provided a string parameter that is longer than allowed.'
  await assertRefused(ask(`car-${'a'.repeat(33)}`), 'InvalidInputException', long, 'MAX_LENGTH_EXCEEDED')

  const member = await createMember(organizationsClient(t, server), 'one')
  await assertRefused(ask(`car-${'a'.repeat(32)}`, await createAdministrator(server, member)), ...NOT_MANAGEMENT)
})

test('a request that was altered in the database is not told', async (t) => {
  const server = await startTestServer(t)
  const { body } = await call(server, 'CreateAccount', { AccountName: 'one', Email: 'one@example.com' })
  await server.app.database.transaction('write', (tx) => tx.run('UPDATE organization_request SET rev = 2'))
  const { Id } = body.CreateAccountStatus
  const answer = await call(server, 'DescribeCreateAccountStatus', { CreateAccountRequestId: Id })
  assert.deepEqual([answer.status, answer.body.__type], [500, 'ServiceException'])
})
