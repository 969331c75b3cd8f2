// A double of MySQL's protocol, made of the driver's own server half: it keeps what it was told and answers by rule. It knows no SQL.

import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import mysql from 'mysql2'

type Answer = readonly { readonly [column: string]: string }[] | { readonly code: number; readonly message: string }

/** `writeTextResult` of the driver writes every column twice. */
type Writer = {
  writeColumns(columns: readonly object[]): void
  writeTextRow(row: readonly string[]): void
  writeEof(): void
}

export type MysqlDouble = {
  readonly port: number
  /** Every statement, without those that set up a session. */
  readonly statements: string[]
  stop(): void
}

/** What it offers: https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html */
const [LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION] = [1, 8, 0x200, 0x2000, 0x8000]

/** `answer` of a statement to who logged in; undefined is OK without rows. Every login is let in. */
export async function startMysqlDouble(
  answer: (sql: string, user: string) => Answer | undefined,
): Promise<MysqlDouble> {
  const statements: string[] = []
  const server = mysql.createServer((connection) => {
    // Each command counts its packets anew, which the driver leaves to who answers.
    let user = ''
    const counter = connection as unknown as { sequenceId: number }
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '8.4.6',
      connectionId: 1,
      statusFlags: 2,
      characterSet: 45,
      capabilityFlags: LONG_PASSWORD | CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION,
      authCallback: (login: { readonly user: string }, done: (error: null) => void) => {
        user = login.user
        done(null)
        counter.sequenceId = 0
      },
    } as never)
    connection.on('error', () => {})
    const hear = (sql: string): void => {
      const told = answer(sql, user)
      if (!/^(SET NAMES|SELECT VERSION)/.test(sql)) statements.push(sql.replace(/\s+/g, ' '))
      if (told === undefined) connection.writeOk()
      else if ('code' in told) connection.writeError({ ...told })
      else {
        const columns = Object.keys(told[0] ?? { none: '' }).map((name) => ({
          ...{ catalog: 'def', schema: '', table: '', orgTable: '', name, orgName: name },
          ...{ characterSet: 45, columnLength: 1_000, columnType: 253, flags: 0, decimals: 0 },
        }))
        const writer = connection as unknown as Writer
        writer.writeColumns(columns)
        for (const row of told) writer.writeTextRow(Object.values(row))
        writer.writeEof()
      }
      counter.sequenceId = 0
    }
    connection.on('query', hear)
    // What begins with SET or PREPARE is told as this.
    connection.on('stmt_prepare', hear)
  })
  // Its types know neither of these.
  const inner = server as unknown as {
    listen(port: number, host: string): void
    close(done: () => void): void
    readonly _server: Server
  }
  const listening = once(inner._server, 'listening')
  inner.listen(0, '127.0.0.1')
  await listening
  const { port } = inner._server.address() as AddressInfo
  return { port, statements, stop: () => inner.close(() => {}) }
}
