// Sealed notes about chains: how far a writer had come (head), and how far retention has removed a chain (checkpoint).

import type { Transaction } from '../storage/database.ts'
import type { Rows, SealedColumns } from '../storage/sealed.ts'
import type { Tip } from './block.ts'

/** What a writer says of its chains at most a second after they changed. */
export type Head = {
  readonly writer: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Whether the writer stopped in order: nothing follows. */
  readonly closed: boolean
  /** Each chain's last block that is known to be committed: its seq and its MAC in hexadecimal. */
  readonly tips: { readonly [chain: string]: readonly [seq: number, mac: string] }
}

export type HeadRow = SealedColumns & { readonly writer: string }
type CheckpointRow = SealedColumns & { readonly chain: string }

export async function writeHead(tx: Transaction, rows: Rows, head: Head, rev: number): Promise<void> {
  const sealed = rows.seal('audit_head', [head.writer], rev, head)
  await tx.run(
    `INSERT INTO audit_head (writer, rev, body, mac) VALUES ($1, $2, $3, $4)
     ON CONFLICT (writer) DO UPDATE SET rev = excluded.rev, body = excluded.body, mac = excluded.mac`,
    head.writer,
    sealed.rev,
    sealed.body,
    sealed.mac,
  )
}

export const listHeads = (tx: Transaction): Promise<readonly HeadRow[]> =>
  tx.all<HeadRow>('SELECT writer, rev, body, mac FROM audit_head ORDER BY writer')

/** @throws IntegrityError if the row was altered */
export const openHead = (rows: Rows, row: HeadRow): Head => rows.open<Head>('audit_head', [row.writer], row)

export async function writeCheckpoint(tx: Transaction, rows: Rows, chain: string, tip: Tip): Promise<void> {
  const sealed = rows.seal('audit_checkpoint', [chain], tip.seq, { seq: tip.seq, mac: hex(tip.mac) })
  await tx.run(
    `INSERT INTO audit_checkpoint (chain, rev, body, mac) VALUES ($1, $2, $3, $4)
     ON CONFLICT (chain) DO UPDATE SET rev = excluded.rev, body = excluded.body, mac = excluded.mac`,
    chain,
    sealed.rev,
    sealed.body,
    sealed.mac,
  )
}

/** The last block that retention removed from a chain. @throws IntegrityError if the row was altered */
export async function readCheckpoint(tx: Transaction, rows: Rows, chain: string): Promise<Tip | undefined> {
  const row = await tx.get<CheckpointRow>('SELECT chain, rev, body, mac FROM audit_checkpoint WHERE chain = $1', chain)
  if (row === undefined) return undefined
  const { seq, mac } = rows.open<{ seq: number; mac: string }>('audit_checkpoint', [chain], row)
  return { seq, mac: Buffer.from(mac, 'hex') }
}

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
