import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam } from '../testing.ts'

test('an older version is put in effect again, and the one before stays', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const document = (Effect: string) => policyDocument({ Effect, Action: 'iam:ListUsers', Resource: '*' })
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument: document('Allow') })).Policy!.Arn!
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument: document('Deny'), SetAsDefault: true })
  const user = await clientOf('u', { Effect: 'Allow', Action: 'iam:ListRoles', Resource: '*' })
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn })
  await assert.rejects(user.listUsers({}), /explicit deny in an identity-based policy/)
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v1' })
  assert.ok((await user.listUsers({})).Users)
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v1' })
  assert.equal((await iam.getPolicy({ PolicyArn })).Policy!.DefaultVersionId, 'v1')
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v2' })
  await assert.rejects(user.listUsers({}), { name: 'AccessDenied' })
  await assert.rejects(
    iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v3' }),
    noSuchEntity(`Policy ${PolicyArn} version v3 does not exist or is not attachable.`),
  )
})
