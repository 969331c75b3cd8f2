// IAM: its operations, alphabetical. What the API has beyond them answers UnknownOperationException; README.md lists it.

import type { Service } from '../../operation.ts'
import { WRITE_CREDENTIAL_REPORT, writeCredentialReport } from './credential-report.ts'
import { addClientIDToOpenIDConnectProvider } from './operations/add-client-idto-open-idconnect-provider.ts'
import { addUserToGroup } from './operations/add-user-to-group.ts'
import { attachGroupPolicy } from './operations/attach-group-policy.ts'
import { attachRolePolicy } from './operations/attach-role-policy.ts'
import { attachUserPolicy } from './operations/attach-user-policy.ts'
import { changePassword } from './operations/change-password.ts'
import { createAccessKey } from './operations/create-access-key.ts'
import { createAccountAlias } from './operations/create-account-alias.ts'
import { createGroup } from './operations/create-group.ts'
import { createLoginProfile } from './operations/create-login-profile.ts'
import { createOpenIDConnectProvider } from './operations/create-open-idconnect-provider.ts'
import { createPolicy } from './operations/create-policy.ts'
import { createPolicyVersion } from './operations/create-policy-version.ts'
import { createRole } from './operations/create-role.ts'
import { createServiceLinkedRole } from './operations/create-service-linked-role.ts'
import { createUser } from './operations/create-user.ts'
import { createVirtualMFADevice } from './operations/create-virtual-mfadevice.ts'
import { deactivateMFADevice } from './operations/deactivate-mfadevice.ts'
import { deleteAccessKey } from './operations/delete-access-key.ts'
import { deleteAccountAlias } from './operations/delete-account-alias.ts'
import { deleteAccountPasswordPolicy } from './operations/delete-account-password-policy.ts'
import { deleteGroup } from './operations/delete-group.ts'
import { deleteGroupPolicy } from './operations/delete-group-policy.ts'
import { deleteLoginProfile } from './operations/delete-login-profile.ts'
import { deleteOpenIDConnectProvider } from './operations/delete-open-idconnect-provider.ts'
import { deletePolicy } from './operations/delete-policy.ts'
import { deletePolicyVersion } from './operations/delete-policy-version.ts'
import { deleteRole } from './operations/delete-role.ts'
import { deleteRolePermissionsBoundary } from './operations/delete-role-permissions-boundary.ts'
import { deleteRolePolicy } from './operations/delete-role-policy.ts'
import { deleteServiceLinkedRole } from './operations/delete-service-linked-role.ts'
import { deleteUser } from './operations/delete-user.ts'
import { deleteUserPermissionsBoundary } from './operations/delete-user-permissions-boundary.ts'
import { deleteUserPolicy } from './operations/delete-user-policy.ts'
import { deleteVirtualMFADevice } from './operations/delete-virtual-mfadevice.ts'
import { detachGroupPolicy } from './operations/detach-group-policy.ts'
import { detachRolePolicy } from './operations/detach-role-policy.ts'
import { detachUserPolicy } from './operations/detach-user-policy.ts'
import { enableMFADevice } from './operations/enable-mfadevice.ts'
import { generateCredentialReport } from './operations/generate-credential-report.ts'
import { getAccessKeyLastUsed } from './operations/get-access-key-last-used.ts'
import { getAccountAuthorizationDetails } from './operations/get-account-authorization-details.ts'
import { getAccountPasswordPolicy } from './operations/get-account-password-policy.ts'
import { getAccountSummary } from './operations/get-account-summary.ts'
import { getContextKeysForCustomPolicy } from './operations/get-context-keys-for-custom-policy.ts'
import { getContextKeysForPrincipalPolicy } from './operations/get-context-keys-for-principal-policy.ts'
import { getCredentialReport } from './operations/get-credential-report.ts'
import { getGroup } from './operations/get-group.ts'
import { getGroupPolicy } from './operations/get-group-policy.ts'
import { getLoginProfile } from './operations/get-login-profile.ts'
import { getMFADevice } from './operations/get-mfadevice.ts'
import { getOpenIDConnectProvider } from './operations/get-open-idconnect-provider.ts'
import { getPolicy } from './operations/get-policy.ts'
import { getPolicyVersion } from './operations/get-policy-version.ts'
import { getRole } from './operations/get-role.ts'
import { getRolePolicy } from './operations/get-role-policy.ts'
import { getServiceLinkedRoleDeletionStatus } from './operations/get-service-linked-role-deletion-status.ts'
import { getUser } from './operations/get-user.ts'
import { getUserPolicy } from './operations/get-user-policy.ts'
import { listAccessKeys } from './operations/list-access-keys.ts'
import { listAccountAliases } from './operations/list-account-aliases.ts'
import { listAttachedGroupPolicies } from './operations/list-attached-group-policies.ts'
import { listAttachedRolePolicies } from './operations/list-attached-role-policies.ts'
import { listAttachedUserPolicies } from './operations/list-attached-user-policies.ts'
import { listEntitiesForPolicy } from './operations/list-entities-for-policy.ts'
import { listGroupPolicies } from './operations/list-group-policies.ts'
import { listGroups } from './operations/list-groups.ts'
import { listGroupsForUser } from './operations/list-groups-for-user.ts'
import { listInstanceProfilesForRole } from './operations/list-instance-profiles-for-role.ts'
import { listMFADeviceTags } from './operations/list-mfadevice-tags.ts'
import { listMFADevices } from './operations/list-mfadevices.ts'
import { listOpenIDConnectProviderTags } from './operations/list-open-idconnect-provider-tags.ts'
import { listOpenIDConnectProviders } from './operations/list-open-idconnect-providers.ts'
import { listPolicies } from './operations/list-policies.ts'
import { listPolicyTags } from './operations/list-policy-tags.ts'
import { listPolicyVersions } from './operations/list-policy-versions.ts'
import { listRolePolicies } from './operations/list-role-policies.ts'
import { listRoleTags } from './operations/list-role-tags.ts'
import { listRoles } from './operations/list-roles.ts'
import { listServiceSpecificCredentials } from './operations/list-service-specific-credentials.ts'
import { listSigningCertificates } from './operations/list-signing-certificates.ts'
import { listSSHPublicKeys } from './operations/list-sshpublic-keys.ts'
import { listUserPolicies } from './operations/list-user-policies.ts'
import { listUserTags } from './operations/list-user-tags.ts'
import { listUsers } from './operations/list-users.ts'
import { listVirtualMFADevices } from './operations/list-virtual-mfadevices.ts'
import { putGroupPolicy } from './operations/put-group-policy.ts'
import { putRolePermissionsBoundary } from './operations/put-role-permissions-boundary.ts'
import { putRolePolicy } from './operations/put-role-policy.ts'
import { putUserPermissionsBoundary } from './operations/put-user-permissions-boundary.ts'
import { putUserPolicy } from './operations/put-user-policy.ts'
import { removeClientIDFromOpenIDConnectProvider } from './operations/remove-client-idfrom-open-idconnect-provider.ts'
import { removeUserFromGroup } from './operations/remove-user-from-group.ts'
import { resyncMFADevice } from './operations/resync-mfadevice.ts'
import { setDefaultPolicyVersion } from './operations/set-default-policy-version.ts'
import { simulateCustomPolicy } from './operations/simulate-custom-policy.ts'
import { simulatePrincipalPolicy } from './operations/simulate-principal-policy.ts'
import { tagMFADevice } from './operations/tag-mfadevice.ts'
import { tagOpenIDConnectProvider } from './operations/tag-open-idconnect-provider.ts'
import { tagPolicy } from './operations/tag-policy.ts'
import { tagRole } from './operations/tag-role.ts'
import { tagUser } from './operations/tag-user.ts'
import { untagMFADevice } from './operations/untag-mfadevice.ts'
import { untagOpenIDConnectProvider } from './operations/untag-open-idconnect-provider.ts'
import { untagPolicy } from './operations/untag-policy.ts'
import { untagRole } from './operations/untag-role.ts'
import { untagUser } from './operations/untag-user.ts'
import { updateAccessKey } from './operations/update-access-key.ts'
import { updateAccountPasswordPolicy } from './operations/update-account-password-policy.ts'
import { updateAssumeRolePolicy } from './operations/update-assume-role-policy.ts'
import { updateGroup } from './operations/update-group.ts'
import { updateLoginProfile } from './operations/update-login-profile.ts'
import { updateOpenIDConnectProviderThumbprint } from './operations/update-open-idconnect-provider-thumbprint.ts'
import { updateRole } from './operations/update-role.ts'
import { updateRoleDescription } from './operations/update-role-description.ts'
import { updateUser } from './operations/update-user.ts'

