// What advice is: the checks, what each finding says, and the figures from which on something is told. Pure data.

import type { SurveyedSecret } from '../../secretsmanager/port.ts'
import type { ValueFacts } from './value.ts'

/** From the least to the gravest. */
export const SEVERITIES = ['low', 'medium', 'high'] as const
export type Severity = (typeof SEVERITIES)[number]

/** In the order in which findings are told. */
export const CHECKS = {
  'public-policy': { severity: 'high', needs: 'policies' },
  'failing-rotation': { severity: 'high', needs: 'rotations' },
  'no-rotation': { severity: 'high', needs: 'values' },
  'scattered-fields': { severity: 'medium', needs: 'values' },
  'copied-value': { severity: 'medium', needs: 'values' },
  'uncached-reads': { severity: 'medium', needs: 'calls' },
  'user-tokens': { severity: 'low', needs: 'values' },
  'plain-configuration': { severity: 'low', needs: 'values' },
  unread: { severity: 'low', needs: 'nothing' },
} as const satisfies {
  readonly [check: string]: {
    readonly severity: Severity
    readonly needs: 'policies' | 'rotations' | 'values' | 'calls' | 'nothing'
  }
}

export type Check = keyof typeof CHECKS
export const CHECK_NAMES = Object.keys(CHECKS) as readonly Check[]

/** A finding is left out for a secret that has its name in this tag; names stand between spaces. */
export const IGNORE_TAG = 'strongroom:advise-ignore'

export type Thresholds = {
  /** A production database whose password is older than this should have been rotated. */
  readonly rotationDays: number
  readonly unreadDays: number
  /** Of one caller and one secret: what five processes make that each keep it for five minutes. */
  readonly readsPerDay: number
  /** Secrets of one pattern that are told as tokens of users. */
  readonly userTokens: number
  /** Rotations that failed one after another. */
  readonly failedRotations: number
  /** Shorter values may be the same by chance. */
  readonly copiedBytes: number
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  rotationDays: 90,
  unreadDays: 90,
  readsPerDay: 1_440,
  userTokens: 10,
  failedRotations: 2,
  copiedBytes: 8,
}

/** Full days of counted calls that are looked at for callers who read too often. */
export const READING_DAYS = 7

export type Subject = SurveyedSecret<ValueFacts>

/** How often a caller read a secret on the day on which it read it most. */
export type BusyReading = {
  readonly arn: string
  readonly caller: string
  readonly calls: number
  readonly day: number
}

/** Nothing in it is of a value. */
export type Finding = {
  readonly check: Check
  /** At least one, in the order of their ARNs. */
  readonly secrets: readonly Pick<Subject, 'arn' | 'name'>[]
  readonly evidence: string
  readonly mend: string
  readonly command: string
}

export type Advice = {
  readonly findings: readonly Finding[]
  /** Findings that a tag took away. */
  readonly dismissed: ReadonlyMap<Check, number>
}
