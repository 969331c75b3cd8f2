// Making a version: its value, its labels, and the removal of versions that the quota no longer holds.

import type { Call } from '../../call.ts'
import {
  attachStages,
  findVersion,
  type Plain,
  pruneVersions,
  type Secret,
  stagesToAttach,
  withVersion,
} from './model.ts'
import { removeValues } from './store.ts'
import { storeValue } from './value.ts'

/**
 * The secret with a new version that has this value and `stages` (AWSCURRENT where undefined), or with the value in the placeholder of
 * that id. The value is stored; the secret is for the caller to store.
 * @throws LimitExceededException at the quota of labels, or of versions where none can go.
 */
export async function addVersion(
  call: Call,
  secret: Secret,
  id: string,
  plain: Plain,
  stages: readonly string[] | undefined,
): Promise<Secret> {
  const version = findVersion(secret, id) ?? { id, stages: [], createdAt: call.now }
  const { labelsPerSecret, versionsPerSecret } = call.app.limits
  const attached = stagesToAttach(secret.versions, stages)
  const labelled = attachStages(withVersion(secret.versions, version), id, attached, labelsPerSecret)
  const { kept, pruned } = pruneVersions(labelled, versionsPerSecret, call.now)

  const value = await storeValue(call, secret, id, plain)
  await removeValues(call, secret.arn, pruned)
  return {
    ...secret,
    versions: kept.map((other) => (other.id === id ? { ...other, value } : other)),
    changedAt: call.now,
  }
}
