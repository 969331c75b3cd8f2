// CreateFunction makes a function from a deployment package, with its first version if Publish is asked for.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { inspectPackage } from '../code/package.ts'
import { architectureOf, checkConfiguration, firstVersion, shownConfiguration } from '../configuration.ts'
import { newDataKey } from '../data-key.ts'
import * as errors from '../errors.ts'
import { type LambdaFunction, NAME_CHARACTERS_MAX, RESOURCE_TYPE } from '../model.ts'
import { functionArn, parseUnqualified } from '../names.ts'
import { mustBeAssumable } from '../role.ts'
import {
  Architectures,
  CapacityProviderConfig,
  configurationInput,
  DurableConfig,
  FunctionCode,
  FunctionName,
  functionConfiguration,
  RoleArn,
  Tags,
  TenancyConfig,
} from '../shapes.ts'
import { countUsage, findFunction, insertFunction } from '../store.ts'
import { requestTagContext, tagContext, withTags } from '../tags.ts'
import { withPassRole } from '../target.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { addCode, publishVersion } from '../versions.ts'

/** What AWS allows; base64 of a package of 50 MiB and the rest. */
const BODY_BYTES_MAX = 70_167_211
/** Names of functions that the server itself brings. */
const RESERVED_PREFIX = 'strongroom-'

export const createFunction = operation({
  name: 'CreateFunction',
  readOnly: false,
  http: { method: 'POST', uri: '/2015-03-31/functions', code: 201, bodyBytesMax: BODY_BYTES_MAX },

  input: {
    FunctionName,
    Role: RoleArn,
    Code: FunctionCode,
    ...configurationInput,
    Publish: optional(boolean()),
    PublishTo: optional(string()),
    PackageType: optional(string()),
    Tags: optional(Tags),
    CodeSigningConfigArn: optional(string()),
    Architectures: optional(Architectures),
    TenancyConfig: optional(TenancyConfig),
    CapacityProviderConfig: optional(CapacityProviderConfig),
    DurableConfig: optional(DurableConfig),
  },

  output: functionConfiguration,

  async target(call) {
    const reference = parseUnqualified(call, call.input.FunctionName)
    const arn = functionArn(call, reference)
    return {
      resource: arn,
      shown: arn,
      account: reference.account,
      resourceType: RESOURCE_TYPE,
      // They count as the function's, so that nobody makes one that they could not reach.
      context: tagContext(call.input.Tags ?? {}),
      name: reference.name,
    }
  },

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Role, Tags = {} }, target) => [
    ...withPassRole('lambda:CreateFunction', target, Role),
    ...(Object.keys(Tags).length > 0 ? withPassRole('lambda:TagResource', target, undefined) : []),
  ],

  async prepare({ app, input }) {
    const { ZipFile, ...elsewhere } = input.Code
    refuseUnsupported(elsewhere)
    await checkConfiguration(app, input)
    return inspectPackage(ZipFile)
  },

  responseElements: (output) => redact(functionConfiguration, output),

  async run(call) {
    const { app, tx, region, input, target } = call
    const { name: functionName, account: accountId } = target
    if (functionName.length > NAME_CHARACTERS_MAX) throw errors.nameTooLong(NAME_CHARACTERS_MAX)
    if (functionName.startsWith(RESERVED_PREFIX)) throw errors.reservedName(RESERVED_PREFIX)
    if ((await findFunction(call, accountId, region, functionName)) !== undefined)
      throw errors.functionExists(functionName)
    const owner = { accountId, region, functionName, functionId: app.uuid() }
    await mustBeAssumable(app, tx, owner, input.Role)
    const count = await countUsage(call, accountId, region, 'lambda-function', 1)
    if (count > app.limits.functionsPerRegion) throw errors.tooManyFunctions(app.limits.functionsPerRegion)

    const { codeSha256, treeDigest } = call.prepared as Awaited<ReturnType<typeof inspectPackage>>
    const architecture = architectureOf(app, input.Architectures)
    const bare = { ...owner, key: newDataKey(app, owner), codes: {}, parts: {} } as unknown as LambdaFunction
    const fn: LambdaFunction = {
      ...bare,
      createdAt: call.now,
      lastVersion: 0,
      latest: firstVersion(app, bare, { input, codeSha256, architecture }),
      codes: await addCode(call, bare, { archive: input.Code.ZipFile!, codeSha256, treeDigest }),
      tags: withTags({}, input.Tags),
    }
    const stored = await insertFunction(call, fn)
    if (!input.Publish) return shownConfiguration(app, fn, fn.latest, undefined)
    const version = await publishVersion(call, stored)
    return shownConfiguration(app, fn, version, version.version)
  },
})
