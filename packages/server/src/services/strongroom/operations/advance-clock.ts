// AdvanceClock moves the service clock of every server on the database ahead, for all accounts: so only the management account may. Only with
// --test-clock. No AWS operation: docs/operations.md.

import { advanced } from '../../../clock.ts'
import { operation } from '../../../operation.ts'
import { integer, string, timestamp } from '../../../shape/shape.ts'
import { noTestClock, notADuration } from '../errors.ts'
import { readClockOffset, writeClockOffset } from '../store.ts'

export const advanceClock = operation({
  name: 'AdvanceClock',
  readOnly: false,
  path: '/_strongroom/clock',

  input: {
    /** An ISO 8601 duration: `P7D`. */
    advance: string({ min: 1, max: 64 }),
  },

  output: {
    /** What the service clock reads now. */
    now: timestamp(),
    /** How far it is ahead of the wall clock, in all. */
    aheadMs: integer(),
  },

  target: async ({ app }) => ({ resource: '*', shown: '*', account: app.organization.managementAccount }),

  responseElements: ({ now, aheadMs }) => ({ now: new Date(now).toISOString(), aheadMs }),

  async run({ app, tx, input }) {
    const clock = app.testClock
    if (clock === undefined) throw noTestClock()
    const stored = await readClockOffset(app.rows, tx)
    const from = clock.wallNow() + stored
    const to = advanced(from, input.advance)
    if (to === undefined) throw notADuration()
    const aheadMs = stored + to - from
    await writeClockOffset(app.rows, tx, aheadMs)

    const before = clock.offsetMs()
    clock.setOffset(aheadMs)
    tx.onRollback(() => clock.setOffset(before))
    return { now: to, aheadMs }
  },
})
