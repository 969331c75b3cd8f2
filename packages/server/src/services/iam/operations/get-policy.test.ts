import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('it counts what the policy is attached to, and apart from that whose boundary it is', async (t) => {
  const { iam } = await startIam(t)
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument })).Policy!.Arn!
  await iam.createUser({ UserName: 'u', PermissionsBoundary: PolicyArn })
  await iam.createGroup({ GroupName: 'g' })
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA, PermissionsBoundary: PolicyArn })
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn })
  await iam.attachGroupPolicy({ GroupName: 'g', PolicyArn })
  await iam.attachRolePolicy({ RoleName: 'r', PolicyArn })
  const { Policy } = await iam.getPolicy({ PolicyArn })
  assert.deepEqual([Policy!.AttachmentCount, Policy!.PermissionsBoundaryUsageCount], [3, 2])
})

test('the policies of AWS are told of too', async (t) => {
  const { iam } = await startIam(t)
  const { Policy } = await iam.getPolicy({ PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' })
  assert.match(Policy!.PolicyId!, /^ANPA[A-Z2-7]{17}$/)
  const { PolicyName, Path, DefaultVersionId, AttachmentCount, IsAttachable } = Policy!
  // The administrator has it.
  assert.deepEqual(
    [PolicyName, Path, DefaultVersionId, AttachmentCount, IsAttachable],
    ['AdministratorAccess', '/', 'v1', 1, true],
  )
})

test('what is not there, and what is not ours to tell', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  for (const arn of [`arn:aws:iam::${account}:policy/none`, 'arn:aws:iam::aws:policy/None']) {
    await assert.rejects(iam.getPolicy({ PolicyArn: arn }), noSuchEntity(`Policy ${arn} was not found.`))
  }
  const role = `arn:aws:iam::${account}:role/r`
  await assert.rejects(iam.getPolicy({ PolicyArn: role }), refusal('InvalidInput', 400, `ARN ${role} is not valid.`))
  // Whether another account has such a policy is not told to anybody else.
  const foreign = 'arn:aws:iam::999999999999:policy/p'
  await assert.rejects(
    iam.getPolicy({ PolicyArn: foreign }),
    refusal(
      'AccessDenied',
      403,
      `User: arn:aws:iam::${account}:user/administrator is not authorized to perform: iam:GetPolicy on resource: policy ${foreign} because no resource-based policy allows the iam:GetPolicy action`,
    ),
  )
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument, Tags: [{ Key: 'Team', Value: 'blue' }] })
  const Condition = { StringEquals: { 'aws:ResourceTag/Team': 'blue' } }
  const reader = await clientOf('reader', { Effect: 'Allow', Action: 'iam:GetPolicy', Resource: '*', Condition })
  assert.ok((await reader.getPolicy({ PolicyArn: Policy!.Arn })).Policy)
  await assert.rejects(reader.getPolicy({ PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }), {
    name: 'AccessDenied',
  })
})
