import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SummaryKeyType } from '@aws-sdk/client-iam'
import { notAllowed, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('an account is counted as it is now, and told what it may have', async (t) => {
  const { iam } = await startIam(t)
  const summary = async () => (await iam.getAccountSummary({})).SummaryMap as { readonly [key: string]: number }
  const before = await summary()
  const counted = ['Groups', 'Policies', 'PolicyVersionsInUse', 'Providers', 'Roles', 'Users', 'InstanceProfiles']
  assert.deepEqual(
    counted.map((key) => before[key]),
    [0, 0, 0, 0, 0, 1, 0],
  )
  assert.deepEqual([before.UsersQuota, before.VersionsPerPolicyQuota, before.PolicySizeQuota], [5_000, 5, 6_144])
  assert.equal(before.AccountAccessKeysPresent, 0)

  await iam.createUser({ UserName: 'alice' })
  await iam.createGroup({ GroupName: 'g' })
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await iam.createOpenIDConnectProvider({ Url: 'https://idp.example.com', ClientIDList: ['app'] })
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument })
  await iam.createPolicyVersion({ PolicyArn: Policy!.Arn!, PolicyDocument })
  const after = await summary()
  assert.deepEqual(
    counted.map((key) => after[key]),
    [1, 1, 2, 1, 1, 2, 0],
  )
  await iam.deletePolicyVersion({ PolicyArn: Policy!.Arn!, VersionId: 'v2' })
  await iam.deleteUser({ UserName: 'alice' })
  const { PolicyVersionsInUse, Users } = await summary()
  assert.deepEqual([PolicyVersionsInUse, Users], [1, 1])
})

test('each thing that AWS counts is told of, and nothing else', async (t) => {
  const { iam } = await startIam(t)
  const { SummaryMap } = await iam.getAccountSummary({})
  assert.deepEqual(Object.keys(SummaryMap!).sort(), Object.values(SummaryKeyType).sort())
})

test('it asks for iam:GetAccountSummary on *', async (t) => {
  const { account, clientOf } = await startIam(t)
  const stranger = await clientOf('stranger')
  const refused = notAllowed(`arn:aws:iam::${account}:user/stranger`, 'iam:GetAccountSummary', '*')
  await assert.rejects(stranger.getAccountSummary({}), refused)
})
