// The policies that AWS manages and this server has, with our own text: in code, the same for every account, without rows.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html

import { createHash } from 'node:crypto'
import { compilePolicy } from '../../policy/compile.ts'
import type { NamedPolicy } from '../../policy/engine.ts'
import { digestOf } from './documents.ts'
import type { PolicyBody } from './model.ts'
import type { Stored } from './store.ts'
import { newUniqueId } from './unique-id.ts'

type Statement = {
  readonly Effect: 'Allow'
  readonly Action: readonly string[] | string
  readonly Resource: readonly string[] | string
}

const allow = (...Action: readonly string[]): Statement => ({ Effect: 'Allow', Action, Resource: '*' })

/** By path and name. */
const POLICIES: { readonly [name: string]: readonly Statement[] } = {
  AdministratorAccess: [allow('*')],

  /** Reads what is configured; no secret value, no plaintext. Parameters are configuration, and read with their values, as on AWS. */
  ReadOnlyAccess: [
    allow('secretsmanager:Describe*', 'secretsmanager:GetResourcePolicy', 'secretsmanager:List*'),
    allow('kms:Describe*', 'kms:GetKeyPolicy', 'kms:GetKeyRotationStatus', 'kms:GetPublicKey', 'kms:List*'),
    allow('ssm:Describe*', 'ssm:Get*', 'ssm:List*'),
    allow('iam:Generate*', 'iam:Get*', 'iam:List*', 'iam:Simulate*'),
    allow('lambda:Get*', 'lambda:List*'),
    allow('rds:Describe*', 'rds:List*'),
    allow('cloudtrail:Describe*', 'cloudtrail:Get*', 'cloudtrail:List*', 'cloudtrail:LookupEvents'),
    allow('organizations:Describe*', 'organizations:List*'),
    allow('sts:GetAccessKeyInfo', 'sts:GetCallerIdentity', 'sts:GetSessionToken'),
  ],

  SecretsManagerReadWrite: [
    allow('secretsmanager:*'),
    allow('kms:DescribeKey', 'kms:ListAliases', 'kms:ListKeys'),
    allow('lambda:ListFunctions', 'rds:DescribeDBClusters', 'rds:DescribeDBInstances', 'tag:GetResources'),
    {
      Effect: 'Allow',
      Action: ['lambda:AddPermission', 'lambda:CreateFunction', 'lambda:GetFunction', 'lambda:InvokeFunction'],
      Resource: 'arn:aws*:lambda:*:*:function:SecretsManager*',
    },
  ],

  AmazonSSMFullAccess: [allow('ssm:*')],

  AmazonSSMReadOnlyAccess: [allow('ssm:Describe*', 'ssm:Get*', 'ssm:List*')],

  AWSKeyManagementServicePowerUser: [
    allow('kms:CreateAlias', 'kms:CreateKey', 'kms:DeleteAlias', 'kms:Describe*', 'kms:GenerateRandom', 'kms:Get*'),
    allow('kms:List*', 'kms:TagResource', 'kms:UntagResource'),
    allow('iam:ListGroups', 'iam:ListRoles', 'iam:ListUsers'),
  ],

  IAMFullAccess: [
    allow('iam:*'),
    allow('organizations:DescribeAccount', 'organizations:DescribeOrganization', 'organizations:ListAccounts'),
  ],

  IAMUserChangePassword: [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
    { Effect: 'Allow', Action: 'iam:ChangePassword', Resource: 'arn:aws*:iam::*:user/${aws:username}' },
    allow('iam:GetAccountPasswordPolicy'),
  ],

  IAMReadOnlyAccess: [allow('iam:GenerateCredentialReport', 'iam:Get*', 'iam:List*', 'iam:Simulate*')],

  // Of service-linked roles, which alone have them.
  'aws-service-role/AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy': [allow('kms:SynchronizeMultiRegionKey')],
  'aws-service-role/AWSOrganizationsServiceTrustPolicy': [allow('iam:CreateServiceLinkedRole')],
}

const compiled = new Map<string, NamedPolicy>()

export const managedPolicyArn = (partition: string, name: string): string => `arn:${partition}:iam::aws:policy/${name}`

export const managedPolicyNames: readonly string[] = Object.keys(POLICIES)

export const isManagedPolicyArn = (partition: string, arn: string): boolean =>
  arn.startsWith(managedPolicyArn(partition, ''))

/** Undefined where AWS manages no such policy, or this server does not have it. */
export function findManagedPolicy(partition: string, arn: string): NamedPolicy | undefined {
  const name = isManagedPolicyArn(partition, arn) ? arn.slice(managedPolicyArn(partition, '').length) : ''
  const document = managedPolicyDocument(name)
  if (document === undefined) return undefined
  const known = compiled.get(arn)
  if (known !== undefined) return known
  const policy = { name: arn, policy: compilePolicy(document, 'identity') }
  compiled.set(arn, policy)
  return policy
}

export const managedPolicyDocument = (name: string): string | undefined =>
  Object.hasOwn(POLICIES, name) ? JSON.stringify({ Version: '2012-10-17', Statement: POLICIES[name] }) : undefined

/** When the text of these policies was written. */
const WRITTEN_AT = Date.UTC(2026, 10, 1)

const stored = new Map<string, Stored<PolicyBody>>()

/** As a customer managed policy would be stored that nobody can change: one version, no tags. */
export function storedManagedPolicy(partition: string, arn: string): Stored<PolicyBody> | undefined {
  const name = arn.slice(managedPolicyArn(partition, '').length)
  const document = isManagedPolicyArn(partition, arn) ? managedPolicyDocument(name) : undefined
  if (document === undefined) return undefined
  const known = stored.get(arn)
  if (known !== undefined) return known
  const body: PolicyBody = {
    policyId: newUniqueId('ANPA', (size) => createHash('sha256').update(name).digest().subarray(0, size)),
    policyName: name.slice(name.lastIndexOf('/') + 1),
    path: `/${name.slice(0, name.lastIndexOf('/') + 1)}`,
    createdAt: WRITTEN_AT,
    updatedAt: WRITTEN_AT,
    versions: [{ versionId: 'v1', createdAt: WRITTEN_AT, digest: digestOf(document) }],
    defaultVersionId: 'v1',
    lastVersion: 1,
    document,
    tags: [],
  }
  const policy = { key: ['aws', arn], rev: 1, body }
  stored.set(arn, policy)
  return policy
}

/** All of them, by ARN. */
export const managedPolicies = (partition: string): readonly Stored<PolicyBody>[] =>
  [...managedPolicyNames].sort().map((name) => storedManagedPolicy(partition, managedPolicyArn(partition, name))!)
