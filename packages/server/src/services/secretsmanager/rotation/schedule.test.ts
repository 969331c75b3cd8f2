// Rotation schedules against AWS's examples, against croner, and against a naive reading of each field, day by day.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { Cron as Croner } from 'croner'
import fc from 'fast-check'
import { SOAK } from '../../../testing-sample.ts'
import { nextOpening, parseCron } from './cron.ts'
import {
  daysBetween,
  nextRotationDate,
  nextWindow,
  parseRotationRules,
  type RotationRules,
  startWithin,
} from './schedule.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const RUNS = SOAK ? 20_000 : 200

const at = (text: string): number => Date.parse(`${text}Z`)
const text = (ms: number | undefined): string => (ms === undefined ? 'never' : new Date(ms).toISOString().slice(0, 16))

/** The first openings of an expression after a moment. */
function openings(expression: string, after: string, count: number): readonly string[] {
  const cron = parseCron(expression)
  const found: number[] = [at(after)]
  for (let index = 0; index < count; index++) found.push(nextOpening(cron, found.at(-1)!)!)
  return found.slice(1).map(text)
}

describe('cron expressions open', () => {
  const cases: readonly (readonly [expression: string, after: string, ...openings: string[]])[] = [
    ['0 10 * * ? *', '2026-01-01T10:00', '2026-01-02T10:00', '2026-01-03T10:00'],
    ['0 4/12 * * ? *', '2026-01-01T00:00', '2026-01-01T04:00', '2026-01-01T16:00', '2026-01-02T04:00'],
    ['0 /8 * * ? *', '2026-01-01T00:00', '2026-01-01T08:00', '2026-01-01T16:00', '2026-01-02T00:00'],
    ['0 */8 * * ? *', '2026-01-01T00:00', '2026-01-01T08:00', '2026-01-01T16:00', '2026-01-02T00:00'],
    ['0 18 ? * MON-FRI *', '2026-01-02T18:00', '2026-01-05T18:00', '2026-01-06T18:00'],
    ['0 18 ? * FRI-MON *', '2026-01-05T18:00', '2026-01-09T18:00', '2026-01-10T18:00', '2026-01-11T18:00'],
    ['0 16 1,15 * ? *', '2026-01-01T16:00', '2026-01-15T16:00', '2026-02-01T16:00'],
    ['0 0 ? * SUN#1 *', '2026-01-01T00:00', '2026-01-04T00:00', '2026-02-01T00:00'],
    ['0 0 ? * 1#5 *', '2026-01-01T00:00', '2026-03-29T00:00', '2026-05-31T00:00'],
    ['0 17 L * ? *', '2026-01-31T17:00', '2026-02-28T17:00', '2026-03-31T17:00'],
    ['0 17 15,L * ? *', '2026-01-31T17:00', '2026-02-15T17:00', '2026-02-28T17:00'],
    ['0 17 ? * L *', '2026-01-01T00:00', '2026-01-03T17:00', '2026-01-10T17:00'],
    ['0 17 ? * FRIL *', '2026-01-01T00:00', '2026-01-30T17:00', '2026-02-27T17:00'],
    ['0 17 ? * 6L *', '2026-01-01T00:00', '2026-01-30T17:00', '2026-02-27T17:00'],
    ['0 12 1 JAN,apr,7-10/3 ? *', '2026-01-01T12:00', '2026-04-01T12:00', '2026-07-01T12:00', '2026-10-01T12:00'],
    ['0 12 1 NOV-FEB ? *', '2026-01-01T12:00', '2026-02-01T12:00', '2026-11-01T12:00', '2026-12-01T12:00'],
    ['0 0 1/10 * ? *', '2026-02-01T00:00', '2026-02-11T00:00', '2026-02-21T00:00', '2026-03-01T00:00'],
    ['0 0 31 * ? *', '2026-01-31T00:00', '2026-03-31T00:00', '2026-05-31T00:00'],
    ['0 0 29 2 ? *', '2026-01-01T00:00', '2028-02-29T00:00', '2032-02-29T00:00'],
    [
      '0 0 ? 2 SUN#5 *',
      '2026-01-01T00:00',
      '2032-02-29T00:00',
      '2060-02-29T00:00',
      '2088-02-29T00:00',
      '2128-02-29T00:00',
    ],
  ]
  for (const [expression, after, ...expected] of cases) {
    test(`cron(${expression}) after ${after}`, () => {
      assert.deepEqual(openings(expression, after, expected.length), expected)
    })
  }
})

