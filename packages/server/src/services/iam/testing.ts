// An identity store for tests: a real database, real keys.

import { randomBytes } from 'node:crypto'
import { testKeyring } from '../../seal/testing.ts'
import type { Transaction } from '../../storage/database.ts'
import { createRows } from '../../storage/sealed.ts'
import { openTestDatabase, type TestScope } from '../../storage/testing.ts'
import type { IamWriter } from './store.ts'

export const testIam = (): IamWriter => {
  const keyring = testKeyring()
  return { partition: 'aws', keyring, rows: createRows(keyring), randomBytes }
}

/** A store with an empty database. */
export async function openTestIam(t: TestScope) {
  const app = testIam()
  const database = await openTestDatabase(t)
  return {
    app,
    database,
    write: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('write', work),
    read: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('read', work),
  }
}

export const policyDocument = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement })
