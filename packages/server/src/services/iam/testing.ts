// An identity store for tests, with real keys.

import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { IAMClient } from '@aws-sdk/client-iam'
import { testKeyring } from '../../seal/testing.ts'
import type { Database, Transaction } from '../../storage/database.ts'
import { createRows } from '../../storage/sealed.ts'
import type { TestCredentials, TestServer } from '../../testing.ts'
import type { IamWriter } from './store.ts'

export const testIam = (): IamWriter => {
  const keyring = testKeyring()
  return { partition: 'aws', keyring, rows: createRows(keyring), randomBytes }
}

/** A store over a database of its own. */
export const iamOn = (database: Database) => ({
  app: testIam(),
  database,
  write: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('write', work),
  read: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('read', work),
})

export const policyDocument = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement })

/** AWS's own client, with the administrator's credentials unless others are given, and retries off. Let go of when the test ends. */
export function iamClient(
  t: TestContext,
  server: TestServer,
  credentials: TestCredentials = server.credentials,
): IAMClient {
  const client = new IAMClient({
    endpoint: server.url,
    region: server.region,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}
