import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam } from '../testing.ts'

test('versions are listed from the newest on, by pages and without documents', async (t) => {
  const { iam, account } = await startIam(t)
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument })).Policy!.Arn!
  for (let number = 2; number <= 11; number += 1) {
    await iam.createPolicyVersion({ PolicyArn, PolicyDocument })
    if (number < 9) await iam.deletePolicyVersion({ PolicyArn, VersionId: `v${number}` })
  }
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v10' })
  const { Versions } = await iam.listPolicyVersions({ PolicyArn })
  assert.deepEqual(
    Versions!.map(({ VersionId, IsDefaultVersion, Document }) => [VersionId, IsDefaultVersion, Document]),
    [
      ['v11', false, undefined],
      ['v10', true, undefined],
      ['v9', false, undefined],
      ['v1', false, undefined],
    ],
  )
  const first = await iam.listPolicyVersions({ PolicyArn, MaxItems: 3 })
  const second = await iam.listPolicyVersions({ PolicyArn, Marker: first.Marker })
  assert.deepEqual([...first.Versions!, ...second.Versions!], Versions)
  const missing = `arn:aws:iam::${account}:policy/none`
  const none = noSuchEntity(`Policy ${missing} does not exist or is not attachable.`)
  await assert.rejects(iam.listPolicyVersions({ PolicyArn: missing }), none)
  const ofAws = await iam.listPolicyVersions({ PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  assert.deepEqual(
    ofAws.Versions!.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion]),
    [['v1', true]],
  )
})
