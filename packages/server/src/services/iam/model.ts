// What the identity store keeps: accounts, users, groups, roles, access keys, customer managed policies. Each type is the sealed body of a
// row; the row's key stands beside it and not in it. A parent lists its children, so that only what it lists holds.

import type { PrincipalIds } from '../../policy/engine.ts'

export type AccessKeyStatus = 'Active' | 'Inactive'

/** In the body of the owner: an access key works as its owner says, whatever its own row holds. Oldest first. */
export type AccessKeyEntry = {
  readonly accessKeyId: string
  readonly status: AccessKeyStatus
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number
}

/** A session that is refused before it expires. Dropped once it has expired by the wall clock. */
export type RevokedSession = { readonly accessKeyId: string; readonly expiresAt: number }

/** Row `account`. */
export type AccountBody = {
  readonly name: string
  readonly createdAt: number
  /** Of the root user. */
  readonly accessKeys: readonly AccessKeyEntry[]
  /** Nobody of a suspended account is let in: it was closed. Absent: ACTIVE. */
  readonly status?: 'ACTIVE' | 'SUSPENDED'
  /** Of the root user; unique on the server without regard to case. */
  readonly email?: string
  /** In lower case; unique on the server. */
  readonly alias?: string
  readonly tags?: readonly Tag[]
  readonly revokedSessions?: readonly RevokedSession[]
  readonly passwordPolicy?: PasswordPolicy
}

/** What passwords of users must have; every member as UpdateAccountPasswordPolicy names it. */
export type PasswordPolicy = {
  readonly minimumPasswordLength: number
  readonly requireSymbols: boolean
  readonly requireNumbers: boolean
  readonly requireUppercaseCharacters: boolean
  readonly requireLowercaseCharacters: boolean
  readonly allowUsersToChangePassword: boolean
  /** In days. Absent: passwords do not expire. */
  readonly maxPasswordAge?: number
  /** How many passwords, the one in use among them, a new one must differ from. Absent: none. */
  readonly passwordReusePrevention?: number
  readonly hardExpiry: boolean
}

export type Tag = { readonly key: string; readonly value: string }

/** A document that names principals, with their unique ids as they were when it was stored: who is made again under the same name is another. */
export type NamingPolicy = { readonly document: string; readonly principalIds: PrincipalIds }

export type InlinePolicy = { readonly policyName: string; readonly document: string }

/** The id tells a policy from an earlier one of the same ARN; the policies of AWS itself, which are in code, have none. */
export type AttachedPolicy = { readonly arn: string; readonly policyId?: string }

/** Row `iam_user`. */
export type UserBody = {
  readonly userName: string
  /** Begins and ends with a slash. */
  readonly path: string
  readonly createdAt: number
  readonly accessKeys: readonly AccessKeyEntry[]
  readonly inlinePolicies: readonly InlinePolicy[]
  readonly attachedPolicies: readonly AttachedPolicy[]
  /** Ids of groups, in the order in which the user joined them. */
  readonly groups?: readonly string[]
  readonly boundary?: AttachedPolicy
  readonly tags?: readonly Tag[]
  readonly loginProfile?: LoginProfile
  /** Those that are enabled for the user, oldest first. A device that is not listed here is none of the user's. */
  readonly mfaDevices?: readonly MfaDeviceEntry[]
}

/** A user's password. Hashes are of crypto/password.ts, in base64, all under the one salt. */
export type LoginProfile = {
  readonly createdAt: number
  /** When the password in use was set. */
  readonly passwordSetAt: number
  readonly passwordResetRequired: boolean
  readonly salt: string
  /** Newest first: that of the password in use, then of those before. */
  readonly hashes: readonly string[]
}

export type MfaDeviceEntry = { readonly serialNumber: string; readonly enabledAt: number }

/** Row `iam_mfa_device`: a virtual MFA device. Times of codes are by the wall clock. */
export type MfaDeviceBody = {
  readonly tags: readonly Tag[]
  /** Base64 of the seed of its codes, sealed for account and serial number. */
  readonly sealedSeed: string
  /** Of the user that it is enabled for. */
  readonly userId?: string
  /** By how many steps of 30 seconds the device's clock is ahead. */
  readonly driftSteps: number
  /** No code of this step or an earlier one is accepted any more. */
  readonly lastStep: number
  /** Wrong codes since the last right one. */
  readonly failures: number
  /** No code is looked at before. */
  readonly refusedUntil: number
}

/** Row `iam_group`. */
export type GroupBody = {
  readonly groupName: string
  readonly path: string
  readonly createdAt: number
  readonly inlinePolicies: readonly InlinePolicy[]
  readonly attachedPolicies: readonly AttachedPolicy[]
}

/** Row `iam_role`. */
export type RoleBody = {
  readonly roleName: string
  readonly path: string
  readonly createdAt: number
  readonly description?: string
  /** In seconds, 3,600 to 43,200. */
  readonly maxSessionDuration: number
  /** AssumeRolePolicyDocument. */
  readonly trustPolicy: NamingPolicy
  readonly inlinePolicies: readonly InlinePolicy[]
  readonly attachedPolicies: readonly AttachedPolicy[]
  readonly boundary?: AttachedPolicy
  readonly tags: readonly Tag[]
}

/** Row `iam_role_deletion`: a service-linked role that is no more. */
export type RoleDeletionBody = { readonly deletedAt: number }

