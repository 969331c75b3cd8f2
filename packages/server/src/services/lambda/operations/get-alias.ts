// GetAlias tells which version an alias leads to.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAlias.html

import { operation } from '../../../operation.ts'
import { existingAlias, shownAlias } from '../aliases.ts'
import { AliasName, aliasConfiguration, FunctionName } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const getAlias = operation({
  name: 'GetAlias',
  readOnly: true,
  http: { method: 'GET', uri: '/2015-03-31/functions/{FunctionName}/aliases/{Name}', code: 200 },
  input: { FunctionName, Name: AliasName },
  output: aliasConfiguration,
  target: wholeFunctionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    return shownAlias(call.app, fn, await existingAlias(call, fn, call.input.Name))
  },
})
