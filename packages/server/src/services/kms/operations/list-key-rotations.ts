// ListKeyRotations lists the rotations that a key has had, and on request all of its material.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html

import { operation } from '../../../operation.ts'
import { boolean, enumeration, list, optional, string, structure, timestamp } from '../../../shape/shape.ts'
import { awaitsReplicas } from '../import.ts'
import { arnOf, type KmsKey, type MaterialEntry, materialsOf } from '../model.ts'
import { listingOf, page } from '../paging.ts'
import { mustRotate } from '../rotation.ts'
import { Arn, KeyId, KeyMaterialId, Limit, Marker, NextMarker } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const Rotation = structure({
  KeyId: optional(Arn),
  KeyMaterialId: optional(KeyMaterialId),
  KeyMaterialDescription: optional(string()),
  ImportState: optional(string()),
  KeyMaterialState: optional(string()),
  ExpirationModel: optional(string()),
  ValidTo: optional(timestamp()),
  RotationDate: optional(timestamp()),
  RotationType: optional(string()),
})

export const listKeyRotations = operation({
  name: 'ListKeyRotations',
  readOnly: true,
  input: {
    KeyId,
    IncludeKeyMaterial: optional(enumeration('ALL_KEY_MATERIAL', 'ROTATIONS_ONLY')),
    Limit: optional(Limit),
    Marker: optional(Marker),
  },
  output: { Rotations: optional(list(Rotation)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  target: ownKeyTarget,

  async run(call) {
    const { key } = existingKey(call.target)
    mustRotate(key, { onDemand: true, replicas: true })
    const all = call.input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
    const of = `${arnOf(key)} ${all}`
    const listing = listingOf(call, 'ListKeyRotations', of, 100)
    const entries = materialsOf(key).filter(({ rotation }) => all || rotation !== undefined)
    const from = entries.findIndex(({ materialId }) => materialId === listing.after) + 1
    const { items, ...rest } = page(call, 'ListKeyRotations', of, listing, entries.slice(from), (one) => one.materialId)
    const waits = await awaitsReplicas(call, key)
    return { Rotations: items.map((entry) => shown(key, entry, waits)), ...rest }
  },
})

function shown(
  key: KmsKey,
  { materialId, rotation, pending, absent, description, validTo }: MaterialEntry,
  waits: boolean,
) {
  const awaiting = waits ? 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION' : 'PENDING_ROTATION'
  return {
    KeyId: key.keyId,
    KeyMaterialId: materialId,
    KeyMaterialState: pending ? awaiting : materialId === key.currentMaterialId ? 'CURRENT' : 'NON_CURRENT',
    ...(rotation && { RotationDate: rotation.date, RotationType: rotation.type }),
    ...(key.origin === 'EXTERNAL' && {
      ...(description !== undefined && { KeyMaterialDescription: description }),
      ImportState: absent ? 'PENDING_IMPORT' : 'IMPORTED',
      ...(!absent && {
        ExpirationModel: validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
        ...(validTo !== undefined && { ValidTo: validTo }),
      }),
    }),
  }
}
