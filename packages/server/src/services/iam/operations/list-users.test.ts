import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListUsers } from '@aws-sdk/client-iam'
import { notAllowed, refusal, startIam } from '../testing.ts'

test('users are listed by name, in pages, by a prefix of their paths, without tags and boundaries', async (t) => {
  const { account, iam } = await startIam(t)
  for (const UserName of ['Dora', 'alice', 'bob', 'Carol', 'eve']) {
    const Path = UserName === 'bob' ? '/team/blue/' : UserName === 'eve' ? '/teamwork/' : '/'
    const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
    await iam.createUser({ UserName, Path, PermissionsBoundary, Tags: [{ Key: 'a', Value: 'b' }] })
  }
  const names = async (input: object) => (await iam.listUsers(input)).Users!.map(({ UserName }) => UserName)
  const all = ['administrator', 'alice', 'bob', 'Carol', 'Dora', 'eve']
  assert.deepEqual(await names({}), all)
  assert.deepEqual(await names({ PathPrefix: '/team' }), ['bob', 'eve'])
  assert.deepEqual(await names({ PathPrefix: '/team/' }), ['bob'])
  assert.deepEqual(await names({ PathPrefix: '/nothing/' }), [])

  const whole = await iam.listUsers({})
  assert.deepEqual([whole.IsTruncated, whole.Marker], [false, undefined])
  const bob = whole.Users!.find(({ UserName }) => UserName === 'bob')!
  assert.deepEqual(bob, {
    Path: '/team/blue/',
    UserName: 'bob',
    UserId: bob.UserId,
    Arn: `arn:aws:iam::${account}:user/team/blue/bob`,
    CreateDate: bob.CreateDate,
  })

  for (const size of [1, 2, 6, 1000]) {
    const pages: (string | undefined)[][] = []
    for await (const { Users } of paginateListUsers({ client: iam, pageSize: size }, {})) {
      pages.push(Users!.map(({ UserName }) => UserName))
    }
    assert.deepEqual(pages.flat(), all)
    assert.equal(pages.length, Math.ceil(6 / size))
  }

  const { Marker } = await iam.listUsers({ MaxItems: 2 })
  await iam.deleteUser({ UserName: 'alice' })
  assert.deepEqual(
    (await iam.listUsers({ Marker })).Users!.map(({ UserName }) => UserName),
    all.slice(2),
  )
  const invalid = refusal('ValidationError', 400, 'Invalid Marker.')
  await assert.rejects(iam.listUsers({ Marker: 'nonsense' }), invalid)
  await assert.rejects(iam.listGroups({ Marker }), invalid)
})

test('what is out of its limits is refused', async (t) => {
  const { iam } = await startIam(t)
  const failed = 'failed to satisfy constraint: Member must have value'
  for (const [MaxItems, bound] of [
    [0, 'greater than or equal to 1'],
    [1001, 'less than or equal to 1000'],
  ] as const) {
    const message = `1 validation error detected: Value '${MaxItems}' at 'maxItems' ${failed} ${bound}`
    await assert.rejects(iam.listUsers({ MaxItems }), refusal('ValidationError', 400, message))
  }
  const prefix =
    'The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.'
  await assert.rejects(iam.listUsers({ PathPrefix: 'team/' }), refusal('ValidationError', 400, prefix))
})

test('a policy may allow to list the users of a path', async (t) => {
  const { account, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const lister = await clientOf('lister', { Effect: 'Allow', Action: 'iam:ListUsers', Resource: `${users}/team/*` })
  assert.deepEqual((await lister.listUsers({ PathPrefix: '/team/' })).Users, [])
  await assert.rejects(lister.listUsers({}), notAllowed(`${users}/lister`, 'iam:ListUsers', `${users}/`))
})
