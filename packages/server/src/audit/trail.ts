// The audit trail: every call of a known identity becomes one event, written before its answer leaves.

import type { Transaction } from '../storage/database.ts'
import type { AuditEvent } from './event.ts'

export type Trail = {
  /** Writes events into the transaction of the change they tell of: both commit or neither does. */
  record(tx: Transaction, events: readonly AuditEvent[]): Promise<void>
  /** Writes the events of reads and refusals, grouped with those of other calls. Resolves when they survive kill -9, or the machine with `--audit-sync`. */
  append(events: readonly AuditEvent[]): Promise<void>
  close(): Promise<void>
}
