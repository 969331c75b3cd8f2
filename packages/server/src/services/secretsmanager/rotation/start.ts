// The job that begins a rotation in its window: once for each window, whatever the clock does.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html

import { ServiceError } from '../../../errors.ts'
import type { InsideHandler } from '../../../jobs/job.ts'
import { tellServiceEvents } from '../events.ts'
import { type Secret, unfinishedVersion } from '../model.ts'
import { changeByService } from '../replication.ts'
import { findSecret, type Store, type StoredSecret } from '../store.ts'
import { beginRotation } from './begin.ts'
import { type StartPayload, scheduleStart } from './jobs.ts'
import { type SecretRotation, type Slot, withNextSlot } from './model.ts'

/**
 * By the sealed row of the secret alone: a job that was made by SQL begins nothing that is not due. A window that went by while no server ran is
 * not made up for; the next one is used.
 */
export const startRotation: InsideHandler = async (app, tx, payload) => {
  const { account, region, name, arn, aheadMs } = JSON.parse(payload) as StartPayload
  const store: Store = { app, tx }
  const stored = await findSecret(store, account, region, name)
  if (stored === undefined || stored.secret.arn !== arn) return
  const { rotation, deletedAt, primaryRegion } = stored.secret
  const next = rotation?.next
  if (rotation === undefined || next === undefined || deletedAt !== undefined || primaryRegion !== undefined) return
  const now = app.now()
  if (next.startsAt > now) return scheduleStart(store, stored, stored.secret)

  // What the test clock skipped, the server was there for.
  const skippedMs = Math.max(0, (app.testClock?.offsetMs() ?? 0) - aheadMs)
  const missed = now - skippedMs >= next.closesAt
  if (missed || rotation.running !== undefined) return skipWindow(store, stored, rotation)
  // The window that the clock jumped over is as long as it was from its beginning.
  const closesAt = Math.max(next.closesAt, now < next.closesAt ? 0 : now + next.closesAt - next.startsAt)
  await beginInWindow(store, stored, { ...stored.secret, rotation }, { ...next, closesAt })
}

async function skipWindow(store: Store, stored: StoredSecret, rotation: SecretRotation): Promise<void> {
  const { secret } = stored
  const skipped: Secret = { ...secret, rotation: withNextSlot(rotation, secret.arn, store.app.now()) }
  await scheduleStart(store, stored, skipped)
  await changeByService(store, stored, skipped)
}

/** A rotation that was left unfinished is tried again, with the version and the value that it had. */
async function beginInWindow(
  store: Store,
  stored: StoredSecret,
  secret: Secret & { readonly rotation: SecretRotation },
  slot: Slot,
): Promise<void> {
  const versionId = unfinishedVersion(secret)?.id ?? store.app.uuid()
  let begun: Secret
  try {
    begun = await beginRotation(store, stored, secret, { kind: 'rotation', versionId, slot })
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
    await tellServiceEvents(store, { ...stored, rev: stored.rev + 1 }, [
      { eventName: 'RotationFailed', additional: { ClientRequestToken: versionId, Reason: error.message } },
    ])
    return skipWindow(store, stored, { ...secret.rotation, usedWindow: slot.opensAt })
  }
  await changeByService(store, stored, begun)
}
