// The shapes of Lambda, declared once: limits, wording and what is sensitive.
// https://docs.aws.amazon.com/lambda/latest/api/API_Types.html

import { blob, boolean, enumeration, integer, list, map, optional, string, structure } from '../../shape/shape.ts'

const NAME = '[a-zA-Z0-9-_]+'
const FUNCTION_NAME_PATTERN = String.raw`(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?(${NAME})(:(\$LATEST|${NAME}))?`

/** A name, a partial ARN or an ARN, each with or without a qualifier: names.ts tells them apart. */
export const FunctionName = string({
  min: 1,
  max: 256,
  pattern: new RegExp(`^${FUNCTION_NAME_PATTERN}$`),
  patternText: FUNCTION_NAME_PATTERN,
})
export const Qualifier = string({
  min: 1,
  max: 128,
  pattern: /^[a-zA-Z0-9$_-]+$/,
  patternText: '(|[a-zA-Z0-9$_-]+)',
})
export const FunctionArn = string()
export const RevisionId = string()
export const RoleArn = string({
  pattern: /^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/,
  patternText: String.raw`arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`,
})
/** Which there are is for runtimes.ts. */
export const Runtime = string()
export const Handler = string({ max: 128, pattern: /^[^\s]*$/, patternText: '[^\\s]+' })
export const Description = string({ max: 256 })
export const Timeout = integer({ min: 1, max: 900 })
export const MemorySize = integer({ min: 128, max: 10_240 })
export const Architectures = list(enumeration('x86_64', 'arm64'), { min: 1, max: 1 })
export const ReservedConcurrentExecutions = integer({ min: 0 })
export const CodeSha256 = string()
export const Version = string({ min: 1, max: 1024, pattern: /^(\$LATEST|[0-9]+)$/, patternText: '(\\$LATEST|[0-9]+)' })
export const AliasName = string({
  min: 1,
  max: 128,
  pattern: /^(?!^[0-9]+$)([a-zA-Z0-9-_]+)$/,
  patternText: '(?!^[0-9]+$)([a-zA-Z0-9-_]+)',
})

/** Up to 50 MiB, checked with AWS's words by code/archive.ts. */
export const ZipFile = blob({ sensitive: true })
export const S3Bucket = string()
export const S3Key = string()
export const S3ObjectVersion = string()
export const S3ObjectStorageMode = string()
export const ImageUri = string()
export const KMSKeyArn = string({ max: 2048 })

export const FunctionCode = structure({
  ZipFile: optional(ZipFile),
  S3Bucket: optional(S3Bucket),
  S3Key: optional(S3Key),
  S3ObjectVersion: optional(S3ObjectVersion),
  S3ObjectStorageMode: optional(S3ObjectStorageMode),
  ImageUri: optional(ImageUri),
  SourceKMSKeyArn: optional(KMSKeyArn),
})

const Variables = { ...map(string({ sensitive: true }), string({ sensitive: true })), sensitive: true } as const

export const Environment = structure({ Variables: optional(Variables) })
export const EphemeralStorage = structure({ Size: integer({ min: 512, max: 10_240 }) })

