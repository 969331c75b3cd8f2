// PublishVersion makes a version of $LATEST that never changes.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional, string } from '../../../shape/shape.ts'
import { shownConfiguration } from '../configuration.ts'
import * as errors from '../errors.ts'
import { CodeSha256, Description, FunctionName, functionConfiguration, RevisionId } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { mustBeRevision, publishVersion as publish } from '../versions.ts'

export const publishVersion = operation({
  name: 'PublishVersion',
  readOnly: false,
  http: { method: 'POST', uri: '/2015-03-31/functions/{FunctionName}/versions', code: 201 },

  input: {
    FunctionName,
    CodeSha256: optional(CodeSha256),
    Description: optional(Description),
    RevisionId: optional(RevisionId),
    PublishTo: optional(string()),
  },

  output: functionConfiguration,
  target: wholeFunctionTarget,
  responseElements: (output) => redact(functionConfiguration, output),

  async run(call) {
    const { app, input, target } = call
    refuseUnsupported({ PublishTo: input.PublishTo })
    const stored = existingFunction(target)
    const { latest } = stored.fn
    mustBeRevision(input.RevisionId, latest.revisionId)
    if (input.CodeSha256 !== undefined && input.CodeSha256 !== latest.codeSha256) {
      throw errors.codeDiffers(input.CodeSha256, latest.codeSha256)
    }
    const version = await publish(call, stored, input.Description)
    return shownConfiguration(app, stored.fn, version, version.version)
  },
})
