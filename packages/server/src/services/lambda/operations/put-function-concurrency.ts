// PutFunctionConcurrency bounds how many invocations of a function may be under way at a time; 0 lets none begin.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { Concurrency, FunctionName, ReservedConcurrentExecutions } from '../shapes.ts'
import { updateFunction } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const putFunctionConcurrency = operation({
  name: 'PutFunctionConcurrency',
  readOnly: false,
  http: { method: 'PUT', uri: '/2017-10-31/functions/{FunctionName}/concurrency', code: 200 },
  input: { FunctionName, ReservedConcurrentExecutions },
  output: Concurrency,
  target: wholeFunctionTarget,
  responseElements: (output) => redact(Concurrency, output),

  async run(call) {
    const stored = existingFunction(call.target)
    const { ReservedConcurrentExecutions: reservedConcurrency } = call.input
    await updateFunction(call, stored, { ...stored.fn, reservedConcurrency })
    return { ReservedConcurrentExecutions: reservedConcurrency }
  },
})
