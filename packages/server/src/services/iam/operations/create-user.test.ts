import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { iamClient, noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

test('a user is made with its path, boundary and tags, and found under its name in any case', async (t) => {
  const { server, account, iam } = await startIam(t)
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const Tags = [
    { Key: 'Team', Value: 'blau grün' },
    { Key: 'Empty', Value: '' },
  ]
  const { User } = await iam.createUser({
    UserName: 'Alice',
    Path: '/team/blue/',
    PermissionsBoundary: boundary,
    Tags,
  })
  const { UserId, CreateDate } = User!
  assert.match(UserId!, /^AIDA[A-Z2-7]{17}$/)
  assert.ok(Math.abs(CreateDate!.getTime() - Date.now()) < 60_000)
  assert.deepEqual(User, {
    Path: '/team/blue/',
    UserName: 'Alice',
    UserId,
    Arn: `arn:aws:iam::${account}:user/team/blue/Alice`,
    CreateDate,
    PermissionsBoundary: { PermissionsBoundaryType: 'PermissionsBoundaryPolicy', PermissionsBoundaryArn: boundary },
    Tags,
  })
  assert.deepEqual((await iam.getUser({ UserName: 'aLICE' })).User, User)

  const [event] = await events(server, 'CreateUser')
  assert.equal(event?.requestParameters?.userName, 'Alice')
  assert.equal(JSON.parse(JSON.stringify(event?.responseElements)).user.userId, UserId)
})

test('what IAM refuses is refused in its codes and words', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice', Path: '/team/' })
  const refused = (input: object, code: string, status: number, message: string) =>
    assert.rejects(iam.createUser({ UserName: 'bob', ...input }), refusal(code, status, message))
  const tag = (Key: string) => ({ Key, Value: 'v' })
  const failed = 'failed to satisfy constraint: Member must'

  await refused({ UserName: 'ALICE' }, 'EntityAlreadyExists', 409, 'User with name ALICE already exists.')
  const characters = 'It must contain only alphanumeric characters and/or the following: +=,.@_-'
  const invalidName = `The specified value for userName is invalid. ${characters}`
  await refused({ UserName: 'a b' }, 'ValidationError', 400, invalidName)
  const long = 'x'.repeat(65)
  const tooLong = `1 validation error detected: Value '${long}' at 'userName' ${failed} have length less than or equal to 64`
  await refused({ UserName: long }, 'ValidationError', 400, tooLong)
  const path = 'It must begin and end with / and contain only alphanumeric characters and/or / characters.'
  await refused({ Path: 'team/' }, 'ValidationError', 400, `The specified value for path is invalid. ${path}`)
  const nothing = 'arn:aws:iam::aws:policy/Nothing'
  const noBoundary = `Scope ARN: ${nothing} does not exist or is not attachable.`
  await refused({ PermissionsBoundary: nothing }, 'NoSuchEntity', 404, noBoundary)
  const bucket = 'arn:aws:s3:::a-bucket-name'
  await refused({ PermissionsBoundary: bucket }, 'InvalidInput', 400, `ARN ${bucket} is not valid.`)
  const twice = 'Duplicate tag keys found. Please note that Tag keys are case insensitive.'
  await refused({ Tags: [tag('Team'), tag('team')] }, 'InvalidInput', 400, twice)
  const reserved = 'Tag keys that begin with aws: are reserved for system use.'
  await refused({ Tags: [tag('AWS:x')] }, 'InvalidInput', 400, reserved)
  const value = `Value 'a|b' at 'tags.1.member.value' ${failed} satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*`
  await refused({ Tags: [{ Key: 'k', Value: 'a|b' }] }, 'ValidationError', 400, `1 validation error detected: ${value}`)
})

test('it asks for iam:CreateUser on the ARN to be, and for iam:TagUser where there are tags', async (t) => {
  const { account, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const maker = await clientOf('maker', { Effect: 'Allow', Action: 'iam:CreateUser', Resource: `${users}/team/*` })
  await maker.createUser({ UserName: 'alice', Path: '/team/' })
  const refused = (action: string, arn: string) => notAllowed(`${users}/maker`, action, arn)
  await assert.rejects(maker.createUser({ UserName: 'bob' }), refused('iam:CreateUser', `${users}/bob`))
  const tagged = { UserName: 'bob', Path: '/team/', Tags: [{ Key: 'a', Value: 'b' }] }
  await assert.rejects(maker.createUser(tagged), refused('iam:TagUser', `${users}/team/bob`))
  // Whether a name is taken is not told before it may be made.
  await assert.rejects(maker.createUser({ UserName: 'maker' }), refused('iam:CreateUser', `${users}/maker`))
})

test('a policy may want a boundary and tags', async (t) => {
  const { clientOf } = await startIam(t)
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const maker = await clientOf('maker', {
    Effect: 'Allow',
    Action: ['iam:CreateUser', 'iam:TagUser'],
    Resource: '*',
    Condition: {
      StringEquals: { 'iam:PermissionsBoundary': boundary, 'aws:RequestTag/Team': 'blue' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['Team'] },
    },
  })
  const Team = { Key: 'Team', Value: 'blue' }
  const input = { UserName: 'alice', PermissionsBoundary: boundary, Tags: [Team] }
  for (const other of [
    { ...input, PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    { UserName: 'alice', Tags: [Team] },
    { ...input, Tags: [{ Key: 'Team', Value: 'red' }] },
    { ...input, Tags: [Team, { Key: 'More', Value: '' }] },
    { UserName: 'alice', PermissionsBoundary: boundary },
  ]) {
    await assert.rejects(maker.createUser(other), { name: 'AccessDenied' }, JSON.stringify(other))
  }
  await maker.createUser(input)
})

test('a user of one account does not show in another, where its name is free', async (t) => {
  const { server, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const everything = [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }]
  const stranger = await createCaller(server, 'stranger', everything, 'new')
  const elsewhere = iamClient(t, server, stranger.credentials)
  const none = noSuchEntity('The user with name alice cannot be found.')
  await assert.rejects(elsewhere.getUser({ UserName: 'alice' }), none)
  const { User } = await elsewhere.createUser({ UserName: 'alice' })
  assert.equal(User!.Arn, `arn:aws:iam::${stranger.account}:user/alice`)
  const { Users } = await elsewhere.listUsers({})
  assert.deepEqual(
    Users!.map(({ UserName }) => UserName),
    ['alice', 'stranger'],
  )
})

test('of many who make the same user at once one does, and different users are all made', async (t) => {
  const { iam } = await startIam(t)
  const same = await Promise.allSettled(Array.from({ length: 10 }, () => iam.createUser({ UserName: 'alice' })))
  const refusals = same.filter((result) => result.status === 'rejected').map(({ reason }) => reason.name)
  assert.deepEqual(refusals, Array(9).fill('EntityAlreadyExistsException'))
  await Promise.all(Array.from({ length: 20 }, (_, i) => iam.createUser({ UserName: `user-${i}` })))
  assert.equal((await iam.listUsers({})).Users!.length, 22)
})
