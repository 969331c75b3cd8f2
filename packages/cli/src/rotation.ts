// `strongroom rotation`: what an operator does with the rotations of a secret, through our own signed routes.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'
import { UsageError } from './usage-error.ts'

type Rotation = {
  readonly RotationId: string
  readonly Outcome?: string
  readonly StartedAt: number
  readonly EndedAt?: number
  readonly WindowOpensAt?: number
  readonly Calls: readonly { readonly StartedAt: number }[]
}

type History = { readonly NextRotationDate?: number; readonly Rotations: readonly Rotation[] }

const LOOK_MS = 500
/** Longer than a function may take. */
const TRIAL_MS_MAX = 920_000

const date = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : new Date(seconds * 1000).toISOString()

/** Newest first. @throws UsageError */
export async function listRotations(SecretId: string, connection: Connection): Promise<object> {
  const { NextRotationDate, Rotations, ...secret } = await readHistory(SecretId, connection)
  return { ...secret, NextRotationDate: date(NextRotationDate), Rotations: Rotations.map(dated) }
}

const readHistory = (SecretId: string, connection: Connection) =>
  signedCall<History>('/_strongroom/rotations/list', { SecretId }, connection)

const dated = (rotation: Rotation): object => ({
  ...rotation,
  StartedAt: date(rotation.StartedAt),
  EndedAt: date(rotation.EndedAt),
  WindowOpensAt: date(rotation.WindowOpensAt),
  Calls: rotation.Calls.map((call) => ({ ...call, StartedAt: date(call.StartedAt) })),
})

/** Waits for the trial to end. @throws UsageError */
export async function dryRunRotation(SecretId: string, connection: Connection): Promise<{ readonly ok: boolean }> {
  type Answer = { readonly RotationId: string }
  const { RotationId } = await signedCall<Answer>('/_strongroom/rotations/dry-run', { SecretId }, connection)
  for (let waitedMs = 0; waitedMs < TRIAL_MS_MAX; waitedMs += LOOK_MS) {
    const { Rotations } = await readHistory(SecretId, connection)
    const trial = Rotations.find((rotation) => rotation.RotationId === RotationId)
    if (trial?.Outcome !== undefined) return { ok: trial.Outcome === 'succeeded', ...dated(trial) }
    await sleep(LOOK_MS)
  }
  throw new UsageError(`the trial ${RotationId} did not end in time: see strongroom rotation history`)
}

/** @throws UsageError */
export async function abandonRotation(SecretId: string, force: boolean, connection: Connection): Promise<object> {
  type Answer = { readonly VersionId: string; readonly MayBeSet: boolean }
  const input = { SecretId, Force: force }
  const answer = await signedCall<Answer>('/_strongroom/rotations/abandon', input, connection)
  if (!answer.MayBeSet) return answer
  const Note = `whatever the secret opens may take only version ${answer.VersionId} by now: try it before you rotate again`
  return { ...answer, Note }
}

/** @throws UsageError */
export async function rollBackRotation(SecretId: string, connection: Connection): Promise<object> {
  const answer = await signedCall('/_strongroom/rotations/roll-back', { SecretId }, connection)
  const Note = 'only labels were moved: a password that the rotation changed in a database is still the new one there'
  return { ...answer, Note }
}
