import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('a policy is deleted, the others stay, and a second time there is none', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'team' })
  for (const PolicyName of ['one', 'two']) await iam.putGroupPolicy({ GroupName: 'team', PolicyName, PolicyDocument })
  await iam.deleteGroupPolicy({ GroupName: 'team', PolicyName: 'one' })
  assert.deepEqual((await iam.listGroupPolicies({ GroupName: 'team' })).PolicyNames, ['two'])
  const noPolicy = noSuchEntity('The group policy with name one cannot be found.')
  await assert.rejects(iam.deleteGroupPolicy({ GroupName: 'team', PolicyName: 'one' }), noPolicy)
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.deleteGroupPolicy({ GroupName: 'absent', PolicyName: 'one' }), none)
})

test('the permission is asked for on the group', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:group/a`
  const deleter = await clientOf('deleter', { Effect: 'Allow', Action: 'iam:DeleteGroupPolicy', Resource })
  const refused = notAllowed(`${arn}:user/deleter`, 'iam:DeleteGroupPolicy', 'group b')
  await assert.rejects(deleter.deleteGroupPolicy({ GroupName: 'b', PolicyName: 'p' }), refused)
})
