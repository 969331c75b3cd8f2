// GetSessionToken: credentials of the user for a while, and what they cannot call.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, GetFederationTokenCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { startTestServer } from '../../../testing.ts'
import { iamClient } from '../../iam/testing.ts'
import { assume, credentialsOf, EVERYTHING, newRole, newUser, readSecret, stsClient } from '../testing.ts'

test('a session of a user may what the user may now, but neither IAM nor more of STS than assuming a role', async (t) => {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const answer = await stsClient(t, server, alice).send(new GetSessionTokenCommand({ DurationSeconds: 129_600 }))
  assert.ok(Math.abs(answer.Credentials!.Expiration!.getTime() - Date.now() - 129_600_000) < 60_000)
  const session = credentialsOf(answer)
  const sts = stsClient(t, server, session)
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, alice.arn)
  assert.equal(await readSecret(t, server, session, 'a'), 'x')
  const role = await newRole(server, 'Reader')
  assert.ok((await assume(t, server, session, role.arn)).Credentials)

  for (const [command, name] of [
    [new GetSessionTokenCommand({}), 'GetSessionToken'],
    [new GetFederationTokenCommand({ Name: 'bob' }), 'GetFederationToken'],
  ] as const) {
    const refused = { name: 'AccessDenied', message: `Cannot call ${name} with session credentials` }
    await assert.rejects(sts.send(command as GetSessionTokenCommand), refused)
    const ofRole = credentialsOf(await assume(t, server, alice, role.arn))
    await assert.rejects(stsClient(t, server, ofRole).send(command as GetSessionTokenCommand), refused)
  }
  await assert.rejects(iamClient(t, server, session).listUsers({}), { name: 'InvalidClientTokenId' })
  await assert.rejects(
    stsClient(t, server, alice).send(
      new GetSessionTokenCommand({ SerialNumber: `arn:aws:iam::${server.accountId}:mfa/x`, TokenCode: '123456' }),
    ),
    { name: 'AccessDenied', message: /^MultiFactorAuthentication failed/ },
  )

  const iam = iamClient(t, server)
  await iam.deleteUserPolicy({ UserName: 'alice', PolicyName: 'own' })
  await assert.rejects(readSecret(t, server, session, 'a'), { name: 'AccessDeniedException' })
  await iam.deleteAccessKey({ UserName: 'alice', AccessKeyId: alice.accessKeyId })
  assert.ok((await sts.send(new GetCallerIdentityCommand({}))).Arn, 'it outlives the key that asked for it')
  await iam.deleteUser({ UserName: 'alice' })
  await iam.createUser({ UserName: 'alice' })
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: 'InvalidClientTokenId' })
})
