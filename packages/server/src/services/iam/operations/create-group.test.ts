import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../../secretsmanager/testing.ts'
import { createGroup } from '../groups.ts'
import { notAllowed, refusal, startIam } from '../testing.ts'

test('a group is made with its path; its name is unique in the account without regard to case', async (t) => {
  const { server, account, iam } = await startIam(t)
  const { Group } = await iam.createGroup({ GroupName: 'Admins', Path: '/team/' })
  const { GroupId, CreateDate } = Group!
  assert.match(GroupId!, /^AGPA[A-Z2-7]{17}$/)
  assert.ok(CreateDate instanceof Date)
  const Arn = `arn:aws:iam::${account}:group/team/Admins`
  assert.deepEqual(Group, { Path: '/team/', GroupName: 'Admins', GroupId, Arn, CreateDate })
  assert.deepEqual((await iam.getGroup({ GroupName: 'admins' })).Group, Group)
  const exists = refusal('EntityAlreadyExists', 409, 'Group with name ADMINS already exists.')
  await assert.rejects(iam.createGroup({ GroupName: 'ADMINS' }), exists)
  // Users and groups may have the same names.
  await iam.createGroup({ GroupName: 'administrator' })
  const [, first] = await events(server, 'CreateGroup')
  assert.equal(first?.errorCode, 'EntityAlreadyExists')
})

test('a name that groups do not have is refused', async (t) => {
  const { iam } = await startIam(t)
  const message =
    'The specified value for groupName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-'
  await assert.rejects(iam.createGroup({ GroupName: 'a/b' }), refusal('ValidationError', 400, message))
  await iam.createGroup({ GroupName: 'x'.repeat(128) })
  await assert.rejects(iam.createGroup({ GroupName: 'x'.repeat(129) }), { name: 'ValidationError' })
})

test('an account has 300 groups at most', async (t) => {
  const { server, account, iam } = await startIam(t)
  const { app } = server
  await app.database.transaction('write', async (tx) => {
    for (let i = 0; i < 300; i++) await createGroup(app, tx, account, { groupName: `group-${i}`, now: app.now() })
  })
  const quota = refusal('LimitExceeded', 409, 'Cannot exceed quota for GroupsPerAccount: 300')
  await assert.rejects(iam.createGroup({ GroupName: 'one-more' }), quota)
})

test('it asks for iam:CreateGroup on the ARN to be', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const maker = await clientOf('maker', { Effect: 'Allow', Action: 'iam:CreateGroup', Resource: `${arn}:group/team/*` })
  await maker.createGroup({ GroupName: 'a', Path: '/team/' })
  const refused = notAllowed(`${arn}:user/maker`, 'iam:CreateGroup', `${arn}:group/a`)
  await assert.rejects(maker.createGroup({ GroupName: 'a' }), refused)
})
