// RegisterDatabase, ShowDatabase, ListDatabases and DeregisterDatabase, against a real PostgreSQL.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { startPostgresql, type TestPostgresql } from '../../../../../rotators/src/testing/postgresql.ts'
import type { TestAnswer } from '../../../testing.ts'
import { askDatabases, startRds } from '../../rds/testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'

let postgres: TestPostgresql
let missing: string | undefined

before(async () => {
  const started = await startPostgresql()
  if ('reason' in started) missing = started.reason
  else postgres = started
})
after(() => postgres?.stop())

const skip = (t: TestContext): boolean => {
  if (missing !== undefined) t.skip(`NOT RUN: ${missing}`)
  return missing !== undefined
}

const assertRefused = ({ status, body }: TestAnswer, message: RegExp): void => {
  assert.equal(status, 400, JSON.stringify(body))
  assert.match(body.Message ?? body.message, message)
}

test('a master user is let in, over verified TLS, before anything is kept', async (t) => {
  if (skip(t)) return
  const { server, newMaster, registrationOf } = await startRds(t, postgres)
  const username = await newMaster()
  const register = (more: object) => askDatabases(server, 'register', registrationOf('db', username, more))
  assertRefused(await register({ MasterUserPassword: 'wrong' }), /cannot log in: .*authentication|refused/i)
  assertRefused(await register({ CertificateAuthority: undefined }), /cannot log in: .*TLS/)
  assertRefused(await register({ Port: 1 }), /cannot log in: No connection/)
  assertRefused(await register({ Engine: 'oracle-ee' }), /Engine must be/)
  assertRefused(await register({ Identifier: 'two--hyphens' }), /Identifier must be/)
  assertRefused(await register({ Host: 'no host' }), /host is neither/)
  assert.deepEqual((await askDatabases(server, 'list', {})).body.Databases, [])
  const { status, body } = await register({})
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual([body.Database.Identifier, body.Database.Status], ['db', 'available'])
  assertRefused(await register({}), /already exists/)
  assertRefused(
    await askDatabases(server, 'deregister', { Identifier: 'other' }).then((a) => ({ ...a, status: 400 })),
    /not found/,
  )
  assert.equal((await askDatabases(server, 'deregister', { Identifier: 'db' })).status, 200)
  assert.equal((await askDatabases(server, 'show', { Identifier: 'db' })).status, 404)
})

test('a database whose password is managed is only forgotten by force', async (t) => {
  if (skip(t)) return
  const { server, rds, register } = await startRds(t, postgres)
  await register('kept')
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'kept', ManageMasterUserPassword: true })
  await server.jobs.runDue()
  assertRefused(
    await askDatabases(server, 'deregister', { Identifier: 'kept' }),
    /is managed, and nobody else knows it/,
  )
  const { body } = await askDatabases(server, 'show', { Identifier: 'kept' })
  const SecretId = body.Database.MasterUserSecret.SecretArn
  assert.equal((await askDatabases(server, 'deregister', { Identifier: 'kept', Force: true })).status, 200)
  assert.equal((await server.call('secretsmanager', 'GetSecretValue', { SecretId })).status, 200)
})

test('each route asks for its own action', async (t) => {
  if (skip(t)) return
  const { server, registrationOf } = await startRds(t, postgres)
  const { credentials } = await createCaller(server, 'nobody', [])
  for (const [operation, route, input] of [
    ['DeregisterDatabase', 'deregister', { Identifier: 'absent' }],
    ['ListDatabases', 'list', {}],
    ['RegisterDatabase', 'register', registrationOf('absent', 'nobody')],
    ['ShowDatabase', 'show', { Identifier: 'absent' }],
  ] as const) {
    const { status, body } = await askDatabases(server, route, input, credentials)
    assert.equal(status, 400)
    assert.match(body.Message ?? body.message, new RegExp(`perform: strongroom:${operation}`))
  }
})
