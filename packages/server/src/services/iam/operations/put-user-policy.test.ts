import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
const document = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement })

test('what it allows holds at the next request, and a policy of the same name takes its place', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { ...statement, Effect: 'Deny' })
  const put = (Action: string) =>
    iam.putUserPolicy({ UserName: 'alice', PolicyName: 'p', PolicyDocument: document({ ...statement, Action }) })
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  await put('iam:ListUsers')
  await alice.listUsers({})
  await put('iam:ListGroups')
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  await alice.listGroups({})
})

test('a document that cannot be evaluated, and policies that are too long together, are refused', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const put = (PolicyName: string, PolicyDocument: string) =>
    iam.putUserPolicy({ UserName: 'alice', PolicyName, PolicyDocument })
  const malformed = (message: string) => refusal('MalformedPolicyDocument', 400, message)
  await assert.rejects(put('p', '{'), malformed('Syntax errors in policy.'))
  const wrong = document({ ...statement, Condition: { StringEqual: { 'aws:username': 'a' } } })
  const type = 'Invalid Condition type : StringEqual. (Statement[0].Condition.StringEqual)'
  await assert.rejects(put('p', wrong), malformed(type))
  await assert.rejects(
    put('p', document({ ...statement, Resource: 'arn:aws:s3:::\u{1f512}' })),
    /^ValidationError: 1 validation error detected: Value '.*' at 'policyDocument' failed .*: \[\\u0009\\u000A\\u000D\\u0020-\\u00FF\]\+$/,
  )

  const empty = document({ ...statement, Sid: '' }).length
  const long = (characters: number) => document({ ...statement, Sid: 'x'.repeat(characters - empty) })
  await put('one', `${long(1_000)}${' '.repeat(10_000)}`)
  await put('two', long(2048 - 1_000))
  const quota = refusal('LimitExceeded', 409, 'Maximum policy size of 2048 bytes exceeded for user alice')
  await assert.rejects(put('two', long(2048 - 999)), quota)
  const { PolicyNames } = await iam.listUserPolicies({ UserName: 'alice' })
  assert.deepEqual(PolicyNames, ['one', 'two'])
})

test('a user that is not there; the permission is asked for on the user', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const input = { PolicyName: 'p', PolicyDocument: document(statement) }
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.putUserPolicy({ UserName: 'absent', ...input }), none)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:user/a`
  const writer = await clientOf('writer', { Effect: 'Allow', Action: 'iam:PutUserPolicy', Resource })
  const refused = notAllowed(`${arn}:user/writer`, 'iam:PutUserPolicy', 'user b')
  await assert.rejects(writer.putUserPolicy({ UserName: 'b', ...input }), refused)
})
