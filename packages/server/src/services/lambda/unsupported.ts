// Members that ask for what this server does not have: let through where they ask for nothing, refused in every other case, so that nothing is
// accepted that has no effect.

import * as errors from './errors.ts'

type Given = { readonly [member: string]: unknown }

/** By member: what may be asked for all the same, and how the refusal says it. */
const ACCEPTED: { readonly [member: string]: readonly [harmless: (value: never) => boolean, accepted: string] } = {
  CapacityProviderConfig: [nothing, 'leave it out'],
  CodeSigningConfigArn: [isEmpty, 'leave it out'],
  DeadLetterConfig: [nothing, 'leave its TargetArn empty'],
  DurableConfig: [nothing, 'leave it out'],
  DurableExecutionName: [isEmpty, 'leave it out'],
  FunctionUrlAuthType: [isEmpty, 'there are no function URLs'],
  FileSystemConfigs: [nothing, 'leave it empty'],
  ImageConfig: [nothing, 'leave it empty'],
  ImageUri: [isEmpty, 'give ZipFile'],
  InvokedViaFunctionUrl: [nothing, 'there are no function URLs'],
  KMSKeyArn: [isEmpty, 'environment variables are encrypted under a key of the function'],
  Layers: [nothing, 'pack what they hold into the deployment package'],
  LoggingConfig: [hasDefaultLogging, 'only the LogFormat Text is'],
  MasterRegion: [isEmpty, 'functions are not replicated'],
  PackageType: [(value: string) => value === 'Zip', 'only Zip is'],
  PublishTo: [isEmpty, 'leave it out'],
  S3Bucket: [isEmpty, 'give ZipFile'],
  S3Key: [isEmpty, 'give ZipFile'],
  S3ObjectStorageMode: [isEmpty, 'give ZipFile'],
  S3ObjectVersion: [isEmpty, 'give ZipFile'],
  SnapStart: [({ ApplyOn }: { readonly ApplyOn?: string }) => (ApplyOn ?? 'None') === 'None', 'only ApplyOn None is'],
  SourceKMSKeyArn: [isEmpty, 'code is encrypted under a key of the function'],
  TenancyConfig: [nothing, 'leave it out'],
  TenantId: [isEmpty, 'leave it out'],
  TracingConfig: [
    ({ Mode }: { readonly Mode?: string }) => (Mode ?? 'PassThrough') === 'PassThrough',
    'only PassThrough is',
  ],
  VpcConfig: [nothing, 'leave its lists empty'],
}

/** @throws ServiceError InvalidParameterValueException that names the member */
export function refuseUnsupported(input: Given): void {
  for (const [member, [isHarmless, accepted]] of Object.entries(ACCEPTED)) {
    const value = input[member]
    if (value !== undefined && !isHarmless(value as never)) throw errors.notSupported(member, accepted)
  }
}

function isEmpty(value: string): boolean {
  return value === ''
}

/** Whether nothing is in it: no text, no item, and false. */
function nothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (typeof value === 'object' && value !== null) return Object.values(value).every(nothing)
  return value === undefined || value === '' || value === false
}

function hasDefaultLogging(config: {
  readonly LogFormat?: string
  readonly LogGroup?: string
  readonly ApplicationLogLevel?: string
  readonly SystemLogLevel?: string
}): boolean {
  return (config.LogFormat ?? 'Text') === 'Text' && nothing({ ...config, LogFormat: '' })
}
