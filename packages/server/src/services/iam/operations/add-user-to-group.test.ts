import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const nothing = { Effect: 'Deny', Action: 's3:*', Resource: '*' }
const document = (Effect: string, Action: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect, Action, Resource: '*' } })

test("what a group's policies allow and deny holds for its users at the next request", async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', nothing)
  const asks = () => alice.listUsers({})
  const refused = { name: 'AccessDenied' }
  await iam.createGroup({ GroupName: 'readers' })
  await iam.attachGroupPolicy({ GroupName: 'readers', PolicyArn: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess' })
  await assert.rejects(asks(), refused)

  await iam.addUserToGroup({ GroupName: 'readers', UserName: 'alice' })
  await iam.addUserToGroup({ GroupName: 'readers', UserName: 'Alice' })
  await asks()
  // The rows of the group are looked at anew, though those of the user stay as they are.
  await iam.putGroupPolicy({ GroupName: 'readers', PolicyName: 'no', PolicyDocument: document('Deny', 'iam:List*') })
  await assert.rejects(asks(), refused)
  await iam.deleteGroupPolicy({ GroupName: 'readers', PolicyName: 'no' })
  await asks()
  await iam.detachGroupPolicy({ GroupName: 'readers', PolicyArn: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess' })
  await assert.rejects(asks(), refused)
  await iam.putGroupPolicy({ GroupName: 'readers', PolicyName: 'yes', PolicyDocument: document('Allow', 'iam:List*') })
  await asks()
  await iam.removeUserFromGroup({ GroupName: 'readers', UserName: 'alice' })
  await assert.rejects(asks(), refused)
})

test('a user is in 10 groups at most', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  for (let i = 0; i <= 10; i++) await iam.createGroup({ GroupName: `g${i}` })
  for (let i = 0; i < 10; i++) await iam.addUserToGroup({ GroupName: `g${i}`, UserName: 'alice' })
  await iam.addUserToGroup({ GroupName: 'g0', UserName: 'alice' })
  const quota = refusal('LimitExceeded', 409, 'Cannot exceed quota for GroupsPerUser: 10')
  await assert.rejects(iam.addUserToGroup({ GroupName: 'g10', UserName: 'alice' }), quota)
})

test('a group or a user that is not there; the permission is asked for on the group', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  await iam.createGroup({ GroupName: 'a' })
  const noUser = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.addUserToGroup({ GroupName: 'a', UserName: 'absent' }), noUser)
  const noGroup = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.addUserToGroup({ GroupName: 'absent', UserName: 'administrator' }), noGroup)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:group/a`
  const adder = await clientOf('adder', { Effect: 'Allow', Action: 'iam:AddUserToGroup', Resource })
  await adder.addUserToGroup({ GroupName: 'a', UserName: 'administrator' })
  const refused = notAllowed(`${arn}:user/adder`, 'iam:AddUserToGroup', 'group b')
  await assert.rejects(adder.addUserToGroup({ GroupName: 'b', UserName: 'adder' }), refused)
})
