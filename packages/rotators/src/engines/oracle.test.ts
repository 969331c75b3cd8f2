// No Oracle can be had, its protocol is not documented, and its driver has an install script: what is told to the driver is checked against a double of it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { dual } from '../strategies/dual.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { makeOracleDouble } from '../testing/oracle-double.ts'
import { refusal } from '../testing/refusals.ts'
import { oracleWith } from './oracle.ts'

const PASSWORD = 'first-password-of-a-user'
const ALL = ['ALTER USER', 'CREATE USER', 'GRANT ANY PRIVILEGE', 'GRANT ANY ROLE', 'GRANT ANY OBJECT PRIVILEGE']

type Rules = {
  readonly privileges?: readonly string[]
  readonly owner?: boolean
  readonly rollover?: boolean
  readonly fail?: (sql: string) => number | undefined
}

/** A database of the user APP and the master ADMIN; the clone has what it was given. */
function start({ privileges = ALL, owner = false, rollover = false, fail }: Rules = {}) {
  const double = makeOracleDouble((sql, binds, me) => {
    const refused = fail?.(sql)
    if (refused !== undefined) return { refused }
    const { username = '' } = binds
    const user = double.users.get(username)
    const given = (pattern: RegExp) => username === 'APP' || double.statements.some((one) => pattern.test(one))
    const one = (condition: boolean, ...rows: readonly { readonly [column: string]: unknown }[]) =>
      condition ? rows : []
    const status = user && user.passwords.length > 1 ? 'OPEN & IN ROLLOVER' : 'OPEN'
    if (sql.includes("'SESSION_USER'")) return [{ ME: me, ROLE: 'PRIMARY' }]
    if (sql.includes("'DB_UNIQUE_NAME'")) return [{ ID: 'ORCL/example.com/PDB1/db1' }]
    if (sql.includes('SESSION_PRIVS')) return privileges.map((PRIVILEGE) => ({ PRIVILEGE }))
    if (sql.includes('USER_PASSWORD_LIMITS')) return [{ LIMIT: rollover ? '60' : '0' }]
    if (sql.includes('DBA_PROFILES')) return [{ LIMIT: binds.profile === 'DEFAULT' && rollover ? '30' : 'DEFAULT' }]
    if (/SELECT ACCOUNT_STATUS FROM/.test(sql)) return one(user !== undefined, { ACCOUNT_STATUS: status })
    if (sql.includes('FROM DBA_USERS'))
      return one(user !== undefined, {
        ...{ STATUS: status, PROFILE: 'APPS', TABLESPACE: 'USERS', TEMPORARY: 'TEMP' },
        ...{ AUTHENTICATION: 'PASSWORD', MAINTAINED: 'N' },
      })
    if (sql.includes('DBA_OBJECTS')) return one(owner, { OBJECT_NAME: 'T' })
    if (sql.includes('DBA_SYS_PRIVS'))
      return one(given(/CREATE SESSION/), { PRIVILEGE: 'CREATE SESSION', ADMIN_OPTION: 'NO' })
    if (sql.includes('DBA_ROLE_PRIVS'))
      return one(given(/"READER"/), {
        GRANTED_ROLE: 'READER',
        ADMIN_OPTION: 'YES',
        DEFAULT_ROLE: given(/DEFAULT ROLE/) ? 'YES' : 'NO',
      })
    if (sql.includes('DBA_TAB_PRIVS'))
      return one(
        given(/"S"\."T"/),
        { OWNER: 'S', TABLE_NAME: 'T', TYPE: 'TABLE', PRIVILEGE: 'SELECT', GRANTABLE: 'YES' },
        { OWNER: 'SYS', TABLE_NAME: 'D', TYPE: 'DIRECTORY', PRIVILEGE: 'READ', GRANTABLE: 'NO' },
      )
    if (sql.includes('DBA_COL_PRIVS'))
      return one(given(/UPDATE \("C"\)/), {
        OWNER: 'S',
        TABLE_NAME: 'T',
        COLUMN_NAME: 'C',
        PRIVILEGE: 'UPDATE',
        GRANTABLE: 'NO',
      })
    if (sql.includes('DBA_TS_QUOTAS')) return one(given(/QUOTA/), { TABLESPACE_NAME: 'USERS', MAX_BYTES: -1 })
    return undefined
  })
  for (const name of ['APP', 'ADMIN']) double.users.set(name, { passwords: [PASSWORD], rollover })
  return { double, engine: oracleWith(async () => double.driver) }
}

const value = (own: SecretValue = {}): SecretValue => ({
  ...{ engine: 'oracle', host: 'db.example.com', username: 'app', password: PASSWORD, dbname: 'PDB1' },
  ...own,
})
const master = value({ username: 'admin', dbname: 'ANOTHER' })
const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, /password-of/)

async function rotate(rotator: Rotator, run: Pick<Run, 'current' | 'master' | 'previous'>) {
  const whole: Run = { versionId: 'a'.repeat(36), options: {}, resumed: false, ...run }
  const all: PendingRun = { ...whole, pending: await rotator.create(whole, testIo()) }
  await rotator.set(all, testIo())
  await rotator.test(all, testIo())
  return { pending: all.pending, findings: (await rotator.settle?.(all, testIo())) ?? [] }
}
const STILL_WORKS = [{ level: 'ok', message: 'The previous credential still works.' }]

