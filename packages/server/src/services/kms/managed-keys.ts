// The AWS managed keys: one for a service in each account and region, made with its alias, policy and material in the transaction of its
// first use, and rotated every year.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key

import type { Call } from '../../call.ts'
import { SYMMETRIC_BYTES } from '../../crypto/kms/key-material.ts'
import { IntegrityError } from '../../errors.ts'
import { aliasNotFound } from './errors.ts'
import { newMaterial } from './material.ts'
import {
  aliasArn,
  aliasesOf,
  type KmsAlias,
  type KmsKey,
  MANAGED_KEYS,
  type ManagedService,
  managedAlias,
  managedKeyPolicy,
} from './model.ts'
import { scheduleRotation } from './rotation.ts'
import { findAlias, findKey, insertAlias, insertKey, insertMaterial } from './store.ts'

const ROTATED_EVERY_DAYS = 365
const DAY_MS = 86_400_000

export async function findManagedKey(call: Call, service: ManagedService): Promise<KmsKey> {
  const { app, account, region, now } = call
  const aliasName = managedAlias(service)
  const alias = await findAlias(call, account, region, aliasName)
  if (alias !== undefined) return targetOf(call, alias)

  const keyId = app.uuid()
  // The alias first: whoever inserts it makes the key, everyone else waits for that or uses it.
  if (!(await insertAlias(call, account, region, { aliasName, targetKeyId: keyId, createdAt: now }))) {
    const winner = await findAlias(call, account, region, aliasName)
    if (winner === undefined) throw aliasNotFound(aliasArn(call, aliasName))
    return targetOf(call, winner)
  }
  const container: KmsKey = {
    partition: call.partition,
    accountId: account,
    region,
    keyId,
    createdAt: now,
    description: MANAGED_KEYS[service].description,
    keyManager: 'AWS',
    managedFor: service,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    keyState: 'Enabled',
    policy: managedKeyPolicy(service, call),
    aliases: [aliasName],
    rotation: { periodDays: ROTATED_EVERY_DAYS, nextAt: now + ROTATED_EVERY_DAYS * DAY_MS },
  }
  const material = newMaterial(app.keyring, container, Buffer.from(app.randomBytes(SYMMETRIC_BYTES)), now)
  const key: KmsKey = {
    ...container,
    currentMaterialId: material.materialId,
    materials: [{ materialId: material.materialId, createdAt: now }],
  }
  await insertMaterial(call, material)
  await insertKey(call, key)
  await scheduleRotation(call, key)
  return key
}

async function targetOf(call: Call, { aliasName, targetKeyId }: KmsAlias): Promise<KmsKey> {
  const stored = await findKey(call, call.account, call.region, targetKeyId)
  if (stored === undefined || !aliasesOf(stored.key).includes(aliasName))
    throw new IntegrityError('kms_alias', [call.account, call.region, aliasName], 'names a key that is gone')
  return stored.key
}
