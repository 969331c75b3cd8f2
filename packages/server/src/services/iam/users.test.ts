import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase, type TestScope } from '../../storage/testing.ts'
import { createAccessKey, deleteAccessKey, listAccessKeys, setAccessKeyStatus } from './access-keys.ts'
import { managedPolicyArn } from './managed-policies.ts'
import { createPolicy } from './policies.ts'
import { findAccessKey, insertRow, USER } from './store.ts'
import { iamOn, policyDocument } from './testing.ts'
import { attachUserPolicy, createAccount, createUser, findAccount, putUserPolicy } from './users.ts'

const now = 1_700_000_000_000
const allow = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }

async function withUser(t: TestScope) {
  const iam = iamOn(await openTestDatabase(t))
  const account = await iam.write((tx) => createAccount(iam.app, tx, { name: 'a', now }))
  await iam.write((tx) => createUser(iam.app, tx, account, { userName: 'Alice', now }))
  return { ...iam, account }
}

test('an account is found by its id, and an id is taken once', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  assert.equal(await write((tx) => findAccount(app, tx, '111122223333')), undefined)
  const accountId = '111122223333'
  assert.equal(await write((tx) => createAccount(app, tx, { name: 'a', now, accountId })), accountId)
  assert.deepEqual(await write((tx) => findAccount(app, tx, accountId)), { name: 'a', createdAt: now, accessKeys: [] })
  const again = write((tx) => createAccount(app, tx, { name: 'b', now, accountId }))
  await assert.rejects(again, { code: 'EntityAlreadyExists', status: 409 })
})

test('a user name is unique in its account without regard to case, and kept as it was written', async (t) => {
  const { app, write, account } = await withUser(t)
  const refused = { code: 'EntityAlreadyExists', message: 'User with name ALICE already exists.' }
  await assert.rejects(
    write((tx) => createUser(app, tx, account, { userName: 'ALICE', now })),
    refused,
  )
  const key = await write((tx) => createAccessKey(app, tx, account, { userName: 'aLiCe' }, now))
  const found = await write(async (tx) => findAccessKey(app, tx, key.accessKeyId))
  assert.equal(found?.identity.arn, `arn:aws:iam::${account}:user/Alice`)
  assert.equal(found?.identity.userName, 'Alice')
})

test('what names nothing is answered with NoSuchEntity', async (t) => {
  const { app, write, account } = await withUser(t)
  const bob = { userName: 'bob' }
  const refused = (message: string) => ({ code: 'NoSuchEntity', status: 404, message })
  const noBob = refused('The user with name bob cannot be found.')
  const admin = managedPolicyArn('aws', 'AdministratorAccess')
  await assert.rejects(
    write((tx) => createAccessKey(app, tx, account, bob, now)),
    noBob,
  )
  await assert.rejects(
    write((tx) => putUserPolicy(app, tx, account, 'bob', 'p', policyDocument(allow))),
    noBob,
  )
  await assert.rejects(
    write((tx) => attachUserPolicy(app, tx, account, 'bob', admin)),
    noBob,
  )
  for (const arn of [`${admin}x`, `arn:aws:iam::${account}:policy/p`]) {
    await assert.rejects(
      write((tx) => attachUserPolicy(app, tx, account, 'Alice', arn)),
      refused(`Policy ${arn} does not exist or is not attachable.`),
    )
  }
  await assert.rejects(
    write((tx) => attachUserPolicy(app, tx, account, 'Alice', 'words')),
    { code: 'InvalidInput', message: 'ARN words is not valid.' },
  )
  const unknown = refused('The Access Key with id AKIAX cannot be found.')
  await assert.rejects(
    write((tx) => deleteAccessKey(app, tx, account, 'root', 'AKIAX')),
    unknown,
  )
  await assert.rejects(
    write((tx) => setAccessKeyStatus(app, tx, account, 'root', 'AKIAX', 'Inactive')),
    unknown,
  )
  const noAccount = refused('The account with id 999999999999 cannot be found.')
  await assert.rejects(
    write((tx) => createUser(app, tx, '999999999999', { userName: 'bob', now })),
    noAccount,
  )
  await assert.rejects(
    write((tx) => createAccessKey(app, tx, '999999999999', 'root', now)),
    noAccount,
  )
})

test('an access key of one owner cannot be changed through another', async (t) => {
  const { app, write, account } = await withUser(t)
  const key = await write((tx) => createAccessKey(app, tx, account, { userName: 'Alice' }, now))
  await assert.rejects(
    write((tx) => deleteAccessKey(app, tx, account, 'root', key.accessKeyId)),
    { code: 'NoSuchEntity' },
  )
  assert.ok((await write(async (tx) => findAccessKey(app, tx, key.accessKeyId)))?.active)
})

