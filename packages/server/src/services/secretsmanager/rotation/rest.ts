// Rotation while a secret is scheduled for deletion: it rests. What was under way is over, and nothing begins until the secret is restored.

import type { Secret } from '../model.ts'
import type { Store, StoredSecret } from '../store.ts'
import { endRotation } from './end.ts'
import { cancelStart, scheduleStart } from './jobs.ts'
import { withNextSlot } from './model.ts'
import { findRotation } from './store.ts'

/** The secret without a next rotation, for the caller to store. */
export async function restRotation(store: Store, stored: StoredSecret): Promise<Secret> {
  const { secret } = stored
  if (secret.rotation === undefined) return secret
  const { running } = secret.rotation
  const journal = running && (await findRotation(store, secret.arn, running.id))
  const reason = 'The secret was scheduled for deletion.'
  const rotating = { ...secret, rotation: secret.rotation }
  const ended = running
    ? await endRotation(store, stored, rotating, journal, { outcome: 'cancelled', reason })
    : rotating
  await cancelStart(store.tx, secret.arn)
  const { next: _, ...resting } = ended.rotation!
  return { ...ended, rotation: resting }
}

/** The restored secret with its next window, for the caller to store. */
export async function resumeRotation(store: Store, stored: StoredSecret, secret: Secret): Promise<Secret> {
  if (secret.rotation === undefined) return secret
  const resumed = { ...secret, rotation: withNextSlot(secret.rotation, secret.arn, store.app.now()) }
  await scheduleStart(store, stored, resumed)
  return resumed
}
