// Registered databases for tests: the real server, AWS's own client, and a real PostgreSQL.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { RDS } from '@aws-sdk/client-rds'
import type { TestPostgresql } from '../../../../rotators/src/testing/postgresql.ts'
import type { GivenOptions } from '../../config.ts'
import { signedCall, startTestServer, type TestCredentials, type TestServer, withJobsOnDemand } from '../../testing.ts'

export const FIRST_PASSWORD = 'first password of a master'

/** AWS's own client, as the administrator unless others are given. Let go of when the test ends. */
export function rdsClient(t: TestContext, server: TestServer, credentials: TestCredentials = server.credentials): RDS {
  const client = new RDS({
    endpoint: server.url,
    region: server.region,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}

/** One of our own routes: `register`, `deregister`, `list`, `show`. */
export const askDatabases = (
  server: TestServer,
  route: string,
  input: object,
  credentials: TestCredentials = server.credentials,
) =>
  signedCall(`${server.url}/_strongroom/databases/${route}`, 'secretsmanager', undefined, input, {
    credentials,
    region: server.region,
  })

let users = 0

/** A server whose jobs run when asked, and how to register a new master user of the PostgreSQL. */
export async function startRds(t: TestContext, postgres: TestPostgresql, given: GivenOptions = {}) {
  const server = await withJobsOnDemand(t, await startTestServer(t, given))
  return { server, rds: rdsClient(t, server), ...registering(server, postgres) }
}

export function registering(server: TestServer, postgres: TestPostgresql) {
  const newMaster = async (): Promise<string> => {
    const username = `master_${++users}`
    await postgres.sql(`CREATE ROLE ${username} LOGIN CREATEROLE PASSWORD '${FIRST_PASSWORD}'`)
    return username
  }
  const registrationOf = (Identifier: string, MasterUsername: string, more: object = {}) => ({
    Identifier,
    Engine: 'postgres',
    Host: 'localhost',
    Port: postgres.port,
    CertificateAuthority: postgres.authority,
    MasterUsername,
    MasterUserPassword: FIRST_PASSWORD,
    ...more,
  })
  const register = async (Identifier: string, more: object = {}): Promise<string> => {
    const username = await newMaster()
    const { status, body } = await askDatabases(server, 'register', registrationOf(Identifier, username, more))
    assert.equal(status, 200, JSON.stringify(body))
    return username
  }
  return { newMaster, registrationOf, register }
}
