// AWS's request rates of Lambda's control plane, for each account and Region. Invocations are bounded by concurrency.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests

import type { RateGroup } from '../../rates.ts'

export const rates: readonly RateGroup[] = [
  { name: 'get-function', operations: ['GetFunction'], perSecond: 100 },
  { name: 'get-policy', operations: ['GetPolicy'], perSecond: 15 },
  {
    name: 'control',
    operations: [
      'AddPermission',
      'CreateAlias',
      'CreateFunction',
      'DeleteAlias',
      'DeleteFunction',
      'DeleteFunctionConcurrency',
      'GetAccountSettings',
      'GetAlias',
      'GetFunctionCodeSigningConfig',
      'GetFunctionConcurrency',
      'GetFunctionConfiguration',
      'GetRuntimeManagementConfig',
      'ListAliases',
      'ListFunctions',
      'ListTags',
      'ListVersionsByFunction',
      'PublishVersion',
      'PutFunctionConcurrency',
      'RemovePermission',
      'TagResource',
      'UntagResource',
      'UpdateAlias',
      'UpdateFunctionCode',
      'UpdateFunctionConfiguration',
    ],
    perSecond: 15,
  },
]
