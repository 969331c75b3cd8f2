import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
const document = (...Statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement })

test('what it allows holds at the next request, and a policy of the same name takes its place', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { ...statement, Effect: 'Deny' })
  await iam.createGroup({ GroupName: 'team' })
  await iam.addUserToGroup({ GroupName: 'team', UserName: 'alice' })
  const put = (Action: string) =>
    iam.putGroupPolicy({ GroupName: 'team', PolicyName: 'p', PolicyDocument: document({ ...statement, Action }) })
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  await put('iam:ListUsers')
  await alice.listUsers({})
  await put('iam:ListGroups')
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  await alice.listGroups({})
})

test('a document that cannot be evaluated, and policies that are too long together, are refused', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'team' })
  const put = (PolicyName: string, PolicyDocument: string) =>
    iam.putGroupPolicy({ GroupName: 'team', PolicyName, PolicyDocument })
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
  await put('two', long(5120 - 1_000))
  const quota = refusal('LimitExceeded', 409, 'Maximum policy size of 5120 bytes exceeded for group team')
  await assert.rejects(put('two', long(5120 - 999)), quota)
  const { PolicyNames } = await iam.listGroupPolicies({ GroupName: 'team' })
  assert.deepEqual(PolicyNames, ['one', 'two'])
})

test('a group that is not there; the permission is asked for on the group', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const input = { PolicyName: 'p', PolicyDocument: document(statement) }
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.putGroupPolicy({ GroupName: 'absent', ...input }), none)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:group/a`
  const writer = await clientOf('writer', { Effect: 'Allow', Action: 'iam:PutGroupPolicy', Resource })
  const refused = notAllowed(`${arn}:user/writer`, 'iam:PutGroupPolicy', 'group b')
  await assert.rejects(writer.putGroupPolicy({ GroupName: 'b', ...input }), refused)
})
