// What a rotation is: the settings that a secret keeps, and the journal of one run. Pure: plain data in, plain data out.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html

import { hash } from 'node:crypto'
import type { Rights } from '../model.ts'
import {
  nextRotationDate,
  nextWindow,
  parseRotationRules,
  type RotationRules,
  startWithin,
  type Window,
} from './schedule.ts'

/** In the order in which a function is called for them. */
export const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const
export type Step = (typeof STEPS)[number]

/** How often the steps are tried from the first one on, before a rotation has failed. */
export const ATTEMPTS_MAX = 5
/** How long the next attempt waits after the first, second, ... one. Service clock. */
const RETRY_MS = [10_000, 60_000, 300_000, 900_000] as const
/** Calls of a function that a journal keeps, the latest ones. */
const CALLS_MAX = 64
/** Of the log of a call that failed; there is one in each attempt. */
export const LOG_BYTES_MAX = 2_048

/** The part of a secret that rotation has. Times are milliseconds since the epoch, service clock. */
export type SecretRotation = {
  readonly enabled: boolean
  /** Absent where a service of ours rotates the secret. */
  readonly functionArn?: string
  /** As they were given; absent where nothing is scheduled. */
  readonly rules?: RotationRules
  readonly configuredAt: number
  readonly rotatedAt?: number
  /** When AWSCURRENT moved otherwise than by a rotation. */
  readonly changedByHandAt?: number
  /** AutomaticallyAfterDays as it is shown beside an expression, since the last rotation. */
  readonly daysBetween?: number
  readonly next?: Slot
  /** The opening of the latest window in which a rotation began: neither it nor an earlier one is used again. */
  readonly usedWindow?: number
  /** Where `functionArn` is a ready-made rotator: with whose rights it works, and what it was given. */
  readonly readyMade?: ReadyMade
  /** The rotation that is under way. It alone may do anything: a journal that nobody names is history. */
  readonly running?: Running
}

export type ReadyMade = {
  /** Of who called RotateSecret: the KMS keys of the secret, and the master secret. */
  readonly rights: Rights
  /** As ExternalSecretRotationMetadata gave them. */
  readonly options: { readonly [name: string]: string }
  /** The type that a managed external secret had then: what rotates it. */
  readonly type?: string
  /** The master secret that the caller might read, and the one place where it may be used. */
  readonly master?: { readonly arn: string; readonly place?: string }
}

/** What a dry run, or a look after promotion, has to say. Never a value. */
export type Finding = { readonly level: 'ok' | 'warning' | 'problem'; readonly message: string }

/** A window, and when in it the rotation begins. */
export type Slot = Window & { readonly startsAt: number }

export type RotationKind = 'rotation' | 'test'

export type Running = { readonly id: string; readonly kind: RotationKind; readonly versionId: string }

export type Outcome = 'succeeded' | 'failed' | 'abandoned' | 'cancelled'

/** The sealed body of a row of `rotation`: the journal of one run. It is written before each call of the function, and after it. */
export type Rotation = {
  readonly id: string
  readonly kind: RotationKind
  readonly secretArn: string
  readonly versionId: string
  readonly functionArn?: string
  /** The window that it began in; absent where somebody asked for it. */
  readonly slot?: Slot
  readonly startedAt: number
  readonly endedAt?: number
  /** Absent while it is under way. */
  readonly outcome?: Outcome
  /** Why it ended so, in words. Never a value. */
  readonly reason?: string
  /** The version had its value before: an earlier run may have set it. */
  readonly again?: true
  /** From 1. */
  readonly attempt: number
  /** The step that is next, or being called for. */
  readonly step: Step
  /** Of the keyring, from which the RotationToken of this attempt is made. */
  readonly tokenKeyVersion: number
  /** The calls so far, oldest first. */
  readonly calls: readonly StepCall[]
}

/** One call of the function. */
export type StepCall = {
  readonly step: Step
  readonly attempt: number
  readonly startedAt: number
  /** Absent where nobody knows how it ended: the server did not live to see it. */
  readonly endedAt?: number
  readonly error?: StepError
  readonly findings?: readonly Finding[]
  readonly previousStillValid?: boolean
}

/**
 * Why a step did not succeed: the function said so (`function`), did not answer in time (`timeout`), could not be reached (`unreachable`), may
 * not be called, is not there or fails whenever it is tried (`refused`), left AWSCURRENT where it was (`labels`); or the server is at fault (`fault`).
 */
