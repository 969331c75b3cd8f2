// Imported material ends: deleted by its owner, or by a job when its time is over. The key waits for it to be imported again.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-import-key-material.html#importing-keys-expiration

import { cancel, type JobHandler, schedule } from '../../jobs/job.ts'
import { arnOf, type KmsKey, type MaterialEntry, materialsOf } from './model.ts'
import { keyServiceEvent } from './service-event.ts'
import {
  findKey,
  findMaterial,
  removeMaterial,
  replaceMaterial,
  type Store,
  type StoredKey,
  updateKey,
} from './store.ts'

export const EXPIRE_MATERIAL = 'kms.ExpireKeyMaterial'

type Payload = { readonly account: string; readonly region: string; readonly keyId: string }

/** One job a key: due when the first of its material expires. */
export async function scheduleExpiry({ tx }: Pick<Store, 'tx'>, key: KmsKey): Promise<void> {
  const id = `${EXPIRE_MATERIAL}:${arnOf(key)}`
  const times = materialsOf(key).flatMap(({ absent, validTo }) => (absent || validTo === undefined ? [] : [validTo]))
  if (times.length === 0) {
    await cancel(tx, id)
    return
  }
  const payload: Payload = { account: key.accountId, region: key.region, keyId: key.keyId }
  await schedule(tx, { id, kind: EXPIRE_MATERIAL, dueAt: Math.min(...times), payload: JSON.stringify(payload) })
}

/** The key without some of its material. What was never rotated to is forgotten; the rest keeps its id, and may be imported again. */
export async function dropMaterial(
  store: Store,
  stored: StoredKey,
  isDropped: (entry: MaterialEntry) => boolean,
): Promise<StoredKey> {
  const { key } = stored
  const materials: MaterialEntry[] = []
  let lacks = false
  for (const entry of materialsOf(key)) {
    if (entry.absent || !isDropped(entry)) {
      materials.push(entry)
      continue
    }
    if (entry.pending) {
      await removeMaterial(store, entry.materialId, key.region)
      continue
    }
    const material = await findMaterial(store, entry.materialId, key.region)
    if (material !== undefined) await replaceMaterial(store, { ...material, wrapped: '' })
    const { validTo: _, ...kept } = entry
    materials.push({ ...kept, absent: true })
    lacks = true
  }
  const pendingDeletion = key.keyState === 'PendingDeletion' || key.keyState === 'PendingReplicaDeletion'
  const keyState = lacks && !pendingDeletion ? 'PendingImport' : key.keyState
  return updateKey(store, stored, { ...key, materials, keyState })
}

/** The job: drops what has expired by the key's own sealed row. */
export const expireWhenDue: JobHandler = async (app, tx, payload) => {
  const { account, region, keyId } = JSON.parse(payload) as Payload
  const store = { app, tx }
  const stored = await findKey(store, account, region, keyId)
  if (stored === undefined) return
  const now = app.now()
  const isDue = ({ absent, validTo }: MaterialEntry): boolean => !absent && validTo !== undefined && validTo <= now
  if (!materialsOf(stored.key).some(isDue)) return scheduleExpiry(store, stored.key)
  const { key } = await dropMaterial(store, stored, isDue)
  await scheduleExpiry(store, key)
  await app.trail.record(tx, [keyServiceEvent(app, key, 'DeleteExpiredKeyMaterial')])
}
