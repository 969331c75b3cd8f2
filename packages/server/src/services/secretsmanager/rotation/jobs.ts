// The jobs of rotations: one that begins the next rotation of a secret, and one that calls the function for the next step of the one that is
// under way. Payloads name; what is done is in the sealed rows.

import { cancel, schedule } from '../../../jobs/job.ts'
import type { Transaction } from '../../../storage/database.ts'
import type { Secret } from '../model.ts'
import type { Store, StoredSecret } from '../store.ts'
import { removeRotations, removeTurn } from './store.ts'

export const START_ROTATION = 'secretsmanager.StartRotation'
export const ROTATION_STEP = 'secretsmanager.RotationStep'

const startIdOf = (arn: string): string => `${START_ROTATION}:${arn}`
export const stepIdOf = (arn: string): string => `${ROTATION_STEP}:${arn}`

type Names = { readonly account: string; readonly region: string; readonly name: string; readonly arn: string }

export type StartPayload = Names & {
  /** How far the test clock was ahead when this was scheduled: time that it skips is nobody's downtime. */
  readonly aheadMs: number
}

export type StepPayload = Names & { readonly rotationId: string }

type Place = Pick<StoredSecret, 'account' | 'region'>

/** Has the next rotation begin in its window, or none where there is no window. In the place of what was scheduled. */
export async function scheduleStart({ app, tx }: Store, place: Place, secret: Secret): Promise<void> {
  const { name, arn } = secret
  const next = secret.rotation?.next
  if (next === undefined) {
    await cancel(tx, startIdOf(arn))
    return
  }
  const { account, region } = place
  const payload: StartPayload = { account, region, name, arn, aheadMs: app.testClock?.offsetMs() ?? 0 }
  await schedule(tx, {
    id: startIdOf(arn),
    kind: START_ROTATION,
    dueAt: next.startsAt,
    payload: JSON.stringify(payload),
  })
}

/** Has the function called for the step that its journal says. */
export async function scheduleStep(
  { tx }: Store,
  { account, region }: Place,
  { name, arn, rotation }: Secret,
  rotationId: string,
  dueAt: number,
): Promise<void> {
  const payload: StepPayload = { account, region, name, arn, rotationId }
  const share = { of: account, part: `${account} ${rotation?.functionArn ?? ''}` }
  await schedule(tx, { id: stepIdOf(arn), kind: ROTATION_STEP, dueAt, payload: JSON.stringify(payload), share })
}

/** The call that may be under way is aborted, and has no effect here. */
export const cancelStep = async (tx: Transaction, arn: string): Promise<void> => {
  await cancel(tx, stepIdOf(arn))
}

export const cancelStart = async (tx: Transaction, arn: string): Promise<void> => {
  await cancel(tx, startIdOf(arn))
}

/** Of a secret that is gone for good. */
export async function forgetRotation(tx: Transaction, arn: string): Promise<void> {
  await cancelStart(tx, arn)
  await cancelStep(tx, arn)
  await removeRotations(tx, arn)
  await removeTurn(tx, arn)
}
