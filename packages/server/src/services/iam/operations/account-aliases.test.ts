import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller } from '../../secretsmanager/testing.ts'
import { iamClient, noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }
const exists = (alias: string) => refusal('EntityAlreadyExists', 409, `The account alias ${alias} already exists.`)

test('an account has one alias: the next takes its place, and it goes when it is named', async (t) => {
  const { iam } = await startIam(t)
  const aliases = async () => {
    const { AccountAliases, IsTruncated } = await iam.listAccountAliases({ MaxItems: 1 })
    assert.equal(IsTruncated, false)
    return AccountAliases
  }
  assert.deepEqual(await aliases(), [])
  await iam.createAccountAlias({ AccountAlias: 'first-1' })
  assert.deepEqual(await aliases(), ['first-1'])
  await assert.rejects(iam.createAccountAlias({ AccountAlias: 'first-1' }), exists('first-1'))
  await iam.createAccountAlias({ AccountAlias: 'second' })
  assert.deepEqual(await aliases(), ['second'])
  const gone = noSuchEntity('The account alias first-1 cannot be found.')
  await assert.rejects(iam.deleteAccountAlias({ AccountAlias: 'first-1' }), gone)
  await iam.deleteAccountAlias({ AccountAlias: 'second' })
  assert.deepEqual(await aliases(), [])
})

test('no two accounts of the server have the same alias, and nobody takes away that of another', async (t) => {
  const { server, iam } = await startIam(t)
  const { credentials } = await createCaller(server, 'other', [EVERYTHING], 'new')
  const other = iamClient(t, server, credentials)
  await iam.createAccountAlias({ AccountAlias: 'shared' })
  await assert.rejects(other.createAccountAlias({ AccountAlias: 'shared' }), exists('shared'))
  const none = noSuchEntity('The account alias shared cannot be found.')
  await assert.rejects(other.deleteAccountAlias({ AccountAlias: 'shared' }), none)
  assert.deepEqual((await other.listAccountAliases({})).AccountAliases, [])
  await iam.createAccountAlias({ AccountAlias: 'own' })
  await other.createAccountAlias({ AccountAlias: 'shared' })
  assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, ['own'])
})

test('of many who ask for one alias at once, one gets it', async (t) => {
  const { server } = await startIam(t)
  const callers = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const { credentials } = await createCaller(server, name, [EVERYTHING], 'new')
      return iamClient(t, server, credentials)
    }),
  )
  const asked = await Promise.allSettled(callers.map((iam) => iam.createAccountAlias({ AccountAlias: 'wanted' })))
  assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const one of asked) if (one.status === 'rejected') exists('wanted')(one.reason)
})

test('an alias has 3 to 63 lower-case letters, digits and single dashes', async (t) => {
  const { iam } = await startIam(t)
  for (const AccountAlias of ['ab', 'Abc', '-abc', 'abc-', 'a--b', 'a b', 'a'.repeat(64)]) {
    await assert.rejects(iam.createAccountAlias({ AccountAlias }), { name: 'ValidationError' }, AccountAlias)
    await assert.rejects(iam.deleteAccountAlias({ AccountAlias }), { name: 'ValidationError' }, AccountAlias)
  }
  for (const AccountAlias of ['abc', 'a-b', '1-2-3', 'a'.repeat(63)]) await iam.createAccountAlias({ AccountAlias })
})

test('each asks for its own permission, on *', async (t) => {
  const { account, clientOf } = await startIam(t)
  const stranger = await clientOf('stranger')
  const AccountAlias = 'mine'
  const calls = [
    ['CreateAccountAlias', () => stranger.createAccountAlias({ AccountAlias })],
    ['DeleteAccountAlias', () => stranger.deleteAccountAlias({ AccountAlias })],
    ['ListAccountAliases', () => stranger.listAccountAliases({})],
  ] as const
  for (const [operation, call] of calls) {
    await assert.rejects(call(), notAllowed(`arn:aws:iam::${account}:user/stranger`, `iam:${operation}`, '*'))
  }
})
