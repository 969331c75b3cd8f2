// SimulateCustomPolicy: what given policies would say, by the engine that decides every call.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyDocument, refusal, startIam } from '../testing.ts'

test('given policies are decided with boundary, resource policy, control policies and context', async (t) => {
  const { iam, account } = await startIam(t)
  const reads = policyDocument(
    { Effect: 'Allow', Action: 'secretsmanager:Get*', Resource: '*' },
    { Effect: 'Deny', Action: '*', Resource: '*', Condition: { StringEquals: { 'aws:SourceIp': 'inside' } } },
  )
  const ActionNames = ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue']
  const ask = async (more: object = {}) => {
    const { EvaluationResults } = await iam.simulateCustomPolicy({ PolicyInputList: [reads], ActionNames, ...more })
    return EvaluationResults!.map(({ EvalDecision }) => EvalDecision)
  }
  const { EvaluationResults } = await iam.simulateCustomPolicy({ PolicyInputList: [reads], ActionNames })
  assert.deepEqual(EvaluationResults![0], {
    EvalActionName: ActionNames[0],
    EvalResourceName: '*',
    EvalDecision: 'allowed',
    MatchedStatements: [{ SourcePolicyId: 'PolicyInputList.1', SourcePolicyType: 'IAM Policy' }],
    MissingContextValues: ['aws:sourceip'],
  })
  assert.deepEqual(await ask(), ['allowed', 'implicitDeny'])
  const ContextEntries = [{ ContextKeyName: 'aws:SourceIp', ContextKeyValues: ['inside'], ContextKeyType: 'string' }]
  assert.deepEqual(await ask({ ContextEntries }), ['explicitDeny', 'explicitDeny'])
  const nothing = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  assert.deepEqual(await ask({ PermissionsBoundaryPolicyInputList: [nothing] }), ['implicitDeny', 'implicitDeny'])
  const scps = [{ ServiceControlPolicyInputList: [nothing] }]
  assert.deepEqual(await ask({ OrderedOrganizationPolicyInputList: scps }), ['implicitDeny', 'implicitDeny'])
  const CallerArn = `arn:aws:iam::${account}:user/alice`
  const ResourcePolicy = policyDocument({ Effect: 'Allow', Principal: { AWS: CallerArn }, Action: '*', Resource: '*' })
  assert.deepEqual(await ask({ CallerArn, ResourcePolicy }), ['allowed', 'allowed'])
  const page = await iam.simulateCustomPolicy({ PolicyInputList: [reads], ActionNames, MaxItems: 1 })
  assert.deepEqual([page.EvaluationResults!.length, page.IsTruncated], [1, true])
  const { EvaluationResults: next } = await iam.simulateCustomPolicy({
    PolicyInputList: [reads],
    ActionNames,
    Marker: page.Marker,
  })
  assert.equal(next![0]!.EvalActionName, ActionNames[1])
  await assert.rejects(
    ask({ ResourceHandlingOption: 'EC2-VPC' }),
    refusal('InvalidInput', 400, 'ResourceHandlingOption is not simulated by this server.'),
  )
})
