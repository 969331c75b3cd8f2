// Request rates of Parameter Store, for each account and Region: AWS's, where higher throughput is turned on.
// https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm

import type { RateGroup } from '../../rates.ts'

export const rates: readonly RateGroup[] = [
  { name: 'read', operations: ['GetParameter'], perSecond: 10_000, optional: true },
  { name: 'read-several', operations: ['GetParameters'], perSecond: 1_000 },
  { name: 'read-path', operations: ['GetParametersByPath'], perSecond: 100 },
  { name: 'put', operations: ['PutParameter'], perSecond: 10 },
]
