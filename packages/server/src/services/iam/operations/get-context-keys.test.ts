import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const allow = (more: object) => policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*', ...more })
/** A policy variable. */
const variable = (key: string): string => ['$', '{', key, '}'].join('')

test("'GetContextKeysForCustomPolicy' lists each key of conditions and each variable once, as it is written first", async (t) => {
  const { iam } = await startIam(t)
  const keysOf = async (...PolicyInputList: readonly string[]) =>
    (await iam.getContextKeysForCustomPolicy({ PolicyInputList: [...PolicyInputList] })).ContextKeyNames!
  assert.deepEqual(await keysOf(allow({})), [])
  const one = policyDocument(
    {
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: [`arn:aws:s3:::b/${variable('aws:username')}/*`, `arn:aws:s3:::c/${variable('*')}`],
      Condition: {
        DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' },
        StringEquals: { 'aws:PrincipalTag/Team': [`${variable("aws:RequestTag/Team, 'none'")}`, 'blue'] },
      },
    },
    { Effect: 'Deny', Action: 's3:*', NotResource: '*', Condition: { Bool: { 'aws:SecureTransport': false } } },
  )
  assert.deepEqual((await keysOf(one)).sort(), [
    'aws:CurrentTime',
    'aws:PrincipalTag/Team',
    'aws:RequestTag/Team',
    'aws:SecureTransport',
    'aws:username',
  ])
  const upper = allow({ Condition: { StringEquals: { 'AWS:UserName': 'alice' } } })
  assert.deepEqual(await keysOf(upper, allow({ Resource: `arn:aws:s3:::${variable('aws:username')}` })), [
    'AWS:UserName',
  ])
  const old = JSON.stringify({
    Version: '2008-10-17',
    Statement: { Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${variable('aws:username')}` },
  })
  assert.deepEqual(await keysOf(old), [], 'the old version has no variables')
  await assert.rejects(keysOf('{'), refusal('InvalidInput', 400, 'Syntax errors in policy.'))
})

test("'GetContextKeysForPrincipalPolicy' reads inline and managed policies of a user, its groups, a group, a role", async (t) => {
  const { iam, account } = await startIam(t)
  const asking = (key: string) => allow({ Condition: { StringEquals: { [key]: 'x' } } })
  const arn = (name: string) => `arn:aws:iam::${account}:${name}`
  await iam.createUser({ UserName: 'alice', PermissionsBoundary: 'arn:aws:iam::aws:policy/IAMUserChangePassword' })
  await iam.createGroup({ GroupName: 'staff' })
  await iam.addUserToGroup({ UserName: 'alice', GroupName: 'staff' })
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await iam.putUserPolicy({ UserName: 'alice', PolicyName: 'p', PolicyDocument: asking('my:user') })
  await iam.putGroupPolicy({ GroupName: 'staff', PolicyName: 'p', PolicyDocument: asking('my:group') })
  const { Policy } = await iam.createPolicy({ PolicyName: 'own', PolicyDocument: asking('my:first') })
  const PolicyArn = Policy!.Arn!
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument: asking('my:default'), SetAsDefault: true })
  await iam.attachGroupPolicy({ GroupName: 'staff', PolicyArn })
  await iam.attachRolePolicy({ RoleName: 'r', PolicyArn: 'arn:aws:iam::aws:policy/IAMUserChangePassword' })

  const keysOf = async (PolicySourceArn: string, ...PolicyInputList: readonly string[]) => {
    const asked = { PolicySourceArn, ...(PolicyInputList.length > 0 && { PolicyInputList: [...PolicyInputList] }) }
    return (await iam.getContextKeysForPrincipalPolicy(asked)).ContextKeyNames!
  }
  assert.deepEqual(await keysOf(arn('user/alice')), ['my:user', 'my:group', 'my:default'])
  assert.deepEqual(await keysOf(arn('group/staff')), ['my:group', 'my:default'])
  assert.deepEqual(await keysOf(arn('role/r'), asking('my:given')), ['aws:username', 'my:given'])
  for (const none of ['user/none', 'role/alice', 'policy/own', 'user/x/alice']) {
    await assert.rejects(keysOf(arn(none)), noSuchEntity(`${arn(none)} cannot be found.`))
  }
})

test('each asks for its own permission', async (t) => {
  const { account, clientOf } = await startIam(t)
  const stranger = await clientOf('stranger')
  const own = `arn:aws:iam::${account}:user/stranger`
  await assert.rejects(
    stranger.getContextKeysForCustomPolicy({ PolicyInputList: [allow({})] }),
    notAllowed(own, 'iam:GetContextKeysForCustomPolicy', '*'),
  )
  await assert.rejects(
    stranger.getContextKeysForPrincipalPolicy({ PolicySourceArn: own }),
    notAllowed(own, 'iam:GetContextKeysForPrincipalPolicy', own),
  )
})
