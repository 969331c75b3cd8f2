import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam } from '../testing.ts'

test('tags are taken off by their keys, in any case; keys that are not there are nothing to remove', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  const Stage = { Key: 'Stage', Value: 'test' }
  await iam.createUser({ UserName, Tags: [{ Key: 'Team', Value: 'blue' }, Stage] })
  await iam.untagUser({ UserName, TagKeys: ['team', 'absent'] })
  assert.deepEqual((await iam.getUser({ UserName })).User!.Tags, [Stage])
  await iam.untagUser({ UserName, TagKeys: ['Stage'] })
  assert.equal((await iam.getUser({ UserName })).User!.Tags, undefined)
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.untagUser({ UserName: 'absent', TagKeys: ['a'] }), none)
})

test('a policy may say which keys may go', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const Condition = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['Team'] } }
  const tagger = await clientOf('tagger', { Effect: 'Allow', Action: 'iam:UntagUser', Resource: '*', Condition })
  await iam.createUser({ UserName: 'alice', Tags: [{ Key: 'Team', Value: 'blue' }] })
  await assert.rejects(tagger.untagUser({ UserName: 'alice', TagKeys: ['Team', 'Stage'] }), { name: 'AccessDenied' })
  await tagger.untagUser({ UserName: 'alice', TagKeys: ['Team'] })
})
