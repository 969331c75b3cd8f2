// What ends a session, and what changes under it, from the very next request on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { startTestServer, type TestServer } from '../../testing.ts'
import { EVERYTHING, newAccount, newRole, newUser, readSecret, sessionOf, stsClient, trusting } from '../sts/testing.ts'
import { createAccessKey } from './access-keys.ts'
import type { AccountBody } from './model.ts'
import { readSessionPrincipal, sessionHolds } from './sessions.ts'
import { ACCOUNT, findRow, replaceRow } from './store.ts'
import { iamClient, policyDocument } from './testing.ts'

const GONE = { name: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' }
const GONE_IN_QUERY = { ...GONE, name: 'InvalidClientTokenId' }

async function openWorld(t: Parameters<typeof iamClient>[0]) {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const role = await newRole(server, 'Reader')
  const iam = iamClient(t, server)
  const put = (PolicyName: string, ...statements: readonly object[]) =>
    iam.send(
      new PutRolePolicyCommand({ RoleName: 'Reader', PolicyName, PolicyDocument: policyDocument(...statements) }),
    )
  await put('all', EVERYTHING)
  const newSession = () => sessionOf(t, server, server.credentials, role.arn)
  const read = (session: Awaited<ReturnType<typeof newSession>>) => readSecret(t, server, session, 'a')
  return { server, role, iam, put, newSession, read }
}

const setStatus = ({ app }: TestServer, account: string, status: NonNullable<AccountBody['status']>) =>
  app.database.transaction('write', async (tx) => {
    const stored = (await findRow(app, tx, ACCOUNT, [account]))!
    await replaceRow(app, tx, ACCOUNT, stored, { ...stored.body, status })
  })

test('a session has the policies that its role has now', async (t) => {
  const { iam, put, newSession, read } = await openWorld(t)
  const session = await newSession()
  assert.equal(await read(session), 'x')
  await put('deny', { ...EVERYTHING, Effect: 'Deny' })
  await assert.rejects(read(session), { name: 'AccessDeniedException', message: /explicit deny in an identity-based/ })
  for (const PolicyName of ['deny', 'all']) {
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'Reader', PolicyName }))
  }
  await assert.rejects(read(session), { name: 'AccessDeniedException', message: /no identity-based policy allows/ })

  const attached = { RoleName: 'Reader', PolicyArn: 'arn:aws:iam::aws:policy/SecretsManagerReadWrite' }
  await iam.send(new AttachRolePolicyCommand(attached))
  assert.equal(await read(session), 'x')
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/IAMFullAccess'
  await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: 'Reader', PermissionsBoundary }))
  await assert.rejects(read(session), { name: 'AccessDeniedException', message: /no permissions boundary allows/ })
  await iam.send(new DetachRolePolicyCommand(attached))
  await assert.rejects(read(session), { name: 'AccessDeniedException', message: /no identity-based policy allows/ })
})

test('a role that was deleted takes its sessions with it, and one of the same name does not bring them back', async (t) => {
  const { server, iam, newSession, read } = await openWorld(t)
  const session = await newSession()
  assert.equal(await read(session), 'x')
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'Reader', PolicyName: 'all' }))
  await iam.send(new DeleteRoleCommand({ RoleName: 'Reader' }))
  const sts = stsClient(t, server, session)
  await assert.rejects(read(session), GONE)
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), GONE_IN_QUERY)

  const AssumeRolePolicyDocument = trusting(server.accountId)
  await iam.send(new CreateRoleCommand({ RoleName: 'Reader', AssumeRolePolicyDocument }))
  await assert.rejects(read(session), GONE)
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), GONE_IN_QUERY)
  assert.ok(await newSession())
})

test('the policy AWSRevokeOlderSessions ends the sessions from before it, and none from after', async (t) => {
  const { put, newSession, read } = await openWorld(t)
  const older = await newSession()
  assert.equal(await read(older), 'x')
  await new Promise((done) => setTimeout(done, 5))
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
  await put('AWSRevokeOlderSessions', {
    Effect: 'Deny',
    Action: ['*'],
    Resource: ['*'],
    Condition: { DateLessThan: { 'aws:TokenIssueTime': new Date().toISOString() } },
  })
  await assert.rejects(read(older), { name: 'AccessDeniedException', message: /explicit deny in an identity-based/ })
  const newer = await newSession()
  assert.equal(await read(newer), 'x')
})

