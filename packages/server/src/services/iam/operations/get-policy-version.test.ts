import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam } from '../testing.ts'

test('each version has its own document', async (t) => {
  const { iam } = await startIam(t)
  const allow = (Action: string) => `${policyDocument({ Effect: 'Allow', Action, Resource: '*' })}\n`
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument: allow('s3:*') })).Policy!.Arn!
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument: allow('sqs:*'), SetAsDefault: true })
  for (const [VersionId, document, isDefault] of [
    ['v1', allow('s3:*'), false],
    ['v2', allow('sqs:*'), true],
  ] as const) {
    const { Document, IsDefaultVersion, ...rest } = (await iam.getPolicyVersion({ PolicyArn, VersionId }))
      .PolicyVersion!
    assert.deepEqual(
      [decodeURIComponent(Document!), IsDefaultVersion, rest.VersionId],
      [document, isDefault, VersionId],
    )
    assert.ok(rest.CreateDate instanceof Date)
  }
  await assert.rejects(
    iam.getPolicyVersion({ PolicyArn, VersionId: 'v3' }),
    noSuchEntity(`Policy ${PolicyArn} version v3 does not exist or is not attachable.`),
  )
  await assert.rejects(iam.getPolicyVersion({ PolicyArn, VersionId: '1' }), { name: 'ValidationError' })
})

test('the policies of AWS have a document, in one version', async (t) => {
  const { iam } = await startIam(t)
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess'
  const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn, VersionId: 'v1' })
  assert.deepEqual(JSON.parse(decodeURIComponent(PolicyVersion!.Document!)), {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['*'], Resource: '*' }],
  })
  await assert.rejects(iam.getPolicyVersion({ PolicyArn, VersionId: 'v2' }), { name: 'NoSuchEntityException' })
})
