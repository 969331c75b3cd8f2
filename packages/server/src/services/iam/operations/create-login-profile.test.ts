// 'CreateLoginProfile', 'GetLoginProfile', 'UpdateLoginProfile' and 'DeleteLoginProfile': the password of a user, which nothing shows.

import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { events } from '../../secretsmanager/testing.ts'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'
import { readUser } from '../users.ts'

const Password = 'Correct-horse-1'
const noProfile = noSuchEntity('Login Profile for User alice cannot be found.')

test('a password is made, told of, changed and taken away, and only its hash is kept', async (t) => {
  const { server, account, iam } = await startIam(t)
  const UserName = 'alice'
  await iam.createUser({ UserName })
  await assert.rejects(iam.getLoginProfile({ UserName }), noProfile)
  await assert.rejects(iam.updateLoginProfile({ UserName, Password }), noProfile)
  await assert.rejects(iam.deleteLoginProfile({ UserName }), noProfile)

  const { LoginProfile } = await iam.createLoginProfile({ UserName, Password, PasswordResetRequired: true })
  const { CreateDate, ...shown } = LoginProfile!
  assert.deepEqual(shown, { UserName, PasswordResetRequired: true })
  assert.ok(CreateDate instanceof Date)
  assert.deepEqual((await iam.getLoginProfile({ UserName })).LoginProfile, LoginProfile)
  const exists = refusal('EntityAlreadyExists', 409, 'Login Profile for User alice already exists.')
  await assert.rejects(iam.createLoginProfile({ UserName, Password }), exists)

  const stored = async () =>
    (await server.app.database.transaction('read', (tx) => readUser(server.app, tx, account, UserName))).body
  const scrypt = (text: string, salt: string) =>
    scryptSync(text, Buffer.from(salt, 'base64'), 32, { N: 16_384, r: 8, p: 5 }).toString('base64')
  const { salt, hashes } = (await stored()).loginProfile!
  assert.deepEqual(hashes, [scrypt(Password, salt)])

  await iam.updateLoginProfile({ UserName, Password: 'Another-horse-2', PasswordResetRequired: false })
  const { LoginProfile: changed } = await iam.getLoginProfile({ UserName })
  assert.deepEqual(changed, { UserName, CreateDate, PasswordResetRequired: false })
  const profile = (await stored()).loginProfile!
  assert.deepEqual([profile.salt, profile.hashes], [salt, [scrypt('Another-horse-2', salt), ...hashes]])
  await iam.updateLoginProfile({ UserName, PasswordResetRequired: true })
  assert.deepEqual((await stored()).loginProfile!.hashes, profile.hashes)

  const first = refusal('DeleteConflict', 409, 'Cannot delete entity, must delete login profile first.')
  await assert.rejects(iam.deleteUser({ UserName }), first)
  await iam.deleteLoginProfile({ UserName })
  await assert.rejects(iam.getLoginProfile({ UserName }), noProfile)
  assert.equal((await stored()).loginProfile, undefined)
  await iam.deleteUser({ UserName })

  for (const name of ['CreateLoginProfile', 'UpdateLoginProfile']) {
    for (const event of await events(server, name)) assert.doesNotMatch(JSON.stringify(event), /horse/)
  }
})

test('where the account asks for nothing a password has eight characters of three kinds', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const create = (Password?: string) => iam.createLoginProfile({ UserName: 'alice', Password })
  const violation = (message: string) => refusal('PasswordPolicyViolation', 400, message)
  await assert.rejects(create('Abc-123'), violation('Password should have a minimum length of 8'))
  await assert.rejects(
    create('abcdefghi1'),
    violation(
      'Password should meet 1 more of the following requirements: Password should have at least one uppercase letter, Password should have at least one symbol',
    ),
  )
  await assert.rejects(create('abcdefghi'), /Password should meet 2 more of the following requirements: /)
  await assert.rejects(create(), /Value null at 'password' failed to satisfy constraint: Member must not be null/)
  const long = await create('Ab1-'.repeat(33)).catch((error: Error) => error.message)
  assert.equal(
    long,
    "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length less than or equal to 128",
  )
  await create('Abcdefg1')
})

test('they ask on the user; without a name they are about whose request it is, but for a root user', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const own = {
    Effect: 'Allow',
    Action: 'iam:*LoginProfile',
    Resource: `arn:aws:iam::${account}:user/\${aws:username}`,
  }
  const alice = await clientOf('alice', own)
  await alice.createLoginProfile({ Password })
  assert.equal((await alice.getLoginProfile({})).LoginProfile!.UserName, 'alice')
  await alice.deleteLoginProfile({})
  await iam.createUser({ UserName: 'bob' })
  const user = `arn:aws:iam::${account}:user/alice`
  for (const [action, call] of [
    ['CreateLoginProfile', () => alice.createLoginProfile({ UserName: 'bob', Password })],
    ['GetLoginProfile', () => alice.getLoginProfile({ UserName: 'bob' })],
    ['UpdateLoginProfile', () => alice.updateLoginProfile({ UserName: 'bob', Password })],
    ['DeleteLoginProfile', () => alice.deleteLoginProfile({ UserName: 'bob' })],
  ] as const) {
    await assert.rejects(call(), notAllowed(user, `iam:${action}`, 'user bob'))
  }
})
