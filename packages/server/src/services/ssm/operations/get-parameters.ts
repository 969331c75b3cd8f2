// GetParameters returns up to ten parameters, in the order of their names. Names of nothing come back among InvalidParameters; a parameter that the
// caller may not read fails the call.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html

import type { Call } from '../../../call.ts'
import { ServiceError } from '../../../errors.ts'
import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { parseReference } from '../names.ts'
import { readParameter } from '../read.ts'
import { Decryption, Parameter, ParameterName, ParameterNames } from '../shapes.ts'
import { auditResource, type ParameterTarget, permissionsOnAll, resolve, targetOfAll } from '../target.ts'

type Named = { readonly name: string; readonly target: ParameterTarget }

export const getParameters = operation({
  name: 'GetParameters',
  readOnly: true,

  input: { Names: ParameterNames, WithDecryption: Decryption },

  output: { Parameters: optional(list(Parameter)), InvalidParameters: optional(list(ParameterName)) },

  async target(call) {
    const named: Named[] = []
    for (const name of new Set(call.input.Names)) {
      named.push({ name, target: await resolve(call, parseReference(call, name)) })
    }
    return {
      ...targetOfAll(
        call,
        named.map(({ target }) => target),
      ),
      named,
    }
  },

  permissions: (_, { targets }) => permissionsOnAll('ssm:GetParameters', targets),

  async run(call) {
    const options = { withDecryption: call.input.WithDecryption }
    const Parameters: Awaited<ReturnType<typeof readParameter>>[] = []
    const InvalidParameters: string[] = []
    for (const { name, target } of call.target.named) {
      recordForeign(call, name, target)
      try {
        Parameters.push(await readParameter(call, target, options))
      } catch (error) {
        if (!isInvalid(error)) throw error
        InvalidParameters.push(name)
      }
    }
    Parameters.sort((a, b) => (a.Name === b.Name ? 0 : a.Name < b.Name ? -1 : 1))
    return { Parameters, InvalidParameters }
  },
})

const isInvalid = (error: unknown): boolean =>
  error instanceof ServiceError && (error.code === 'ParameterNotFound' || error.code === 'ParameterVersionNotFound')

/** The event of a parameter of another account, which its owner has too. */
function recordForeign(call: Call, name: string, target: ParameterTarget): void {
  if (target.account === call.account) return
  call.also({
    eventName: 'GetParameters',
    readOnly: true,
    owner: target.account,
    requestParameters: { names: [name] },
    resources: [auditResource(target)],
  })
}