/** Tags have their own limits, which Lambda tells in its own words: tags.ts. */
export const Tags = map(string(), string())
export const TagKeys = list(string())
export const TaggableResource = string({
  min: 1,
  max: 256,
  pattern: /^arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:[\x21-\x7e]+$/,
  patternText: String.raw`arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
})

export const MaxItems = integer({ min: 1, max: 10_000 })
export const Marker = string()

// What there is no such thing of here. unsupported.ts lets through what asks for nothing.

export const VpcConfig = structure({
  SubnetIds: optional(list(string())),
  SecurityGroupIds: optional(list(string())),
  Ipv6AllowedForDualStack: optional(boolean()),
})
export const DeadLetterConfig = structure({ TargetArn: optional(string()) })
export const TracingConfig = structure({ Mode: optional(string()) })
export const Layers = list(string())
export const FileSystemConfigs = list(
  structure({
    Arn: string(),
    LocalMountPath: string(),
    S3FilesConfig: optional(structure({ DirectS3Read: optional(string()) })),
  }),
)
export const ImageConfig = structure({
  EntryPoint: optional(list(string())),
  Command: optional(list(string())),
  WorkingDirectory: optional(string()),
})
export const SnapStart = structure({ ApplyOn: optional(string()) })
export const LoggingConfig = structure({
  LogFormat: optional(string()),
  ApplicationLogLevel: optional(string()),
  SystemLogLevel: optional(string()),
  LogGroup: optional(string()),
})
export const TenancyConfig = structure({ TenantIsolationMode: string() })
export const CapacityProviderConfig = structure({
  LambdaManagedInstancesCapacityProviderConfig: structure({
    CapacityProviderArn: string(),
    PerExecutionEnvironmentMaxConcurrency: optional(integer()),
    ExecutionEnvironmentMemoryGiBPerVCpu: optional(integer()),
  }),
})
export const DurableConfig = structure({
  KMSKeyArn: optional(string()),
  RetentionPeriodInDays: optional(integer()),
  ExecutionTimeout: optional(integer()),
})

/** What configures a function besides its code, as CreateFunction and UpdateFunctionConfiguration both take it. */
export const configurationInput = {
  Handler: optional(Handler),
  Description: optional(Description),
  Timeout: optional(Timeout),
  MemorySize: optional(MemorySize),
  VpcConfig: optional(VpcConfig),
  Environment: optional(Environment),
  Runtime: optional(Runtime),
  DeadLetterConfig: optional(DeadLetterConfig),
  KMSKeyArn: optional(KMSKeyArn),
  TracingConfig: optional(TracingConfig),
  Layers: optional(Layers),
  FileSystemConfigs: optional(FileSystemConfigs),
  ImageConfig: optional(ImageConfig),
  EphemeralStorage: optional(EphemeralStorage),
  SnapStart: optional(SnapStart),
  LoggingConfig: optional(LoggingConfig),
  CapacityProviderConfig: optional(CapacityProviderConfig),
  DurableConfig: optional(DurableConfig),
}

const failure = structure({ ErrorCode: optional(string()), Message: optional(string({ sensitive: true })) })

/** What an operation answers that tells of a function or a version. */
export const functionConfiguration = {
  FunctionName: optional(string()),
  FunctionArn: optional(FunctionArn),
  Runtime: optional(Runtime),
  Role: optional(RoleArn),
  Handler: optional(Handler),
  CodeSize: optional(integer()),
  Description: optional(Description),
  Timeout: optional(Timeout),
  MemorySize: optional(MemorySize),
  LastModified: optional(string()),
  CodeSha256: optional(CodeSha256),
  Version: optional(Version),
  VpcConfig: optional(
    structure({
      SubnetIds: optional(list(string())),
      SecurityGroupIds: optional(list(string())),
      VpcId: optional(string()),
      Ipv6AllowedForDualStack: optional(boolean()),
    }),
  ),
  DeadLetterConfig: optional(DeadLetterConfig),
  Environment: optional(structure({ Variables: optional(Variables), Error: optional(failure) })),
  KMSKeyArn: optional(KMSKeyArn),
  TracingConfig: optional(TracingConfig),
  MasterArn: optional(string()),
  RevisionId: optional(RevisionId),
  Layers: optional(
    list(
      structure({
        Arn: optional(string()),
        CodeSize: optional(integer()),
        SigningProfileVersionArn: optional(string()),
        SigningJobArn: optional(string()),
      }),
    ),
  ),
  State: optional(string()),
  StateReason: optional(string()),
  StateReasonCode: optional(string()),
  LastUpdateStatus: optional(string()),
  LastUpdateStatusReason: optional(string()),
  LastUpdateStatusReasonCode: optional(string()),
  FileSystemConfigs: optional(FileSystemConfigs),
  SigningProfileVersionArn: optional(string()),
  SigningJobArn: optional(string()),
  PackageType: optional(string()),
  ImageConfigResponse: optional(structure({ ImageConfig: optional(ImageConfig), Error: optional(failure) })),
  Architectures: optional(Architectures),
  EphemeralStorage: optional(EphemeralStorage),
  SnapStart: optional(structure({ ApplyOn: optional(string()), OptimizationStatus: optional(string()) })),
  RuntimeVersionConfig: optional(structure({ RuntimeVersionArn: optional(string()), Error: optional(failure) })),
  LoggingConfig: optional(LoggingConfig),
  TenancyConfig: optional(TenancyConfig),
  CapacityProviderConfig: optional(CapacityProviderConfig),
  ConfigSha256: optional(string()),
  DurableConfig: optional(DurableConfig),
}

export const FunctionConfiguration = structure(functionConfiguration)

/** Weights by version, each a part of 1. */
export const RoutingConfig = structure({
  AdditionalVersionWeights: optional(map(string(), integer({ fractions: true }))),
})

/** What an operation answers that tells of an alias. */
export const aliasConfiguration = {
  AliasArn: optional(FunctionArn),
  Name: optional(AliasName),
  FunctionVersion: optional(Version),
  Description: optional(Description),
  RoutingConfig: optional(RoutingConfig),
  RevisionId: optional(RevisionId),
}

export const AliasConfiguration = structure(aliasConfiguration)
export const Concurrency = { ReservedConcurrentExecutions: optional(ReservedConcurrentExecutions) }

// Function policies.

export const StatementId = string({ min: 1, max: 100, pattern: /^([a-zA-Z0-9-_]+)$/, patternText: '([a-zA-Z0-9-_]+)' })
export const Action = string({
  pattern: /^(lambda:[*]|lambda:[a-zA-Z]+|[*])$/,
  patternText: '(lambda:[*]|lambda:[a-zA-Z]+|[*])',
})
export const Principal = string({ min: 1, max: 256, pattern: /^[^\s]+$/, patternText: '[^\\s]+' })
export const SourceArn = string({
  max: 2048,
  pattern: /^arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)$/,
  patternText: String.raw`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`,
})
export const SourceAccount = string({ max: 12, pattern: /^\d{12}$/, patternText: '\\d{12}' })
export const EventSourceToken = string({ max: 256, pattern: /^[a-zA-Z0-9._-]+$/, patternText: '[a-zA-Z0-9._\\-]+' })
export const PrincipalOrgID = string({
  min: 12,
  max: 34,
  pattern: /^o-[a-z0-9]{10,32}$/,
  patternText: 'o-[a-z0-9]{10,32}',
})
