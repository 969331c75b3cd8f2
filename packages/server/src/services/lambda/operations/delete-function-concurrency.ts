// DeleteFunctionConcurrency lets a function run as often at a time as there is room.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html

import { operation } from '../../../operation.ts'
import { FunctionName } from '../shapes.ts'
import { updateFunction } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const deleteFunctionConcurrency = operation({
  name: 'DeleteFunctionConcurrency',
  readOnly: false,
  http: { method: 'DELETE', uri: '/2017-10-31/functions/{FunctionName}/concurrency', code: 204 },
  input: { FunctionName },
  target: wholeFunctionTarget,

  async run(call) {
    const stored = existingFunction(call.target)
    const { reservedConcurrency: _, ...fn } = stored.fn
    await updateFunction(call, stored, fn)
    return {}
  },
})
