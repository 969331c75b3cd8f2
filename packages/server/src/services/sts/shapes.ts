// The shapes of STS, with the limits of AWS's API reference.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html

import { integer, list, optional, string, structure, timestamp } from '../../shape/shape.ts'
import { TagKeys, Tags } from '../iam/port.ts'
import { SESSION_TOKEN_CHARACTERS_MAX } from './session-claims.ts'

/** The id of a user, the account id of a root user, or role id and session name of a session. */
export const UserId = string()

/** 12 digits. */
export const Account = string()

export const Arn = string({
  min: 20,
  max: 2048,
  pattern: /^[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+',
})

export const AccessKeyId = string({ min: 16, max: 128, pattern: /^\w*$/, patternText: '[\\w]*' })

const name = (min: number, max: number) => string({ min, max, pattern: /^[\w+=,.@-]*$/, patternText: '[\\w+=,.@-]*' })

export const RoleSessionName = name(2, 64)
export const SourceIdentity = name(2, 64)

export const FederatedUserName = name(2, 32)

export const ExternalId = string({
  min: 2,
  max: 1224,
  pattern: /^[\w+=,.@:/-]*$/,
  patternText: '[\\w+=,.@:\\/-]*',
})

/** No session lives longer. */
export const SESSION_SECONDS_MAX = 129_600

/** The role may allow less. */
export const DurationSeconds = integer({ min: 900, max: 43_200 })
/** Of sessions of users. */
export const UserDurationSeconds = integer({ min: 900, max: SESSION_SECONDS_MAX })

/** Of the document and the ARNs of session policies together. */
export const SESSION_POLICIES_CHARACTERS_MAX = 2_048

export const Policy = string({
  min: 1,
  max: SESSION_POLICIES_CHARACTERS_MAX,
  pattern: /^[\t\n\r\x20-\xff]+$/,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
})
export const PolicyArns = list(structure({ arn: optional(Arn) }), { max: 10 })

export { TagKeys, Tags }

export const WebIdentityTokenText = string({ min: 4, max: 20_000, sensitive: true })
export const ProviderId = string({ min: 4, max: 2_048 })

export const SerialNumber = string({
  min: 9,
  max: 256,
  pattern: /^[\w+=/:,.@-]*$/,
  patternText: '[\\w+=/:,.@-]*',
})
/** Good for a minute or so, and so not for the trail. */
export const TokenCode = string({ min: 6, max: 6, pattern: /^\d*$/, patternText: '[\\d]*', unlogged: true })

export const ProvidedContexts = list(
  structure({ ProviderArn: optional(Arn), ContextAssertion: optional(string({ min: 4, max: 2048 })) }),
  { max: 5 },
)

/** Characters that the session token is to have at least. */
export const MinimumSessionTokenSize = integer({ min: 0, max: SESSION_TOKEN_CHARACTERS_MAX })

export const Credentials = structure({
  AccessKeyId: string(),
  SecretAccessKey: string({ sensitive: true }),
  /** Whoever has it has half of what a session needs. */
  SessionToken: string({ sensitive: true }),
  Expiration: timestamp(),
})

export const FederatedUser = structure({
  /** The account and the name. */
  FederatedUserId: string(),
  Arn: string(),
})

export const AssumedRoleUser = structure({
  /** AROA... and the session name. */
  AssumedRoleId: string(),
  Arn: string(),
})

/** In per cent of what session policies and tags may take. */
export const PackedPolicySize = integer()

/** In characters. */
export const SessionTokenSize = integer()
/** In per cent of the longest token. */
export const SessionTokenUtilization = integer()
