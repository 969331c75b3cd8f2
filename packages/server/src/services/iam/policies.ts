// Customer managed policies and their versions. The policy's row vouches for each version's document and holds the default one, which is what
// is in effect wherever the policy is attached.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html

import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import { digestOf, mustCompile, policyCharacters } from './documents.ts'
import * as errors from './errors.ts'
import {
  MANAGED_POLICY_CHARACTERS_MAX,
  POLICIES_PER_ACCOUNT_MAX,
  type PolicyBody,
  type PolicyVersionEntry,
  policyArn,
  type Tag,
  VERSIONS_PER_POLICY_MAX,
} from './model.ts'
import {
  countAttachments,
  countRows,
  deleteRow,
  findByName,
  findRow,
  type IamReader,
  type IamWriter,
  insertRow,
  POLICY,
  POLICY_VERSION,
  replaceRow,
  type Stored,
} from './store.ts'
import { newUniqueId } from './unique-id.ts'

export type NewPolicy = {
  readonly policyName: string
  readonly document: string
  readonly now: number
  readonly path?: string | undefined
  readonly description?: string | undefined
  readonly tags?: readonly Tag[]
}

/** Makes a policy with the version v1. Its name is unique in the account without regard to case and path. Returns its ARN. */
export async function createPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { policyName, document, now, path = '/', description, tags = [] }: NewPolicy,
): Promise<string> {
  mustFitPolicy(document)
  if ((await findByName(app, tx, POLICY, account, policyName)) !== undefined) throw errors.policyExists(policyName)
  if ((await countRows(tx, POLICY, account, POLICIES_PER_ACCOUNT_MAX)) >= POLICIES_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('PoliciesPerAccount', POLICIES_PER_ACCOUNT_MAX)
  }
  const arn = policyArn(app.partition, account, path, policyName)
  await insertRow(app, tx, POLICY_VERSION, [account, arn, 'v1'], { document })
  await insertRow(app, tx, POLICY, [account, arn], {
    policyId: newUniqueId('ANPA', app.randomBytes),
    policyName,
    path,
    ...(description !== undefined && { description }),
    createdAt: now,
    updatedAt: now,
    versions: [{ versionId: 'v1', createdAt: now, digest: digestOf(document) }],
    defaultVersionId: 'v1',
    lastVersion: 1,
    document,
    tags,
  })
  return arn
}

/** Adds a version under the next number; the numbers of deleted versions are not used again. */
export async function createPolicyVersion(
  app: IamReader,
  tx: Transaction,
  policy: Stored<PolicyBody>,
  { document, setAsDefault, now }: { readonly document: string; readonly setAsDefault: boolean; readonly now: number },
): Promise<PolicyVersionEntry> {
  mustFitPolicy(document)
  const { body } = policy
  if (body.versions.length >= VERSIONS_PER_POLICY_MAX) throw errors.tooManyVersions(VERSIONS_PER_POLICY_MAX)
  const lastVersion = body.lastVersion + 1
  const entry = { versionId: `v${lastVersion}`, createdAt: now, digest: digestOf(document) }
  await insertRow(app, tx, POLICY_VERSION, [...policy.key, entry.versionId], { document })
  await replaceRow(app, tx, POLICY, policy, {
    ...body,
    updatedAt: now,
    versions: [...body.versions, entry],
    lastVersion,
    ...(setAsDefault && { defaultVersionId: entry.versionId, document }),
  })
  return entry
}

export async function setDefaultPolicyVersion(
  app: IamReader,
  tx: Transaction,
  policy: Stored<PolicyBody>,
  versionId: string,
): Promise<void> {
  const { document } = await readPolicyVersion(app, tx, policy, versionId)
  if (versionId === policy.body.defaultVersionId) return
  await replaceRow(app, tx, POLICY, policy, { ...policy.body, defaultVersionId: versionId, document })
}

/** @throws ServiceError NoSuchEntity; DeleteConflict for the default version. */
export async function deletePolicyVersion(
  app: IamReader,
  tx: Transaction,
  policy: Stored<PolicyBody>,
  versionId: string,
): Promise<void> {
  const { body, key } = policy
  const entry = mustListVersion(policy, versionId)
  if (versionId === body.defaultVersionId) throw errors.defaultVersion()
  await deleteRow(tx, POLICY_VERSION, [...key, versionId])
  await replaceRow(app, tx, POLICY, policy, { ...body, versions: body.versions.filter((one) => one !== entry) })
}

/** @throws ServiceError NoSuchEntity. @throws IntegrityError where the document is not the one that the policy vouches for. */
export async function readPolicyVersion(
  app: IamReader,
  tx: Transaction,
  policy: Stored<PolicyBody>,
  versionId: string,
): Promise<PolicyVersionEntry & { readonly document: string }> {
  const entry = mustListVersion(policy, versionId)
  // The document in effect, wherever it stands; the policies of AWS have no rows.
  if (versionId === policy.body.defaultVersionId) return { ...entry, document: policy.body.document }
  const key = [...policy.key, versionId]
  const version = await findRow(app, tx, POLICY_VERSION, key)
  if (version === undefined) throw new IntegrityError(POLICY_VERSION.name, key, 'is gone')
  const { document } = version.body
  if (digestOf(document) !== entry.digest) {
    throw new IntegrityError(POLICY_VERSION.name, key, 'is not the document that its policy vouches for')
  }
  return { ...entry, document }
}

/** @throws ServiceError DeleteConflict while it is attached, or has more versions than the default one. */
export async function deletePolicy(tx: Transaction, { key, body }: Stored<PolicyBody>): Promise<void> {
  const [account = '', arn = ''] = key
  if ((await countAttachments(tx, account, [arn])).has(arn)) throw errors.policyAttached()
  if (body.versions.length > 1) throw errors.policyHasVersions()
  await deleteRow(tx, POLICY_VERSION, [...key, body.defaultVersionId])
  await deleteRow(tx, POLICY, key)
}

function mustListVersion({ key, body }: Stored<PolicyBody>, versionId: string): PolicyVersionEntry {
  const entry = body.versions.find((version) => version.versionId === versionId)
  if (entry === undefined) throw errors.noSuchPolicyVersion(key[1]!, versionId)
  return entry
}

function mustFitPolicy(document: string): void {
  mustCompile(document, 'identity')
  if (policyCharacters(document) > MANAGED_POLICY_CHARACTERS_MAX) {
    throw errors.quotaExceeded('PolicySize', MANAGED_POLICY_CHARACTERS_MAX)
  }
}
