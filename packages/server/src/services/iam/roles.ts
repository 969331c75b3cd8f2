// Roles are made and changed here. A role's trust policy names principals: it is stored with their unique ids, see principals.ts.

import { compilePolicy } from '../../policy/compile.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { findOpenIssuer } from '../../policy/shared-issuers.ts'
import type { Transaction } from '../../storage/database.ts'
import { findBoundary } from './attachments.ts'
import { policyCharacters } from './documents.ts'
import * as errors from './errors.ts'
import {
  type NamingPolicy,
  ROLES_PER_ACCOUNT_MAX,
  type RoleBody,
  type Tag,
  TRUST_POLICY_CHARACTERS_MAX,
} from './model.ts'
import { resolvePrincipals, UnknownPrincipalError } from './principals.ts'
import {
  countRows,
  deleteAttachment,
  deleteRow,
  findByName,
  type IamReader,
  type IamWriter,
  insertAttachment,
  insertRow,
  ROLE,
  replaceRow,
  type Stored,
} from './store.ts'
import { newUniqueId } from './unique-id.ts'

/** Seconds. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
export const SESSION_DURATION_DEFAULT = 3_600

/** Roles of services are under it, which nobody else makes or changes: service-linked-roles.ts. */
export const SERVICE_ROLE_PATH = '/aws-service-role/'

export type NewRole = {
  readonly roleName: string
  /** AssumeRolePolicyDocument. */
  readonly trustPolicy: string
  readonly now: number
  readonly path?: string | undefined
  readonly description?: string | undefined
  readonly maxSessionDuration?: number | undefined
  /** The ARN of a managed policy. */
  readonly boundary?: string | undefined
  readonly tags?: readonly Tag[]
}

/** Names are unique in the account without regard to case and path. */
export async function createRole(
  app: IamWriter,
  tx: Transaction,
  account: string,
  role: NewRole,
): Promise<Stored<RoleBody>> {
  if (role.path?.startsWith(SERVICE_ROLE_PATH)) throw errors.serviceRolePath(SERVICE_ROLE_PATH)
  return insertRole(app, tx, account, role)
}

/** The same under any path. */
export async function insertRole(
  app: IamWriter,
  tx: Transaction,
  account: string,
  {
    roleName,
    trustPolicy,
    now,
    path = '/',
    description,
    maxSessionDuration,
    boundary: boundaryArn,
    tags = [],
  }: NewRole,
): Promise<Stored<RoleBody>> {
  const naming = await trustPolicyOf(app, tx, trustPolicy)
  if ((await findByName(app, tx, ROLE, account, roleName)) !== undefined) throw errors.roleExists(roleName)
  const boundary = boundaryArn === undefined ? undefined : await findBoundary(app, tx, account, boundaryArn)
  if ((await countRows(tx, ROLE, account, ROLES_PER_ACCOUNT_MAX)) >= ROLES_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('RolesPerAccount', ROLES_PER_ACCOUNT_MAX)
  }
  const body: RoleBody = {
    roleName,
    path,
    createdAt: now,
    ...(description !== undefined && { description }),
    maxSessionDuration: maxSessionDuration ?? SESSION_DURATION_DEFAULT,
    trustPolicy: naming,
    inlinePolicies: [],
    attachedPolicies: [],
    ...(boundary && { boundary }),
    tags,
  }
  const roleId = newUniqueId('AROA', app.randomBytes)
  const key = [account, roleId]
  await insertRow(app, tx, ROLE, key, body)
  if (boundary) await insertAttachment(tx, account, boundary.arn, 'boundary', 'role', roleId)
  return { key, rev: 1, body }
}

/** The description and the longest session, each where it is given. */
export async function updateRole(
  app: IamReader,
  tx: Transaction,
  role: Stored<RoleBody>,
  change: { readonly description?: string | undefined; readonly maxSessionDuration?: number | undefined },
): Promise<RoleBody> {
  const { description = role.body.description, maxSessionDuration = role.body.maxSessionDuration } = change
  const body = { ...role.body, ...(description !== undefined && { description }), maxSessionDuration }
  await replaceRow(app, tx, ROLE, role, body)
  return body
}

export async function updateTrustPolicy(
  app: IamReader,
  tx: Transaction,
  role: Stored<RoleBody>,
  document: string,
): Promise<void> {
  const trustPolicy = await trustPolicyOf(app, tx, document)
  await replaceRow(app, tx, ROLE, role, { ...role.body, trustPolicy })
}

/** @throws ServiceError DeleteConflict while the role has policies. Its sessions end with it: nobody has its id again. */
export async function deleteRole(tx: Transaction, { key, body }: Stored<RoleBody>): Promise<void> {
  if (body.attachedPolicies.length > 0) throw errors.deleteConflict('detach all policies')
  if (body.inlinePolicies.length > 0) throw errors.deleteConflict('delete policies')
  const [account, roleId] = key as [string, string]
  if (body.boundary) await deleteAttachment(tx, account, body.boundary.arn, 'boundary', 'role', roleId)
  await deleteRow(tx, ROLE, key)
}

async function trustPolicyOf(app: IamReader, tx: Transaction, document: string): Promise<NamingPolicy> {
  if (policyCharacters(document) > TRUST_POLICY_CHARACTERS_MAX) {
    throw errors.quotaExceeded('ACLSizePerRole', TRUST_POLICY_CHARACTERS_MAX)
  }
  try {
    const open = findOpenIssuer(compilePolicy(document, 'trust'))
    if (open !== undefined) throw errors.openIssuer(open.issuer, open.keys)
    return await resolvePrincipals(app, tx, document, 'trust')
  } catch (error) {
    if (error instanceof UnknownPrincipalError) throw errors.invalidPrincipal(error.principal)
    throw error instanceof MalformedPolicyError ? errors.malformedPolicy(error.message) : error
  }
}
