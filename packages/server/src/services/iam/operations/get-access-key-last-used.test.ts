import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { iamClient, noSuchEntity, notAllowed, startIam } from '../testing.ts'

const NOTHING = { Effect: 'Deny', Action: '*', Resource: '*' }

test('a key tells when it was used last, for which service and in which region', async (t) => {
  const { server, iam } = await startIam(t)
  const alice = await createCaller(server, 'alice', [NOTHING])
  const AccessKeyId = alice.credentials.accessKeyId
  const lastUsed = async () => {
    const { UserName, AccessKeyLastUsed } = await iam.getAccessKeyLastUsed({ AccessKeyId })
    assert.equal(UserName, 'alice')
    return AccessKeyLastUsed!
  }
  assert.deepEqual(await lastUsed(), { ServiceName: 'N/A', Region: 'N/A' })

  const use = async (region: string) => {
    const client = new SecretsManagerClient({ endpoint: server.url, region, credentials: alice.credentials })
    t.after(() => client.destroy())
    // Refused, and a use of the key all the same.
    await assert.rejects(client.send(new ListSecretsCommand({})), { name: 'AccessDeniedException' })
  }
  await use('eu-west-3')
  const first = await lastUsed()
  assert.deepEqual([first.ServiceName, first.Region], ['secretsmanager', 'eu-west-3'])
  assert.ok(Math.abs(first.LastUsedDate!.getTime() - server.app.now()) < 60_000)

  // Not more than once in 15 minutes.
  await use('us-east-1')
  await server.app.uses.flush()
  await use('us-east-1')
  assert.deepEqual(await lastUsed(), first)
  server.clock.advance(15 * 60_000)
  await use('us-east-1')
  const second = await lastUsed()
  assert.equal(second.Region, 'us-east-1')
  assert.ok(second.LastUsedDate!.getTime() >= first.LastUsedDate!.getTime() + 15 * 60_000)
  assert.deepEqual(
    (await events(server, 'GetAccessKeyLastUsed')).map(({ readOnly }) => readOnly),
    Array.from({ length: 4 }, () => true),
  )

  // What was noted last is written when the server stops.
  const restarted = await server.restart()
  const { AccessKeyLastUsed } = await iamClient(t, restarted).getAccessKeyLastUsed({ AccessKeyId })
  assert.deepEqual(AccessKeyLastUsed, second)
})

test('a key that is unknown, or of another account, is not found', async (t) => {
  const { server, iam } = await startIam(t)
  const stranger = await createCaller(server, 'stranger', [NOTHING], 'new')
  for (const AccessKeyId of [stranger.credentials.accessKeyId, 'AKIAIOSFODNN7EXAMPLE']) {
    const none = noSuchEntity(`The Access Key with id ${AccessKeyId} cannot be found.`)
    await assert.rejects(iam.getAccessKeyLastUsed({ AccessKeyId }), none)
  }
})

test('it asks for its permission on the owner of the key, of which a refusal tells nothing', async (t) => {
  const { server, account, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const Resource = `${users}/reader`
  const reader = await clientOf('reader', { Effect: 'Allow', Action: 'iam:GetAccessKeyLastUsed', Resource })
  const { AccessKeyMetadata } = await iamClient(t, server).listAccessKeys({ UserName: 'reader' })
  const [own] = AccessKeyMetadata!
  await reader.getAccessKeyLastUsed({ AccessKeyId: own!.AccessKeyId })
  for (const AccessKeyId of [server.credentials.accessKeyId, 'AKIAIOSFODNN7EXAMPLE']) {
    const refused = notAllowed(`${users}/reader`, 'iam:GetAccessKeyLastUsed', `access key ${AccessKeyId}`)
    await assert.rejects(reader.getAccessKeyLastUsed({ AccessKeyId }), refused)
  }
})
