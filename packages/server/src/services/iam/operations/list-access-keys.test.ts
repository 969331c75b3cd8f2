import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListAccessKeys } from '@aws-sdk/client-iam'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

test('keys are listed oldest first, in pages, without their secrets', async (t) => {
  const { server, iam } = await startIam(t)
  const UserName = 'alice'
  await iam.createUser({ UserName })
  const { AccessKeyMetadata: none, IsTruncated } = await iam.listAccessKeys({ UserName })
  assert.deepEqual([none, IsTruncated], [[], false])
  const { AccessKey: first } = await iam.createAccessKey({ UserName })
  server.clock.advance(1_000)
  const { AccessKey: second } = await iam.createAccessKey({ UserName })
  await iam.updateAccessKey({ UserName, AccessKeyId: first!.AccessKeyId, Status: 'Inactive' })
  const shown = [first!, second!].map(({ AccessKeyId, CreateDate }) => ({ UserName, AccessKeyId, CreateDate }))
  const pages = []
  for await (const page of paginateListAccessKeys({ client: iam, pageSize: 1 }, { UserName })) {
    pages.push(...page.AccessKeyMetadata!)
  }
  assert.deepEqual(pages, [
    { ...shown[0], Status: 'Inactive' },
    { ...shown[1], Status: 'Active' },
  ])
  const absent = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.listAccessKeys({ UserName: 'absent' }), absent)
})

test('a user may be allowed to see its own keys only', async (t) => {
  const { account, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const Resource = `${users}/\${aws:username}`
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:ListAccessKeys', Resource })
  assert.equal((await alice.listAccessKeys({})).AccessKeyMetadata!.length, 1)
  const refused = notAllowed(`${users}/alice`, 'iam:ListAccessKeys', 'user administrator')
  await assert.rejects(alice.listAccessKeys({ UserName: 'administrator' }), refused)
})
