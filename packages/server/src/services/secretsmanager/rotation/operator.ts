// What an operator does with rotations beyond AWS: look at them, try one out, give one up safely, and put the labels back. Each in the
// transaction of its call. docs/rotation.md

import type { Call } from '../../../call.ts'
import * as errors from '../errors.ts'
import { tellServiceEvents } from '../events.ts'
import { CURRENT, findHolder, moveStage, PREVIOUS, type Secret, unfinishedVersion, withoutPending } from '../model.ts'
import { changeSecret } from '../replication.ts'
import type { StoredSecret } from '../store.ts'
import { existingSecret, primarySecret, type SecretTarget, writableSecret } from '../target.ts'
import { endRotation } from './end.ts'
import { mayHaveSet, type Rotation } from './model.ts'
import { nextRotationDate } from './schedule.ts'
import { findRotation, listRotations, ROTATIONS_KEPT } from './store.ts'
import { beginTrial } from './trial.ts'

type OnSecret<I = unknown> = Call<I> & { readonly target: SecretTarget }

export type RotationHistory = {
  readonly ARN: string
  readonly Name: string
  readonly RunningRotationId: string | undefined
  /** In ms since 1970. */
  readonly NextRotationDate: number | undefined
  readonly Rotations: readonly ReturnType<typeof shown>[]
}

/** The latest runs, newest first. */
export async function readRotations(call: OnSecret, max: number): Promise<RotationHistory> {
  const { secret } = existingSecret(call.target)
  const { running, next } = secret.rotation ?? {}
  return {
    ARN: secret.arn,
    Name: secret.name,
    RunningRotationId: running?.id,
    NextRotationDate: next && nextRotationDate(next),
    Rotations: (await listRotations(call, secret.arn, max)).map(shown),
  }
}

const shown = (rotation: Rotation) => ({
  RotationId: rotation.id,
  Kind: rotation.kind,
  VersionId: rotation.versionId,
  FunctionArn: rotation.functionArn,
  Outcome: rotation.outcome,
  Reason: rotation.reason,
  StartedAt: rotation.startedAt,
  EndedAt: rotation.endedAt,
  WindowOpensAt: rotation.slot?.opensAt,
  Attempt: rotation.attempt,
  Calls: rotation.calls.map(({ step, attempt, startedAt, endedAt, error, findings, previousStillValid }) => ({
    Step: step,
    Attempt: attempt,
    StartedAt: startedAt,
    DurationMs: endedAt === undefined ? undefined : Math.max(0, endedAt - startedAt),
    ErrorKind: error?.kind,
    ErrorType: error?.errorType,
    Message: error?.message,
    Findings: findings?.map(({ level, message }) => ({ Level: level, Message: message })),
    PreviousStillValid: previousStillValid,
    Log: error?.log,
  })),
})

/**
 * Has the function try testSecret with a copy of the current value; nothing of the secret's settings changes.
 * @throws InvalidRequestException where no function is known or a rotation is unfinished; what RotateSecret throws of the function and KMS
 */
export async function dryRunRotation(call: OnSecret): Promise<{ ARN: string; Name: string; RotationId: string }> {
  const stored = primarySecret(call.target)
  const { secret } = stored
  const { rotation } = secret
  if (rotation === undefined) throw errors.noRotationFunction()
  if (rotation.running !== undefined || unfinishedVersion(secret) !== undefined) throw errors.rotationUnfinished()
  const { functionArn } = rotation
  const use = { account: stored.account, secretArn: secret.arn }
  if (functionArn !== undefined) await call.app.rotationFunctions.check(call, { functionArn, ...use })
  const begun = await beginTrial(call, stored, { ...secret, rotation }, call.app.uuid())
  await changeSecret(call, stored, begun)
  return { ARN: secret.arn, Name: secret.name, RotationId: begun.rotation!.running!.id }
}

export type RotationAbandoned = {
  readonly ARN: string
  readonly Name: string
  /** It has AWSPENDING no more. */
  readonly VersionId: string
  /** Whether the function was told to set its value: what the secret opens may take that one alone. */
  readonly MayBeSet: boolean
}

/**
 * Gives up the rotation that is under way, or that was left unfinished. Where the function may have set the new value already, only by force: the
 * version keeps its value, by its id.
 * @throws InvalidRequestException where there is none, or it may be set and `force` is false
 */
export async function abandonRotation(call: OnSecret, force: boolean): Promise<RotationAbandoned> {
  const stored = writableSecret(call.target, 'UpdateSecretVersionStage')
  const { secret } = stored
  const running = secret.rotation?.running
  const versionId = running?.versionId ?? unfinishedVersion(secret)?.id
  if (versionId === undefined) throw errors.nothingToAbandon()
  const journal = running && (await findRotation(call, secret.arn, running.id))
  const MayBeSet = running?.kind !== 'test' && (await isSet(call, stored, versionId))
  if (MayBeSet && !force) throw errors.mayBeSet(versionId)

  const reason = 'It was given up by an operator.'
  if (running !== undefined) {
    const rotating = { ...secret, rotation: secret.rotation! }
    await changeSecret(
      call,
      stored,
      await endRotation(call, stored, rotating, journal, { outcome: 'abandoned', reason }),
    )
  } else {
    const versions = withoutPending(secret.versions, versionId)
    const changed = await changeSecret(call, stored, { ...secret, versions, changedAt: call.now })
    const additional = { ClientRequestToken: versionId, Reason: reason }
    await tellServiceEvents(call, changed, [{ eventName: 'RotationAbandoned', additional }])
  }
  return { ARN: secret.arn, Name: secret.name, VersionId: versionId, MayBeSet }
}

/** By every journal of the version, those of earlier runs too. One that is gone may have said so. */
async function isSet(call: Call, { secret }: StoredSecret, versionId: string): Promise<boolean> {
  const ofVersion = (await listRotations(call, secret.arn, ROTATIONS_KEPT)).filter(
    (rotation) => rotation.versionId === versionId && rotation.kind === 'rotation',
  )
  return ofVersion.length === 0 || ofVersion.some(mayHaveSet)
}

export type RotationRolledBack = {
  readonly ARN: string
  readonly Name: string
  /** It is AWSCURRENT now. */
  readonly VersionId: string
  /** It was, and is AWSPREVIOUS. */
  readonly PreviousVersionId: string
}

/**
 * AWSCURRENT to the version that has AWSPREVIOUS, which goes to the one that it comes from. Only labels move: what the secret opens is not told.
 * @throws InvalidRequestException where a rotation is unfinished, or no version is AWSPREVIOUS
 */
export async function rollBackRotation(call: OnSecret): Promise<RotationRolledBack> {
  const stored = writableSecret(call.target, 'UpdateSecretVersionStage')
  const { secret } = stored
  if (secret.rotation?.running !== undefined || unfinishedVersion(secret) !== undefined) {
    throw errors.rotationUnfinished()
  }
  const from = findHolder(secret.versions, CURRENT)?.id
  const to = findHolder(secret.versions, PREVIOUS)?.id
  if (from === undefined || to === undefined) throw errors.nothingToRollBack()
  const versions = moveStage(secret.versions, CURRENT, from, to, call.app.limits.labelsPerSecret)
  const changed: Secret = { ...secret, versions, changedAt: call.now }
  await changeSecret(call, stored, changed)
  return { ARN: secret.arn, Name: secret.name, VersionId: to, PreviousVersionId: from }
}
