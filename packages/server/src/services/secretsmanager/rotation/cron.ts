// The cron() expressions of rotation schedules: six fields, UTC, the day of the month or of the week left to the other with `?`.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html#rotate-secrets_schedule-cron

import { invalidSchedule } from '../errors.ts'

/** When windows open: at each of `hours`, on each of `days`, in each of `months`. */
export type Cron = {
  /** 0 to 23, ascending. */
  readonly hours: readonly number[]
  /** 1 to 12. */
  readonly months: ReadonlySet<number>
  readonly days: DaysOfMonth | DaysOfWeek | NthWeekday
}
type DaysOfMonth = { readonly kind: 'month'; readonly dates: ReadonlySet<number>; readonly last: boolean }
/** Weekdays are 1 (Sunday) to 7 (Saturday). */
type DaysOfWeek = {
  readonly kind: 'week'
  readonly weekdays: ReadonlySet<number>
  /** The last such day of the month only. */
  readonly lastWeekdays: ReadonlySet<number>
}
/** `SUN#1`: the first Sunday. */
type NthWeekday = { readonly kind: 'nth'; readonly weekday: number; readonly nth: number }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** 29 February falls on one weekday again after 40 years at most. */
const MONTHS_SEARCHED = 41 * 12

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

type Field = {
  readonly name: string
  readonly min: number
  readonly max: number
  /** What values may be called, from `min` on, in any case. */
  readonly names?: readonly string[]
}
const HOURS: Field = { name: 'hours', min: 0, max: 23 }
const DAYS_OF_MONTH: Field = { name: 'day-of-month', min: 1, max: 31 }
const MONTHS_OF_YEAR: Field = { name: 'month', min: 1, max: 12, names: MONTHS }
const DAYS_OF_WEEK: Field = { name: 'day-of-week', min: 1, max: 7, names: WEEKDAYS }

/**
 * @param fields what stands between the parentheses of `cron()`
 * @throws InvalidParameterException for a field that AWS does not describe so, and for days that never come
 */
export function parseCron(fields: string): Cron {
  const texts = fields.split(/ +/)
  if (texts.length !== 6) throw invalidSchedule('A cron expression has six fields.')
  const [minutes, hours, dayOfMonth, month, dayOfWeek, year] = texts as [string, string, string, string, string, string]
  if (minutes !== '0') throw invalidSchedule('The minutes of a cron expression must be 0.')
  if (year !== '*') throw invalidSchedule('The year of a cron expression must be *.')
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw invalidSchedule('Exactly one of day-of-month and day-of-week of a cron expression must be ?.')
  }
  const cron: Cron = {
    hours: [...valuesOf(HOURS, hours)].sort((a, b) => a - b),
    months: valuesOf(MONTHS_OF_YEAR, month),
    days: dayOfMonth === '?' ? daysOfWeek(dayOfWeek) : daysOfMonth(dayOfMonth),
  }
  if (nextOpening(cron, 0) === undefined) throw invalidSchedule('The cron expression never comes true.')
  return cron
}

/** The first opening after `after`, in ms since 1970; undefined where there is none. */
export function nextOpening({ hours, months, days }: Cron, after: number): number | undefined {
  const start = new Date(after)
  for (let index = 0; index < MONTHS_SEARCHED; index++) {
    const first = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + index))
    if (!months.has(first.getUTCMonth() + 1)) continue
    for (const date of datesOf(days, first)) {
      for (const hour of hours) {
        const opening = first.getTime() + ((date - 1) * 24 + hour) * HOUR_MS
        if (opening > after) return opening
      }
    }
  }
  return undefined
}

/** The least number of hours from one opening to the next; 24 for one opening a day or less. */
export function leastHoursBetween(cron: Cron): number {
  const { hours } = cron
  if (hours.length === 1) return 24
  const withinADay = hours.slice(1).map((hour, index) => hour - hours[index]!)
  return Math.min(...withinADay, (daysBetween(cron) - 1) * 24 + 24 - hours.at(-1)! + hours[0]!)
}

