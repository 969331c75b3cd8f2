// The beginning of a rotation, or of its trial: the version that waits for a value, the journal, and the job that calls the function. All in
// the transaction of who asks for it, so that nothing is called that is not written down.

import { tellServiceEvents } from '../events.ts'
import {
  attachStages,
  findVersion,
  PENDING,
  pruneVersions,
  type RotatingSecret,
  type Secret,
  type SecretVersion,
  withVersion,
} from '../model.ts'
import { removeValues, type Store, type StoredSecret } from '../store.ts'
import { scheduleStep } from './jobs.ts'
import { type Rotation, type RotationKind, type Slot, STEPS } from './model.ts'
import { insertRotation } from './store.ts'
import { newTokenKeyVersion } from './token.ts'

export type NewRotation = {
  readonly kind: RotationKind
  /** A new version without a value where the secret has none of that id. */
  readonly versionId: string
  readonly slot?: Slot
}

/**
 * The secret with a rotation under way, for the caller to store. What it was read as is `stored`.
 * @throws LimitExceededException where it can have no more labels or versions
 */
export async function beginRotation(
  store: Store,
  stored: StoredSecret,
  secret: RotatingSecret,
  { kind, versionId, slot }: NewRotation,
): Promise<Secret> {
  const { app } = store
  const { labelsPerSecret, versionsPerSecret } = app.limits
  const { functionArn } = secret.rotation
  const now = app.now()
  const known = findVersion(secret, versionId)
  const version: SecretVersion = known ?? { id: versionId, stages: [], createdAt: now }
  const labelled = attachStages(withVersion(secret.versions, version), versionId, [PENDING], labelsPerSecret)
  const { kept, pruned } = pruneVersions(labelled, versionsPerSecret, now)
  await removeValues(store, secret.arn, pruned)

  const rotation: Rotation = {
    id: app.uuid(),
    kind,
    secretArn: secret.arn,
    versionId,
    ...(functionArn !== undefined && { functionArn }),
    ...(slot !== undefined && { slot }),
    startedAt: now,
    ...(known?.value !== undefined && { again: true as const }),
    attempt: 1,
    step: kind === 'test' ? 'testSecret' : STEPS[0],
    tokenKeyVersion: newTokenKeyVersion(app.keyring),
    calls: [],
  }
  await insertRotation(store, rotation)
  await scheduleStep(store, stored, secret, rotation.id, now)
  await tellServiceEvents(store, { ...stored, rev: stored.rev + 1 }, [
    {
      eventName: kind === 'test' ? 'TestRotationStarted' : 'RotationStarted',
      additional: {
        ClientRequestToken: versionId,
        ...(functionArn !== undefined && { RotationLambdaArn: functionArn }),
      },
    },
  ])
  return {
    ...secret,
    versions: kept,
    rotation: {
      ...secret.rotation,
      running: { id: rotation.id, kind, versionId },
      ...(slot !== undefined && { usedWindow: slot.opensAt }),
    },
    changedAt: now,
  }
}
