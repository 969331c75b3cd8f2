// An identity store for tests, with real keys.

import { randomBytes } from 'node:crypto'
import { testKeyring } from '../../seal/testing.ts'
import type { Database, Transaction } from '../../storage/database.ts'
import { createRows } from '../../storage/sealed.ts'
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
