// GetFunctionCodeSigningConfig answers as for a function without code signing: there is none here.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionCodeSigningConfig.html

import { operation } from '../../../operation.ts'
import { string } from '../../../shape/shape.ts'
import { FunctionName } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const getFunctionCodeSigningConfig = operation({
  name: 'GetFunctionCodeSigningConfig',
  readOnly: true,
  http: { method: 'GET', uri: '/2020-06-30/functions/{FunctionName}/code-signing-config', code: 200 },
  input: { FunctionName },
  output: { CodeSigningConfigArn: string(), FunctionName: string() },
  target: wholeFunctionTarget,

  async run({ target }) {
    return { CodeSigningConfigArn: '', FunctionName: existingFunction(target).fn.functionName }
  },
})
