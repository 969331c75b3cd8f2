// DeleteAlias deletes an alias and its policy. One that is not there is nothing to delete.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteAlias.html

import { operation } from '../../../operation.ts'
import { aliasPart, policyPart } from '../model.ts'
import { AliasName, FunctionName } from '../shapes.ts'
import { removePart, updateFunction } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

export const deleteAlias = operation({
  name: 'DeleteAlias',
  readOnly: false,
  http: { method: 'DELETE', uri: '/2015-03-31/functions/{FunctionName}/aliases/{Name}', code: 204 },
  input: { FunctionName, Name: AliasName },
  target: wholeFunctionTarget,

  async run(call) {
    const stored = existingFunction(call.target)
    const { fn } = stored
    const part = aliasPart(call.input.Name)
    if (!Object.hasOwn(fn.parts, part)) return {}
    const parts = await removePart(call, fn, part)
    const others = await removePart(call, { ...fn, parts }, policyPart(call.input.Name))
    await updateFunction(call, stored, { ...fn, parts: others })
    return {}
  },
})
