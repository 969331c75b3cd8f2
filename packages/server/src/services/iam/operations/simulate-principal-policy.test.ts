// SimulatePrincipalPolicy: what a user, group or role may, and which policy says so.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, policyDocument, startIam } from '../testing.ts'

test('the policies of a user, of its groups and its boundary are told by name, for who may ask', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' })
  await iam.createGroup({ GroupName: 'careful' })
  const PolicyDocument = policyDocument({ Effect: 'Deny', Action: 'secretsmanager:DeleteSecret', Resource: '*' })
  await iam.putGroupPolicy({ GroupName: 'careful', PolicyName: 'no-deletion', PolicyDocument })
  await iam.addUserToGroup({ GroupName: 'careful', UserName: 'alice' })
  const PolicySourceArn = `arn:aws:iam::${account}:user/alice`
  const ActionNames = ['secretsmanager:GetSecretValue', 'secretsmanager:DeleteSecret', 'kms:Decrypt']
  const { EvaluationResults } = await iam.simulatePrincipalPolicy({ PolicySourceArn, ActionNames })
  assert.deepEqual(
    EvaluationResults!
      .map(({ EvalDecision, MatchedStatements }) => [
        EvalDecision,
        MatchedStatements!.map(({ SourcePolicyId }) => SourcePolicyId),
      ])
      .map(([decision, names]) => [decision, names!.length]),
    [
      ['allowed', 1],
      ['explicitDeny', 1],
      ['implicitDeny', 0],
    ],
  )
  const [matched] = EvaluationResults![1]!.MatchedStatements!
  assert.deepEqual([matched!.SourcePolicyId, matched!.SourcePolicyType], ['no-deletion', 'group'])
  assert.equal(EvaluationResults![0]!.MatchedStatements![0]!.SourcePolicyType, 'user')
  assert.deepEqual(EvaluationResults![0]!.OrganizationsDecisionDetail, { AllowedByOrganizations: true })
  await iam.putUserPermissionsBoundary({
    UserName: 'alice',
    PermissionsBoundary: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess',
  })
  const bounded = (await iam.simulatePrincipalPolicy({ PolicySourceArn, ActionNames })).EvaluationResults![0]!
  assert.deepEqual(
    [bounded.EvalDecision, bounded.PermissionsBoundaryDecisionDetail],
    ['implicitDeny', { AllowedByPermissionsBoundary: false }],
  )
  await assert.rejects(
    iam.simulatePrincipalPolicy({ PolicySourceArn: `${PolicySourceArn}x`, ActionNames }),
    noSuchEntity(`${PolicySourceArn}x cannot be found.`),
  )
  await iam.deleteUserPermissionsBoundary({ UserName: 'alice' })
  await assert.rejects(
    alice.simulatePrincipalPolicy({ PolicySourceArn, ActionNames }),
    notAllowed(PolicySourceArn, 'iam:SimulatePrincipalPolicy', PolicySourceArn),
  )
})
