// AWS's request rates of Secrets Manager, for each account and Region.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html#quotas-api-limits

import type { RateGroup } from '../../rates.ts'

export const rates: readonly RateGroup[] = [
  { name: 'read', operations: ['DescribeSecret', 'GetSecretValue'], perSecond: 10_000, optional: true },
  { name: 'batch-read', operations: ['BatchGetSecretValue'], perSecond: 100 },
  { name: 'create', operations: ['CreateSecret'], perSecond: 50 },
  { name: 'delete', operations: ['DeleteSecret'], perSecond: 50 },
  { name: 'list', operations: ['ListSecretVersionIds', 'ListSecrets'], perSecond: 100 },
  {
    name: 'policy',
    operations: ['DeleteResourcePolicy', 'GetResourcePolicy', 'PutResourcePolicy', 'ValidateResourcePolicy'],
    perSecond: 50,
  },
  { name: 'random-password', operations: ['GetRandomPassword'], perSecond: 50 },
  { name: 'restore', operations: ['RestoreSecret'], perSecond: 50 },
  { name: 'rotate', operations: ['CancelRotateSecret', 'RotateSecret'], perSecond: 50 },
  { name: 'tag', operations: ['TagResource', 'UntagResource'], perSecond: 50 },
  {
    name: 'write',
    operations: [
      'PutSecretValue',
      'RemoveRegionsFromReplication',
      'ReplicateSecretToRegions',
      'StopReplicationToReplica',
      'UpdateSecret',
      'UpdateSecretVersionStage',
    ],
    perSecond: 50,
  },
]