describe('refused', () => {
  const schedules: readonly string[] = [
    'cron(0 10 * * ?)',
    'cron(0 10 * * ? * *)',
    'cron(0  10 * * ? *',
    'cron( 0 10 * * ? *)',
    'CRON(0 10 * * ? *)',
    'cron(5 10 * * ? *)',
    'cron(00 10 * * ? *)',
    'cron(* 10 * * ? *)',
    'cron(0 10 * * ? 2027)',
    'cron(0 10 ? * ? *)',
    'cron(0 10 * * * *)',
    'cron(0 10 1 * MON *)',
    'cron(0 24 * * ? *)',
    'cron(0 ? * * ? *)',
    'cron(0 22-2/4 * * ? *)',
    'cron(0 10 0 * ? *)',
    'cron(0 10 32 * ? *)',
    'cron(0 10 28-3 * ? *)',
    'cron(0 10 3W * ? *)',
    'cron(0 10 L-3 * ? *)',
    'cron(0 10 * 13 ? *)',
    'cron(0 10 * JANUARY ? *)',
    'cron(0 10 * ? * *)',
    'cron(0 10 ? * 8 *)',
    'cron(0 10 ? * 0 *)',
    'cron(0 10 ? * SUN#6 *)',
    'cron(0 10 ? * SUN#0 *)',
    'cron(0 10 ? * SUN#1,MON#2 *)',
    'cron(0 10 1,,2 * ? *)',
    'cron(0 10 1/0 * ? *)',
    'cron(0 10 1/2/3 * ? *)',
    'cron(0 10 1-2-3 * ? *)',
    'cron(0 10 - * ? *)',
    'cron(0 0 30 2 ? *)',
    'cron(0 0 31 4,6,9,11 ? *)',
    'cron(0 * * * ? *)',
    'cron(0 1,4 * * ? *)',
    'cron(0 1,23 * * ? *)',
    'cron(0 1,23 ? * SAT,SUN *)',
    'cron(0 1,23 1,L * ? *)',
    'rate(3 hours)',
    'rate(0 days)',
    'rate(04 hours)',
    'rate(-1 days)',
    'rate(1000 days)',
    'rate(23977 hours)',
    'rate(10 weeks)',
    'rate(240 minutes)',
    'rate(10  days)',
    'rate(10days)',
    'every day',
    '',
  ]
  for (const ScheduleExpression of schedules) {
    test(ScheduleExpression || 'nothing', () => {
      assert.throws(() => parseRotationRules({ ScheduleExpression }), { code: 'InvalidParameterException' })
    })
  }

  const windows: readonly RotationRules[] = [
    { AutomaticallyAfterDays: 1, Duration: '0h' },
    { AutomaticallyAfterDays: 1, Duration: '25h' },
    { ScheduleExpression: 'rate(4 hours)', Duration: '5h' },
    { ScheduleExpression: 'rate(5 hours)', Duration: '2h' },
    { ScheduleExpression: 'cron(0 16 * * ? *)', Duration: '9h' },
    { ScheduleExpression: 'cron(0 4/12 * * ? *)', Duration: '9h' },
    { ScheduleExpression: 'cron(0 1,5 1 * ? *)', Duration: '5h' },
    { AutomaticallyAfterDays: 1, ScheduleExpression: 'rate(1 day)' },
    { Duration: '2h' },
  ]
  for (const rules of windows) {
    test(JSON.stringify(rules), () => {
      assert.throws(() => parseRotationRules(rules), { code: 'InvalidParameterException' })
    })
  }

  test('both forms, in the words of AWS', () => {
    assert.throws(() => parseRotationRules({ AutomaticallyAfterDays: 1, ScheduleExpression: 'rate(1 day)' }), {
      message: 'You cannot specify both rotation frequency and schedule expression together.',
    })
  })
})

