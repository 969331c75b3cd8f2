// What tests of the trail share: real databases, a real keyring, events to write. Test code only.

import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Identity } from '../call.ts'
import { createLogger } from '../observe/log.ts'
import { createKeyring, KEY_FAMILIES, type Keyring } from '../seal/keyring.ts'
import type { Database, Value } from '../storage/database.ts'
import { openTestDatabase } from '../storage/testing.ts'
import type { AuditEvent } from './event.ts'
import { createTrail, type Trail } from './trail.ts'

export const ACCOUNT = '111122223333'
export const REGION = 'eu-west-1'
/** 2026-03-01T12:00:00Z */
export const START = 1_772_366_400_000

export const ALICE: Identity = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  account: ACCOUNT,
  kind: 'user',
  userId: 'AIDACKCEVSQ6C2EXAMPLE',
  arn: `arn:aws:iam::${ACCOUNT}:user/alice`,
  userName: 'alice',
}

/** Of a role that has a path. */
export const SESSION: Identity = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  account: ACCOUNT,
  kind: 'role-session',
  userId: 'AROAIOSFODNN7EXAMPLE7:nightly',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Reader/nightly`,
  session: {
    issuedAt: START - 1,
    expiresAt: START + 3_600_000,
    role: {
      arn: `arn:aws:iam::${ACCOUNT}:role/team/Reader`,
      roleId: 'AROAIOSFODNN7EXAMPLE7',
      roleName: 'Reader',
    },
    tags: {},
    transitiveTagKeys: [],
    chain: 1,
    context: { 'aws:MultiFactorAuthPresent': 'false' },
  },
}

export const event = (fields: Partial<AuditEvent> = {}): AuditEvent => ({
  eventId: randomUUID(),
  time: START,
  requestId: randomUUID(),
  service: 'secretsmanager',
  eventName: 'GetSecretValue',
  region: REGION,
  readOnly: true,
  identity: ALICE,
  account: ACCOUNT,
  sourceIpAddress: '127.0.0.1',
  userAgent: 'test/1.0',
  requestParameters: { secretId: 'prod/db' },
  responseElements: null,
  ...fields,
})

/** The keyring of a seed of 32 bytes; of a random one where none is given. */
export function testKeyring(seed: Uint8Array = randomBytes(32)): Keyring {
  const keys = KEY_FAMILIES.map((family) => ({
    family,
    version: 1,
    key: createSecretKey(seed),
    createdAt: 0,
    activeFrom: 0,
  }))
  return createKeyring('test', keys, { wallNow: () => START, randomBytes })
}

export const silent = createLogger('silent')

export type TrailFixture = {
  readonly database: Database
  readonly auditDatabase: Database
  readonly databases: readonly Database[]
  readonly keyring: Keyring
  /** The wall clock; tests move it. */
  readonly clock: { now: number }
  /** Another process on the same databases. */
  open(): Promise<Trail>
  /** Plain SQL on one of the databases, as somebody without the keyring would run it. */
  sql(database: Database, text: string, ...values: readonly Value[]): Promise<number>
}

/** On the database that the tests run on; with `sqlite`, on SQLite whatever that is, for tests that speak its dialect. */
export async function openTrailFixture(
  t: TestContext,
  options: { readonly sqlite?: boolean } = {},
): Promise<TrailFixture> {
  // Hooks run in the order of their registration: trails are closed before the databases under them.
  const trails: Trail[] = []
  t.after(() => Promise.all(trails.map((trail) => trail.close())))
  const on = options.sqlite ? { testDatabaseUrl: '' } : {}
  const database = await openTestDatabase(t, on)
  const auditDatabase =
    database.dialect === 'postgres' ? database : await openTestDatabase(t, { ...on, sets: ['audit'] })
  const keyring = testKeyring()
  const clock = { now: START }
  return {
    database,
    auditDatabase,
    databases: [...new Set([database, auditDatabase])],
    keyring,
    clock,
    open: async () => {
      const trail = await createTrail({
        database,
        auditDatabase,
        keyring,
        log: silent,
        wallNow: () => clock.now,
        randomBytes,
        headEveryMs: 20,
      })
      trails.push(trail)
      return trail
    },
    sql: async (target, text, ...values) =>
      (await target.transaction('write', (tx) => tx.run(text, ...values))).changes,
  }
}