test('policies see that a session is temporary, without MFA, and whose it is', async (t) => {
  const { server, role, put, newSession, read } = await openWorld(t)
  const deny = (Condition: object) => put('deny', { ...EVERYTHING, Effect: 'Deny', Condition })
  const session = await newSession()
  for (const condition of [
    { Bool: { 'aws:MultiFactorAuthPresent': 'false' } },
    { Null: { 'aws:TokenIssueTime': 'false' } },
    { StringEquals: { 'aws:userid': `${role.roleId}:session` } },
    { ArnEquals: { 'aws:PrincipalArn': role.arn } },
    { StringEquals: { 'aws:PrincipalType': 'AssumedRole' } },
    { Null: { 'aws:username': 'true' } },
    { Null: { 'aws:SourceIdentity': 'true' } },
  ]) {
    await deny(condition)
    await assert.rejects(read(session), { name: 'AccessDeniedException' }, JSON.stringify(condition))
  }
  await deny({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } })
  assert.equal(await read(session), 'x')

  const longTerm = await newUser(server, 'long-term', {
    statements: [
      EVERYTHING,
      { ...EVERYTHING, Effect: 'Deny', Condition: { Null: { 'aws:MultiFactorAuthPresent': 'false' } } },
      { ...EVERYTHING, Effect: 'Deny', Condition: { Null: { 'aws:TokenIssueTime': 'false' } } },
    ],
  })
  assert.equal(await readSecret(t, server, longTerm, 'a'), 'x')
})

test('nobody of a suspended account is let in: neither users, nor the root user, nor sessions of its roles', async (t) => {
  const server = await startTestServer(t)
  const { app } = server
  const account = await newAccount(server, 'other')
  const user = await newUser(server, 'user', { account, statements: [EVERYTHING] })
  const root = await app.database.transaction('write', (tx) => createAccessKey(app, tx, account, 'root', app.now()))
  const role = await newRole(server, 'Open', { account, trustPolicy: trusting(account, server.accountId) })
  const session = await sessionOf(t, server, user, role.arn)
  const whoAmI = (credentials: typeof session) =>
    stsClient(t, server, credentials).send(new GetCallerIdentityCommand({}))
  for (const credentials of [user, root, session]) assert.equal((await whoAmI(credentials)).Account, account)

  await setStatus(server, account, 'SUSPENDED')
  for (const credentials of [user, root, session]) {
    await assert.rejects(whoAmI(credentials), GONE_IN_QUERY)
    const { body } = await server.call('secretsmanager', 'ListSecrets', {}, { credentials })
    assert.deepEqual([body.__type, body.message], [GONE.name, GONE.message])
  }
  await assert.rejects(sessionOf(t, server, server.credentials, role.arn), {
    name: 'AccessDenied',
    message: /because no role trust policy allows/,
  })
  await setStatus(server, account, 'ACTIVE')
  for (const credentials of [user, root, session]) assert.equal((await whoAmI(credentials)).Account, account)
  assert.ok(await sessionOf(t, server, server.credentials, role.arn))
})

test('while nothing was committed a request with a session reads no row; after a commit it reads them once more', async (t) => {
  const { server, put, newSession } = await openWorld(t)
  const { app } = server
  const { accessKeyId, sessionToken } = await newSession()
  const { identity } = app.sessionTokens.open(sessionToken!, accessKeyId)!
  const ask = () =>
    app.database.transaction('read', async (tx) => {
      let statements = 0
      const counted = new Proxy(tx, {
        get: (target, name) => {
          const member = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          statements++
          return member.bind(target)
        },
      })
      assert.equal(await sessionHolds(app, counted, identity), true)
      return { principal: await readSessionPrincipal(app, counted, identity), statements: () => statements }
    })
  // What else there is to write, such as when the role was used, is written.
  await app.uses.flush()
  const first = await ask()
  const second = await ask()
  assert.equal(second.principal, first.principal)
  assert.equal(second.statements(), app.database.dialect === 'sqlite' ? 0 : 4)

  await put('more', EVERYTHING)
  const third = await ask()
  assert.equal(third.statements(), 4)
  assert.deepEqual(
    third.principal.policies.map(({ name }) => name),
    ['all', 'more'],
  )
})
