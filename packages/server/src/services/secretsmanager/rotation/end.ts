// The end of a rotation, however it came: labels, dates, the journal, the next window, and who is told.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html

import { type ServiceEventName, tellServiceEvents } from '../events.ts'
import { dropStage, findVersion, PENDING, type RotatingSecret, type Secret, withoutPending } from '../model.ts'
import { removeValues, type Store, type StoredSecret } from '../store.ts'
import { cancelStep, scheduleStart } from './jobs.ts'
import { type Outcome, type Rotation, type RotationKind, type SecretRotation, sinceOf, withNextSlot } from './model.ts'
import { daysBetween, parseRotationRules } from './schedule.ts'
import { type StoredRotation, updateRotation } from './store.ts'
import { giveTurn } from './turns.ts'

/** A cancellation is told by the call that asked for it. */
const EVENTS: { readonly [kind in RotationKind]: { readonly [outcome in Outcome]?: ServiceEventName } } = {
  rotation: { succeeded: 'RotationSucceeded', failed: 'RotationFailed', abandoned: 'RotationAbandoned' },
  test: {
    succeeded: 'TestRotationSucceeded',
    failed: 'TestRotationFailed',
    abandoned: 'TestRotationFailed',
    cancelled: 'TestRotationFailed',
  },
}

export type Ended = {
  readonly outcome: Outcome
  /** In words; never a value. */
  readonly reason?: string
}

/**
 * The secret without the rotation that was under way, and with its next window, for the caller to store. AWSPENDING stays where a rotation
 * failed or was cancelled, as on AWS, so that its value is there for the next attempt; otherwise it goes. Without `journal`: it is gone.
 */
export async function endRotation(
  store: Store,
  stored: StoredSecret,
  secret: RotatingSecret,
  journal: StoredRotation | undefined,
  { outcome, reason }: Ended,
): Promise<Secret> {
  const { app, tx } = store
  const now = app.now()
  const { running, ...settings } = secret.rotation
  await cancelStep(tx, secret.arn)
  await giveTurn(store, secret.arn, outcome === 'abandoned' || outcome === 'cancelled')
  if (journal !== undefined) {
    const ended: Rotation = { ...journal.rotation, endedAt: now, outcome, ...(reason !== undefined && { reason }) }
    await updateRotation(store, journal, ended)
    await tellEnd(store, stored, ended, outcome)
  }
  const versions = running === undefined ? secret.versions : await versionsAfter(store, secret, running, outcome)
  const rotated = outcome === 'succeeded' && running?.kind === 'rotation'
  const next = withNextSlot(rotated ? withRotated(settings, now) : settings, secret.arn, now)
  const changed: Secret = {
    ...secret,
    versions,
    rotation: next,
    ...(versions !== secret.versions && { changedAt: now }),
  }
  await scheduleStart(store, stored, changed)
  return changed
}

async function versionsAfter(
  store: Store,
  secret: Secret,
  { kind, versionId }: { readonly kind: RotationKind; readonly versionId: string },
  outcome: Outcome,
): Promise<Secret['versions']> {
  const version = findVersion(secret, versionId)
  if (version === undefined) return secret.versions
  if (kind === 'test') {
    // It was made for the trial alone; what a function has put another label on is a version like any other.
    if (version.stages.some((stage) => stage !== PENDING)) return dropStage(secret.versions, PENDING, versionId)
    await removeValues(store, secret.arn, [version])
    return secret.versions.filter(({ id }) => id !== versionId)
  }
  const stays = outcome === 'failed' || outcome === 'cancelled' || !version.stages.includes(PENDING)
  return stays ? secret.versions : withoutPending(secret.versions, versionId)
}

function withRotated(rotation: SecretRotation, now: number): SecretRotation {
  const { daysBetween: _, ...rest } = { ...rotation, rotatedAt: now }
  const days = rest.rules && daysBetween(parseRotationRules(rest.rules), sinceOf(rest, now))
  return days === undefined ? rest : { ...rest, daysBetween: days }
}

async function tellEnd(store: Store, stored: StoredSecret, rotation: Rotation, outcome: Outcome): Promise<void> {
  const eventName = EVENTS[rotation.kind][outcome]
  if (eventName === undefined) return
  await tellServiceEvents(store, { ...stored, rev: stored.rev + 1 }, [{ eventName, additional: eventDataOf(rotation) }])
}

/** What an event of a rotation tells besides the secret. */
export function eventDataOf(rotation: Rotation): { readonly [member: string]: string } {
  const { versionId, functionArn, attempt, reason, outcome, calls } = rotation
  const last = calls.at(-1)
  const error = last?.error
  return {
    ClientRequestToken: versionId,
    ...(functionArn !== undefined && { RotationLambdaArn: functionArn }),
    Attempt: `${attempt}`,
    ...(outcome !== 'succeeded' &&
      error !== undefined && {
        Step: last!.step,
        ErrorKind: error.kind,
        ...(error.errorType !== undefined && { ErrorType: error.errorType }),
      }),
    ...(reason !== undefined
      ? { Reason: reason }
      : error !== undefined && outcome !== 'succeeded' && { Reason: error.message }),
  }
}