describe('Oracle, by a double of its driver', () => {
  test('single: the user changes its password by the protocol, over TLS that verifies the name', async () => {
    const { double, engine } = start()
    const { pending } = await rotate(single(engine), { current: value() })
    assert.deepEqual(double.statements, ['changePassword of APP'])
    assert.deepEqual(double.users.get('APP')?.passwords, [pending.password])
    assert.equal(
      double.connectStrings[0],
      '(DESCRIPTION=(TRANSPORT_CONNECT_TIMEOUT=10)(RETRY_COUNT=0)(ADDRESS=(PROTOCOL=TCPS)(HOST=db.example.com)(PORT=1521))' +
        '(CONNECT_DATA=(SERVICE_NAME=PDB1))(SECURITY=(SSL_SERVER_DN_MATCH=ON)))',
    )
    await assert.rejects(rotate(single(engine), { current: value() }), refused('authentication'))
    const injected = value({ dbname: 'x)(HOST=evil' })
    await assert.rejects(rotate(single(engine), { current: injected }), refused('secret', /name of a service/))
    await assert.rejects(
      rotate(single(engine), { current: value({ username: 'a"b' }) }),
      refused('secret', /without quotes/),
    )
  })

  test('dual: the previous password works until the next rotation, which ends the one before it first', async () => {
    const { double, engine } = start({ rollover: true })
    const first = await rotate(dual(engine), { current: value() })
    assert.deepEqual(first.findings, STILL_WORKS)
    const second = await rotate(dual(engine), { current: first.pending })
    assert.deepEqual(second.findings, STILL_WORKS)
    assert.deepEqual(double.users.get('APP')?.passwords, [second.pending.password, first.pending.password])
    assert.equal(double.statements[1], 'ALTER USER "APP" EXPIRE PASSWORD ROLLOVER PERIOD')
    const third = await rotate(dual(engine), { current: { ...second.pending, masterarn: 'm' }, master })
    assert.deepEqual(third.findings, STILL_WORKS)
    await assert.rejects(
      rotate(dual(start().engine), { current: value() }),
      refused('permission', /no PASSWORD_ROLLOVER_TIME/),
    )
  })

  test('alternating: the clone has tablespaces, profile, privileges, roles and quotas of the first', async () => {
    const { double, engine } = start()
    const { pending, findings } = await rotate(alternating(engine), { current: value({ masterarn: 'm' }), master })
    assert.deepEqual(findings, STILL_WORKS)
    assert.ok(double.connectStrings.every((one) => one.includes('SERVICE_NAME=PDB1')))
    assert.deepEqual(double.statements, [
      `CREATE USER "APP_CLONE" IDENTIFIED BY "${pending.password}" DEFAULT TABLESPACE "USERS" TEMPORARY TABLESPACE "TEMP" PROFILE "APPS"`,
      'GRANT CREATE SESSION TO "APP_CLONE"',
      'GRANT "READER" TO "APP_CLONE" WITH ADMIN OPTION',
      'GRANT SELECT ON "S"."T" TO "APP_CLONE" WITH GRANT OPTION',
      'GRANT READ ON DIRECTORY "D" TO "APP_CLONE"',
      'GRANT UPDATE ("C") ON "S"."T" TO "APP_CLONE"',
      'ALTER USER "APP_CLONE" DEFAULT ROLE "READER"',
      'ALTER USER "APP_CLONE" QUOTA UNLIMITED ON "USERS"',
    ])
    const second = await rotate(alternating(engine), { current: pending, previous: value(), master })
    assert.deepEqual(double.statements.slice(8), [`ALTER USER "APP" IDENTIFIED BY "${second.pending.password}"`])
  })

  test('alternating: whose schema it is, what the master lacks, and whom nothing shows to belong, is told before anything is changed', async () => {
    const run = { current: value({ masterarn: 'm' }), master }
    const owner = start({ owner: true })
    await assert.rejects(rotate(alternating(owner.engine), run), refused('permission', /owns objects/))
    const weak = start({ privileges: ['ALTER USER', 'CREATE USER', 'GRANT ANY PRIVILEGE', 'GRANT ANY ROLE'] })
    await assert.rejects(
      rotate(alternating(weak.engine), run),
      refused('permission', /lacks GRANT ANY OBJECT PRIVILEGE/),
    )
    const there = start()
    there.double.users.set('APP_CLONE', { passwords: ['of somebody else'] })
    there.double.statements.push(
      'GRANT CREATE SESSION, "READER", "S"."T", UPDATE ("C"), DEFAULT ROLE, QUOTA: as it has them',
    )
    await assert.rejects(rotate(alternating(there.engine), run), refused('permission', /has a user app_clone/))
    assert.equal([owner, weak].flatMap(({ double }) => double.statements).length + there.double.statements.length, 1)
  })

  test('what it refuses has its kind, and nothing of the statement is told', async () => {
    for (const [number, kind] of [
      [28003, 'policy'],
      [28007, 'policy'],
      [1031, 'permission'],
      [3113, 'unreachable'],
      [600, 'other'],
    ] as const) {
      const { engine } = start({ fail: (sql) => (sql === 'changePassword' ? number : undefined) })
      await assert.rejects(rotate(single(engine), { current: value() }), refused(kind, /ORA-/))
    }
    const { engine } = start()
    const current = value({ masterarn: 'm' })
    const odd = {
      versionId: 'v',
      options: {},
      resumed: false,
      current,
      master,
      pending: value({ username: 'app_clone', password: 'a"b' }),
    }
    await assert.rejects(alternating(engine).set(odd, testIo()), refused('policy'))
  })

  test('without the driver it says what to install', async () => {
    const missing = oracleWith(() =>
      Promise.reject(Object.assign(new Error('no such module'), { code: 'ERR_MODULE_NOT_FOUND' })),
    )
    await assert.rejects(rotate(single(missing), { current: value() }), refused('other', /npm i oracledb@26\.0\.0$/))
  })
})