export type StepError = {
  readonly kind: 'function' | 'timeout' | 'unreachable' | 'refused' | 'labels' | 'fault'
  /** The function's word for it, such as `ValueError`. */
  readonly errorType?: string
  /** Never a value, and so never what a function says. */
  readonly message: string
  /** The end of the function's log, where the server has it, without the values of this rotation. At most LOG_BYTES_MAX. */
  readonly log?: string
}

export const stepAfter = (step: Step): Step | undefined => STEPS[STEPS.indexOf(step) + 1]

/** Whether the function may have changed what the secret opens: it was called for setSecret, or for a later step. */
export const mayHaveSet = ({ calls }: Rotation): boolean => calls.some(({ step }) => step !== 'createSecret')

/** Whether the step that is next, or a later one, was begun before. */
export const isResumed = ({ again, calls, step: next }: Rotation): boolean =>
  again === true || calls.some(({ step }) => STEPS.indexOf(step) >= STEPS.indexOf(next))

/** With one more call, begun now. */
export function withCall(rotation: Rotation, now: number): Rotation {
  const { step, attempt, calls } = rotation
  return { ...rotation, calls: [...calls, { step, attempt, startedAt: now }].slice(-CALLS_MAX) }
}

/** With the end of the latest call. */
export function withCallEnded(
  rotation: Rotation,
  now: number,
  error: StepError | undefined,
  found: Pick<StepCall, 'findings' | 'previousStillValid'> = {},
): Rotation {
  const last = rotation.calls.at(-1)
  if (last === undefined) return rotation
  const ended: StepCall = { ...last, endedAt: now, ...(error && { error }), ...found }
  return { ...rotation, calls: [...rotation.calls.slice(0, -1), ended] }
}

/** When the steps are tried again after an error; undefined where they are not: attempts or the window are used up, or nothing would change. */
export function retryAt({ attempt, slot }: Rotation, { kind }: StepError, now: number): number | undefined {
  if (kind === 'refused' || attempt >= ATTEMPTS_MAX) return undefined
  const at = now + RETRY_MS[attempt - 1]!
  return slot === undefined || at < slot.closesAt ? at : undefined
}

/** With the window that comes next, or without one where nothing is scheduled. @throws InvalidParameterException for rules that are none */
export function withNextSlot(rotation: SecretRotation, secretArn: string, now: number): SecretRotation {
  const { next: _, ...rest } = rotation
  const { enabled, rules } = rest
  if (!enabled || rules === undefined) return rest
  const window = nextWindow(parseRotationRules(rules), sinceOf(rest, now))
  if (window === undefined) return rest
  return { ...rest, next: { ...window, startsAt: startWithin(window, secretArn, sha256) } }
}

/** What windows are counted from. A value that was put by hand counts as a rotation only where days are counted. */
export function sinceOf({ rules, configuredAt, rotatedAt, changedByHandAt, usedWindow }: SecretRotation, now: number) {
  const byHand = rules?.AutomaticallyAfterDays === undefined ? undefined : changedByHandAt
  const last = Math.max(rotatedAt ?? 0, byHand ?? 0)
  return { after: Math.max(now, usedWindow ?? 0), configuredAt, ...(last > 0 && { rotatedAt: last }) }
}

const sha256 = (text: string): Uint8Array => hash('sha256', text, 'buffer')

/** What a replica shows of the rotation of its primary: no window of it, and no run. */
export function shownRotation(rotation: SecretRotation): SecretRotation {
  const { running: _, readyMade, usedWindow, changedByHandAt, ...shown } = rotation
  return shown
}

/** What DescribeSecret and ListSecrets show. */
export function rotationDetails(rotation: SecretRotation | undefined) {
  if (rotation === undefined) return {}
  const { enabled, functionArn, rules, rotatedAt, next, daysBetween, readyMade } = rotation
  const given = Object.entries(readyMade?.options ?? {}).map(([Key, Value]) => ({ Key, Value }))
  const shownDays = rules?.ScheduleExpression === undefined ? undefined : daysBetween
  return {
    RotationEnabled: enabled,
    RotationLambdaARN: functionArn,
    RotationRules: rules && { ...rules, ...(shownDays !== undefined && { AutomaticallyAfterDays: shownDays }) },
    ExternalSecretRotationMetadata: given.length === 0 ? undefined : given,
    LastRotatedDate: rotatedAt,
    NextRotationDate: next && nextRotationDate(next),
  }
}
