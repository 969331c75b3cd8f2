import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate } from '../../policy/evaluate.ts'
import { findManagedPolicy, managedPolicyArn, managedPolicyNames } from './managed-policies.ts'

const account = '111122223333'
const allowed = (policy: string, action: string): boolean =>
  evaluate({
    principal: { kind: 'user', arn: `arn:aws:iam::${account}:user/a`, account, userId: 'AIDA1' },
    permission: {
      action,
      resource: `arn:aws:secretsmanager:us-east-1:${account}:secret:a-AbCdEf`,
      resourceAccount: account,
    },
    context: () => ({}),
    layers: { identity: [findManagedPolicy('aws', managedPolicyArn('aws', policy))!] },
  }).allow

test('every managed policy compiles, once', () => {
  for (const name of managedPolicyNames) {
    const arn = managedPolicyArn('aws', name)
    const policy = findManagedPolicy('aws', arn)
    assert.equal(policy?.name, arn)
    assert.equal(findManagedPolicy('aws', arn), policy)
  }
})

test('an ARN of another partition, account or name is no managed policy', () => {
  for (const arn of [
    'arn:aws-cn:iam::aws:policy/AdministratorAccess',
    'arn:aws:iam::111122223333:policy/AdministratorAccess',
    'arn:aws:iam::aws:policy/administratoraccess',
    'arn:aws:iam::aws:policy/toString',
    'arn:aws:iam::aws:policy/',
    'AdministratorAccess',
    '',
  ]) {
    assert.equal(findManagedPolicy('aws', arn), undefined, arn)
  }
})

test('managed policies allow what their names say and no more', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['AdministratorAccess', 'iam:DeleteUser', true],
    ['AdministratorAccess', 'strongroom:AdvanceClock', true],
    ['SecretsManagerReadWrite', 'secretsmanager:DeleteSecret', true],
    ['SecretsManagerReadWrite', 'kms:Decrypt', false],
    ['ReadOnlyAccess', 'secretsmanager:DescribeSecret', true],
    ['ReadOnlyAccess', 'secretsmanager:GetSecretValue', false],
    ['ReadOnlyAccess', 'secretsmanager:BatchGetSecretValue', false],
    ['ReadOnlyAccess', 'secretsmanager:PutSecretValue', false],
    ['ReadOnlyAccess', 'kms:Decrypt', false],
    ['AmazonSSMFullAccess', 'ssm:PutParameter', true],
    ['AmazonSSMReadOnlyAccess', 'ssm:GetParametersByPath', true],
    ['AmazonSSMReadOnlyAccess', 'ssm:PutParameter', false],
    ['AWSKeyManagementServicePowerUser', 'kms:CreateKey', true],
    ['AWSKeyManagementServicePowerUser', 'kms:ScheduleKeyDeletion', false],
    ['IAMFullAccess', 'iam:CreateUser', true],
    ['IAMReadOnlyAccess', 'iam:CreateUser', false],
  ]
  for (const [policy, action, expected] of cases) assert.equal(allowed(policy, action), expected, `${policy} ${action}`)
})
