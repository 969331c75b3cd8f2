// The end of a key: scheduled, called off, and carried out by a job. A multi-Region primary waits for its replicas.
// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html

import { cancel, type JobHandler, schedule } from '../../jobs/job.ts'
import type { Transaction } from '../../storage/database.ts'
import { EXPIRE_MATERIAL } from './import-expiry.ts'
import { arnOf, isReplica, type KeyState, type KmsKey, materialsOf } from './model.ts'
import { relatedKeys } from './multi-region.ts'
import { ROTATE_KEY } from './rotation.ts'
import { keyServiceEvent } from './service-event.ts'
import { countKeys, findKey, removeKey, type Store, type StoredKey, updateKey } from './store.ts'

export const DELETE_KEY = 'kms.DeleteKey'
const DAY_MS = 86_400_000

type Payload = { readonly account: string; readonly region: string; readonly keyId: string }

const jobId = (key: KmsKey): string => `${DELETE_KEY}:${arnOf(key)}`

function scheduleJob(tx: Transaction, key: KmsKey, dueAt: number): Promise<void> {
  const payload: Payload = { account: key.accountId, region: key.region, keyId: key.keyId }
  return schedule(tx, { id: jobId(key), kind: DELETE_KEY, dueAt, payload: JSON.stringify(payload) })
}

/** The key as it is from ScheduleKeyDeletion on. */
export async function scheduleDeletion(
  store: Store,
  stored: StoredKey,
  windowDays: number,
  now: number,
): Promise<KmsKey> {
  const { key } = stored
  const waits = key.multiRegion !== undefined && !isReplica(key) && key.multiRegion.replicaRegions.length > 0
  const date = now + windowDays * DAY_MS
  const keyState: KeyState = waits ? 'PendingReplicaDeletion' : 'PendingDeletion'
  const deletion = waits ? { windowDays } : { windowDays, date }
  const changed = await updateKey(store, stored, { ...key, keyState, deletion })
  if (!waits) await scheduleJob(store.tx, key, date)
  return changed.key
}

/** The key as it is from CancelKeyDeletion on: disabled, or without the material that it lacks. */
export async function cancelDeletion(store: Store, stored: StoredKey): Promise<KmsKey> {
  const { deletion: _, ...key } = stored.key
  const current = materialsOf(key).find(({ materialId }) => materialId === key.currentMaterialId)
  const keyState: KeyState = current === undefined || current.absent ? 'PendingImport' : 'Disabled'
  await cancel(store.tx, jobId(key))
  return (await updateKey(store, stored, { ...key, keyState })).key
}

/** The job: deletes the key if, by its own sealed row, its time has come. */
export const deleteWhenDue: JobHandler = async (app, tx, payload) => {
  const { account, region, keyId } = JSON.parse(payload) as Payload
  const store = { app, tx }
  const stored = await findKey(store, account, region, keyId)
  if (stored === undefined || stored.key.keyState !== 'PendingDeletion') return
  const { key } = stored
  const date = key.deletion?.date
  if (date === undefined) return
  if (date > app.now()) return scheduleJob(tx, key, date)

  const related = await relatedKeys(store, key)
  await removeKey(store, stored)
  await countKeys(store, account, region, -1)
  for (const kind of [ROTATE_KEY, EXPIRE_MATERIAL]) await cancel(tx, `${kind}:${arnOf(key)}`)
  await app.trail.record(tx, [keyServiceEvent(app, key, 'DeleteKey')])
  for (const other of related) await withoutReplica(store, other, region, app.now())
}

/** A related key, once a replica is gone. The last one lets its primary's own window begin. */
async function withoutReplica(store: Store, stored: StoredKey, region: string, now: number): Promise<void> {
  const { key } = stored
  const { primaryRegion, replicaRegions } = key.multiRegion!
  const left = replicaRegions.filter((replica) => replica !== region)
  const changed: KmsKey = { ...key, multiRegion: { primaryRegion, replicaRegions: left } }
  if (key.keyState !== 'PendingReplicaDeletion' || left.length > 0) {
    await updateKey(store, stored, changed)
    return
  }
  const { windowDays } = key.deletion!
  const date = now + windowDays * DAY_MS
  await updateKey(store, stored, { ...changed, keyState: 'PendingDeletion', deletion: { windowDays, date } })
  await scheduleJob(store.tx, changed, date)
}
