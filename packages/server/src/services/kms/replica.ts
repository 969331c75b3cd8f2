// Replicas of multi-Region keys: made, and made primary.
// https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-replicate.html

import type { Call } from '../../call.ts'
import { IntegrityError } from '../../errors.ts'
import { cancel } from '../../jobs/job.ts'
import { unwrapped } from './encryption.ts'
import * as errors from './errors.ts'
import { keepMaterial } from './material.ts'
import { arnOf, isReplica, type KmsKey, type MaterialEntry, materialsOf } from './model.ts'
import { relatedKeys, updateShared } from './multi-region.ts'
import { ROTATE_KEY, scheduleRotation } from './rotation.ts'
import { countKeys, findKey, findMaterial, insertKey, insertMaterial, type StoredKey, updateKey } from './store.ts'

/** @throws ServiceError UnsupportedOperationException, AlreadyExistsException */
export function mustReplicate(key: KmsKey, region: string): void {
  const arn = arnOf(key)
  if (key.multiRegion === undefined) throw errors.unsupported(`${arn} is not a multi-Region key.`)
  if (isReplica(key))
    throw errors.unsupported(`${arn} is a multi-Region replica key: only its primary key can be replicated.`)
  if (region === key.region || key.multiRegion.replicaRegions.includes(region)) throw errors.replicaExists(region)
}

/** The replica, which every key of the set knows then. Imported material is imported anew into each. */
export async function makeReplica(call: Call, primary: StoredKey, draft: KmsKey): Promise<StoredKey> {
  const { key } = primary
  const { primaryRegion, replicaRegions } = key.multiRegion!
  const multiRegion = { primaryRegion, replicaRegions: [...replicaRegions, draft.region] }
  const materials: MaterialEntry[] = []
  for (const entry of materialsOf(key)) {
    if (entry.pending) continue
    const material = await findMaterial(call, entry.materialId, key.region)
    if (material === undefined)
      throw new IntegrityError('kms_key', [key.accountId, key.region, key.keyId], 'names material that is gone')
    if (key.origin === 'EXTERNAL') {
      const { validTo: _, ...kept } = entry
      await insertMaterial(call, { ...material, region: draft.region, wrapped: '' })
      materials.push({ ...kept, absent: true })
    } else {
      await insertMaterial(call, keepMaterial(call.app.keyring, draft, unwrapped(call, material), entry.createdAt))
      materials.push(entry)
    }
  }
  const replica: KmsKey = {
    ...draft,
    keyState: key.origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
    ...(key.currentMaterialId !== undefined && { currentMaterialId: key.currentMaterialId }),
    materials,
    ...(key.publicKey !== undefined && { publicKey: key.publicKey }),
    ...(key.rotation && { rotation: key.rotation }),
    multiRegion,
  }
  await updateShared(call, primary, (one) => ({ ...one, multiRegion }))
  await countKeys(call, draft.accountId, draft.region, 1)
  return insertKey(call, replica)
}

/** The replica of a Region. @throws ServiceError NotFoundException, UnsupportedOperationException */
export function mustMove(key: KmsKey, region: string): void {
  if (key.multiRegion === undefined) throw errors.unsupported(`${arnOf(key)} is not a multi-Region key.`)
  if (isReplica(key)) throw errors.unsupported(`${arnOf(key)} is a multi-Region replica key.`)
  if (!key.multiRegion.replicaRegions.includes(region)) throw errors.keyNotFound(arnOf({ ...key, region }))
}

/** The replica of a Region becomes the primary of its set, and the primary a replica. */
export async function movePrimary(call: Call, primary: StoredKey, region: string): Promise<void> {
  const { key } = primary
  const { replicaRegions } = key.multiRegion!
  const multiRegion = {
    primaryRegion: region,
    replicaRegions: replicaRegions.map((replica) => (replica === region ? key.region : replica)),
  }
  for (const related of await relatedKeys(call, key)) await updateKey(call, related, { ...related.key, multiRegion })
  await updateKey(call, primary, { ...key, multiRegion })
  await cancel(call.tx, `${ROTATE_KEY}:${arnOf(key)}`)
  const moved = await findKey(call, key.accountId, region, key.keyId)
  await scheduleRotation(call, moved!.key)
}
