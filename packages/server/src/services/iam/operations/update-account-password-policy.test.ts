// 'UpdateAccountPasswordPolicy', 'GetAccountPasswordPolicy' and 'DeleteAccountPasswordPolicy', and what passwords must have by them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal, startIam } from '../testing.ts'

const violation = (message: string) => refusal('PasswordPolicyViolation', 400, message)

test('a policy is told as it was put, whole, and taken away', async (t) => {
  const { account, iam } = await startIam(t)
  const none = refusal('NoSuchEntity', 404, `The Password Policy with domain name ${account} cannot be found.`)
  await assert.rejects(iam.getAccountPasswordPolicy({}), none)
  await assert.rejects(iam.deleteAccountPasswordPolicy({}), none)
  const given = {
    MinimumPasswordLength: 14,
    RequireSymbols: true,
    RequireNumbers: true,
    RequireUppercaseCharacters: true,
    RequireLowercaseCharacters: true,
    AllowUsersToChangePassword: true,
    MaxPasswordAge: 90,
    PasswordReusePrevention: 24,
    HardExpiry: true,
  }
  await iam.updateAccountPasswordPolicy(given)
  const { PasswordPolicy } = await iam.getAccountPasswordPolicy({})
  assert.deepEqual(PasswordPolicy, { ...given, ExpirePasswords: true })

  await iam.updateAccountPasswordPolicy({ RequireNumbers: true })
  assert.deepEqual((await iam.getAccountPasswordPolicy({})).PasswordPolicy, {
    MinimumPasswordLength: 6,
    RequireSymbols: false,
    RequireNumbers: true,
    RequireUppercaseCharacters: false,
    RequireLowercaseCharacters: false,
    AllowUsersToChangePassword: false,
    ExpirePasswords: false,
    HardExpiry: false,
  })
  await assert.rejects(iam.updateAccountPasswordPolicy({ MinimumPasswordLength: 5 }), { name: 'ValidationError' })
  await assert.rejects(iam.updateAccountPasswordPolicy({ MaxPasswordAge: 1_096 }), { name: 'ValidationError' })
  await iam.deleteAccountPasswordPolicy({})
  await assert.rejects(iam.getAccountPasswordPolicy({}), none)
})

test('passwords must have what the policy asks for, from the next one on', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  await iam.createUser({ UserName })
  await iam.updateAccountPasswordPolicy({ MinimumPasswordLength: 10 })
  await iam.createLoginProfile({ UserName, Password: 'abcdefghij' })
  const set = (Password: string) => iam.updateLoginProfile({ UserName, Password })
  await assert.rejects(set('abcdefghi'), violation('Password should have a minimum length of 10'))
  for (const [requirement, needs, good] of [
    ['RequireUppercaseCharacters', 'uppercase letter', 'Abcdefghij'],
    ['RequireLowercaseCharacters', 'lowercase letter', 'ABCDEFGHIj'],
    ['RequireNumbers', 'number', 'abcdefghi1'],
    ['RequireSymbols', 'symbol', "abcdefghi'"],
  ] as const) {
    await iam.updateAccountPasswordPolicy({ [requirement]: true })
    const bad = needs === 'lowercase letter' ? 'ABCDEFGHIJ' : 'abcdefghij'
    await assert.rejects(set(bad), violation(`Password should have at least one ${needs}`), requirement)
    await set(good)
  }
  await iam.updateLoginProfile({ UserName, PasswordResetRequired: true })
})
