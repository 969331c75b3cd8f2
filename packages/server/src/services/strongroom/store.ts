// The rows of our own service: the offset of the test clock, a sealed setting, so that nobody moves time with plain SQL.

import type { Transaction } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'

const NAME = 'test-clock'

type ClockSetting = { readonly offsetMs: number }

/** Milliseconds that the service clock is ahead of the wall clock; 0 where it was never advanced. @throws IntegrityError */
export async function readClockOffset(rows: Rows, tx: Transaction): Promise<number> {
  const row = await findSetting(tx)
  return row === undefined ? 0 : rows.open<ClockSetting>('setting', [NAME], row).offsetMs
}

export async function writeClockOffset(rows: Rows, tx: Transaction, offsetMs: number): Promise<void> {
  const row = await findSetting(tx)
  const { rev, body, mac } = rows.seal('setting', [NAME], (row?.rev ?? 0) + 1, { offsetMs } satisfies ClockSetting)
  await tx.run(
    `INSERT INTO setting (name, rev, body, mac) VALUES ($1, $2, $3, $4)
     ON CONFLICT (name) DO UPDATE SET rev = excluded.rev, body = excluded.body, mac = excluded.mac`,
    NAME,
    rev,
    body,
    mac,
  )
}

const findSetting = (tx: Transaction): Promise<SealedColumns | undefined> =>
  tx.get<SealedColumns>('SELECT rev, body, mac FROM setting WHERE name = $1', NAME)
