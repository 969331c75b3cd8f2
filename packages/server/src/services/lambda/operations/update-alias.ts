// UpdateAlias lets an alias lead to another version.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { existingAlias, mustHaveVersion, refuseWeights, shownAlias } from '../aliases.ts'
import { aliasPart } from '../model.ts'
import {
  AliasName,
  aliasConfiguration,
  Description,
  FunctionName,
  RevisionId,
  RoutingConfig,
  Version,
} from '../shapes.ts'
import { updateFunction, writePart } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'
import { mustBeRevision } from '../versions.ts'

export const updateAlias = operation({
  name: 'UpdateAlias',
  readOnly: false,
  http: { method: 'PUT', uri: '/2015-03-31/functions/{FunctionName}/aliases/{Name}', code: 200 },

  input: {
    FunctionName,
    Name: AliasName,
    FunctionVersion: optional(Version),
    Description: optional(Description),
    RoutingConfig: optional(RoutingConfig),
    RevisionId: optional(RevisionId),
  },

  output: aliasConfiguration,
  target: wholeFunctionTarget,
  responseElements: (output) => redact(aliasConfiguration, output),

  async run(call) {
    const { app, input, target } = call
    refuseWeights(input.RoutingConfig)
    const stored = existingFunction(target)
    const { fn } = stored
    const known = await existingAlias(call, fn, input.Name)
    mustBeRevision(input.RevisionId, known.revisionId)
    if (input.FunctionVersion !== undefined) mustHaveVersion(app, fn, input.FunctionVersion)
    const alias = {
      ...known,
      ...(input.FunctionVersion !== undefined && { functionVersion: input.FunctionVersion }),
      ...(input.Description !== undefined && { description: input.Description }),
      revisionId: app.uuid(),
    }
    const parts = await writePart(call, stored, aliasPart(input.Name), alias)
    await updateFunction(call, stored, { ...fn, parts })
    return shownAlias(app, fn, alias)
  },
})
