import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const allow = (Sid = '') => policyDocument({ Sid, Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('an inline policy is added, and replaced by one of its name', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const put = (PolicyName: string, PolicyDocument: string) =>
    iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument })
  await put('one', allow('a'))
  await put('one', allow('b'))
  const { PolicyDocument } = await iam.getRolePolicy({ RoleName, PolicyName: 'one' })
  assert.equal(decodeURIComponent(PolicyDocument!), allow('b'))
  assert.deepEqual((await iam.listRolePolicies({ RoleName })).PolicyNames, ['one'])

  const long = (characters: number) => allow('x'.repeat(characters - allow().length))
  await put('two', long(10_240 - allow('b').length))
  await assert.rejects(
    put('two', long(10_241 - allow('b').length)),
    refusal('LimitExceeded', 409, 'Maximum policy size of 10240 bytes exceeded for role r'),
  )
  // White space is kept and not counted, up to a bound.
  await put('two', allow())
  const padded = `${allow()}${' '.repeat(60_000)}`
  await put('padded-1', padded)
  await put('padded-2', padded)
  await assert.rejects(
    put('padded-3', padded),
    refusal('LimitExceeded', 409, 'Maximum policy size of 131072 bytes exceeded for role r'),
  )
  await assert.rejects(put('p', TRUSTS_LAMBDA), { name: 'MalformedPolicyDocumentException' })
  await assert.rejects(
    iam.putRolePolicy({ RoleName: 'none', PolicyName: 'p', PolicyDocument: allow() }),
    noSuchEntity('The role with name none cannot be found.'),
  )
})

test('a policy may ask for the boundary that the role has', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  await iam.createRole({ RoleName: 'free', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await iam.createRole({ RoleName: 'bounded', AssumeRolePolicyDocument: TRUSTS_LAMBDA, PermissionsBoundary: boundary })
  const Condition = { StringEquals: { 'iam:PermissionsBoundary': boundary } }
  const putter = await clientOf('putter', { Effect: 'Allow', Action: 'iam:PutRolePolicy', Resource: '*', Condition })
  const put = (RoleName: string) => putter.putRolePolicy({ RoleName, PolicyName: 'p', PolicyDocument: allow() })
  await put('bounded')
  await assert.rejects(put('free'), { name: 'AccessDenied' })
})
