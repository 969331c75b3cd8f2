// The members that the operations share, declared once: limits, wording and what is sensitive.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Types.html

import {
  blob,
  boolean,
  enumeration,
  integer,
  list,
  map,
  optional,
  string,
  structure,
  timestamp,
} from '../../shape/shape.ts'

/** AWS's words for a name, or a SecretId, with a character that names do not have. */
const INVALID_NAME =
  'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!'

/** The name of a new secret. `!` is in the names of secrets that services own. */
export const NewSecretName = string({
  min: 1,
  max: 512,
  pattern: /^[A-Za-z0-9/_+=.@!-]+$/,
  message: INVALID_NAME,
})

/** A name, an ARN, or an ARN without the random suffix. */
export const SecretId = string({
  min: 1,
  max: 2048,
  pattern: /^(?:arn:[A-Za-z0-9/_+=.@!:-]*|[A-Za-z0-9/_+=.@!-]+)$/,
  message: INVALID_NAME,
})

/** Becomes the VersionId of the version that the call makes. SDKs fill it in. */
export const ClientRequestToken = string({ min: 32, max: 64 })
export const VersionId = string({ min: 32, max: 64 })
export const VersionStage = string({ min: 1, max: 256 })
export const VersionStages = list(VersionStage, { min: 1, max: 20 })
export const Description = string({ max: 2048 })
export const KmsKeyId = string({ max: 2048 })
/** Counted in characters here and in bytes by the value quota (model.ts, plainOf). */
export const SecretString = string({ min: 1, max: 65_536, sensitive: true })
export const SecretBinary = blob({ min: 1, max: 65_536, sensitive: true })
export const RandomPassword = string({ sensitive: true })
export const RotationToken = string({
  min: 36,
  max: 256,
  pattern: /^[a-zA-Z0-9-]+$/,
  patternText: '^[a-zA-Z0-9\\-]+$',
  sensitive: true,
})
/** The partner of a managed external secret. */
export const SecretType = string({ max: 256 })

export const TagKey = string({ min: 1, max: 128 })
export const TagValue = string({ max: 256 })
export const Tag = structure({ Key: optional(TagKey), Value: optional(TagValue) })
export const Tags = list(Tag)
export const TagKeys = list(TagKey)

export const MaxResults = integer({ min: 1, max: 100 })
export const MaxResultsOfBatch = integer({ min: 1, max: 20 })
export const NextToken = string({ min: 1, max: 4096 })
export const SortBy = enumeration('created-date', 'last-accessed-date', 'last-changed-date', 'name')
export const SortOrder = enumeration('asc', 'desc')
export const FilterKey = enumeration(
  'description',
  'name',
  'tag-key',
  'tag-value',
  'primary-region',
  'owning-service',
  'all',
)
export const FilterValue = string({
  max: 512,
  pattern: /^!?[a-zA-Z0-9 :_@/+=.\-!]*$/,
  patternText: '^\\!?[a-zA-Z0-9 :_@\\/\\+\\=\\.\\-\\!]*$',
})
export const Filter = structure({
  Key: optional(FilterKey),
  Values: optional(list(FilterValue, { min: 1, max: 10 })),
})
export const Filters = list(Filter, { max: 10 })
export const SecretIdList = list(SecretId, { min: 1, max: 20 })

/** A policy document, as JSON. */
export const ResourcePolicy = string({ min: 1, max: 20_480 })

export const Region = string({
  min: 1,
  max: 128,
  pattern: /^([a-z]+-)+\d+$/,
  patternText: '^([a-z]+-)+\\d+$',
})
export const ReplicaRegion = structure({ Region: optional(Region), KmsKeyId: optional(KmsKeyId) })
export const AddReplicaRegions = list(ReplicaRegion, { min: 1 })
export const RemoveReplicaRegions = list(Region, { min: 1 })

// What answers hold. Limits are for what comes in: answers carry none.

export const Arn = string()
export const SecretName = string()
export const OwningService = string()
export const RotationRules = structure({
  AutomaticallyAfterDays: optional(integer({ min: 1, max: 1000 })),
  Duration: optional(string({ min: 2, max: 3, pattern: /^[0-9]+h$/, patternText: '[0-9]+h' })),
  ScheduleExpression: optional(
    string({
      min: 1,
      max: 256,
      pattern: /^[0-9A-Za-z()#?*\-/, ]+$/,
      patternText: '[0-9A-Za-z\\(\\)#\\?\\*\\-\\/, ]+',
    }),
  ),
})
export const ExternalSecretRotationMetadata = list(
  structure({ Key: optional(string({ min: 1, max: 256 })), Value: optional(string({ min: 1, max: 2048 })) }),
)
export const RoleArn = string({ min: 20, max: 2048 })
export const RotationLambdaArn = string({ max: 2048 })
export const ReplicationStatus = list(
  structure({
    Region: optional(string()),
    KmsKeyId: optional(string()),
    Status: optional(enumeration('InSync', 'Failed', 'InProgress')),
    StatusMessage: optional(string()),
    LastAccessedDate: optional(timestamp()),
  }),
)
/** Version ids to their staging labels. */
export const VersionsToStages = map(string(), list(string()))

/** What DescribeSecret and an entry of ListSecrets have in common. */
export const SecretDetails = {
  ARN: optional(Arn),
  Name: optional(SecretName),
  Type: optional(SecretType),
  Description: optional(Description),
  KmsKeyId: optional(KmsKeyId),
  RotationEnabled: optional(boolean()),
  RotationLambdaARN: optional(RotationLambdaArn),
  RotationRules: optional(RotationRules),
  ExternalSecretRotationMetadata: optional(ExternalSecretRotationMetadata),
  ExternalSecretRotationRoleArn: optional(RoleArn),
  LastRotatedDate: optional(timestamp()),
  LastChangedDate: optional(timestamp()),
  LastAccessedDate: optional(timestamp()),
  DeletedDate: optional(timestamp()),
  NextRotationDate: optional(timestamp()),
  Tags: optional(Tags),
  OwningService: optional(OwningService),
  CreatedDate: optional(timestamp()),
  PrimaryRegion: optional(string()),
} as const

export const SecretListEntry = structure({ ...SecretDetails, SecretVersionsToStages: optional(VersionsToStages) })

/** The answer of GetSecretValue, and an entry of BatchGetSecretValue. */
export const SecretValueMembers = {
  ARN: optional(Arn),
  Name: optional(SecretName),
  VersionId: optional(VersionId),
  SecretBinary: optional(SecretBinary),
  SecretString: optional(SecretString),
  VersionStages: optional(list(VersionStage)),
  CreatedDate: optional(timestamp()),
} as const

export const SecretValueEntry = structure(SecretValueMembers)

/** Why one secret of a batch was not returned. */
export const SecretError = structure({
  SecretId: optional(string()),
  ErrorCode: optional(string()),
  Message: optional(string()),
})

/** Which check of ValidateResourcePolicy a policy did not pass, and why. */
export const ValidationErrorsEntry = structure({ CheckName: optional(string()), ErrorMessage: optional(string()) })

export const SecretVersionsListEntry = structure({
  VersionId: optional(VersionId),
  VersionStages: optional(list(VersionStage)),
  LastAccessedDate: optional(timestamp()),
  CreatedDate: optional(timestamp()),
  KmsKeyIds: optional(list(string())),
})