export const iam: Service = {
  name: 'iam',
  protocol: 'query',
  version: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  global: true,
  // Every document that fits its quota fits, with room for white space, though each character be percent-encoded.
  bodyBytesMax: 256 * 1024,
  faultCode: 'ServiceFailure',
  jobs: { [WRITE_CREDENTIAL_REPORT]: writeCredentialReport },
  operations: [
    addClientIDToOpenIDConnectProvider,
    addUserToGroup,
    attachGroupPolicy,
    attachRolePolicy,
    attachUserPolicy,
    changePassword,
    createAccessKey,
    createAccountAlias,
    createGroup,
    createLoginProfile,
    createOpenIDConnectProvider,
    createPolicy,
    createPolicyVersion,
    createRole,
    createServiceLinkedRole,
    createUser,
    createVirtualMFADevice,
    deactivateMFADevice,
    deleteAccessKey,
    deleteAccountAlias,
    deleteAccountPasswordPolicy,
    deleteGroup,
    deleteGroupPolicy,
    deleteLoginProfile,
    deleteOpenIDConnectProvider,
    deletePolicy,
    deletePolicyVersion,
    deleteRole,
    deleteRolePermissionsBoundary,
    deleteRolePolicy,
    deleteServiceLinkedRole,
    deleteUser,
    deleteUserPermissionsBoundary,
    deleteUserPolicy,
    deleteVirtualMFADevice,
    detachGroupPolicy,
    detachRolePolicy,
    detachUserPolicy,
    enableMFADevice,
    generateCredentialReport,
    getAccessKeyLastUsed,
    getAccountAuthorizationDetails,
    getAccountPasswordPolicy,
    getAccountSummary,
    getContextKeysForCustomPolicy,
    getContextKeysForPrincipalPolicy,
    getCredentialReport,
    getGroup,
    getGroupPolicy,
    getLoginProfile,
    getMFADevice,
    getOpenIDConnectProvider,
    getPolicy,
    getPolicyVersion,
    getRole,
    getRolePolicy,
    getServiceLinkedRoleDeletionStatus,
    getUser,
    getUserPolicy,
    listAccessKeys,
    listAccountAliases,
    listAttachedGroupPolicies,
    listAttachedRolePolicies,
    listAttachedUserPolicies,
    listEntitiesForPolicy,
    listGroupPolicies,
    listGroups,
    listGroupsForUser,
    listInstanceProfilesForRole,
    listMFADeviceTags,
    listMFADevices,
    listOpenIDConnectProviderTags,
    listOpenIDConnectProviders,
    listPolicies,
    listPolicyTags,
    listPolicyVersions,
    listRolePolicies,
    listRoleTags,
    listRoles,
    listSSHPublicKeys,
    listServiceSpecificCredentials,
    listSigningCertificates,
    listUserPolicies,
    listUserTags,
    listUsers,
    listVirtualMFADevices,
    putGroupPolicy,
    putRolePermissionsBoundary,
    putRolePolicy,
    putUserPermissionsBoundary,
    putUserPolicy,
    removeClientIDFromOpenIDConnectProvider,
    removeUserFromGroup,
    resyncMFADevice,
    setDefaultPolicyVersion,
    simulateCustomPolicy,
    simulatePrincipalPolicy,
    tagMFADevice,
    tagOpenIDConnectProvider,
    tagPolicy,
    tagRole,
    tagUser,
    untagMFADevice,
    untagOpenIDConnectProvider,
    untagPolicy,
    untagRole,
    untagUser,
    updateAccessKey,
    updateAccountPasswordPolicy,
    updateAssumeRolePolicy,
    updateGroup,
    updateLoginProfile,
    updateOpenIDConnectProviderThumbprint,
    updateRole,
    updateRoleDescription,
    updateUser,
  ],
}
