// When a secret rotates: RotationRules as AWS describes them, and the windows that they open. All times are UTC.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html

import { invalidSchedule, rotationFrequencyTwice } from '../errors.ts'
import { type Cron, leastHoursBetween, nextOpening, parseCron } from './cron.ts'

/** As RotateSecret takes them and DescribeSecret shows them. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html */
export type RotationRules = {
  /** 1 to 1000. */
  readonly AutomaticallyAfterDays?: number | undefined
  /** `1h` to `24h`. */
  readonly Duration?: string | undefined
  /** `rate(…)` or `cron(…)`. */
  readonly ScheduleExpression?: string | undefined
}

export type Schedule = {
  readonly opens:
    | { readonly every: 'days'; readonly days: number }
    | { readonly every: 'hours'; readonly hours: number }
    | { readonly every: 'cron'; readonly cron: Cron }
  /** Of a window, in hours; absent where a window closes with its day. */
  readonly hours?: number
}

/** In ms since 1970. */
export type Window = {
  readonly opensAt: number
  /** The first moment that is outside. */
  readonly closesAt: number
}

/** What windows are counted from, in ms since 1970. */
export type Since = {
  /** The window opens after this moment: now, or the opening of the window that was used last. */
  readonly after: number
  /** When RotateSecret set the rules. */
  readonly configuredAt: number
  /** When the secret rotated last, or got a value by hand. */
  readonly rotatedAt?: number | undefined
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LEAST_HOURS = 4
const MOST_DAYS = 999
/** Kept at the end of a window, so that what failed can be tried again inside it. */
const RETRIES_MS = 600_000

/**
 * @throws InvalidParameterException where the rules say both or neither of days and expression, where windows would open more often than every
 *   four hours, or where one would reach into the next or into the next UTC day
 */
export function parseRotationRules({ AutomaticallyAfterDays, Duration, ScheduleExpression }: RotationRules): Schedule {
  if (AutomaticallyAfterDays !== undefined && ScheduleExpression !== undefined) throw rotationFrequencyTwice()
  if (AutomaticallyAfterDays === undefined && ScheduleExpression === undefined) {
    throw invalidSchedule('RotationRules must have AutomaticallyAfterDays or ScheduleExpression.')
  }
  const opens: Schedule['opens'] =
    ScheduleExpression === undefined
      ? { every: 'days', days: AutomaticallyAfterDays! }
      : parseExpression(ScheduleExpression)
  mustBeSeldom(opens)
  const hours = Duration === undefined ? defaultHours(opens) : parseDuration(Duration)
  if (hours === undefined) return { opens }
  mustFit(opens, hours)
  return { opens, hours }
}

/** The first window that opens after `since.after`; undefined where the calendar has none. */
export function nextWindow({ opens, hours }: Schedule, since: Since): Window | undefined {
  const opensAt = nextOpeningOf(opens, since)
  if (opensAt === undefined) return undefined
  return { opensAt, closesAt: hours === undefined ? dayOf(opensAt) + DAY_MS : opensAt + hours * HOUR_MS }
}

/** What DescribeSecret shows as NextRotationDate: the last second of the window. */
export const nextRotationDate = ({ closesAt }: Window): number => closesAt - 1_000

/**
 * A moment of the window, evenly spread over secrets and windows, and the same whoever asks.
 *
 * @param hash of bytes, 32 bits or more: SHA-256
 */
export function startWithin(window: Window, secretArn: string, hash: (text: string) => Uint8Array): number {
  const room = window.closesAt - window.opensAt - RETRIES_MS
  const bytes = hash(`${secretArn} ${window.opensAt}`)
  const fraction = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
  return window.opensAt + Math.floor(room * fraction)
}

/** AutomaticallyAfterDays as DescribeSecret shows it beside an expression: the days from one window to the next, rounded up. */
export function daysBetween({ opens }: Schedule, since: Since): number | undefined {
  if (opens.every === 'days') return opens.days
  if (opens.every === 'hours') return Math.ceil(opens.hours / 24)
  const next = nextOpening(opens.cron, since.after)
  const later = next === undefined ? undefined : nextOpening(opens.cron, next)
  return later === undefined ? undefined : Math.ceil((later - next!) / DAY_MS)
}

function nextOpeningOf(opens: Schedule['opens'], { after, configuredAt, rotatedAt }: Since): number | undefined {
  switch (opens.every) {
    case 'cron':
      return nextOpening(opens.cron, after)
    case 'days':
      return Math.max(dayOf(rotatedAt ?? configuredAt) + opens.days * DAY_MS, dayOf(after) + DAY_MS)
    case 'hours': {
      const first = dayOf(configuredAt)
      const step = opens.hours * HOUR_MS
      return first + Math.max(1, Math.floor((after - first) / step) + 1) * step
    }
  }
}

const dayOf = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS

function parseExpression(text: string): Schedule['opens'] {
  const cron = /^cron\((.+)\)$/.exec(text)
  if (cron !== null) return { every: 'cron', cron: parseCron(cron[1]!) }
  const rate = /^rate\(([1-9][0-9]{0,4}) (hours?|days?)\)$/.exec(text)
  if (rate === null) throw invalidSchedule(`'${text}' is neither a rate() nor a cron() expression.`)
  const value = Number(rate[1])
  const opens: Schedule['opens'] = rate[2]!.startsWith('day')
    ? { every: 'days', days: value }
    : { every: 'hours', hours: value }
  const days = opens.every === 'days' ? value : value / 24
  if (days > MOST_DAYS) throw invalidSchedule(`A rate can't be more than ${MOST_DAYS} days.`)
  return opens
}

function parseDuration(text: string): number {
  const hours = Number(text.slice(0, -1))
  if (!(hours >= 1 && hours <= 24)) throw invalidSchedule('Duration must be from 1h to 24h.')
  return hours
}

/** Schedules in hours have windows of an hour, those in days windows to the end of the day. */
function defaultHours(opens: Schedule['opens']): number | undefined {
  if (opens.every === 'cron') return opens.cron.hours.length > 1 ? 1 : undefined
  return opens.every === 'hours' ? 1 : undefined
}

function mustBeSeldom(opens: Schedule['opens']): void {
  if (hoursBetween(opens) < LEAST_HOURS) {
    throw invalidSchedule(`A secret can't be rotated more often than every ${LEAST_HOURS} hours.`)
  }
}

function mustFit(opens: Schedule['opens'], hours: number): void {
  if (hours > hoursBetween(opens)) {
    throw invalidSchedule('The rotation window must not extend into the next rotation window.')
  }
  if (latestHour(opens) + hours > 24) {
    throw invalidSchedule('The rotation window must not extend into the next UTC day.')
  }
}

function latestHour(opens: Schedule['opens']): number {
  if (opens.every === 'cron') return opens.cron.hours.at(-1)!
  // An interval that does not divide the day comes to every hour that their common divisor allows.
  return opens.every === 'hours' ? 24 - divisor(opens.hours, 24) : 0
}

/** From one opening to the next, at the closest. */
function hoursBetween(opens: Schedule['opens']): number {
  if (opens.every === 'cron') return leastHoursBetween(opens.cron)
  return opens.every === 'days' ? opens.days * 24 : opens.hours
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
