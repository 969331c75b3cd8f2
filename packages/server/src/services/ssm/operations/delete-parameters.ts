// DeleteParameters removes up to ten parameters. Names of nothing come back among InvalidParameters; a parameter that the caller may not delete
// fails the call, and nothing is deleted.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { deleteStored } from '../deletion.ts'
import { parseName } from '../names.ts'
import { ParameterName, ParameterNames } from '../shapes.ts'
import { type ParameterTarget, permissionsOnAll, resolve, targetOfAll } from '../target.ts'

export const deleteParameters = operation({
  name: 'DeleteParameters',
  readOnly: false,

  input: { Names: ParameterNames },

  output: { DeletedParameters: optional(list(ParameterName)), InvalidParameters: optional(list(ParameterName)) },

  async target(call) {
    const { account, region } = call
    // By path: a name with and without its slash is one parameter.
    const named = new Map<string, { readonly name: string; readonly target: ParameterTarget }>()
    for (const name of call.input.Names) {
      const path = parseName(call, name)
      if (!named.has(path)) named.set(path, { name, target: await resolve(call, { account, region, path }) })
    }
    const all = [...named.values()]
    return {
      ...targetOfAll(
        call,
        all.map(({ target }) => target),
      ),
      named: all,
    }
  },

  permissions: (_, { targets }) => permissionsOnAll('ssm:DeleteParameters', targets),

  responseElements: ({ DeletedParameters, InvalidParameters }) => ({
    deletedParameters: DeletedParameters,
    invalidParameters: InvalidParameters,
  }),

  async run(call) {
    const DeletedParameters: string[] = []
    const InvalidParameters: string[] = []
    for (const { name, target } of call.target.named) {
      if (target.stored === undefined) InvalidParameters.push(name)
      else {
        await deleteStored(call, target.stored)
        DeletedParameters.push(name)
      }
    }
    return { DeletedParameters, InvalidParameters }
  },
})