/** Row `iam_credential_report`. */
export type CredentialReportBody = {
  /** A job is to write it. */
  readonly pending: boolean
  readonly report?: { readonly generatedAt: number; readonly csv: string }
}

/** Row `iam_access_key`. */
export type AccessKeyBody = {
  readonly account: string
  /** Absent: the root user of the account. */
  readonly userId?: string
  /** Base64 of the secret access key, sealed for account, owner and access key id. */
  readonly sealedSecret: string
}

/** Row `iam_policy`. */
export type PolicyBody = {
  readonly policyId: string
  readonly policyName: string
  readonly path: string
  readonly description?: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Oldest first; five at most. */
  readonly versions: readonly PolicyVersionEntry[]
  readonly defaultVersionId: string
  /** The number of the newest version there ever was: numbers are not used again. */
  readonly lastVersion: number
  /** Of the default version. */
  readonly document: string
  readonly tags: readonly Tag[]
}

/** `digest` is the SHA-256 of the document, in base64. */
export type PolicyVersionEntry = { readonly versionId: string; readonly createdAt: number; readonly digest: string }

/** Row `iam_policy_version`. */
export type PolicyVersionBody = { readonly document: string }

/** Row `iam_oidc_provider`: an issuer whose tokens AssumeRoleWithWebIdentity takes. */
export type OidcProviderBody = {
  /** Of the issuer without `https://`; `iss` of its tokens is this with it. */
  readonly url: string
  /** Audiences that tokens may be for. */
  readonly clientIds: readonly string[]
  /** SHA-1 of certificates of private authorities, in lower-case hex: what the system does not trust is trusted where one of these signed it. */
  readonly thumbprints: readonly string[]
  /** Uploaded; absent: the issuer is asked for them. */
  readonly keys?: readonly ProviderKey[]
  readonly createdAt: number
  readonly tags: readonly Tag[]
}

/** A public key in JWK form. https://www.rfc-editor.org/rfc/rfc7517#section-4 */
export type ProviderKey = { readonly kid: string; readonly use: 'sig'; readonly alg?: string } & (
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
)

/** Row `iam_pod_identity`: a service account of a Kubernetes cluster, and the role of the account that its pods get. */
export type PodIdentityBody = {
  /** The ARN of the OIDC provider of the cluster's issuer, of the same account. */
  readonly provider: string
  /** What the cluster is called in session tags. */
  readonly clusterName: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly roleArn: string
  readonly createdAt: number
}

/** A new access key; the only time that the secret access key is shown. */
export type NewAccessKey = AccessKeyEntry & { readonly secretAccessKey: string }

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
export const USERS_PER_ACCOUNT_MAX = 5_000
export const GROUPS_PER_ACCOUNT_MAX = 300
export const GROUPS_PER_USER_MAX = 10
export const ACCESS_KEYS_PER_OWNER_MAX = 2
export const TAGS_MAX = 50
/** Of a user, a group or a role. */
export const ATTACHED_POLICIES_MAX = 10
export const MANAGED_POLICY_CHARACTERS_MAX = 6_144
export const POLICIES_PER_ACCOUNT_MAX = 1_500
export const VERSIONS_PER_POLICY_MAX = 5
export const ROLES_PER_ACCOUNT_MAX = 1_000
export const OIDC_PROVIDERS_PER_ACCOUNT_MAX = 100
export const CLIENT_IDS_PER_PROVIDER_MAX = 100
export const MFA_DEVICES_PER_USER_MAX = 8
/** Virtual ones, enabled or not: as many as users. */
export const MFA_DEVICES_PER_ACCOUNT_MAX = USERS_PER_ACCOUNT_MAX
/** Of one cluster on AWS. https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html */
export const POD_IDENTITIES_PER_ACCOUNT_MAX = 5_000
/** 2,048 on AWS until one asks for the most that it gives. */
export const TRUST_POLICY_CHARACTERS_MAX = 4_096

type Named<Name extends string> = { readonly [name in 'path' | Name]: string }

export const rootArn = (partition: string, account: string): string => `arn:${partition}:iam::${account}:root`

export const userArn = (partition: string, account: string, { path, userName }: Named<'userName'>): string =>
  `arn:${partition}:iam::${account}:user${path}${userName}`

export const groupArn = (partition: string, account: string, { path, groupName }: Named<'groupName'>): string =>
  `arn:${partition}:iam::${account}:group${path}${groupName}`

export const roleArn = (partition: string, account: string, { path, roleName }: Named<'roleName'>): string =>
  `arn:${partition}:iam::${account}:role${path}${roleName}`

/** Of a session of the role, which has not the role's path. */
export const sessionArn = (
  partition: string,
  account: string,
  { roleName }: { readonly roleName: string },
  sessionName: string,
): string => `arn:${partition}:sts::${account}:assumed-role/${roleName}/${sessionName}`

export const policyArn = (partition: string, account: string, path: string, policyName: string): string =>
  `arn:${partition}:iam::${account}:policy${path}${policyName}`

export const oidcProviderArn = (partition: string, account: string, url: string): string =>
  `arn:${partition}:iam::${account}:oidc-provider/${url}`

/** The serial number of a virtual MFA device. */
export const mfaDeviceArn = (partition: string, account: string, path: string, name: string): string =>
  `arn:${partition}:iam::${account}:mfa${path}${name}`

/** Names of users, groups, roles and policies are each unique in an account without regard to case. */
export const nameKey = (name: string): string => name.toLowerCase()

export const emailKey = (email: string): string => email.toLowerCase()
