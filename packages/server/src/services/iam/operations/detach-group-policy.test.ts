import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'

test('what a detached policy allowed is refused at the next request', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Deny', Action: 's3:*', Resource: '*' })
  await iam.createGroup({ GroupName: 'team' })
  await iam.addUserToGroup({ GroupName: 'team', UserName: 'alice' })
  await iam.attachGroupPolicy({ GroupName: 'team', PolicyArn })
  await alice.listUsers({})
  await iam.detachGroupPolicy({ GroupName: 'team', PolicyArn })
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  const notAttached = noSuchEntity(`Policy ${PolicyArn} was not found.`)
  await assert.rejects(iam.detachGroupPolicy({ GroupName: 'team', PolicyArn }), notAttached)
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.detachGroupPolicy({ GroupName: 'absent', PolicyArn }), none)
})

test('a policy may say which policies may be detached', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const Condition = { ArnEquals: { 'iam:PolicyARN': PolicyArn } }
  const Resource = `arn:aws:iam::${account}:group/*`
  const detacher = await clientOf('detacher', { Effect: 'Allow', Action: 'iam:DetachGroupPolicy', Resource, Condition })
  await iam.createGroup({ GroupName: 'team' })
  await iam.attachGroupPolicy({ GroupName: 'team', PolicyArn })
  await detacher.detachGroupPolicy({ GroupName: 'team', PolicyArn })
  const other = { GroupName: 'team', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
  const refused = notAllowed(`arn:aws:iam::${account}:user/detacher`, 'iam:DetachGroupPolicy', 'group team')
  await assert.rejects(detacher.detachGroupPolicy(other), refused)
})
