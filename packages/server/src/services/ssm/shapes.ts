// The members that the operations share, declared once: limits, wording and what is sensitive.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Types.html

import { boolean, enumeration, integer, list, optional, string, structure, timestamp } from '../../shape/shape.ts'

/** A name, where the operation says so with a selector, or an ARN: names.ts has what it may be. */
export const ParameterName = string({ min: 1, max: 2048 })
export const ParameterNames = list(ParameterName, { min: 1, max: 10 })
export const Description = string({ max: 1024 })
/** Counted in bytes by the tier (model.ts, VALUE_BYTES_MAX). */
export const ParameterValue = string({ min: 1, sensitive: true })
export const ParameterType = enumeration('String', 'StringList', 'SecureString')
export const KeyId = string({
  min: 1,
  max: 256,
  pattern: /^([a-zA-Z0-9:/_-]+)$/,
  patternText: '^([a-zA-Z0-9:/_-]+)$',
})
export const AllowedPattern = string({ max: 1024 })
export const Tier = enumeration('Standard', 'Advanced', 'Intelligent-Tiering')
/** A JSON array. */
export const Policies = string({ min: 1, max: 4096 })
export const DataType = string({ max: 128 })
export const ParameterVersion = integer()
export const Label = string({ min: 1, max: 100 })
export const Labels = list(Label, { min: 1, max: 10 })

const TAG_TEXT = { pattern: /^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$/u, patternText: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$' }
export const TagKey = string({ min: 1, max: 128, ...TAG_TEXT })
export const TagValue = string({ max: 256, ...TAG_TEXT })
export const Tags = list(structure({ Key: TagKey, Value: TagValue }), { max: 1000 })
export const TagKeys = list(TagKey, { max: 1000 })
export const ResourceType = enumeration(
  'Document',
  'ManagedInstance',
  'MaintenanceWindow',
  'Parameter',
  'PatchBaseline',
  'OpsItem',
  'OpsMetadata',
  'Automation',
  'Association',
)
export const ResourceId = string({ max: 2048 })

export const MaxResults = integer({ min: 1, max: 50 })
export const MaxResultsByPath = integer({ min: 1, max: 10 })
export const NextToken = string()

export const Filters = list(
  structure({
    Key: enumeration('Name', 'Type', 'KeyId'),
    Values: list(string({ min: 1, max: 1024 }), { min: 1, max: 50 }),
  }),
  { max: 50 },
)
export const ParameterFilters = list(
  structure({
    Key: string({
      min: 1,
      max: 132,
      pattern: /^(?:tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType)$/s,
      patternText: 'tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType',
    }),
    Option: optional(string({ min: 1, max: 10 })),
    Values: optional(list(string({ min: 1, max: 1024 }), { min: 1, max: 50 })),
  }),
  { max: 50 },
)

export const ResourceArn = string({ min: 20, max: 2048 })
/** A policy document, as JSON. */
export const Policy = string({ pattern: /\S/, patternText: '^(?!\\s*$).+' })
export const PolicyId = string({ max: 128 })
export const PolicyHash = string({ max: 128 })

// What answers hold. Limits are for what comes in: answers carry none.

const Value = string({ sensitive: true })
const Text = string()

export const Parameter = structure({
  Name: optional(Text),
  Type: optional(ParameterType),
  Value: optional(Value),
  Version: optional(ParameterVersion),
  Selector: optional(Text),
  SourceResult: optional(Text),
  LastModifiedDate: optional(timestamp()),
  ARN: optional(Text),
  DataType: optional(Text),
})

const PolicyList = list(
  structure({ PolicyText: optional(Text), PolicyType: optional(Text), PolicyStatus: optional(Text) }),
)

/** What DescribeParameters and an entry of the history have in common. */
const Metadata = {
  Name: optional(Text),
  Type: optional(ParameterType),
  KeyId: optional(Text),
  LastModifiedDate: optional(timestamp()),
  LastModifiedUser: optional(Text),
  Description: optional(Text),
  AllowedPattern: optional(Text),
  Version: optional(ParameterVersion),
  Tier: optional(Tier),
  Policies: optional(PolicyList),
  DataType: optional(Text),
} as const

export const ParameterMetadata = structure({ ...Metadata, ARN: optional(Text) })
export const ParameterHistory = structure({ ...Metadata, Value: optional(Value), Labels: optional(list(Text)) })

export const Decryption = optional(boolean())
