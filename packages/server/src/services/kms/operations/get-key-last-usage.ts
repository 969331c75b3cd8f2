// GetKeyLastUsage tells when and for what a key was used last.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html

import { operation } from '../../../operation.ts'
import { optional, string, structure, timestamp } from '../../../shape/shape.ts'
import { lastUse } from '../last-use.ts'
import { arnOf } from '../model.ts'
import { Arn, KeyId } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const KeyLastUsage = structure({
  Operation: optional(string()),
  Timestamp: optional(timestamp()),
  CloudTrailEventId: optional(string()),
  KmsRequestId: optional(string()),
})

export const getKeyLastUsage = operation({
  name: 'GetKeyLastUsage',
  readOnly: true,
  input: { KeyId },
  output: {
    KeyId: optional(Arn),
    KeyLastUsage: optional(KeyLastUsage),
    TrackingStartDate: optional(timestamp()),
    KeyCreationDate: optional(timestamp()),
  },
  target: ownKeyTarget,

  async run(call) {
    const { key } = existingKey(call.target)
    const use = await lastUse(call, key)
    return {
      KeyId: arnOf(key),
      ...(use && {
        KeyLastUsage: {
          Operation: use.operation,
          Timestamp: use.usedAt,
          ...(use.eventId !== '' && { CloudTrailEventId: use.eventId }),
          KmsRequestId: use.requestId,
        },
      }),
      TrackingStartDate: key.createdAt,
      KeyCreationDate: key.createdAt,
    }
  },
})
