import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'

test('what a detached policy allowed is refused at the next request', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Deny', Action: 's3:*', Resource: '*' })
  await iam.attachUserPolicy({ UserName: 'alice', PolicyArn })
  await alice.listUsers({})
  await iam.detachUserPolicy({ UserName: 'alice', PolicyArn })
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  const notAttached = noSuchEntity(`Policy ${PolicyArn} was not found.`)
  await assert.rejects(iam.detachUserPolicy({ UserName: 'alice', PolicyArn }), notAttached)
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.detachUserPolicy({ UserName: 'absent', PolicyArn }), none)
})

test('a policy may say which policies may be detached', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const Condition = { ArnEquals: { 'iam:PolicyARN': PolicyArn } }
  const Resource = `arn:aws:iam::${account}:user/*`
  const detacher = await clientOf('detacher', { Effect: 'Allow', Action: 'iam:DetachUserPolicy', Resource, Condition })
  await iam.createUser({ UserName: 'alice' })
  await iam.attachUserPolicy({ UserName: 'alice', PolicyArn })
  await detacher.detachUserPolicy({ UserName: 'alice', PolicyArn })
  const other = { UserName: 'alice', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
  const refused = notAllowed(`arn:aws:iam::${account}:user/detacher`, 'iam:DetachUserPolicy', 'user alice')
  await assert.rejects(detacher.detachUserPolicy(other), refused)
})
