// The rows of the outbox. Numbers are given in one place, publish, to what is committed: a number that a reader sees is never followed by
// a lower one, and no number is left out (docs/adr/0008-the-outbox-is-numbered-when-it-is-published.md).

import type { Database, Transaction } from '../storage/database.ts'
import type { OutboxRow, PublishedEvent } from './event.ts'

/** From where to where the log reaches: `last` is 0 where nothing was ever published, `first` is above `last` where nothing is kept. */
export type LogRange = { readonly first: number; readonly last: number }

const ROWS_PER_INSERT = 8

/** Writes events that nobody reads before they are published. Labels stand as JSON: they may have characters that no column holds. */
export async function insertEvents(tx: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const some = rows.slice(from, from + ROWS_PER_INSERT)
    const places = some.map((_, row) => `(${[1, 2, 3, 4, 5, 6, 7].map((column) => `$${row * 7 + column}`).join(', ')})`)
    await tx.run(
      `INSERT INTO event (event_id, at, secret_arn, rev, part, label, body) VALUES ${places.join(', ')}`,
      ...some.flatMap(({ id, at, arn, rev, part, label, body }) => [
        id,
        at,
        arn,
        rev,
        part,
        JSON.stringify(label),
        body,
      ]),
    )
  }
}

export const hasUnpublished = async (tx: Transaction): Promise<boolean> =>
  (await tx.get('SELECT event_id FROM event WHERE seq IS NULL LIMIT 1')) !== undefined

export async function readRange(tx: Transaction): Promise<LogRange> {
  const row = await tx.get<{ readonly first_seq: number; readonly last_seq: number }>(
    "SELECT first_seq, last_seq FROM event_log WHERE name = 'log'",
  )
  return row === undefined ? { first: 1, last: 0 } : { first: row.first_seq, last: row.last_seq }
}

/**
 * Numbers what is committed and has no number yet, as the first statements of a write. The events of one secret come in the order of its
 * changes; those of different secrets by the clocks of the servers that made them. @returns the number of the last event
 */
export async function publish(tx: Transaction, dialect: Database['dialect']): Promise<number> {
  await holdLog(tx, dialect)
  const { changes } = await tx.run(
    `UPDATE event SET seq = numbered.number + (SELECT last_seq FROM event_log WHERE name = 'log')
     FROM (
       SELECT event_id, ROW_NUMBER() OVER (ORDER BY moment, secret_arn, rev, at, part) AS number
       FROM (
         SELECT event_id, secret_arn, rev, at, part,
                MAX(at) OVER (PARTITION BY secret_arn ORDER BY rev, at, part) AS moment
         FROM event WHERE seq IS NULL
       ) AS waiting
     ) AS numbered
     WHERE event.event_id = numbered.event_id`,
  )
  await tx.run("UPDATE event_log SET last_seq = last_seq + $1 WHERE name = 'log'", changes)
  return (await readRange(tx)).last
}

/**
 * One at a time, each seeing what the one before it committed. Serializable transactions would make writers of secrets that commit
 * meanwhile conflict with this one; read committed is enough where one row's lock comes first.
 */
async function holdLog(tx: Transaction, dialect: Database['dialect']): Promise<void> {
  if (dialect === 'postgres') await tx.run('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await tx.run(
    `INSERT INTO event_log (name, first_seq, last_seq) VALUES ('log', 1, 0)
     ON CONFLICT (name) DO UPDATE SET last_seq = event_log.last_seq`,
  )
}

type EventRow = {
  readonly seq: number
  readonly event_id: string
  readonly at: number
  readonly secret_arn: string
  readonly label: string
  readonly body: string
}

/** The next events after a number, at most `limit`. */
export async function listEvents(tx: Transaction, after: number, limit: number): Promise<readonly PublishedEvent[]> {
  const rows = await tx.all<EventRow>(
    'SELECT seq, event_id, at, secret_arn, label, body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2',
    after,
    limit,
  )
  return rows.map(({ seq, event_id: id, at, secret_arn: arn, label, body }) => ({
    seq,
    id,
    at,
    arn,
    label: JSON.parse(label) as string,
    body,
  }))
}

/** The number of a published event; undefined where it is not kept. */
export async function findSeq(tx: Transaction, id: string): Promise<number | undefined> {
  const row = await tx.get<{ readonly seq: number | null }>('SELECT seq FROM event WHERE event_id = $1', id)
  return row?.seq ?? undefined
}

/** The id of a published event; undefined where it is not kept. */
export async function findId(tx: Transaction, seq: number): Promise<string | undefined> {
  const row = await tx.get<{ readonly event_id: string }>('SELECT event_id FROM event WHERE seq = $1', seq)
  return row?.event_id
}

export type Retained = { readonly count: number; readonly since: number }

/**
 * Removes the oldest published events that are beyond `count` or were made before `since`, at most `limit`, as the first statements of a
 * write. The last one stays, so that whoever has seen it can resume. @returns how many went
 */
export async function prune(
  tx: Transaction,
  dialect: Database['dialect'],
  { count, since }: Retained,
  limit: number,
): Promise<number> {
  await holdLog(tx, dialect)
  const { first, last } = await readRange(tx)
  const oldest = await tx.all<{ readonly seq: number; readonly at: number }>(
    'SELECT seq, at FROM event WHERE seq >= $1 ORDER BY seq LIMIT $2',
    first,
    limit,
  )
  const kept = oldest.findIndex(({ seq, at }) => seq === last || (seq > last - count && at >= since))
  const gone = kept < 0 ? oldest.length : kept
  if (gone === 0) return 0
  const next = oldest[gone - 1]!.seq + 1
  await tx.run('DELETE FROM event WHERE seq < $1', next)
  await tx.run("UPDATE event_log SET first_seq = $1 WHERE name = 'log'", next)
  return gone
}

// Sinks.

export type SinkState = {
  readonly name: string
  readonly delivered: number
  readonly failures: number
}

/** A sink that was not known before begins with what comes now. */
export async function addSink(tx: Transaction, name: string): Promise<void> {
  await tx.run(
    'INSERT INTO event_sink (name, delivered_seq, failures) VALUES ($1, $2, 0) ON CONFLICT (name) DO NOTHING',
    name,
    (await readRange(tx)).last,
  )
}

export async function readSink(tx: Transaction, name: string): Promise<SinkState> {
  const row = await tx.get<{ readonly delivered_seq: number; readonly failures: number }>(
    'SELECT delivered_seq, failures FROM event_sink WHERE name = $1',
    name,
  )
  return { name, delivered: row?.delivered_seq ?? 0, failures: row?.failures ?? 0 }
}

export async function writeSink(tx: Transaction, { name, delivered, failures }: SinkState): Promise<void> {
  await tx.run('UPDATE event_sink SET delivered_seq = $1, failures = $2 WHERE name = $3', delivered, failures, name)
}

/** When the oldest event that a sink has not taken was made, in milliseconds; undefined where it has taken all that are kept. */
export async function findOldestAfter(tx: Transaction, seq: number): Promise<number | undefined> {
  const row = await tx.get<{ readonly at: number }>('SELECT at FROM event WHERE seq > $1 ORDER BY seq LIMIT 1', seq)
  return row?.at
}
