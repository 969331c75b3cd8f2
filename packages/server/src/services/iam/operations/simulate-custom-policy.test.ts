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
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of AWS's
    EvalResourceName: 'arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}',
    EvalDecision: 'allowed',
    MatchedStatements: [
      {
        SourcePolicyId: 'PolicyInputList.1',
        SourcePolicyType: 'none',
        StartPosition: { Line: 1, Column: 38 },
        EndPosition: { Line: 1, Column: 102 },
      },
    ],
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

test('resources are told one by one, and together by the most restrictive decision; across accounts each side is told', async (t) => {
  const { iam, account } = await startIam(t)
  const one = `arn:aws:secretsmanager:eu-central-1:${account}:secret:one-AbCdEf`
  const two = one.replace('one', 'two')
  const document = `{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*" },
    { "Sid": "noTwo", "Condition": { "StringNotEquals": { "aws:UserAgent": "}{" } },
      "Effect": "Deny", "Action": "*", "Resource": "${two}" }
  ]
}`
  const asked = {
    PolicyInputList: [document],
    ActionNames: ['secretsmanager:GetSecretValue'],
    ResourceArns: [one, two],
  }
  const result = (await iam.simulateCustomPolicy(asked)).EvaluationResults![0]!
  assert.deepEqual([result.EvalDecision, result.EvalDecisionDetails], ['explicitDeny', {}])
  assert.deepEqual(
    result.ResourceSpecificResults!.map((each) => [
      each.EvalResourceName,
      each.EvalResourceDecision,
      each.MatchedStatements!.map(({ StartPosition, EndPosition }) => [StartPosition?.Line, EndPosition?.Line]),
    ]),
    [
      [one, 'allowed', [[4, 4]]],
      [two, 'explicitDeny', [[5, 6]]],
    ],
  )
  assert.deepEqual(result.MatchedStatements, result.ResourceSpecificResults![1]!.MatchedStatements)
  assert.deepEqual(result.MatchedStatements![0]!.StartPosition, { Line: 5, Column: 5 })

  const there = { ...asked, ResourceArns: [one], ResourceOwner: 'arn:aws:iam::444455556666:root' }
  const across = (await iam.simulateCustomPolicy(there)).EvaluationResults![0]!
  const details = { 'IAM Policy': 'allowed', 'Resource Policy': 'implicitDeny' }
  assert.deepEqual([across.EvalDecision, across.EvalDecisionDetails], ['implicitDeny', details])
  assert.deepEqual(across.ResourceSpecificResults![0]!.EvalDecisionDetails, details)
  const nothing = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const scps = { OrderedOrganizationPolicyInputList: [{ ServiceControlPolicyInputList: [nothing] }] }
  const refused = (await iam.simulateCustomPolicy({ ...there, ...scps })).EvaluationResults![0]!
  assert.deepEqual(
    [refused.OrganizationsDecisionDetail, refused.EvalDecisionDetails, refused.MatchedStatements],
    [{ AllowedByOrganizations: false }, undefined, []],
  )
})
