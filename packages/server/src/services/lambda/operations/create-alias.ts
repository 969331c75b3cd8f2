// CreateAlias gives a version of a function a name.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { mustHaveVersion, refuseWeights, shownAlias } from '../aliases.ts'
import * as errors from '../errors.ts'
import { ALIASES_MAX, aliasesOf, aliasPart } from '../model.ts'
import { AliasName, aliasConfiguration, Description, FunctionName, RoutingConfig, Version } from '../shapes.ts'
import { updateFunction, writePart } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'
import { arnOf } from '../versions.ts'

export const createAlias = operation({
  name: 'CreateAlias',
  readOnly: false,
  http: { method: 'POST', uri: '/2015-03-31/functions/{FunctionName}/aliases', code: 201 },

  input: {
    FunctionName,
    Name: AliasName,
    FunctionVersion: Version,
    Description: optional(Description),
    RoutingConfig: optional(RoutingConfig),
  },

  output: aliasConfiguration,
  target: wholeFunctionTarget,
  responseElements: (output) => redact(aliasConfiguration, output),

  async run(call) {
    const { app, input, target } = call
    refuseWeights(input.RoutingConfig)
    const stored = existingFunction(target)
    const { fn } = stored
    mustHaveVersion(app, fn, input.FunctionVersion)
    const part = aliasPart(input.Name)
    if (Object.hasOwn(fn.parts, part)) throw errors.aliasExists(arnOf(app, fn, input.Name))
    if (aliasesOf(fn).length >= ALIASES_MAX) throw errors.tooManyAliases(ALIASES_MAX)
    const alias = {
      name: input.Name,
      functionVersion: input.FunctionVersion,
      description: input.Description ?? '',
      revisionId: app.uuid(),
    }
    await updateFunction(call, stored, { ...fn, parts: await writePart(call, stored, part, alias) })
    return shownAlias(app, fn, alias)
  },
})
