// IAM: its operations, alphabetical. What the API has beyond them answers UnknownOperationException; README.md lists it.

import type { Service } from '../../operation.ts'
import { attachRolePolicy } from './operations/attach-role-policy.ts'
import { createPolicy } from './operations/create-policy.ts'
import { createPolicyVersion } from './operations/create-policy-version.ts'
import { createRole } from './operations/create-role.ts'
import { createUser } from './operations/create-user.ts'
import { deletePolicy } from './operations/delete-policy.ts'
import { deletePolicyVersion } from './operations/delete-policy-version.ts'
import { deleteRole } from './operations/delete-role.ts'
import { deleteRolePermissionsBoundary } from './operations/delete-role-permissions-boundary.ts'
import { deleteRolePolicy } from './operations/delete-role-policy.ts'
import { detachRolePolicy } from './operations/detach-role-policy.ts'
import { getPolicy } from './operations/get-policy.ts'
import { getPolicyVersion } from './operations/get-policy-version.ts'
import { getRole } from './operations/get-role.ts'
import { getRolePolicy } from './operations/get-role-policy.ts'
import { getUser } from './operations/get-user.ts'
import { listAttachedRolePolicies } from './operations/list-attached-role-policies.ts'
import { listEntitiesForPolicy } from './operations/list-entities-for-policy.ts'
import { listInstanceProfilesForRole } from './operations/list-instance-profiles-for-role.ts'
import { listPolicies } from './operations/list-policies.ts'
import { listPolicyTags } from './operations/list-policy-tags.ts'
import { listPolicyVersions } from './operations/list-policy-versions.ts'
import { listRolePolicies } from './operations/list-role-policies.ts'
import { listRoleTags } from './operations/list-role-tags.ts'
import { listRoles } from './operations/list-roles.ts'
import { putRolePermissionsBoundary } from './operations/put-role-permissions-boundary.ts'
import { putRolePolicy } from './operations/put-role-policy.ts'
import { setDefaultPolicyVersion } from './operations/set-default-policy-version.ts'
import { tagPolicy } from './operations/tag-policy.ts'
import { tagRole } from './operations/tag-role.ts'
import { untagPolicy } from './operations/untag-policy.ts'
import { untagRole } from './operations/untag-role.ts'
import { updateAssumeRolePolicy } from './operations/update-assume-role-policy.ts'
import { updateRole } from './operations/update-role.ts'
import { updateRoleDescription } from './operations/update-role-description.ts'

export const iam: Service = {
  name: 'iam',
  protocol: 'query',
  version: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  global: true,
  // A policy document may have 131,072 characters, which the form may percent-encode.
  bodyBytesMax: 256 * 1024,
  faultCode: 'ServiceFailure',
  operations: [
    attachRolePolicy,
    createPolicy,
    createPolicyVersion,
    createRole,
    createUser,
    deletePolicy,
    deletePolicyVersion,
    deleteRole,
    deleteRolePermissionsBoundary,
    deleteRolePolicy,
    detachRolePolicy,
    getPolicy,
    getPolicyVersion,
    getRole,
    getRolePolicy,
    getUser,
    listAttachedRolePolicies,
    listEntitiesForPolicy,
    listInstanceProfilesForRole,
    listPolicies,
    listPolicyTags,
    listPolicyVersions,
    listRolePolicies,
    listRoleTags,
    listRoles,
    putRolePermissionsBoundary,
    putRolePolicy,
    setDefaultPolicyVersion,
    tagPolicy,
    tagRole,
    untagPolicy,
    untagRole,
    updateAssumeRolePolicy,
    updateRole,
    updateRoleDescription,
  ],
}
