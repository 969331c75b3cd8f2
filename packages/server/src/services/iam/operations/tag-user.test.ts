import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, refusal, startIam } from '../testing.ts'

const UserName = 'alice'

test('tags are put on, and take the place of those whose key differs in case only', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName, Tags: [{ Key: 'Team', Value: 'blue' }] })
  await iam.tagUser({ UserName, Tags: [{ Key: 'Stage', Value: 'test' }] })
  await iam.tagUser({ UserName, Tags: [{ Key: 'TEAM', Value: 'red' }] })
  assert.deepEqual((await iam.getUser({ UserName })).User!.Tags, [
    { Key: 'Stage', Value: 'test' },
    { Key: 'TEAM', Value: 'red' },
  ])
  const Tags = [{ Key: 'a', Value: 'b' }]
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.tagUser({ UserName: 'absent', Tags }), none)
})

test('a user has 50 tags at most', async (t) => {
  const { iam } = await startIam(t)
  const tags = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ Key: `key-${from + i}`, Value: 'v' }))
  await iam.createUser({ UserName, Tags: tags(0, 49) })
  await iam.tagUser({ UserName, Tags: tags(40, 50) })
  const quota = refusal('LimitExceeded', 409, 'Cannot exceed quota for TagsPerUser: 50')
  await assert.rejects(iam.tagUser({ UserName, Tags: tags(50, 51) }), quota)
  await assert.rejects(
    iam.tagUser({ UserName, Tags: tags(0, 51) }),
    /^ValidationError: 1 validation error detected: Value '\[.*\]' at 'tags' .* length less than or equal to 50$/,
  )
  assert.equal((await iam.getUser({ UserName })).User!.Tags!.length, 50)
})

test('a tag that a policy asks the caller for counts at the next request', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const own = `arn:aws:iam::${account}:user/reader`
  const reader = await clientOf('reader', {
    Effect: 'Allow',
    Action: 'iam:GetUser',
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalTag/Team': `\${aws:ResourceTag/Team}` } },
  })
  await iam.createUser({ UserName, Tags: [{ Key: 'Team', Value: 'blue' }] })
  await assert.rejects(reader.getUser({ UserName }), { name: 'AccessDenied' })
  await iam.tagUser({ UserName: 'reader', Tags: [{ Key: 'Team', Value: 'blue' }] })
  assert.ok((await reader.getUser({ UserName })).User)
  assert.equal((await reader.getUser({})).User!.Arn, own)
  await iam.untagUser({ UserName: 'reader', TagKeys: ['team'] })
  await assert.rejects(reader.getUser({ UserName }), { name: 'AccessDenied' })
})
