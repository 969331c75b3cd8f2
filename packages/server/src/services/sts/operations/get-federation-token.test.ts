// GetFederationToken: who is called what, and may what.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, PutResourcePolicyCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, GetFederationTokenCommand } from '@aws-sdk/client-sts'
import { startTestServer } from '../../../testing.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { assume, credentialsOf, EVERYTHING, newRole, newUser, readSecret, stsClient } from '../testing.ts'

const READ = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }

test('a federated user may what both the user and the session policies allow, and without them what a resource gives it', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  for (const Name of ['a', 'given']) {
    await server.secretsManager.send(new CreateSecretCommand({ Name, SecretString: Name }))
  }
  const arn = `arn:aws:sts::${accountId}:federated-user/bob`
  const ResourcePolicy = policyDocument({ ...READ, Principal: { AWS: arn } })
  await server.secretsManager.send(new PutResourcePolicyCommand({ SecretId: 'given', ResourcePolicy }))
  const proxy = await newUser(server, 'proxy', {
    statements: [READ, { Effect: 'Allow', Action: 'sts:*', Resource: `arn:aws:sts::${accountId}:federated-user/bob` }],
  })
  const sts = stsClient(t, server, proxy)
  const ask = (Policy?: string, more: object = {}) =>
    sts.send(new GetFederationTokenCommand({ Name: 'bob', ...(Policy && { Policy }), ...more }))

  const answer = await ask()
  assert.deepEqual(answer.FederatedUser, { FederatedUserId: `${accountId}:bob`, Arn: arn })
  const bare = credentialsOf(answer)
  assert.equal((await stsClient(t, server, bare).send(new GetCallerIdentityCommand({}))).Arn, arn)
  await assert.rejects(readSecret(t, server, bare, 'a'), { message: /no session policy allows/ })
  assert.equal(await readSecret(t, server, bare, 'given'), 'given')

  const narrowed = credentialsOf(await ask(policyDocument(EVERYTHING)))
  assert.equal(await readSecret(t, server, narrowed, 'a'), 'a')
  const { body } = await server.call('secretsmanager', 'ListSecrets', {}, { credentials: narrowed })
  assert.match(body.Message, /no identity-based policy allows/)
  await assert.rejects(iamClient(t, server, narrowed).listUsers({}), { name: 'InvalidClientTokenId' })
  const role = await newRole(server, 'Reader')
  await assert.rejects(assume(t, server, narrowed, role.arn), {
    message: 'Cannot call AssumeRole with session credentials',
  })
  await assert.rejects(ask(undefined, { Name: 'eve' }), { name: 'AccessDenied' })
  const tagged = await ask(policyDocument(EVERYTHING), { Tags: [{ Key: 'Team', Value: 'blue' }] })
  assert.ok(tagged.PackedPolicySize! > 0)

  const { events } = await server.app.trail.lookup({
    account: accountId,
    region: 'eu-central-1',
    filter: { key: 'EventName', value: 'GetSecretValue' },
    startTime: 0,
    endTime: Date.now() + 60_000,
    limit: 1,
  })
  const { userIdentity } = JSON.parse(events[0]!.json)
  assert.deepEqual(
    [userIdentity.type, userIdentity.arn, userIdentity.sessionContext.sessionIssuer.userName],
    ['FederatedUser', arn, 'proxy'],
  )
})
