// GetKeyRotationStatus tells whether, how often and when next a key is rotated.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html

import { operation } from '../../../operation.ts'
import { boolean, integer, optional, timestamp } from '../../../shape/shape.ts'
import { arnOf } from '../model.ts'
import { mustRotate } from '../rotation.ts'
import { Arn, KeyId } from '../shapes.ts'
import { existingKey, keyTarget } from '../target.ts'

export const getKeyRotationStatus = operation({
  name: 'GetKeyRotationStatus',
  readOnly: true,
  input: { KeyId },
  output: {
    KeyRotationEnabled: optional(boolean()),
    KeyId: optional(Arn),
    RotationPeriodInDays: optional(integer()),
    NextRotationDate: optional(timestamp()),
    OnDemandRotationStartDate: optional(timestamp()),
  },
  target: keyTarget({ names: 'key', crossAccount: true }),

  async run({ target }) {
    const { key } = existingKey(target)
    mustRotate(key, { replicas: true })
    const { rotation, keyState } = key
    const scheduled = keyState !== 'PendingDeletion' && keyState !== 'PendingReplicaDeletion'
    return {
      KeyId: arnOf(key),
      KeyRotationEnabled: rotation !== undefined && scheduled,
      ...(rotation && scheduled && { RotationPeriodInDays: rotation.periodDays, NextRotationDate: rotation.nextAt }),
    }
  },
})
