// The configuration of functions: from what a request gives, and as answers show it.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html

import type { App } from '../../app.ts'
import { checkVariables, openVariables, sealVariables, type Variables } from './environment.ts'
import * as errors from './errors.ts'
import {
  type FunctionVersion,
  type LambdaFunction,
  MEMORY_MB_DEFAULT,
  shownTime,
  TIMEOUT_SECONDS_DEFAULT,
} from './model.ts'
import { functionArn, LATEST } from './names.ts'
import { refuseUnsupported } from './unsupported.ts'

export const EPHEMERAL_STORAGE_MB_DEFAULT = 512

export type ConfigurationInput = {
  readonly Role?: string | undefined
  readonly Handler?: string | undefined
  readonly Description?: string | undefined
  readonly Timeout?: number | undefined
  readonly MemorySize?: number | undefined
  readonly Runtime?: string | undefined
  readonly Environment?: { readonly Variables?: Variables | undefined } | undefined
  readonly EphemeralStorage?: { readonly Size: number } | undefined
}

/** What can be said of a configuration without looking at any row. @throws ServiceError InvalidParameterValueException */
export async function checkConfiguration(
  app: App,
  { Runtime, Environment, ...others }: ConfigurationInput,
): Promise<void> {
  refuseUnsupported(others)
  if (Environment?.Variables !== undefined) checkVariables(Environment.Variables)
  if (Runtime !== undefined) await mustBeRunnable(app, Runtime)
}

async function mustBeRunnable({ functions }: App, runtime: string): Promise<void> {
  if (!functions.runtimes.includes(runtime)) throw errors.unknownRuntime(runtime, functions.runtimes)
  const reason = await functions.unavailable(runtime)
  if (reason !== undefined) throw errors.runtimeUnavailable(runtime, reason)
}

/** The architecture that a request names, or this machine's. @throws ServiceError InvalidParameterValueException for another than this */
export function architectureOf({ functions }: App, [asked]: readonly string[] = []): string {
  if (asked !== undefined && asked !== functions.architecture) {
    throw errors.otherArchitecture(asked, functions.architecture)
  }
  return functions.architecture
}

type NewVersion = {
  readonly input: ConfigurationInput & { readonly Role: string }
  readonly codeSha256: string
  readonly architecture: string
}

/** The first $LATEST. `fn` has everything else already. @throws ServiceError InvalidParameterValueException */
export function firstVersion(
  app: App,
  fn: LambdaFunction,
  { input, codeSha256, architecture }: NewVersion,
): FunctionVersion {
  const { Runtime, Handler, Environment } = input
  if (Runtime === undefined || Handler === undefined || Handler === '') throw errors.runtimeAndHandler()
  const environment = sealVariables(app, fn, Environment?.Variables)
  return {
    version: LATEST,
    description: input.Description ?? '',
    role: input.Role,
    runtime: Runtime,
    handler: Handler,
    timeoutSeconds: input.Timeout ?? TIMEOUT_SECONDS_DEFAULT,
    memoryMb: input.MemorySize ?? MEMORY_MB_DEFAULT,
    ephemeralStorageMb: input.EphemeralStorage?.Size ?? EPHEMERAL_STORAGE_MB_DEFAULT,
    architecture,
    codeSha256,
    ...(environment !== undefined && { environment }),
    revisionId: app.uuid(),
    lastModified: app.now(),
  }
}

/** $LATEST with what a request changes. Variables that are given take the place of all that there were. */
export function changedVersion(app: App, fn: LambdaFunction, input: ConfigurationInput): FunctionVersion {
  const { environment: kept, ...latest } = fn.latest
  if (input.Handler === '') throw errors.runtimeAndHandler()
  const environment = input.Environment === undefined ? kept : sealVariables(app, fn, input.Environment.Variables)
  return {
    ...latest,
    ...(input.Description !== undefined && { description: input.Description }),
    ...(input.Role !== undefined && { role: input.Role }),
    ...(input.Runtime !== undefined && { runtime: input.Runtime }),
    ...(input.Handler !== undefined && { handler: input.Handler }),
    ...(input.Timeout !== undefined && { timeoutSeconds: input.Timeout }),
    ...(input.MemorySize !== undefined && { memoryMb: input.MemorySize }),
    ...(input.EphemeralStorage !== undefined && { ephemeralStorageMb: input.EphemeralStorage.Size }),
    ...(environment !== undefined && { environment }),
    revisionId: app.uuid(),
    lastModified: app.now(),
  }
}

/** Lists leave out the state. */
const STATE = { State: 'Active', LastUpdateStatus: 'Successful' }

/** @param qualifier what the caller named, for the ARN; of a published version its number */
export function shownConfiguration(
  app: App,
  fn: LambdaFunction,
  version: FunctionVersion,
  qualifier: string | undefined,
  { listed = false }: { readonly listed?: boolean } = {},
) {
  const variables = openVariables(app, fn, version)
  const scope = { partition: app.partition, region: fn.region }
  return {
    FunctionName: fn.functionName,
    FunctionArn: functionArn(scope, { account: fn.accountId, name: fn.functionName, qualifier }),
    Runtime: version.runtime,
    Role: version.role,
    Handler: version.handler,
    CodeSize: fn.codes[version.codeSha256]!.size,
    Description: version.description,
    Timeout: version.timeoutSeconds,
    MemorySize: version.memoryMb,
    LastModified: shownTime(version.lastModified),
    CodeSha256: version.codeSha256,
    Version: version.version,
    ...(Object.keys(variables).length > 0 && { Environment: { Variables: variables } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: version.revisionId,
    ...(listed ? {} : STATE),
    PackageType: 'Zip',
    Architectures: [version.architecture as 'x86_64' | 'arm64'],
    EphemeralStorage: { Size: version.ephemeralStorageMb },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${fn.functionName}` },
  }
}
