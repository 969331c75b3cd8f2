// POST /_strongroom/sessions/revoke: who may end which session, what the next request hears, and what is forgotten when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { signedCall, startTestServer, TEST_REGION, type TestServer } from '../../../testing.ts'
import { REVOKED_SESSIONS_MAX, revokeSession } from '../../iam/sessions.ts'
import { findAccount } from '../../iam/users.ts'
import { EVERYTHING, newAccount, newRole, newUser, readSecret, sessionOf } from '../../sts/testing.ts'

const revoke = (server: TestServer, AccessKeyId: string, credentials = server.credentials) =>
  signedCall(
    `${server.url}/_strongroom/sessions/revoke`,
    'secretsmanager',
    undefined,
    { AccessKeyId },
    {
      credentials,
      region: TEST_REGION,
    },
  )

const GONE = { name: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' }

test('a session that was revoked is refused at the next request, and others of its role are not', async (t) => {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const role = await newRole(server, 'Reader', { statements: [EVERYTHING] })
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const [one, two] = [await sessionOf(t, server, alice, role.arn), await sessionOf(t, server, alice, role.arn)]
  assert.equal(await readSecret(t, server, one, 'a'), 'x')

  const { status, body } = await revoke(server, one.accessKeyId)
  assert.equal(status, 200)
  assert.equal(body.AccessKeyId, one.accessKeyId)
  assert.ok(Math.abs(body.RevokedUntil - Date.now() / 1_000 - 129_600) < 60)
  await assert.rejects(readSecret(t, server, one, 'a'), GONE)
  assert.equal(await readSecret(t, server, two, 'a'), 'x')
  assert.equal((await revoke(server, one.accessKeyId)).status, 200, 'once more changes nothing')
  assert.equal((await revoke(server, two.accessKeyId, two)).status, 200, 'a session may end itself')
  await assert.rejects(readSecret(t, server, two, 'a'), GONE)
  const again = await server.restart()
  await assert.rejects(readSecret(t, again, one, 'a'), GONE)
})

test('only sessions of the caller’s own account can be revoked, and with the permission', async (t) => {
  const server = await startTestServer(t)
  const account = await newAccount(server, 'other')
  const stranger = await newUser(server, 'stranger', { account, statements: [EVERYTHING] })
  const nobody = await newUser(server, 'nobody')
  const role = await newRole(server, 'Reader', { statements: [EVERYTHING] })
  const session = await sessionOf(t, server, server.credentials, role.arn)

  for (const [accessKeyId, caller, owner] of [
    [session.accessKeyId, stranger, account],
    [nobody.accessKeyId, server.credentials, server.accountId],
    ['ASIAAAAAAAAAAAAAAAAA', server.credentials, server.accountId],
  ] as const) {
    const { status, body } = await revoke(server, accessKeyId, caller)
    assert.equal(status, 400)
    assert.equal(body.Message, `AccessKeyId must be that of a session of account ${owner}: it begins with ASIA.`)
  }
  const refused = await revoke(server, session.accessKeyId, nobody)
  assert.match(
    refused.body.Message,
    /is not authorized to perform: strongroom:RevokeSession on resource: \* because no/,
  )
  await assert.rejects(readSecret(t, server, session, 'absent'), { name: 'ResourceNotFoundException' })
})

test('the event of a revocation is in the audit trail', async (t) => {
  const server = await startTestServer(t)
  const role = await newRole(server, 'Reader')
  const { accessKeyId } = await sessionOf(t, server, server.credentials, role.arn)
  const { body } = await revoke(server, accessKeyId)
  const { events } = await server.app.trail.lookup({
    account: server.accountId,
    region: TEST_REGION,
    filter: { key: 'EventName', value: 'RevokeSession' },
    startTime: 0,
    endTime: Date.now() + 60_000,
    limit: 10,
  })
  const [event] = events.map(({ json }) => JSON.parse(json))
  assert.deepEqual(event.requestParameters, { accessKeyId })
  assert.deepEqual(event.responseElements, {
    accessKeyId,
    revokedUntil: new Date(body.RevokedUntil * 1_000).toISOString(),
  })
})

test('an account has at most 1,000 revoked sessions, and forgets those that have expired', async (t) => {
  const { app, accountId: account } = await startTestServer(t)
  const revokeAll = (from: number, count: number, expiresAt: number, now: number) =>
    app.database.transaction('write', async (tx) => {
      for (let i = from; i < from + count; i++) {
        await revokeSession(app, tx, account, { accessKeyId: `ASIA${i}`, expiresAt }, now)
      }
    })
  const kept = async () =>
    (await app.database.transaction('read', (tx) => findAccount(app, tx, account)))?.revokedSessions
  await revokeAll(0, REVOKED_SESSIONS_MAX, 1_000, 0)
  await assert.rejects(revokeAll(REVOKED_SESSIONS_MAX, 1, 1_000, 999), {
    code: 'LimitExceededException',
    message: /^An account can have at most 1000 revoked sessions\. Deny the sessions of a role by aws:TokenIssueTime/,
  })
  await revokeAll(0, 1, 2_000, 999)
  assert.equal((await kept())?.length, REVOKED_SESSIONS_MAX, 'one that is there already takes no place')
  await revokeAll(REVOKED_SESSIONS_MAX, 1, 3_000, 1_000)
  assert.deepEqual(await kept(), [
    { accessKeyId: 'ASIA0', expiresAt: 2_000 },
    { accessKeyId: `ASIA${REVOKED_SESSIONS_MAX}`, expiresAt: 3_000 },
  ])
})
