// GetFunctionConfiguration tells how a function, a version or an alias is configured.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownConfiguration } from '../configuration.ts'
import { FunctionName, functionConfiguration, Qualifier } from '../shapes.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { readVersion } from '../versions.ts'

export const getFunctionConfiguration = operation({
  name: 'GetFunctionConfiguration',
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2015-03-31/functions/{FunctionName}/configuration',
    code: 200,
    query: { Qualifier: 'Qualifier' },
  },
  input: { FunctionName, Qualifier: optional(Qualifier) },
  output: functionConfiguration,
  target: functionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    const { qualifier } = call.target.reference
    return shownConfiguration(call.app, fn, await readVersion(call, fn, qualifier), qualifier)
  },
})