test('an owner has two access keys at most', async (t) => {
  const { app, write, account } = await withUser(t)
  for (const owner of ['root', { userName: 'Alice' }] as const) {
    const [one] = [
      await write((tx) => createAccessKey(app, tx, account, owner, now)),
      await write((tx) => createAccessKey(app, tx, account, owner, now)),
    ]
    await assert.rejects(
      write((tx) => createAccessKey(app, tx, account, owner, now)),
      { code: 'LimitExceeded', status: 409, message: 'Cannot exceed quota for AccessKeysPerUser: 2' },
    )
    await write((tx) => deleteAccessKey(app, tx, account, owner, one!.accessKeyId))
    await write((tx) => createAccessKey(app, tx, account, owner, now))
    assert.equal((await write((tx) => listAccessKeys(app, tx, account, owner))).length, 2)
  }
})

test('an access key id is taken once, in all accounts', async (t) => {
  const { app, write, account } = await withUser(t)
  const chosen = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 's'.repeat(40) }
  await write((tx) => createAccessKey(app, tx, account, 'root', now, chosen))
  const other = await write((tx) => createAccount(app, tx, { name: 'b', now }))
  await assert.rejects(
    write((tx) => createAccessKey(app, tx, other, 'root', now, chosen)),
    { code: 'EntityAlreadyExists' },
  )
})

test('documents and sizes that AWS refuses are refused', async (t) => {
  const { app, write, account } = await withUser(t)
  const put = (name: string, document: string) =>
    write((tx) => putUserPolicy(app, tx, account, 'Alice', name, document))
  await assert.rejects(put('p', '{'), { code: 'MalformedPolicyDocument', message: 'Syntax errors in policy.' })
  await assert.rejects(put('p', policyDocument({ ...allow, Condition: { StringEqual: { 'aws:username': 'a' } } })), {
    code: 'MalformedPolicyDocument',
    message: 'Invalid Condition type : StringEqual. (Statement[0].Condition.StringEqual)',
  })
  const long = (characters: number) => {
    const empty = policyDocument({ ...allow, Sid: '' })
    return policyDocument({ ...allow, Sid: 'x'.repeat(characters - empty.length) })
  }
  await put('one', `${long(1_000)}${' '.repeat(3_000)}`)
  await put('two', long(1_048))
  await put('two', long(1_048))
  const message = 'Maximum policy size of 2048 bytes exceeded for user Alice'
  await assert.rejects(put('two', long(1_049)), { code: 'LimitExceeded', message })
  const create = (policyName: string, document: string) =>
    write((tx) => createPolicy(app, tx, account, { policyName, document, now }))
  await create('big', long(6_144))
  await assert.rejects(create('bigger', long(6_145)), { code: 'LimitExceeded' })
  await assert.rejects(create('big', long(200)), { code: 'EntityAlreadyExists' })
})

test('a user has ten attached policies at most, and one that is attached twice counts once', async (t) => {
  const { app, write, account } = await withUser(t)
  const document = policyDocument(allow)
  const arns: string[] = []
  for (let i = 0; i < 11; i += 1) {
    arns.push(await write((tx) => createPolicy(app, tx, account, { policyName: `p${i}`, document, now })))
  }
  const attach = (arn: string) => write((tx) => attachUserPolicy(app, tx, account, 'Alice', arn))
  for (const arn of arns.slice(0, 10)) await attach(arn)
  await attach(arns[0]!)
  await assert.rejects(attach(arns[10]!), {
    code: 'LimitExceeded',
    message: 'Cannot exceed quota for PoliciesPerUser: 10',
  })
})

test('an account has 5,000 users at most', async (t) => {
  const { app, write, account } = await withUser(t)
  const nobody = { path: '/', createdAt: now, accessKeys: [], inlinePolicies: [], attachedPolicies: [] }
  await write(async (tx) => {
    for (let i = 1; i < 4_999; i += 1) {
      await insertRow(app, tx, USER, [account, `AIDA${i}`], { ...nobody, userName: `user-${i}` })
    }
  })
  await write((tx) => createUser(app, tx, account, { userName: 'last', now }))
  await assert.rejects(
    write((tx) => createUser(app, tx, account, { userName: 'one-more', now })),
    { code: 'LimitExceeded', status: 409, message: 'Cannot exceed quota for UsersPerAccount: 5000' },
  )
})
