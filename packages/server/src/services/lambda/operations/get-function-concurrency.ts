// GetFunctionConcurrency shows the reserved concurrency of a function, where it has one.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html

import { operation } from '../../../operation.ts'
import { Concurrency, FunctionName } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const getFunctionConcurrency = operation({
  name: 'GetFunctionConcurrency',
  readOnly: true,
  http: { method: 'GET', uri: '/2019-09-30/functions/{FunctionName}/concurrency', code: 200 },
  input: { FunctionName },
  output: Concurrency,
  target: wholeFunctionTarget,

  async run({ target }) {
    return { ReservedConcurrentExecutions: existingFunction(target).fn.reservedConcurrency }
  },
})
