// The environment of a function: the variables that Lambda documents, the function's own, and where our endpoint is. Nothing of the server's.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime

import { type FunctionVersion, regionOf } from './function.ts'

/**
 * Names that a function's own variables may not have: those that Lambda reserves, and the two that lead SDKs to the credentials of the
 * function. CreateFunction refuses them.
 */
export const reservedVariables: readonly string[] = [
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
  'TZ',
]

export type EnvironmentOptions = {
  readonly function: FunctionVersion
  readonly runtimeDirectory: string
  readonly scratchDirectory: string
  readonly logStream: string
  /** Host and port. */
  readonly runtimeApi: string
  readonly credentialsUrl: string
  readonly credentialsToken: string
  /** The URL of the server. */
  readonly endpoint: string
}

export function environmentOf(options: EnvironmentOptions): { readonly [name: string]: string } {
  const { function: fn, endpoint, runtimeDirectory } = options
  const region = regionOf(fn)
  const defaults = {
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LD_LIBRARY_PATH: `${fn.codeDirectory}:${fn.codeDirectory}/lib`,
    PYTHONPATH: runtimeDirectory,
    // Not the home of the server's user, whose settings for AWS are none of the function's.
    HOME: options.scratchDirectory,
    TMPDIR: options.scratchDirectory,
    // boto3 before 1.28 knows none of the first two; the rotation functions that AWS publishes take the third one.
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    SECRETS_MANAGER_ENDPOINT: endpoint,
  }
  const reserved = {
    _HANDLER: fn.handler,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...(fn.runtime.startsWith('provided') ? {} : { AWS_EXECUTION_ENV: `AWS_Lambda_${fn.runtime}` }),
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: fn.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: options.logStream,
    AWS_LAMBDA_RUNTIME_API: options.runtimeApi,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: options.credentialsUrl,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: options.credentialsToken,
    LAMBDA_TASK_ROOT: fn.codeDirectory,
    LAMBDA_RUNTIME_DIR: runtimeDirectory,
    TZ: ':UTC',
  }
  const own = Object.entries(fn.environment).filter(([name]) => !reservedVariables.includes(name))
  return { ...defaults, ...Object.fromEntries(own), ...reserved }
}