/** The least number of days from one day with openings to the next. */
function daysBetween({ months, days }: Cron): number {
  let least = Number.POSITIVE_INFINITY
  let previous = Number.NEGATIVE_INFINITY
  for (let index = 0; index < MONTHS_SEARCHED && least > 1; index++) {
    const first = new Date(Date.UTC(1970, index))
    if (!months.has(first.getUTCMonth() + 1)) continue
    for (const date of datesOf(days, first)) {
      const day = first.getTime() / DAY_MS + date
      least = Math.min(least, day - previous)
      previous = day
    }
  }
  return least
}

/** The days of one month, ascending, each 1 to 31. */
function datesOf(days: Cron['days'], first: Date): readonly number[] {
  const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  const weekdayOf = (date: number): number => ((first.getUTCDay() + date - 1) % 7) + 1
  const matches = (date: number): boolean => {
    if (days.kind === 'month') return days.dates.has(date) || (days.last && date === length)
    if (days.kind === 'nth') return weekdayOf(date) === days.weekday && Math.ceil(date / 7) === days.nth
    return days.weekdays.has(weekdayOf(date)) || (days.lastWeekdays.has(weekdayOf(date)) && date + 7 > length)
  }
  return Array.from({ length }, (_, index) => index + 1).filter(matches)
}

function daysOfMonth(text: string): DaysOfMonth {
  const items = text.split(',')
  const others = items.filter((item) => item !== 'L')
  const dates = others.length === 0 ? new Set<number>() : valuesOf(DAYS_OF_MONTH, others.join(','))
  return { kind: 'month', dates, last: others.length < items.length }
}

function daysOfWeek(text: string): DaysOfWeek | NthWeekday {
  const nth = /^(\w+)#([1-5])$/.exec(text)
  if (nth !== null) return { kind: 'nth', weekday: numberOf(DAYS_OF_WEEK, nth[1]!), nth: Number(nth[2]) }
  const weekdays = new Set<number>()
  const lastWeekdays = new Set<number>()
  for (const item of text.split(',')) {
    if (item === 'L') weekdays.add(DAYS_OF_WEEK.max)
    else if (/^\w+L$/.test(item)) lastWeekdays.add(numberOf(DAYS_OF_WEEK, item.slice(0, -1)))
    else for (const weekday of valuesOf(DAYS_OF_WEEK, item)) weekdays.add(weekday)
  }
  return { kind: 'week', weekdays, lastWeekdays }
}

/** `*`, `3`, `MON`, `1-5`, `4/12`, `/8` and lists of these. */
function valuesOf(field: Field, text: string): ReadonlySet<number> {
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const [range, step, more] = item.split('/') as [string, string | undefined, string | undefined]
    if (more !== undefined) throw notA(field, item)
    for (const value of stepped(rangeOf(field, range, step !== undefined), stepOf(field, step))) values.add(value)
  }
  return values
}

/** The values of a range, in its order; a stepped single value goes on to the field's end. */
function rangeOf(field: Field, text: string, isStepped: boolean): readonly number[] {
  if (text === '*' || (text === '' && isStepped)) return span(field.min, field.max)
  const [from, to, more] = text.split('-') as [string, string | undefined, string | undefined]
  const first = numberOf(field, from)
  if (more !== undefined) throw notA(field, text)
  if (to === undefined) return isStepped ? span(first, field.max) : [first]
  const last = numberOf(field, to)
  if (first <= last) return span(first, last)
  // FRI-MON: only of what goes round under names.
  if (field.names === undefined) throw notA(field, text)
  return [...span(first, field.max), ...span(field.min, last)]
}

function numberOf(field: Field, text: string): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1
  if (named >= 0) return field.min + named
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= field.min && value <= field.max)) throw notA(field, text)
  return value
}

function stepOf(field: Field, text: string | undefined): number {
  if (text === undefined) return 1
  const step = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0
  if (step < 1 || step > field.max) throw notA(field, `/${text}`)
  return step
}

const span = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

const stepped = (values: readonly number[], step: number): readonly number[] =>
  values.filter((_, index) => index % step === 0)

const notA = ({ name }: Field, text: string) =>
  invalidSchedule(`'${text}' is not valid in the ${name} of a cron expression.`)
