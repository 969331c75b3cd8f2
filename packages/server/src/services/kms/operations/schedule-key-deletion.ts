// ScheduleKeyDeletion ends the use of a key at once and the key itself after 7 to 30 days, unless it is called off.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { integer, optional, string, timestamp } from '../../../shape/shape.ts'
import { scheduleDeletion } from '../deletion.ts'
import { idleDays } from '../last-use.ts'
import { arnOf } from '../model.ts'
import { Arn, KeyId, PendingWindowInDays } from '../shapes.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

const DAYS_UNLESS_GIVEN = 30

const output = {
  KeyId: optional(Arn),
  DeletionDate: optional(timestamp()),
  KeyState: optional(string()),
  PendingWindowInDays: optional(integer()),
}

export const scheduleKeyDeletion = operation({
  name: 'ScheduleKeyDeletion',
  readOnly: false,
  input: { KeyId, PendingWindowInDays: optional(PendingWindowInDays) },
  output,
  target: async (call) => idleDays(call, await ownKeyTarget(call)),

  conditions: ({ PendingWindowInDays }) => ({
    'kms:ScheduleKeyDeletionPendingWindowInDays': String(PendingWindowInDays ?? DAYS_UNLESS_GIVEN),
  }),

  responseElements: (answer) => redact(output, answer),

  async run(call) {
    const stored = fitKey(call.target, 'change')
    const windowDays = call.input.PendingWindowInDays ?? DAYS_UNLESS_GIVEN
    const key = await scheduleDeletion(call, stored, windowDays, call.now)
    return {
      KeyId: arnOf(key),
      ...(key.deletion?.date !== undefined && { DeletionDate: key.deletion.date }),
      KeyState: key.keyState,
      PendingWindowInDays: windowDays,
    }
  },
})
