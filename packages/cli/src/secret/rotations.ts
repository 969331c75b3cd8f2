// The rotations of a secret as our own route tells them: docs/rotation.md.

import type { Connection } from '../connection.ts'
import { signedCall } from '../signed-call.ts'

export type RotationCall = {
  readonly Step: string
  readonly Attempt: number
  readonly StartedAt: number
  /** Absent while it goes on. */
  readonly DurationMs?: number
  readonly ErrorKind?: string
  readonly Message?: string
}

export type Rotation = {
  readonly RotationId: string
  readonly Kind: string
  readonly VersionId: string
  /** Absent while it is under way. */
  readonly Outcome?: string
  readonly Reason?: string
  readonly StartedAt: number
  readonly EndedAt?: number
  readonly Calls: readonly RotationCall[]
}

/** Newest first. @throws UsageError */
export async function readRotations(SecretId: string, connection: Connection): Promise<readonly Rotation[]> {
  type Answer = { readonly Rotations: readonly Rotation[] }
  const { Rotations } = await signedCall<Answer>('/_strongroom/rotations/list', { SecretId }, connection)
  return Rotations
}

/** `succeeded`, `failed at setSecret: why`, `under way`; empty where there is none. */
export function outcomeText(rotation: Rotation | undefined): string {
  if (rotation === undefined) return ''
  if (rotation.Outcome === 'succeeded') return 'succeeded'
  const { Step, Message } = rotation.Calls.findLast(({ ErrorKind }) => ErrorKind !== undefined) ?? {}
  const why = rotation.Reason ?? Message
  const at = Step === undefined ? '' : ` at ${Step}`
  return `${rotation.Outcome ?? 'under way'}${at}${why === undefined ? '' : `: ${why}`}`
}