describe('windows', () => {
  const configuredAt = at('2026-03-10T15:20')
  const cases: readonly (readonly [
    rules: RotationRules,
    since: { after?: string; rotatedAt?: string },
    string,
    string,
  ])[] = [
    [{ AutomaticallyAfterDays: 7 }, {}, '2026-03-17T00:00', '2026-03-18T00:00'],
    [{ AutomaticallyAfterDays: 7 }, { rotatedAt: '2026-03-12T23:59' }, '2026-03-19T00:00', '2026-03-20T00:00'],
    [{ AutomaticallyAfterDays: 7, Duration: '3h' }, {}, '2026-03-17T00:00', '2026-03-17T03:00'],
    // Missed: not at once, but in the window of the next day.
    [{ AutomaticallyAfterDays: 7 }, { after: '2026-04-20T10:00' }, '2026-04-21T00:00', '2026-04-22T00:00'],
    [{ ScheduleExpression: 'rate(1 day)' }, {}, '2026-03-11T00:00', '2026-03-12T00:00'],
    [{ ScheduleExpression: 'rate(999 days)', Duration: '24h' }, {}, '2028-12-03T00:00', '2028-12-04T00:00'],
    [{ ScheduleExpression: 'rate(4 hours)' }, {}, '2026-03-10T16:00', '2026-03-10T17:00'],
    [{ ScheduleExpression: 'rate(4 hours)', Duration: '4h' }, {}, '2026-03-10T16:00', '2026-03-10T20:00'],
    [{ ScheduleExpression: 'rate(4 hours)' }, { after: '2026-03-10T16:00' }, '2026-03-10T20:00', '2026-03-10T21:00'],
    [{ ScheduleExpression: 'rate(23 hours)' }, { after: '2026-03-10T23:00' }, '2026-03-11T22:00', '2026-03-11T23:00'],
    [{ ScheduleExpression: 'cron(0 16 1,15 * ? *)' }, {}, '2026-03-15T16:00', '2026-03-16T00:00'],
    [{ ScheduleExpression: 'cron(0 16 1,15 * ? *)', Duration: '2h' }, {}, '2026-03-15T16:00', '2026-03-15T18:00'],
    [{ ScheduleExpression: 'cron(0 4/12 * * ? *)' }, {}, '2026-03-10T16:00', '2026-03-10T17:00'],
    [{ ScheduleExpression: 'cron(0 4/12 * * ? *)', Duration: '8h' }, {}, '2026-03-10T16:00', '2026-03-11T00:00'],
    // Twice in one day, but never on two days in a row.
    [{ ScheduleExpression: 'cron(0 1,23 1 * ? *)' }, {}, '2026-04-01T01:00', '2026-04-01T02:00'],
  ]
  for (const [rules, { after, rotatedAt }, opensAt, closesAt] of cases) {
    test(`${JSON.stringify(rules)} ${JSON.stringify({ after, rotatedAt })}`, () => {
      const window = nextWindow(parseRotationRules(rules), {
        after: after === undefined ? configuredAt : at(after),
        configuredAt,
        rotatedAt: rotatedAt === undefined ? undefined : at(rotatedAt),
      })!
      assert.deepEqual([text(window.opensAt), text(window.closesAt)], [opensAt, closesAt])
      assert.equal(nextRotationDate(window), window.closesAt - 1_000)
    })
  }

  test('AutomaticallyAfterDays is told of every schedule', () => {
    const since = { after: configuredAt, configuredAt }
    const days = (rules: RotationRules) => daysBetween(parseRotationRules(rules), since)
    assert.equal(days({ AutomaticallyAfterDays: 30 }), 30)
    assert.equal(days({ ScheduleExpression: 'rate(10 days)' }), 10)
    assert.equal(days({ ScheduleExpression: 'rate(4 hours)' }), 1)
    assert.equal(days({ ScheduleExpression: 'rate(36 hours)' }), 2)
    assert.equal(days({ ScheduleExpression: 'cron(0 8 1 * ? *)' }), 30)
    assert.equal(days({ ScheduleExpression: 'cron(0 4/12 * * ? *)' }), 1)
  })

  test('starts are spread evenly over a window, and each is always the same', () => {
    const window = { opensAt: at('2026-03-15T16:00'), closesAt: at('2026-03-15T18:00') }
    const hash = (input: string) => createHash('sha256').update(input).digest()
    const starts = Array.from({ length: 4_000 }, (_, index) => startWithin(window, `arn:${index}`, hash))
    assert.ok(starts.every((start) => start >= window.opensAt && start < window.closesAt - 600_000))
    const quarters = [0, 0, 0, 0]
    for (const start of starts) quarters[Math.floor(((start - window.opensAt) / (110 * 60_000)) * 4)]! += 1
    assert.ok(
      quarters.every((count) => count > 850 && count < 1_150),
      String(quarters),
    )
    assert.equal(startWithin(window, 'arn:7', hash), starts[7])
  })
})

