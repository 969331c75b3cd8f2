// LastAccessedDate: to the day, written once, and never of another secret.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { call, token } from './testing.ts'

test('A day of access is written once, at the latest when the server stops', async (t) => {
  const server = await startTestServer(t)
  await call(server, 'CreateSecret', { Name: 'read', ClientRequestToken: token(), SecretString: 'x' })
  await call(server, 'GetSecretValue', { SecretId: 'read' })
  const { LastAccessedDate } = await call(server, 'DescribeSecret', { SecretId: 'read' })
  assert.equal(LastAccessedDate % 86_400, 0)

  const restarted = await server.restart()
  assert.equal((await call(restarted, 'DescribeSecret', { SecretId: 'read' })).LastAccessedDate, LastAccessedDate)

  // From now on today's readings write nothing: the row knows the day.
  const stored = await restarted.app.database.transaction('read', (tx) =>
    tx.get<{ readonly accessed_day: number }>("SELECT accessed_day FROM secret WHERE name = 'read'"),
  )
  assert.equal(stored?.accessed_day, LastAccessedDate * 1000)
})

test('A reading is not held against a later secret of the same name', async (t) => {
  const server = await startTestServer(t)
  const create = () => call(server, 'CreateSecret', { Name: 'again', ClientRequestToken: token(), SecretString: 'x' })
  await create()
  await call(server, 'GetSecretValue', { SecretId: 'again' })
  await call(server, 'DeleteSecret', { SecretId: 'again', ForceDeleteWithoutRecovery: true })
  server.clock.advance(1)
  await create()
  await server.app.accesses.flush()
  assert.equal((await call(server, 'DescribeSecret', { SecretId: 'again' })).LastAccessedDate, undefined)
})
