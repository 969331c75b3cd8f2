// Session tokens against the real server: what is not the token of this very access key is none, and what is one opens on every server of
// the installation for as long as it lives.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { sign } from '../../auth/testing.ts'
import { rotateDomainKeys } from '../../seal/rotate.ts'
import { testKeyring } from '../../seal/testing.ts'
import { startTestServer, type TestCredentials, type TestServer } from '../../testing.ts'
import { createSessionTokens } from './session-token.ts'
import { EVERYTHING, newRole, readSecret, sessionOf, stsClient } from './testing.ts'

const whoAmI = async (t: Parameters<typeof stsClient>[0], server: TestServer, credentials: TestCredentials) =>
  (await stsClient(t, server, credentials).send(new GetCallerIdentityCommand({}))).Arn

const INVALID = { name: 'InvalidClientTokenId', message: 'The security token included in the request is invalid.' }

/** A server with a secret and a session of a role that may read it. */
async function openWorld(t: Parameters<typeof stsClient>[0]) {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const role = await newRole(server, 'Reader', { statements: [EVERYTHING] })
  const session = await sessionOf(t, server, server.credentials, role.arn)
  return { server, role, session, token: session.sessionToken! }
}

test('no character of a token can be changed, and nothing be put before, between or after', async (t) => {
  const { server, session, token } = await openWorld(t)
  const { sessionTokens } = server.app
  const { accessKeyId } = session
  const opened = sessionTokens.open(token, accessKeyId)
  assert.ok(opened)
  const refused = (altered: string): void => {
    if (altered !== token) assert.equal(sessionTokens.open(altered, accessKeyId), undefined, altered)
  }
  for (let at = 0; at < token.length; at++) {
    for (const other of ['A', 'b', '/', '=', ' ']) refused(token.slice(0, at) + other + token.slice(at + 1))
    refused(token.slice(0, at))
    refused(token.slice(0, at) + token.slice(at + 1))
    refused(`${token.slice(0, at)}\n${token.slice(at)}`)
  }
  refused(`${token}=`)
  refused(token.replace(/=*$/, ''))
  refused(Buffer.from(token, 'base64').toString('base64url'))
  refused('A'.repeat(100_000))
  assert.equal(sessionTokens.open(token, accessKeyId), opened, 'the same object while it is remembered')
})

test('every other byte sent as a token is refused on the wire, in the words of the protocol', async (t) => {
  const { server, session, token } = await openWorld(t)
  const altered = { ...session, sessionToken: `${token[0] === 'A' ? 'B' : 'A'}${token.slice(1)}` }
  const other = await sessionOf(t, server, server.credentials, (await newRole(server, 'Other')).arn)
  const { sessionToken: _, ...without } = session
  for (const wrong of [
    altered,
    without,
    { ...session, sessionToken: other.sessionToken! },
    { ...session, accessKeyId: other.accessKeyId },
    { ...server.credentials, sessionToken: token },
  ]) {
    await assert.rejects(whoAmI(t, server, wrong), INVALID)
    await assert.rejects(readSecret(t, server, wrong, 'a'), { ...INVALID, name: 'UnrecognizedClientException' })
  }
  await assert.rejects(whoAmI(t, server, { ...session, secretAccessKey: other.secretAccessKey }), {
    name: 'SignatureDoesNotMatch',
  })
  assert.match((await whoAmI(t, server, session))!, /:assumed-role\/Reader\/session$/)
})

test('an expired token says so, in the words of the protocol', async (t) => {
  const { server, role } = await openWorld(t)
  const { app, accountId } = server
  const issue = (livesMs: number) =>
    app.sessionTokens.issue({
      account: accountId,
      kind: 'role-session',
      role: { roleId: role.roleId, path: '/', roleName: 'Reader' },
      sessionName: 'session',
      issuedAt: app.wallNow() - 3_600_000,
      expiresAt: app.wallNow() + livesMs,
      chain: 1,
      policies: [],
      policyArns: [],
      tags: {},
      transitiveTagKeys: [],
    })
  assert.equal(await readSecret(t, server, issue(60_000), 'a'), 'x')
  const message = 'The security token included in the request is expired'
  await assert.rejects(whoAmI(t, server, issue(0)), { name: 'ExpiredToken', message })
  await assert.rejects(readSecret(t, server, issue(0), 'a'), { name: 'ExpiredTokenException', message })
})

test('a token lives on through restarts and new token keys, and is none of another installation', async (t) => {
  const { server, session, token } = await openWorld(t)
  const { keyring, partition, randomBytes, wallNow } = server.app
  const elsewhere = createSessionTokens({ keyring: testKeyring(), partition, randomBytes })
  assert.equal(elsewhere.open(token, session.accessKeyId), undefined)

  const live = keyring as Parameters<typeof rotateDomainKeys>[0]
  const { versions } = await rotateDomainKeys(live, [], { randomBytes, wallNow, families: ['token'] })
  assert.equal(versions.token, 2)
  const fresh = await sessionOf(t, server, session, (await newRole(server, 'Second')).arn)
  assert.equal(Buffer.from(fresh.sessionToken!, 'base64').readUInt32BE(1), 2, 'a new session is sealed by the new key')

  const again = await server.restart()
  for (const credentials of [session, fresh]) assert.ok(await whoAmI(t, again, credentials))
  assert.equal(await readSecret(t, again, session, 'a'), 'x')
})

test('a request presigned with a session is that of the session', async (t) => {
  const { server, session, token } = await openWorld(t)
  const presign = (sessionToken: string) =>
    sign(
      'query',
      {
        method: 'GET',
        path: '/',
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host: new URL(server.url).host },
        body: '',
      },
      {
        service: 'sts',
        accessKeyId: session.accessKeyId,
        secret: session.secretAccessKey,
        sessionToken,
        at: Date.now(),
        expiresSeconds: 60,
      },
    )
  const { target } = await presign(token)
  assert.match(target, /X-Amz-Security-Token=/)
  const answer = await fetch(server.url + target)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /:assumed-role\/Reader\/session<\/Arn>/)
  const refused = await fetch(server.url + (await presign(`${token.slice(0, -8)}AAAAAAA=`)).target)
  assert.equal(refused.status, 403)
  assert.match(await refused.text(), /<Code>InvalidClientTokenId</)
})