/** A field as text, with a naive reading of it: whether a value is meant. */
type Read = { readonly text: string; readonly means: (value: number) => boolean }

const plainItem = (min: number, max: number): fc.Arbitrary<Read> =>
  fc.oneof(
    fc.integer({ min, max }).map((value) => ({ text: String(value), means: (v: number) => v === value })),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => {
      const [from, to] = a < b ? [a, b] : [b, a]
      return { text: `${from}-${to}`, means: (v: number) => v >= from && v <= to }
    }),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max })).map(([from, step]) => ({
      text: `${from}/${step}`,
      means: (v: number) => v >= from && (v - from) % step === 0,
    })),
    fc.constant({ text: '*', means: () => true }),
  )
const listOf = (item: fc.Arbitrary<Read>): fc.Arbitrary<Read> =>
  fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => ({
    text: items.map((one) => one.text).join(','),
    means: (value) => items.some((one) => one.means(value)),
  }))

/** A day: its date, its weekday from 1, and the length of its month. */
type Day = { readonly date: number; readonly weekday: number; readonly length: number }
type ReadDays = { readonly fields: readonly [string, string]; readonly means: (day: Day) => boolean }

const days: fc.Arbitrary<ReadDays> = fc.oneof(
  listOf(plainItem(1, 31)).map((read) => ({
    fields: [read.text, '?'] as const,
    means: (d: Day) => read.means(d.date),
  })),
  listOf(plainItem(1, 7)).map((read) => ({
    fields: ['?', read.text] as const,
    means: (d: Day) => read.means(d.weekday),
  })),
  fc.constant({ fields: ['L', '?'] as const, means: (d: Day) => d.date === d.length }),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 })).map(([weekday, nth]) => ({
    fields: ['?', `${weekday}#${nth}`] as const,
    means: (d: Day) => d.weekday === weekday && d.date > (nth - 1) * 7 && d.date <= nth * 7,
  })),
  fc.integer({ min: 1, max: 7 }).map((weekday) => ({
    fields: ['?', `${weekday}L`] as const,
    means: (d: Day) => d.weekday === weekday && d.date > d.length - 7,
  })),
)

const expression = fc.record({
  hours: listOf(plainItem(0, 23)),
  months: listOf(plainItem(1, 12)),
  days,
  after: fc.integer({ min: at('2000-01-01T00:00'), max: at('2100-01-01T00:00') }),
})

test('a random expression opens exactly in the hours of the days that it names', () => {
  fc.assert(
    fc.property(expression, ({ hours, months, days, after }) => {
      const [dayOfMonth, dayOfWeek] = days.fields
      const cronText = `0 ${hours.text} ${dayOfMonth} ${months.text} ${dayOfWeek} *`
      const means = (hour: number): boolean => {
        const time = new Date(hour * HOUR_MS)
        const length = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 0)).getUTCDate()
        return (
          hours.means(time.getUTCHours()) &&
          months.means(time.getUTCMonth() + 1) &&
          days.means({ date: time.getUTCDate(), weekday: time.getUTCDay() + 1, length })
        )
      }
      const span = 400 * 24
      const first = Math.floor(after / HOUR_MS) + 1
      const expected = Array.from({ length: span }, (_, index) => first + index).filter(means)
      let cron: ReturnType<typeof parseCron>
      try {
        cron = parseCron(cronText)
      } catch {
        assert.deepEqual(expected, [], `${cronText} was refused`)
        return
      }
      let next = after
      for (const hour of expected.slice(0, 60)) {
        next = nextOpening(cron, next)!
        assert.equal(text(next), text(hour * HOUR_MS), `${cronText} after ${text(after)}`)
      }
    }),
    { numRuns: RUNS },
  )
})

