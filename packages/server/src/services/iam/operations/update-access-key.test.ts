import assert from 'node:assert/strict'
import { test } from 'node:test'
import { iamClient, noSuchEntity, refusal, startIam } from '../testing.ts'

test('a key is switched off and on, from the next request on', async (t) => {
  const { server, iam } = await startIam(t)
  const UserName = 'administrator'
  const { AccessKey } = await iam.createAccessKey({})
  const { AccessKeyId } = AccessKey!
  const second = iamClient(t, server, { accessKeyId: AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! })
  await second.getUser({})
  await iam.updateAccessKey({ UserName, AccessKeyId, Status: 'Inactive' })
  const invalid = 'The security token included in the request is invalid.'
  await assert.rejects(second.getUser({}), refusal('InvalidClientTokenId', 403, invalid))
  const { AccessKeyMetadata } = await iam.listAccessKeys({ UserName })
  assert.deepEqual(
    AccessKeyMetadata!.map(({ Status }) => Status),
    ['Active', 'Inactive'],
  )
  await iam.updateAccessKey({ AccessKeyId, Status: 'Active' })
  await second.getUser({})
})

test('a key is changed through its owner only, and never set to expired', async (t) => {
  const { server, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const AccessKeyId = server.credentials.accessKeyId
  const none = noSuchEntity(`The Access Key with id ${AccessKeyId} cannot be found.`)
  await assert.rejects(iam.updateAccessKey({ UserName: 'alice', AccessKeyId, Status: 'Inactive' }), none)
  const expired = refusal('InvalidInput', 400, 'The status of an access key can be set to Active or Inactive.')
  await assert.rejects(iam.updateAccessKey({ AccessKeyId, Status: 'Expired' }), expired)
  const values =
    "1 validation error detected: Value 'active' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]"
  const input = { AccessKeyId, Status: 'active' as never }
  await assert.rejects(iam.updateAccessKey(input), refusal('ValidationError', 400, values))
  await iam.getUser({})
})
