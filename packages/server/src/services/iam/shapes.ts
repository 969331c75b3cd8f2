// The members that the operations share, declared once: limits, wording and what is sensitive.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Types.html

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

/** `member` is the name in the refusal: `userName`. Lengths are IAM's; what stands for an existing user may have 128 characters. */
const name = (member: string, max: number) =>
  string({
    min: 1,
    max,
    pattern: /^[\w+=,.@-]+$/,
    message: `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
  })

export const UserName = name('userName', 64)
export const NewUserName = name('newUserName', 64)
export const ExistingUserName = name('userName', 128)
export const GroupName = name('groupName', 128)
export const NewGroupName = name('newGroupName', 128)
export const RoleName = name('roleName', 64)
export const PolicyName = name('policyName', 128)

const invalidPath = (member: string): string =>
  `The specified value for ${member} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.`

const path = (member: string) =>
  string({ min: 1, max: 512, pattern: /^\/(?:[!-~]+\/)?$/, message: invalidPath(member) })

export const Path = path('path')
export const NewPath = path('newPath')

const INVALID_PATH_PREFIX =
  'The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.'

export const PathPrefix = string({ min: 1, max: 512, pattern: /^\/[!-\x7f]*$/, message: INVALID_PATH_PREFIX })

/** Paths of managed policies have fewer characters than others, and a prefix of them ends with a slash too. */
const policyPath = (message: string) => string({ min: 1, max: 512, pattern: /^(?:\/[A-Za-z0-9.,+@=_-]+)*\/$/, message })

export const PolicyPath = policyPath(invalidPath('path'))
export const PolicyPathPrefix = policyPath(INVALID_PATH_PREFIX)

/** Lower-case letters, digits and single dashes, which stand neither first nor last. */
export const AccountAlias = string({
  min: 3,
  max: 63,
  pattern: /^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/,
  patternText: '^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$',
})

export const Arn = string({ min: 20, max: 2048 })
/** AIDA..., AGPA..., AROA..., ANPA...; of a root user its account's number. */
export const UniqueId = string()

/** In an answer it is percent-encoded as in RFC 3986; see documents.ts. */
export const PolicyDocument = string({
  min: 1,
  max: 131_072,
  pattern: /^[\t\n\r\x20-\xff]+$/,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
})

const TAG_CHARACTERS = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]'
export const TagKey = string({
  min: 1,
  max: 128,
  pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u,
  patternText: `${TAG_CHARACTERS}+`,
})
export const TagValue = string({
  max: 256,
  pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u,
  patternText: `${TAG_CHARACTERS}*`,
})
export const Tag = structure({ Key: TagKey, Value: TagValue })
export const Tags = list(Tag, { max: 50 })
export const TagKeys = list(TagKey, { max: 50 })

export const PolicyDescription = string({ max: 1000 })
export const PolicyVersionId = string({
  pattern: /^v[1-9][0-9]*(?:\.[A-Za-z0-9-]*)?$/,
  patternText: 'v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?',
})
export const PolicyScope = enumeration('All', 'AWS', 'Local')
export const PolicyUsage = enumeration('PermissionsPolicy', 'PermissionsBoundary')
export const EntityFilter = enumeration('User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy')

export const RoleDescription = string({
  max: 1000,
  pattern: /^[\t\n\r\x20-\x7e\xa1-\xff]*$/,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*',
})
/** In seconds. */
export const SessionDuration = integer({ min: 3_600, max: 43_200 })

/** IAM's markers have 320 characters; one of ours may hold the longest key of a tag, in UTF-8. */
export const Marker = string({ min: 1, max: 1024, pattern: /^[\x20-\xff]+$/, patternText: '[\\u0020-\\u00FF]+' })
export const MaxItems = integer({ min: 1, max: 1000 })

/** What every operation that pages takes. */
export const PageInput = { Marker: optional(Marker), MaxItems: optional(MaxItems) } as const
/** What it answers beside its list. */
export const PageOutput = { IsTruncated: optional(boolean()), Marker: optional(string()) } as const

export const AccessKeyId = string({ min: 16, max: 128, pattern: /^\w+$/, patternText: '[\\w]+' })
export const AccessKeyStatus = enumeration('Active', 'Inactive', 'Expired')

/** `mrk.kms.amazonaws.com`. */
export const ServicePrincipal = string({ min: 1, max: 128, pattern: /^[\w+=,.@-]+$/, patternText: '[\\w+=,.@-]+' })
export const CustomSuffix = string({ min: 1, max: 64, pattern: /^[\w+=,.@-]+$/, patternText: '[\\w+=,.@-]+' })
/** `task/aws-service-role/SERVICE/ROLE/UUID`. */
export const DeletionTaskId = string({ min: 1, max: 1000 })

export const ProviderUrl = string({ min: 1, max: 255 })
export const ClientId = string({ min: 1, max: 255 })
export const ClientIds = list(ClientId)
/** SHA-1 in hex. */
export const Thumbprints = list(string({ min: 40, max: 40 }), { max: 5 })

/** Up to 226 characters, so that a serial number with the path `/` has 256. */
export const VirtualMFADeviceName = name('virtualMFADeviceName', 226)
/** Of a virtual MFA device its ARN. */
export const SerialNumber = string({
  min: 9,
  max: 256,
  pattern: /^[\w+=/:,.@-]+$/,
  patternText: '[\\w+=/:,.@-]+',
})
/** Six digits. Good for a minute or so, and so not for the trail. */
export const AuthenticationCode = string({ min: 6, max: 6, pattern: /^\d+$/, patternText: '[\\d]+', unlogged: true })
/** What shows that a user has a device: two codes in a row. */
export const DeviceProofInput = {
  UserName: ExistingUserName,
  SerialNumber,
  AuthenticationCode1: AuthenticationCode,
  AuthenticationCode2: AuthenticationCode,
} as const
export const AssignmentStatus = enumeration('Assigned', 'Unassigned', 'Any')

export const Password = string({
  min: 1,
  max: 128,
  pattern: /^[\t\n\r\x20-\xff]+$/,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
  sensitive: true,
})
export const MinimumPasswordLength = integer({ min: 6, max: 128 })
/** In days. */
export const MaxPasswordAge = integer({ min: 1, max: 1_095 })
export const PasswordReusePrevention = integer({ min: 1, max: 24 })

// What answers hold. Limits are for what comes in: answers carry none.

export const AttachedPermissionsBoundary = structure({
  PermissionsBoundaryType: optional(enumeration('PermissionsBoundaryPolicy')),
  PermissionsBoundaryArn: optional(string()),
})

export const User = structure({
  Path: optional(string()),
  UserName: optional(string()),
  UserId: UniqueId,
  Arn: string(),
  CreateDate: timestamp(),
  PasswordLastUsed: optional(timestamp()),
  PermissionsBoundary: optional(AttachedPermissionsBoundary),
  Tags: optional(Tags),
})

export const AccessKey = structure({
  /** Absent: of the root user. */
  UserName: optional(string()),
  AccessKeyId: string(),
  Status: AccessKeyStatus,
  SecretAccessKey: string({ sensitive: true }),
  CreateDate: optional(timestamp()),
})

export const AccessKeyMetadata = structure({
  UserName: optional(string()),
  AccessKeyId: optional(string()),
  Status: optional(AccessKeyStatus),
  CreateDate: optional(timestamp()),
})

export const AttachedPolicy = structure({ PolicyName: optional(string()), PolicyArn: optional(string()) })

export const Group = structure({
  Path: string(),
  GroupName: string(),
  GroupId: UniqueId,
  Arn: string(),
  CreateDate: timestamp(),
})

const RoleLastUsed = structure({ LastUsedDate: optional(timestamp()), Region: optional(string()) })

export const Role = structure({
  Path: string(),
  RoleName: string(),
  RoleId: UniqueId,
  Arn: string(),
  CreateDate: timestamp(),
  AssumeRolePolicyDocument: optional(string()),
  Description: optional(string()),
  MaxSessionDuration: optional(integer()),
  PermissionsBoundary: optional(AttachedPermissionsBoundary),
  Tags: optional(Tags),
  RoleLastUsed: optional(RoleLastUsed),
  /** Always absent: this server has no role templates. */
  SourceRoleTemplate: optional(structure({ TemplateArn: string(), TemplateMinorVersion: integer() })),
})

/** This server has none. */
export const InstanceProfile = structure({
  Path: string(),
  InstanceProfileName: string(),
  InstanceProfileId: UniqueId,
  Arn: string(),
  CreateDate: timestamp(),
  Roles: list(Role),
  Tags: optional(Tags),
})

/** This server has none, nor the two that follow. */
export const SSHPublicKeyMetadata = structure({
  UserName: string(),
  SSHPublicKeyId: string(),
  Status: AccessKeyStatus,
  UploadDate: timestamp(),
})

export const SigningCertificate = structure({
  UserName: string(),
  CertificateId: string(),
  CertificateBody: string(),
  Status: AccessKeyStatus,
  UploadDate: optional(timestamp()),
})

export const ServiceSpecificCredentialMetadata = structure({
  UserName: string(),
  Status: AccessKeyStatus,
  ServiceUserName: optional(string()),
  ServiceCredentialAlias: optional(string()),
  CreateDate: timestamp(),
  ExpirationDate: optional(timestamp()),
  ServiceSpecificCredentialId: string(),
  ServiceName: string(),
})

export const Policy = structure({
  PolicyName: optional(string()),
  PolicyId: optional(UniqueId),
  Arn: optional(string()),
  Path: optional(string()),
  DefaultVersionId: optional(string()),
  AttachmentCount: optional(integer()),
  PermissionsBoundaryUsageCount: optional(integer()),
  IsAttachable: optional(boolean()),
  Description: optional(string()),
  CreateDate: optional(timestamp()),
  UpdateDate: optional(timestamp()),
  Tags: optional(Tags),
})

export const PolicyVersion = structure({
  Document: optional(string()),
  VersionId: optional(string()),
  IsDefaultVersion: optional(boolean()),
  CreateDate: optional(timestamp()),
})

export const PolicyGroup = structure({ GroupName: optional(string()), GroupId: optional(UniqueId) })
export const PolicyUser = structure({ UserName: optional(string()), UserId: optional(UniqueId) })
export const PolicyRole = structure({ RoleName: optional(string()), RoleId: optional(UniqueId) })

export const MFADevice = structure({ UserName: string(), SerialNumber: string(), EnableDate: timestamp() })

export const VirtualMFADevice = structure({
  SerialNumber: string(),
  /** The text of the seed in base32. In the answer that makes the device, and in no other. */
  Base32StringSeed: optional(blob({ sensitive: true })),
  /** The same for authenticator apps. */
  QRCodePNG: optional(blob({ sensitive: true })),
  User: optional(User),
  EnableDate: optional(timestamp()),
  Tags: optional(Tags),
})

/** Of FIDO keys, which this server does not take. */
export const Certifications = map(string(), string())

export const LoginProfile = structure({
  UserName: string(),
  CreateDate: timestamp(),
  PasswordResetRequired: optional(boolean()),
})

export const PasswordPolicy = structure({
  MinimumPasswordLength: optional(integer()),
  RequireSymbols: optional(boolean()),
  RequireNumbers: optional(boolean()),
  RequireUppercaseCharacters: optional(boolean()),
  RequireLowercaseCharacters: optional(boolean()),
  AllowUsersToChangePassword: optional(boolean()),
  ExpirePasswords: optional(boolean()),
  MaxPasswordAge: optional(integer()),
  PasswordReusePrevention: optional(integer()),
  HardExpiry: optional(boolean()),
})

// Of GetAccountAuthorizationDetails.

const PolicyDetail = structure({ PolicyName: optional(string()), PolicyDocument: optional(string()) })

const detailed = {
  Path: optional(string()),
  Arn: optional(string()),
  CreateDate: optional(timestamp()),
  AttachedManagedPolicies: optional(list(AttachedPolicy)),
} as const

export const UserDetail = structure({
  ...detailed,
  UserName: optional(string()),
  UserId: optional(UniqueId),
  UserPolicyList: optional(list(PolicyDetail)),
  GroupList: optional(list(string())),
  PermissionsBoundary: optional(AttachedPermissionsBoundary),
  Tags: optional(Tags),
})

export const GroupDetail = structure({
  ...detailed,
  GroupName: optional(string()),
  GroupId: optional(UniqueId),
  GroupPolicyList: optional(list(PolicyDetail)),
})

export const RoleDetail = structure({
  ...detailed,
  RoleName: optional(string()),
  RoleId: optional(UniqueId),
  AssumeRolePolicyDocument: optional(string()),
  InstanceProfileList: optional(list(InstanceProfile)),
  RolePolicyList: optional(list(PolicyDetail)),
  PermissionsBoundary: optional(AttachedPermissionsBoundary),
  Tags: optional(Tags),
  RoleLastUsed: optional(RoleLastUsed),
})

export const ManagedPolicyDetail = structure({
  PolicyName: optional(string()),
  PolicyId: optional(UniqueId),
  Arn: optional(string()),
  Path: optional(string()),
  DefaultVersionId: optional(string()),
  AttachmentCount: optional(integer()),
  PermissionsBoundaryUsageCount: optional(integer()),
  IsAttachable: optional(boolean()),
  Description: optional(string()),
  CreateDate: optional(timestamp()),
  UpdateDate: optional(timestamp()),
  PolicyVersionList: optional(list(PolicyVersion)),
})
