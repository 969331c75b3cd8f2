import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('ten policies are attached at most, and one that is attached twice counts once', async (t) => {
  const { iam, account } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const arns = ['arn:aws:iam::aws:policy/ReadOnlyAccess']
  for (let i = 0; i < 10; i += 1)
    arns.push((await iam.createPolicy({ PolicyName: `p${i}`, PolicyDocument })).Policy!.Arn!)
  const attach = (PolicyArn: string) => iam.attachRolePolicy({ RoleName, PolicyArn })
  for (const arn of arns.slice(0, 10)) await attach(arn)
  await attach(arns[1]!)
  await assert.rejects(attach(arns[10]!), refusal('LimitExceeded', 409, 'Cannot exceed quota for PoliciesPerRole: 10'))
  assert.equal((await iam.getPolicy({ PolicyArn: arns[1]! })).Policy!.AttachmentCount, 1)
  assert.equal((await iam.getPolicy({ PolicyArn: arns[10]! })).Policy!.AttachmentCount, 0)

  for (const arn of [
    `arn:aws:iam::${account}:policy/none`,
    'arn:aws:iam::aws:policy/None',
    'arn:aws:iam::999999999999:policy/p1',
  ]) {
    await assert.rejects(attach(arn), noSuchEntity(`Policy ${arn} does not exist or is not attachable.`))
  }
  const words = 'words that are no ARN'
  await assert.rejects(attach(words), refusal('InvalidInput', 400, `ARN ${words} is not valid.`))
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.attachRolePolicy({ RoleName: 'none', PolicyArn: arns[0]! }), none)
})

test('a policy may ask which policy is attached', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const Condition = { ArnEquals: { 'iam:PolicyARN': PolicyArn } }
  const attacher = await clientOf('attacher', {
    Effect: 'Allow',
    Action: 'iam:AttachRolePolicy',
    Resource: '*',
    Condition,
  })
  await attacher.attachRolePolicy({ RoleName, PolicyArn })
  await assert.rejects(
    attacher.attachRolePolicy({ RoleName, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    { name: 'AccessDenied' },
  )
})
