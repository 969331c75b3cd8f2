import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
const conflict = (message: string) => refusal('DeleteConflict', 409, message)

test('a policy is deleted once nothing has it and one version is left', async (t) => {
  const { iam } = await startIam(t)
  const { Policy: first } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument })
  const PolicyArn = first!.Arn!
  await iam.createUser({ UserName: 'u' })
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn })
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true })
  await assert.rejects(iam.deletePolicy({ PolicyArn }), conflict('Cannot delete a policy attached to entities.'))
  await iam.detachUserPolicy({ UserName: 'u', PolicyArn })
  await iam.putUserPermissionsBoundary({ UserName: 'u', PermissionsBoundary: PolicyArn })
  await assert.rejects(iam.deletePolicy({ PolicyArn }), conflict('Cannot delete a policy attached to entities.'))
  await iam.deleteUserPermissionsBoundary({ UserName: 'u' })
  await assert.rejects(
    iam.deletePolicy({ PolicyArn }),
    conflict(
      "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
    ),
  )
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v1' })
  await iam.deletePolicy({ PolicyArn })
  const none = noSuchEntity(`Policy ${PolicyArn} does not exist or is not attachable.`)
  await assert.rejects(iam.deletePolicy({ PolicyArn }), none)

  const { Policy: second } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument })
  assert.notEqual(second!.PolicyId, first!.PolicyId)
  assert.equal(second!.DefaultVersionId, 'v1')
})

test('a policy of AWS is nobody’s to change', async (t) => {
  const { iam, account } = await startIam(t)
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const denied = (action: string) =>
    refusal(
      'AccessDenied',
      403,
      `User: arn:aws:iam::${account}:user/administrator is not authorized to perform: ${action} on resource: policy ${PolicyArn} because no resource-based policy allows the ${action} action`,
    )
  await assert.rejects(iam.deletePolicy({ PolicyArn }), denied('iam:DeletePolicy'))
  await assert.rejects(iam.createPolicyVersion({ PolicyArn, PolicyDocument }), denied('iam:CreatePolicyVersion'))
  const VersionId = 'v1'
  await assert.rejects(iam.setDefaultPolicyVersion({ PolicyArn, VersionId }), denied('iam:SetDefaultPolicyVersion'))
  await assert.rejects(iam.deletePolicyVersion({ PolicyArn, VersionId }), denied('iam:DeletePolicyVersion'))
  await assert.rejects(iam.tagPolicy({ PolicyArn, Tags: [] }), denied('iam:TagPolicy'))
  await assert.rejects(iam.untagPolicy({ PolicyArn, TagKeys: [] }), denied('iam:UntagPolicy'))
})