test('a random expression opens when croner says', () => {
  fc.assert(
    fc.property(expression, ({ hours, months, days, after }) => {
      const [dayOfMonth, dayOfWeek] = days.fields
      // Days that never come are refused here; croner says null.
      fc.pre(nextOf(`0 ${hours.text} ${dayOfMonth} ${months.text} ${dayOfWeek} *`, after) !== undefined)
      const oracle = new Croner(`0 0 ${hours.text} ${dayOfMonth} ${months.text} ${dayOfWeek}`, {
        timezone: 'UTC',
        alternativeWeekdays: true,
        sloppyRanges: true,
      })
      const expected = oracle.nextRuns(5, new Date(after)).map((date) => date.getTime())
      const cron = parseCron(`0 ${hours.text} ${dayOfMonth} ${months.text} ${dayOfWeek} *`)
      let next = after
      for (const opening of expected) {
        next = nextOpening(cron, next)!
        assert.equal(text(next), text(opening), `${hours.text} ${dayOfMonth} ${months.text} ${dayOfWeek}`)
      }
    }),
    { numRuns: RUNS },
  )
})

function nextOf(fields: string, after: number): number | undefined {
  try {
    return nextOpening(parseCron(fields), after)
  } catch {
    return undefined
  }
}

test('accepted rules keep four hours between windows, which never meet nor leave their day', () => {
  const rules: fc.Arbitrary<RotationRules> = fc.record({
    ScheduleExpression: fc.oneof(
      fc
        .tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom('hours', 'days'))
        .map(([n, unit]) => `rate(${n} ${unit})`),
      expression.map((e) => `cron(0 ${e.hours.text} ${e.days.fields[0]} ${e.months.text} ${e.days.fields[1]} *)`),
      fc
        .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 23 }), days)
        .map(([hour, step, d]) => `cron(0 ${hour}/${step} ${d.fields[0]} * ${d.fields[1]} *)`),
    ),
    Duration: fc.option(
      fc.integer({ min: 1, max: 24 }).map((hours) => `${hours}h`),
      { nil: undefined },
    ),
  })
  let accepted = 0
  fc.assert(
    fc.property(
      rules,
      fc.integer({ min: at('2000-01-01T00:00'), max: at('2100-01-01T00:00') }),
      (given, configuredAt) => {
        let schedule: ReturnType<typeof parseRotationRules>
        try {
          schedule = parseRotationRules(given)
        } catch {
          return
        }
        accepted += 1
        let after = configuredAt
        let rotatedAt: number | undefined
        let closed = Number.NEGATIVE_INFINITY
        for (let index = 0; index < 40; index++) {
          const window = nextWindow(schedule, { after, configuredAt, rotatedAt })!
          assert.ok(window.opensAt > after)
          assert.equal(window.opensAt % HOUR_MS, 0)
          if (index > 0)
            assert.ok(window.opensAt - after >= 4 * HOUR_MS, `${JSON.stringify(given)} ${text(window.opensAt)}`)
          assert.ok(window.opensAt >= closed)
          assert.equal(Math.floor(window.opensAt / DAY_MS), Math.floor((window.closesAt - 1) / DAY_MS))
          after = window.opensAt
          rotatedAt = window.opensAt + HOUR_MS / 2
          closed = window.closesAt
        }
      },
    ),
    { numRuns: RUNS },
  )
  assert.ok(accepted > RUNS / 20, `only ${accepted} were accepted`)
})
