// Inline policies of users, groups and roles: they stand in the row of their holder.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#inline-policies

import type { Transaction } from '../../storage/database.ts'
import { mustCompile, policyCharacters } from './documents.ts'
import * as errors from './errors.ts'
import type { InlinePolicy } from './model.ts'
import { listed, type Source } from './paging.ts'
import { type HolderTable, type IamReader, replaceRow, type Stored } from './store.ts'

type Holding = { readonly inlinePolicies: readonly InlinePolicy[] }

/** Of all inline policies of one holder together. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const INLINE_CHARACTERS_MAX = { user: 2_048, group: 5_120, role: 10_240 }
/** White space is kept but not counted above; with it, they may be no longer than AWS lets one document be. */
const WRITTEN_CHARACTERS_MAX = 131_072

/**
 * Adds an inline policy, or replaces the one of the same name. `holderName` is for the refusal.
 * @throws MalformedPolicyDocument; LimitExceeded where the holder's policies become too long.
 */
export async function putInlinePolicy<Body extends Holding>(
  app: IamReader,
  tx: Transaction,
  table: HolderTable<Body>,
  holder: Stored<Body>,
  holderName: string,
  policy: InlinePolicy,
): Promise<void> {
  mustCompile(policy.document, 'identity')
  const others = holder.body.inlinePolicies.filter(({ policyName }) => policyName !== policy.policyName)
  const inlinePolicies = [...others, policy]
  const characters = inlinePolicies.reduce((sum, { document }) => sum + policyCharacters(document), 0)
  const max = INLINE_CHARACTERS_MAX[table.kind]
  if (characters > max) throw errors.inlinePoliciesTooLong(table.kind, holderName, max)
  const written = inlinePolicies.reduce((sum, { document }) => sum + document.length, 0)
  if (written > WRITTEN_CHARACTERS_MAX)
    throw errors.inlinePoliciesTooLong(table.kind, holderName, WRITTEN_CHARACTERS_MAX)
  await replaceRow(app, tx, table, holder, { ...holder.body, inlinePolicies })
}

/** @throws NoSuchEntity */
export async function deleteInlinePolicy<Body extends Holding>(
  app: IamReader,
  tx: Transaction,
  table: HolderTable<Body>,
  holder: Stored<Body>,
  policyName: string,
): Promise<void> {
  const policy = existingInlinePolicy(table, holder, policyName)
  const inlinePolicies = holder.body.inlinePolicies.filter((one) => one !== policy)
  await replaceRow(app, tx, table, holder, { ...holder.body, inlinePolicies })
}

/** @throws NoSuchEntity */
export function existingInlinePolicy<Body extends Holding>(
  table: HolderTable<Body>,
  holder: Stored<Body>,
  name: string,
): InlinePolicy {
  const policy = holder.body.inlinePolicies.find(({ policyName }) => policyName === name)
  if (policy === undefined) throw errors.noSuchInlinePolicy(table.kind, name)
  return policy
}

/** What List...Policies pages through. */
export const inlinePolicyNames = ({ inlinePolicies }: Holding): Source<string> =>
  listed(
    inlinePolicies.map(({ policyName }) => policyName),
    (policyName) => policyName,
  )
