import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('the document comes back as it was put, percent-encoded', async (t) => {
  const { iam } = await startIam(t)
  await iam.createRole({ RoleName: 'Deploy', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const Condition = { StringLike: { 'aws:PrincipalTag/t': "a*('b')!é" } }
  const PolicyDocument = `\t${policyDocument({ Effect: 'Deny', Action: '*', Resource: '*', Condition })}\n`
  await iam.putRolePolicy({ RoleName: 'deploy', PolicyName: 'P', PolicyDocument })
  const policy = await iam.getRolePolicy({ RoleName: 'deploy', PolicyName: 'P' })
  assert.deepEqual([policy.RoleName, policy.PolicyName], ['Deploy', 'P'])
  assert.match(policy.PolicyDocument!, /^[\w.~%-]+$/)
  assert.equal(decodeURIComponent(policy.PolicyDocument!), PolicyDocument)
  const none = noSuchEntity('The role policy with name p cannot be found.')
  await assert.rejects(iam.getRolePolicy({ RoleName: 'deploy', PolicyName: 'p' }), none)
})
