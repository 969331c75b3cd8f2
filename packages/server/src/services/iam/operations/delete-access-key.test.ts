import assert from 'node:assert/strict'
import { test } from 'node:test'
import { iamClient, noSuchEntity, refusal, startIam } from '../testing.ts'

test('a deleted key is refused from the next request on, as an unknown one is', async (t) => {
  const { server, iam } = await startIam(t)
  const { AccessKey } = await iam.createAccessKey({})
  const { AccessKeyId } = AccessKey!
  const second = iamClient(t, server, { accessKeyId: AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! })
  // A key may delete itself.
  await second.deleteAccessKey({ AccessKeyId })
  const invalid = 'The security token included in the request is invalid.'
  await assert.rejects(second.getUser({}), refusal('InvalidClientTokenId', 403, invalid))
  const none = noSuchEntity(`The Access Key with id ${AccessKeyId} cannot be found.`)
  await assert.rejects(iam.deleteAccessKey({ AccessKeyId }), none)
})

test('a key of another user, or of another account, is not found', async (t) => {
  const { server, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const AccessKeyId = server.credentials.accessKeyId
  const none = noSuchEntity(`The Access Key with id ${AccessKeyId} cannot be found.`)
  await assert.rejects(iam.deleteAccessKey({ UserName: 'alice', AccessKeyId }), none)
  await iam.getUser({})
})
