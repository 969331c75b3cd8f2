// What other services ask of IAM: accounts; policies that name principals, stored with their unique ids and shown with their ARNs; the roles
// that can be assumed and the sessions that were revoked; ids, ARNs and tags in their forms.

export {
  type Account,
  createAccessRole,
  findAccount,
  findAccountByEmail,
  isOpenAccount,
  listAccounts,
  setAccountEmail,
  setAccountStatus,
} from './accounts.ts'
export { noSuchPodIdentity, notAnOwnRole } from './errors.ts'
export { acceptMfaCode, type MfaVerdict } from './mfa-devices.ts'
export { type NamingPolicy, type PodIdentityBody, roleArn, rootArn, userArn } from './model.ts'
export { findOidcProvider, type OidcProvider, setProviderKeys } from './oidc-providers.ts'
export {
  createPodIdentity,
  deletePodIdentity,
  findPodIdentity,
  findPodIdentityOf,
  listPodIdentities,
  type ServiceAccount,
} from './pod-identity.ts'
export {
  type AskedPrincipal,
  findPrincipalByArn,
  parsePrincipalArn,
  roleArnOfSession,
} from './principal-by-arn.ts'
export { compileNaming, resolvePrincipals, shownDocument, UnknownPrincipalError } from './principals.ts'
export { PROVIDER_KEYS_BYTES_MAX, parseProviderKeys } from './provider-keys.ts'
export {
  type AssumableRole,
  findAssumableRole,
  REVOKED_SESSIONS_MAX,
  readSessionPrincipal,
  revokeSession,
  sessionPolicyExists,
} from './sessions.ts'
export { TagKeys, Tags } from './shapes.ts'
export { countAccounts, findAccountOfAccessKey, type Stored } from './store.ts'
export { requestTagContext, resourceTagContext, tagKeysContext } from './tags.ts'
export { existingOidcProvider, type OidcProviderTarget, oidcProviderTarget } from './target.ts'
export { accountOfAccessKeyId, newTemporaryAccessKeyId } from './unique-id.ts'
export { createAccount } from './users.ts'
