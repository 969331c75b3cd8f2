import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam } from '../testing.ts'

test('a version is deleted unless it is the default one', async (t) => {
  const { iam } = await startIam(t)
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument })).Policy!.Arn!
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument })
  await assert.rejects(
    iam.deletePolicyVersion({ PolicyArn, VersionId: 'v1' }),
    refusal('DeleteConflict', 409, 'Cannot delete the default version of a policy.'),
  )
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v2' })
  assert.deepEqual(
    (await iam.listPolicyVersions({ PolicyArn })).Versions!.map(({ VersionId }) => VersionId),
    ['v1'],
  )
  await assert.rejects(
    iam.deletePolicyVersion({ PolicyArn, VersionId: 'v2' }),
    noSuchEntity(`Policy ${PolicyArn} version v2 does not exist or is not attachable.`),
  )
})
