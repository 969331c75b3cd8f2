// Managed policies attached to users, groups and roles, and set as the boundary of users and roles. The holder's row decides; the index,
// written with it, is for looking up who holds a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html

import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { findManagedPolicy, isManagedPolicyArn } from './managed-policies.ts'
import { ATTACHED_POLICIES_MAX, type AttachedPolicy } from './model.ts'
import { listed, type Source } from './paging.ts'
import {
  deleteAttachment,
  findRow,
  type HolderTable,
  type IamReader,
  insertAttachment,
  POLICY,
  replaceRow,
  type Stored,
} from './store.ts'

type Attaching = { readonly attachedPolicies: readonly AttachedPolicy[] }
type Bounded = { readonly boundary?: AttachedPolicy }

const QUOTAS = { user: 'PoliciesPerUser', group: 'PoliciesPerGroup', role: 'PoliciesPerRole' }

/**
 * Attaches a policy of AWS, or one of the account's own. Attaching it twice is attaching it once.
 * @throws NoSuchEntity; InvalidInput for what is no ARN of a policy; LimitExceeded beyond 10; PolicyNotAttachable for one of a service.
 */
export async function attachPolicy<Body extends Attaching>(
  app: IamReader,
  tx: Transaction,
  table: HolderTable<Body>,
  holder: Stored<Body>,
  arn: string,
  by: 'customer' | 'service' = 'customer',
): Promise<void> {
  const [account, id] = holder.key as [string, string]
  const attached = await findAttachable(app, tx, account, arn, by)
  if (attached === undefined) throw errors.noSuchPolicy(arn)
  const { attachedPolicies } = holder.body
  if (attachedPolicies.some((policy) => policy.arn === arn)) return
  if (attachedPolicies.length >= ATTACHED_POLICIES_MAX) {
    throw errors.quotaExceeded(QUOTAS[table.kind], ATTACHED_POLICIES_MAX)
  }
  await replaceRow(app, tx, table, holder, { ...holder.body, attachedPolicies: [...attachedPolicies, attached] })
  await insertAttachment(tx, account, arn, 'policy', table.kind, id)
}

/** @throws NoSuchEntity where it is not attached. */
export async function detachPolicy<Body extends Attaching>(
  app: IamReader,
  tx: Transaction,
  table: HolderTable<Body>,
  holder: Stored<Body>,
  arn: string,
): Promise<void> {
  const [account, id] = holder.key as [string, string]
  const attachedPolicies = holder.body.attachedPolicies.filter((policy) => policy.arn !== arn)
  if (attachedPolicies.length === holder.body.attachedPolicies.length) throw errors.policyNotFound(arn)
  await replaceRow(app, tx, table, holder, { ...holder.body, attachedPolicies })
  await deleteAttachment(tx, account, arn, 'policy', table.kind, id)
}

/** What ListAttached...Policies pages through: by ARN, those whose path begins with `pathPrefix`. */
export const attachedSource = ({ attachedPolicies }: Attaching, pathPrefix = '/'): Source<AttachedPolicy> =>
  listed(
    attachedPolicies.filter(({ arn }) => policyPath(arn).startsWith(pathPrefix)),
    ({ arn }) => arn,
  )

export const shownAttached = ({ arn }: AttachedPolicy) => ({
  PolicyName: arn.slice(arn.lastIndexOf('/') + 1),
  PolicyArn: arn,
})

const policyPath = (arn: string): string => arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1)

/** @throws NoSuchEntity; InvalidInput for what is no ARN of a policy. */
export async function findBoundary(
  app: IamReader,
  tx: Transaction,
  account: string,
  arn: string,
): Promise<AttachedPolicy> {
  const boundary = await findAttachable(app, tx, account, arn)
  if (boundary === undefined) throw errors.noSuchBoundary(arn)
  return boundary
}

/** Sets the boundary, or takes it off. */
export async function replaceBoundary<Body extends Bounded>(
  app: IamReader,
  tx: Transaction,
  table: HolderTable<Body>,
  holder: Stored<Body>,
  boundary: AttachedPolicy | undefined,
): Promise<void> {
  const [account, id] = holder.key as [string, string]
  const { boundary: before, ...body } = holder.body
  if (before !== undefined) await deleteAttachment(tx, account, before.arn, 'boundary', table.kind, id)
  if (boundary !== undefined) await insertAttachment(tx, account, boundary.arn, 'boundary', table.kind, id)
  await replaceRow(app, tx, table, holder, { ...body, ...(boundary && { boundary }) } as Body)
}

export const isPolicyArn = (arn: string): boolean => /^arn:[a-z-]+:iam::(?:aws|\d{12}):policy\/[!-~]+$/.test(arn)

/** Undefined where the account can attach no such policy. @throws InvalidInput */
async function findAttachable(
  app: IamReader,
  tx: Transaction,
  account: string,
  arn: string,
  by: 'customer' | 'service' = 'customer',
): Promise<AttachedPolicy | undefined> {
  if (!isPolicyArn(arn)) throw errors.invalidArn(arn)
  if (isManagedPolicyArn(app.partition, arn)) {
    if (findManagedPolicy(app.partition, arn) === undefined) return undefined
    if (policyPath(arn).startsWith('/aws-service-role/') && by === 'customer') throw errors.policyNotAttachable()
    return { arn }
  }
  const policy = await findRow(app, tx, POLICY, [account, arn])
  return policy && { arn, policyId: policy.body.policyId }
}
