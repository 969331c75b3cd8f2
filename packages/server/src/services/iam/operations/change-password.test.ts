import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { events } from '../../secretsmanager/testing.ts'
import { credentialsOf, newRole, sessionOf, stsClient } from '../../sts/testing.ts'
import { iamClient, noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'
import { enabledAuthenticator } from '../testing-mfa.ts'

const [OldPassword, NewPassword] = ['Correct-horse-1', 'Another-horse-2']
const wrong = refusal('AccessDenied', 403, 'The old password was incorrect.')
const violation = (message: string) => refusal('PasswordPolicyViolation', 400, message)

test('a user who knows the password changes it, and need not change it any more', async (t) => {
  const { server, account, iam, clientOf } = await startIam(t)
  const UserName = 'alice'
  const alice = await clientOf(UserName, { Effect: 'Allow', Action: 'iam:ChangePassword', Resource: '*' })
  const none = noSuchEntity('Login Profile for User alice cannot be found.')
  await assert.rejects(alice.changePassword({ OldPassword, NewPassword }), none)
  await iam.createLoginProfile({ UserName, Password: OldPassword, PasswordResetRequired: true })
  await assert.rejects(alice.changePassword({ OldPassword: NewPassword, NewPassword }), wrong)
  await alice.changePassword({ OldPassword, NewPassword })
  assert.equal((await iam.getLoginProfile({ UserName })).LoginProfile!.PasswordResetRequired, false)
  await assert.rejects(alice.changePassword({ OldPassword, NewPassword: 'Third-horse-3' }), wrong)
  await alice.changePassword({ OldPassword: NewPassword, NewPassword: OldPassword })

  const told = await events(server, 'ChangePassword')
  assert.equal(told.length, 5)
  for (const event of told) assert.doesNotMatch(JSON.stringify(event), /horse/)
  assert.equal(told[0]!.requestParameters, null)
  assert.equal(account, server.accountId)
})

test('the account may let every user change it, but for those whose policies deny it', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice')
  const barred = await clientOf('barred', { Effect: 'Deny', Action: 'iam:ChangePassword', Resource: '*' })
  for (const UserName of ['alice', 'barred']) await iam.createLoginProfile({ UserName, Password: OldPassword })
  const user = (name: string) => `arn:aws:iam::${account}:user/${name}`
  const refused = notAllowed(user('alice'), 'iam:ChangePassword', 'user alice')
  await assert.rejects(alice.changePassword({ OldPassword, NewPassword }), refused)
  await iam.updateAccountPasswordPolicy({ MinimumPasswordLength: 15 })
  await assert.rejects(alice.changePassword({ OldPassword, NewPassword }), refused)
  await assert.rejects(
    alice.getAccountPasswordPolicy({}),
    notAllowed(user('alice'), 'iam:GetAccountPasswordPolicy', '*'),
  )

  await iam.updateAccountPasswordPolicy({ MinimumPasswordLength: 15, AllowUsersToChangePassword: true })
  await alice.changePassword({ OldPassword, NewPassword })
  assert.equal((await alice.getAccountPasswordPolicy({})).PasswordPolicy!.MinimumPasswordLength, 15)
  const deny = /is not authorized to perform: iam:ChangePassword on resource: user barred with an explicit deny/
  await assert.rejects(barred.changePassword({ OldPassword, NewPassword }), deny)
  await assert.rejects(
    alice.updateAccountPasswordPolicy({}),
    notAllowed(user('alice'), 'iam:UpdateAccountPasswordPolicy', '*'),
  )
})

test('a new password differs from as many as the account says, the one in use among them', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const UserName = 'alice'
  const alice = await clientOf(UserName)
  await iam.updateAccountPasswordPolicy({ PasswordReusePrevention: 2, AllowUsersToChangePassword: true })
  await iam.createLoginProfile({ UserName, Password: 'first-one' })
  const change = (from: string, to: string) => alice.changePassword({ OldPassword: from, NewPassword: to })
  const reused = violation('Password does not conform to the account password policy.')
  await assert.rejects(change('first-one', 'first-one'), reused)
  await change('first-one', 'second-one')
  await assert.rejects(change('second-one', 'first-one'), reused)
  await assert.rejects(iam.updateLoginProfile({ UserName, Password: 'first-one' }), reused)
  await change('second-one', 'third-one')
  await change('third-one', 'first-one')
})

test('a session with MFA of a user who was renamed since changes the password of that user', async (t) => {
  const { server, iam, clientOf } = await startIam(t)
  await clientOf('alice', { Effect: 'Allow', Action: 'iam:ChangePassword', Resource: '*' })
  await iam.createLoginProfile({ UserName: 'alice', Password: OldPassword })
  const { AccessKey } = await iam.createAccessKey({ UserName: 'alice' })
  const key = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  const phone = await enabledAuthenticator(iam, 'alice')
  const input = { SerialNumber: phone.serialNumber, TokenCode: phone.code(1) }
  const session = credentialsOf(await stsClient(t, server, key).send(new GetSessionTokenCommand(input)))
  await iam.updateUser({ UserName: 'alice', NewUserName: 'alicia' })
  await iam.createUser({ UserName: 'alice' })
  await iam.createLoginProfile({ UserName: 'alice', Password: 'Somebody-else-1' })
  await iamClient(t, server, session).changePassword({ OldPassword, NewPassword })
  await iam.deleteLoginProfile({ UserName: 'alicia' })
})

test('it is for users: neither a root user nor a session of a role has a password', async (t) => {
  const { server, iam } = await startIam(t)
  const role = await newRole(server, 'Reader')
  const session = iamClient(t, server, await sessionOf(t, server, server.credentials, role.arn))
  const users = refusal('InvalidUserType', 400, 'Only IAM Users can change their own password')
  await assert.rejects(session.changePassword({ OldPassword, NewPassword }), users)
  await assert.rejects(iam.changePassword({ OldPassword, NewPassword }), { name: 'NoSuchEntityException' })
})
