// DeleteSecret schedules a secret's removal after a recovery window, or removes it at once where the caller forces it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { boolean, integer, optional, timestamp } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { tellServiceEvents } from '../events.ts'
import { checkOwner } from '../ownership.ts'
import { removeNow, schedulePurge, versionEvents } from '../purge.ts'
import { restRotation } from '../rotation/rest.ts'
import { Arn, SecretId, SecretName } from '../shapes.ts'
import { type StoredSecret, updateSecret } from '../store.ts'
import { existingSecret, liveSecret, nameOf, refuseReplica, secretTarget } from '../target.ts'

const RECOVERY_DAYS = { min: 7, max: 30, unlessGiven: 30 } as const
const DAY_MS = 86_400_000

export const deleteSecret = operation({
  name: 'DeleteSecret',
  readOnly: false,

  input: {
    SecretId,
    RecoveryWindowInDays: optional(integer()),
    ForceDeleteWithoutRecovery: optional(boolean()),
  },

  output: { ARN: optional(Arn), Name: optional(SecretName), DeletionDate: optional(timestamp()) },

  target: secretTarget,

  conditions: ({ RecoveryWindowInDays, ForceDeleteWithoutRecovery }) => ({
    'secretsmanager:RecoveryWindowInDays': RecoveryWindowInDays?.toString(),
    'secretsmanager:ForceDeleteWithoutRecovery': ForceDeleteWithoutRecovery?.toString(),
  }),

  responseElements: ({ ARN, Name, DeletionDate }) => ({ name: Name, deletionDate: eventDate(DeletionDate!), arn: ARN }),

  async run(call) {
    const { RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force = false } = call.input
    if (force && days !== undefined) throw errors.forceWithRecoveryWindow()
    if (days !== undefined && (days < RECOVERY_DAYS.min || days > RECOVERY_DAYS.max)) {
      throw errors.recoveryWindowOutOfRange()
    }
    const { stored } = call.target
    if (stored) checkOwner(stored.secret, 'DeleteSecret')
    if (stored && force) checkOwner(stored.secret, 'DeleteSecret without recovery')
    if (stored) refuseReplicated(stored)
    if (!force) return scheduleDeletion(call, liveSecret(call.target), days ?? RECOVERY_DAYS.unlessGiven)
    // AWS documents that forcing succeeds where there is nothing, so that clean-up scripts can be repeated.
    return call.target.stored === undefined ? nothingToDelete(call) : deleteNow(call, existingSecret(call.target))
  },
})

/** A replica is removed by its primary, and a primary not before its replicas. @throws InvalidParameterException */
function refuseReplicated(stored: StoredSecret): void {
  refuseReplica(stored)
  const { arn, replicas } = stored.secret
  if (replicas !== undefined) {
    throw errors.hasReplicas(
      arn,
      replicas.map(({ region }) => region),
    )
  }
}

type Answer = { readonly ARN: string; readonly Name: string; readonly DeletionDate: number }

async function scheduleDeletion(call: Call, stored: StoredSecret, days: number): Promise<Answer> {
  const deletionDate = call.now + days * DAY_MS
  const { arn, name } = stored.secret
  const resting = await restRotation(call, stored)
  const scheduled = { ...resting, changedAt: call.now, deletedAt: call.now, deletionDate }
  const changed = await updateSecret(call, stored, scheduled)
  await schedulePurge(call, stored, deletionDate)
  await tellServiceEvents(call, changed, versionEvents(stored, 'StartSecretVersionDelete'))
  return { ARN: arn, Name: name, DeletionDate: deletionDate }
}

/** Removes a secret for good, whatever its state. */
export async function deleteNow(call: Call, stored: StoredSecret): Promise<Answer> {
  await removeNow(call, stored)
  return { ARN: stored.secret.arn, Name: stored.secret.name, DeletionDate: call.now }
}

/**
 * What a secret of that name would have, the random suffix left out.
 * @throws ResourceNotFoundException for an ARN of elsewhere: success would say that a secret is gone which may still be there.
 */
function nothingToDelete(call: Call<{ readonly SecretId: string }>): Answer {
  const { partition, region, account, now } = call
  const { SecretId: id } = call.input
  const name = nameOf(call, id)
  if (name === undefined) throw errors.secretNotFound()
  const arn = id.startsWith('arn:') ? id : `arn:${partition}:secretsmanager:${region}:${account}:secret:${id}`
  return { ARN: arn, Name: name, DeletionDate: now }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** A time as AWS writes it into the event: `May 3, 2018 5:51:02 PM`. */
export function eventDate(time: number): string {
  const date = new Date(time)
  const hours = date.getUTCHours()
  const twoDigits = (n: number): string => String(n).padStart(2, '0')
  const day = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`
  return `${day} ${hours % 12 || 12}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())} ${hours < 12 ? 'AM' : 'PM'}`
}
