// GetAccountSettings shows the quotas of the caller's account in a Region, and what it has used of them.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html

import { operation } from '../../../operation.ts'
import { integer, optional, structure } from '../../../shape/shape.ts'
import { UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX } from '../code/archive.ts'
import { readUsage } from '../store.ts'

export const getAccountSettings = operation({
  name: 'GetAccountSettings',
  readOnly: true,
  http: { method: 'GET', uri: '/2016-08-19/account-settings', code: 200 },
  input: {},

  output: {
    AccountLimit: optional(
      structure({
        TotalCodeSize: optional(integer()),
        CodeSizeUnzipped: optional(integer()),
        CodeSizeZipped: optional(integer()),
        ConcurrentExecutions: optional(integer()),
        UnreservedConcurrentExecutions: optional(integer()),
      }),
    ),
    AccountUsage: optional(structure({ TotalCodeSize: optional(integer()), FunctionCount: optional(integer()) })),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { app, account, region } = call
    const { functionCodeBytes, functionConcurrency } = app.limits
    return {
      AccountLimit: {
        TotalCodeSize: functionCodeBytes,
        CodeSizeUnzipped: UNZIPPED_BYTES_MAX,
        CodeSizeZipped: ZIPPED_BYTES_MAX,
        ConcurrentExecutions: functionConcurrency,
        UnreservedConcurrentExecutions: functionConcurrency,
      },
      AccountUsage: {
        TotalCodeSize: await readUsage(call, account, region, 'lambda-code'),
        FunctionCount: await readUsage(call, account, region, 'lambda-function'),
      },
    }
  },
})
