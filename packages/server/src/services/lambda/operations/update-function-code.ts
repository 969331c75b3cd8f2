// UpdateFunctionCode gives $LATEST another deployment package. DryRun says what would be, and changes nothing.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { inspectPackage } from '../code/package.ts'
import { architectureOf, shownConfiguration } from '../configuration.ts'
import { type LambdaFunction, withUse } from '../model.ts'
import {
  Architectures,
  FunctionName,
  functionConfiguration,
  ImageUri,
  KMSKeyArn,
  RevisionId,
  S3Bucket,
  S3Key,
  S3ObjectStorageMode,
  S3ObjectVersion,
  ZipFile,
} from '../shapes.ts'
import { chunksOf, updateFunction } from '../store.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { addCode, dropCode, mustBeRevision, publishVersion } from '../versions.ts'

const BODY_BYTES_MAX = 70_167_211

export const updateFunctionCode = operation({
  name: 'UpdateFunctionCode',
  readOnly: false,
  http: { method: 'PUT', uri: '/2015-03-31/functions/{FunctionName}/code', code: 200, bodyBytesMax: BODY_BYTES_MAX },

  input: {
    FunctionName,
    ZipFile: optional(ZipFile),
    S3Bucket: optional(S3Bucket),
    S3Key: optional(S3Key),
    S3ObjectVersion: optional(S3ObjectVersion),
    S3ObjectStorageMode: optional(S3ObjectStorageMode),
    ImageUri: optional(ImageUri),
    Architectures: optional(Architectures),
    Publish: optional(boolean()),
    PublishTo: optional(string()),
    DryRun: optional(boolean()),
    RevisionId: optional(RevisionId),
    SourceKMSKeyArn: optional(KMSKeyArn),
  },

  output: functionConfiguration,
  target: wholeFunctionTarget,

  async prepare({ input: { ZipFile, ...elsewhere } }) {
    refuseUnsupported(elsewhere)
    return inspectPackage(ZipFile)
  },

  responseElements: (output) => redact(functionConfiguration, output),

  async run(call) {
    const { app, input, target } = call
    const stored = existingFunction(target)
    const { fn } = stored
    mustBeRevision(input.RevisionId, fn.latest.revisionId)
    const { codeSha256, treeDigest } = call.prepared as Awaited<ReturnType<typeof inspectPackage>>
    const archive = input.ZipFile!
    const latest = {
      ...fn.latest,
      codeSha256,
      ...(input.Architectures && { architecture: architectureOf(app, input.Architectures) }),
      revisionId: app.uuid(),
      lastModified: call.now,
    }
    if (input.DryRun) {
      const code = { size: archive.length, chunks: chunksOf(archive.length), treeDigest }
      return shownConfiguration(app, { ...fn, codes: withUse(fn.codes, codeSha256, 1, code) }, latest, undefined)
    }
    const added: LambdaFunction = { ...fn, codes: await addCode(call, fn, { archive, codeSha256, treeDigest }) }
    const codes = await dropCode(call, added, fn.latest.codeSha256)
    const changed = await updateFunction(call, stored, { ...fn, latest, codes })
    if (!input.Publish) return shownConfiguration(app, changed.fn, latest, undefined)
    const version = await publishVersion(call, changed)
    return shownConfiguration(app, changed.fn, version, version.version)
  },
})
