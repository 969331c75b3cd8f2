// Rotation: new material that encrypts from now on; what was encrypted before opens as ever. Automatic by a job on the service clock, or on
// demand. A key that is not enabled when its day comes is rotated once it is.
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html

import { createSecretKey } from 'node:crypto'
import type { App } from '../../app.ts'
import { SYMMETRIC_BYTES } from '../../crypto/kms/key-material.ts'
import { cancel, type JobHandler, schedule } from '../../jobs/job.ts'
import type { Transaction } from '../../storage/database.ts'
import { notForOrigin, unsupported } from './errors.ts'
import { keepMaterial } from './material.ts'
import { arnOf, isReplica, type KmsKey, materialsOf } from './model.ts'
import { updateShared } from './multi-region.ts'
import { keyServiceEvent } from './service-event.ts'
import { findKey, insertMaterial, type Store, type StoredKey } from './store.ts'

export const ROTATE_KEY = 'kms.RotateKey'
export const ROTATION_DAYS_UNLESS_GIVEN = 365
export const ON_DEMAND_ROTATIONS_MAX = 25
const DAY_MS = 86_400_000

type Payload = { readonly account: string; readonly region: string; readonly keyId: string }

const jobId = (key: KmsKey): string => `${ROTATE_KEY}:${arnOf(key)}`

/** Moves, or takes back, the job of a key. Of a multi-Region set the primary has it. */
export async function scheduleRotation({ tx }: { readonly tx: Transaction }, key: KmsKey): Promise<void> {
  if (key.rotation === undefined || key.keyState !== 'Enabled' || isReplica(key)) {
    await cancel(tx, jobId(key))
    return
  }
  const payload: Payload = { account: key.accountId, region: key.region, keyId: key.keyId }
  await schedule(tx, { id: jobId(key), kind: ROTATE_KEY, dueAt: key.rotation.nextAt, payload: JSON.stringify(payload) })
}

/** The key with material that is made now, in every Region of its set. */
export async function rotateKey(
  store: Store & { readonly app: Pick<App, 'randomBytes'> },
  stored: StoredKey,
  type: 'AUTOMATIC' | 'ON_DEMAND',
  now: number,
): Promise<StoredKey> {
  const bytes = Buffer.from(store.app.randomBytes(SYMMETRIC_BYTES))
  const secret = createSecretKey(bytes)
  bytes.fill(0)
  return updateShared(store, stored, async (key) => {
    const material = keepMaterial(store.app.keyring, key, secret, now)
    await insertMaterial(store, material)
    const entry = { materialId: material.materialId, createdAt: now, rotation: { type, date: now } }
    return { ...key, currentMaterialId: material.materialId, materials: [...materialsOf(key), entry] }
  })
}

/** The job: rotates the key if, by its own sealed row, its time has come and it may be used. */
export const rotateWhenDue: JobHandler = async (app, tx, payload) => {
  const { account, region, keyId } = JSON.parse(payload) as Payload
  const store = { app, tx }
  const stored = await findKey(store, account, region, keyId)
  const rotation = stored?.key.rotation
  if (stored === undefined || rotation === undefined || stored.key.keyState !== 'Enabled' || isReplica(stored.key))
    return
  const now = app.now()
  if (rotation.nextAt > now) return scheduleRotation(store, stored.key)
  const rotated = await rotateKey(store, stored, 'AUTOMATIC', now)
  const next = rotation.nextAt + rotation.periodDays * DAY_MS
  const nextAt = next > now ? next : now + rotation.periodDays * DAY_MS
  const { key } = await updateShared(store, rotated, (key) => ({ ...key, rotation: { ...rotation, nextAt } }))
  await scheduleRotation(store, key)
  await app.trail.record(tx, [keyServiceEvent(app, key, 'RotateKey')])
}

/** Keys that are rotated automatically: symmetric, with material of this server; of a multi-Region set its primary. @throws ServiceError UnsupportedOperationException */
export function mustRotate(key: KmsKey, { onDemand = false, replicas = false } = {}): void {
  const arn = arnOf(key)
  if (key.keySpec !== 'SYMMETRIC_DEFAULT')
    throw unsupported(`${arn} key spec is ${key.keySpec} which is not valid for this operation.`)
  if (key.origin !== 'AWS_KMS' && !onDemand) throw notForOrigin(arn, key.origin)
  if (isReplica(key) && !replicas)
    throw unsupported(`${arn} is a multi-Region replica key: it is rotated with its primary key.`)
}
