// The real servers whose credentials are rotated by the tests of the whole: one line for each ready-made rotator.

import mysql from 'mysql2/promise'
import pg from 'pg'
import { startMariadb } from '../packages/rotators/src/testing/mariadb.ts'
import { startPostgresql } from '../packages/rotators/src/testing/postgresql.ts'

export type Credential = { readonly username: string; readonly password: string; readonly [member: string]: unknown }

export type RotatedServer = {
  /** Certificates that the server is certified by, in PEM. */
  readonly authorityFile: string
  readonly port: number
  /** A new user: the secret's value with `port` as its port, and the master's. */
  makeUser(name: string, port: number): Promise<{ readonly value: Credential; readonly master: Credential }>
  /** @throws where the server does not let the credential in */
  logIn(credential: Credential): Promise<void>
  stop(): Promise<void>
}

export type RotatedKind = {
  readonly rotator: string
  /** Whether what was current before a rotation works until the next one. */
  readonly keepsPrevious: boolean
  /** @returns a reason where the server is not installed */
  start(): Promise<RotatedServer | { readonly reason: string }>
}

export const ROTATED: readonly RotatedKind[] = [
  { rotator: 'postgresql-single-user', keepsPrevious: false, start: startRotatedPostgresql },
  { rotator: 'postgresql-alternating-users', keepsPrevious: true, start: startRotatedPostgresql },
  { rotator: 'mariadb-single-user', keepsPrevious: false, start: startRotatedMariadb },
  { rotator: 'mariadb-alternating-users', keepsPrevious: true, start: startRotatedMariadb },
  { rotator: 'mariadb-dual-passwords', keepsPrevious: true, start: startRotatedMariadb },
]

async function startRotatedPostgresql(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startPostgresql()
  if ('reason' in server) return server
  const ssl = { ca: server.authority, servername: 'localhost' }
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, port) => {
      const password = `first-password-of-${username}`
      await server.sql(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'`)
      const place = { engine: 'postgres', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'postgres', password: server.password },
      }
    },
    logIn: async ({ username, password }) => {
      const client = new pg.Client({
        host: '127.0.0.1',
        port: server.port,
        user: username,
        password,
        database: 'postgres',
        ssl,
      })
      client.on('error', () => {})
      await client.connect()
      await client.query('SELECT 1')
      await client.end()
    },
    stop: server.stop,
  }
}

async function startRotatedMariadb(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startMariadb()
  if ('reason' in server) return server
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, port) => {
      const password = `first-password-of-${username}`
      await server.sql(`CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`)
      const place = { engine: 'mariadb', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'root', password: server.password },
      }
    },
    logIn: async ({ username, password }) => {
      const ssl = { ca: server.authority }
      const connection = await mysql.createConnection({
        host: '127.0.0.1',
        port: server.port,
        user: username,
        password,
        ssl,
      })
      await connection.query('SELECT 1')
      await connection.end()
    },
    stop: server.stop,
  }
}
