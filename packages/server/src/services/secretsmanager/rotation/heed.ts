// What a change of a secret means to its rotation: a value that was put by hand ends the rotation that is under way, and counts as one where
// days are counted.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html

import { CURRENT, findHolder, PENDING, type Secret } from '../model.ts'
import type { Store, StoredSecret } from '../store.ts'
import { endRotation } from './end.ts'
import { scheduleStart } from './jobs.ts'
import { type SecretRotation, withNextSlot } from './model.ts'
import { findRotation } from './store.ts'

/** The changed secret with what follows for its rotation, for the caller to store. Of what the engine changes itself it is not asked. */
export async function heedChange(store: Store, stored: StoredSecret, changed: Secret): Promise<Secret> {
  const { rotation } = changed
  if (rotation === undefined || changed.versions === stored.secret.versions) return changed
  const { running } = rotation
  const before = findHolder(stored.secret.versions, CURRENT)?.id
  const after = findHolder(changed.versions, CURRENT)?.id
  const moved = before !== after && after !== running?.versionId
  const byHand = moved ? withChangeByHand(changed, rotation, store.app.now()) : { ...changed, rotation }

  const reason = running && reasonToAbandon(byHand, running.kind === 'rotation' && moved)
  if (running !== undefined && reason !== undefined) {
    const journal = await findRotation(store, changed.arn, running.id)
    return endRotation(store, stored, byHand, journal, { outcome: 'abandoned', reason })
  }
  if (moved && rotation.rules?.AutomaticallyAfterDays !== undefined) await scheduleStart(store, stored, byHand)
  return byHand
}

type Rotating = Secret & { readonly rotation: SecretRotation }

function withChangeByHand(secret: Secret, rotation: SecretRotation, now: number): Rotating {
  const noted = { ...rotation, changedByHandAt: now }
  const counts = rotation.rules?.AutomaticallyAfterDays !== undefined
  return { ...secret, rotation: counts ? withNextSlot(noted, secret.arn, now) : noted }
}

function reasonToAbandon({ versions, rotation }: Rotating, moved: boolean): string | undefined {
  if (moved) return 'Another version became AWSCURRENT.'
  const { versionId } = rotation.running!
  const has = (stage: string): boolean => findHolder(versions, stage)?.id === versionId
  return has(PENDING) || has(CURRENT) ? undefined : 'AWSPENDING was removed from the version.'
}
