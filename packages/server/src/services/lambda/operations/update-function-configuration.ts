// UpdateFunctionConfiguration changes how $LATEST is configured; published versions stay as they are.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { changedVersion, checkConfiguration, shownConfiguration } from '../configuration.ts'
import { mustBeAssumable } from '../role.ts'
import { configurationInput, FunctionName, functionConfiguration, RevisionId, RoleArn } from '../shapes.ts'
import { updateFunction } from '../store.ts'
import { existingFunction, wholeFunctionTarget, withPassRole } from '../target.ts'
import { mustBeRevision } from '../versions.ts'

export const updateFunctionConfiguration = operation({
  name: 'UpdateFunctionConfiguration',
  readOnly: false,
  http: { method: 'PUT', uri: '/2015-03-31/functions/{FunctionName}/configuration', code: 200 },

  input: {
    FunctionName,
    Role: optional(RoleArn),
    ...configurationInput,
    RevisionId: optional(RevisionId),
  },

  output: functionConfiguration,
  target: wholeFunctionTarget,
  permissions: ({ Role }, target) => withPassRole('lambda:UpdateFunctionConfiguration', target, Role),
  prepare: ({ app, input }) => checkConfiguration(app, input),
  responseElements: (output) => redact(functionConfiguration, output),

  async run(call) {
    const { app, tx, input, target } = call
    const stored = existingFunction(target)
    const { fn } = stored
    mustBeRevision(input.RevisionId, fn.latest.revisionId)
    if (input.Role !== undefined) await mustBeAssumable(app, tx, fn, input.Role)
    const latest = changedVersion(app, fn, input)
    await updateFunction(call, stored, { ...fn, latest })
    return shownConfiguration(app, fn, latest, undefined)
  },
})
