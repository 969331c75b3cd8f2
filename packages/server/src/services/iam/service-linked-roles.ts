// Service-linked roles: each of one service, with a policy that only that service has. They are made for tools that make them first, as AWS's
// services ask; the services of this server work without.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html

import type { Transaction } from '../../storage/database.ts'
import { attachPolicy } from './attachments.ts'
import * as errors from './errors.ts'
import { managedPolicyArn } from './managed-policies.ts'
import { type RoleBody, roleArn } from './model.ts'
import { insertRole, SERVICE_ROLE_PATH } from './roles.ts'
import {
  deleteAttachment,
  deleteRow,
  findByName,
  findRow,
  forgetRoleDeletions,
  type IamReader,
  type IamWriter,
  insertRow,
  ROLE,
  ROLE_DELETION,
  type Stored,
} from './store.ts'

type Linked = { readonly roleName: string; readonly policy: string; readonly description: string }

/** By the principal of the service: those of AWS whose service this server has. */
const SERVICES: { readonly [service: string]: Linked } = {
  'mrk.kms.amazonaws.com': {
    roleName: 'AWSServiceRoleForKeyManagementServiceMultiRegionKeys',
    policy: 'AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy',
    description: 'Synchronizes multi-Region keys.',
  },
  'organizations.amazonaws.com': {
    roleName: 'AWSServiceRoleForOrganizations',
    policy: 'AWSOrganizationsServiceTrustPolicy',
    description: 'Makes the service-linked roles of other services.',
  },
}

const linkedOf = (service: string): Linked | undefined =>
  Object.hasOwn(SERVICES, service) ? SERVICES[service] : undefined

/** Where the service is not known, the ARN that a role of its name would have. */
export const serviceLinkedRoleArn = (partition: string, account: string, service: string): string =>
  roleArn(partition, account, {
    path: `${SERVICE_ROLE_PATH}${service}/`,
    roleName: linkedOf(service)?.roleName ?? 'AWSServiceRole',
  })

export const isServiceLinked = ({ body }: Stored<RoleBody>): boolean => body.path.startsWith(SERVICE_ROLE_PATH)

/** @throws InvalidInput for a service that has no such role here, one that has it already, and a suffix, which none of them takes. */
export async function createServiceLinkedRole(
  app: IamWriter,
  tx: Transaction,
  account: string,
  {
    service,
    suffix,
    description,
    now,
  }: {
    readonly service: string
    readonly suffix?: string | undefined
    readonly description?: string | undefined
    readonly now: number
  },
): Promise<Stored<RoleBody>> {
  const linked = linkedOf(service)
  if (linked === undefined) throw errors.notLinkedService(service)
  if (suffix !== undefined) throw errors.customSuffix(service)
  const { roleName } = linked
  if ((await findByName(app, tx, ROLE, account, roleName)) !== undefined) throw errors.serviceRoleExists(roleName)
  const Statement = [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }]
  const role = await insertRole(app, tx, account, {
    roleName,
    trustPolicy: JSON.stringify({ Version: '2012-10-17', Statement }),
    now,
    path: `${SERVICE_ROLE_PATH}${service}/`,
    description: description ?? linked.description,
  })
  const policy = managedPolicyArn(app.partition, `${SERVICE_ROLE_PATH.slice(1)}${linked.policy}`)
  await attachPolicy(app, tx, ROLE, role, policy, 'service')
  return role
}

/** How long GetServiceLinkedRoleDeletionStatus knows of a role that is gone. */
const TOLD_MS = 7 * 24 * 60 * 60_000

/** The role with its policy, at once. Returns the id of the task that did it. */
export async function deleteServiceLinkedRole(
  app: IamReader,
  tx: Transaction,
  { key, body }: Stored<RoleBody>,
  { uuid, now }: { readonly uuid: string; readonly now: number },
): Promise<string> {
  const [account, roleId] = key as [string, string]
  for (const { arn } of body.attachedPolicies) await deleteAttachment(tx, account, arn, 'policy', 'role', roleId)
  await deleteRow(tx, ROLE, key)
  await forgetRoleDeletions(tx, account, now - TOLD_MS)
  const taskId = `task${body.path}${body.roleName}/${uuid}`
  await insertRow(app, tx, ROLE_DELETION, [account, taskId], { deletedAt: now })
  return taskId
}

/** Of `task/aws-service-role/SERVICE/ROLE/UUID`: the ARN of the role. Undefined for what is no such id. */
export function roleArnOfTask(partition: string, account: string, taskId: string): string | undefined {
  const [, path, roleName] = /^task(\/aws-service-role\/[\w.-]+\/)([\w+=,.@-]+)\/[0-9a-f-]{36}$/.exec(taskId) ?? []
  return path && roleName && roleArn(partition, account, { path, roleName })
}

/** @throws NoSuchEntity */
export async function mustBeDeleted(app: IamReader, tx: Transaction, account: string, taskId: string): Promise<void> {
  if ((await findRow(app, tx, ROLE_DELETION, [account, taskId])) === undefined) throw errors.noSuchDeletion(taskId)
}
