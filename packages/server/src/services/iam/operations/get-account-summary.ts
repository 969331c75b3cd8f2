// GetAccountSummary tells how many of each thing the account has, and how many it may have.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html

import { operation } from '../../../operation.ts'
import { integer, map, optional, string } from '../../../shape/shape.ts'
import { INLINE_CHARACTERS_MAX } from '../inline-policies.ts'
import {
  ACCESS_KEYS_PER_OWNER_MAX,
  ATTACHED_POLICIES_MAX,
  GROUPS_PER_ACCOUNT_MAX,
  GROUPS_PER_USER_MAX,
  MANAGED_POLICY_CHARACTERS_MAX,
  OIDC_PROVIDERS_PER_ACCOUNT_MAX,
  POLICIES_PER_ACCOUNT_MAX,
  ROLES_PER_ACCOUNT_MAX,
  TRUST_POLICY_CHARACTERS_MAX,
  USERS_PER_ACCOUNT_MAX,
  VERSIONS_PER_POLICY_MAX,
} from '../model.ts'
import { countMfaDevices, countRows, GROUP, OIDC_PROVIDER, POLICY, POLICY_VERSION, ROLE, USER } from '../store.ts'
import { accountTarget } from '../target.ts'
import { readAccount } from '../users.ts'

const VERSIONS_PER_ACCOUNT_MAX = POLICIES_PER_ACCOUNT_MAX * VERSIONS_PER_POLICY_MAX

/** What this server takes none of, of the root user or at all. */
const NONE = {
  AccountMFAEnabled: 0,
  AccountPasswordPresent: 0,
  AccountSigningCertificatesPresent: 0,
  InstanceProfiles: 0,
  InstanceProfilesQuota: 0,
  ServerCertificates: 0,
  ServerCertificatesQuota: 0,
  SigningCertificatesPerUserQuota: 0,
}

const QUOTAS = {
  AccessKeysPerUserQuota: ACCESS_KEYS_PER_OWNER_MAX,
  AssumeRolePolicySizeQuota: TRUST_POLICY_CHARACTERS_MAX,
  AttachedPoliciesPerGroupQuota: ATTACHED_POLICIES_MAX,
  AttachedPoliciesPerRoleQuota: ATTACHED_POLICIES_MAX,
  AttachedPoliciesPerUserQuota: ATTACHED_POLICIES_MAX,
  GroupPolicySizeQuota: INLINE_CHARACTERS_MAX.group,
  GroupsPerUserQuota: GROUPS_PER_USER_MAX,
  GroupsQuota: GROUPS_PER_ACCOUNT_MAX,
  PoliciesQuota: POLICIES_PER_ACCOUNT_MAX,
  PolicySizeQuota: MANAGED_POLICY_CHARACTERS_MAX,
  PolicyVersionsInUseQuota: VERSIONS_PER_ACCOUNT_MAX,
  RolePolicySizeQuota: INLINE_CHARACTERS_MAX.role,
  RolesQuota: ROLES_PER_ACCOUNT_MAX,
  UserPolicySizeQuota: INLINE_CHARACTERS_MAX.user,
  UsersQuota: USERS_PER_ACCOUNT_MAX,
  VersionsPerPolicyQuota: VERSIONS_PER_POLICY_MAX,
}

export const getAccountSummary = operation({
  name: 'GetAccountSummary',
  readOnly: true,

  input: {},

  output: { SummaryMap: optional(map(string(), integer())) },

  target: accountTarget,

  async run({ app, tx, account }) {
    const body = await readAccount(app, tx, account)
    const devices = await countMfaDevices(tx, account)
    return {
      SummaryMap: {
        ...NONE,
        ...QUOTAS,
        AccountAccessKeysPresent: Number(body.accessKeys.length > 0),
        // Tokens of every endpoint are good in every Region.
        GlobalEndpointTokenVersion: 2,
        Groups: await countRows(tx, GROUP, account, GROUPS_PER_ACCOUNT_MAX),
        MFADevices: devices.all,
        MFADevicesInUse: devices.inUse,
        Policies: await countRows(tx, POLICY, account, POLICIES_PER_ACCOUNT_MAX),
        PolicyVersionsInUse: await countRows(tx, POLICY_VERSION, account, VERSIONS_PER_ACCOUNT_MAX),
        Providers: await countRows(tx, OIDC_PROVIDER, account, OIDC_PROVIDERS_PER_ACCOUNT_MAX),
        Roles: await countRows(tx, ROLE, account, ROLES_PER_ACCOUNT_MAX),
        Users: await countRows(tx, USER, account, USERS_PER_ACCOUNT_MAX),
      },
    }
  },
})
