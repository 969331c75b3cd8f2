// No Redshift can be had: what it shares with PostgreSQL was run against a PostgreSQL that has Redshift's views, the rest against a double of the
// protocol, with what Redshift's manual says that it answers.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import type { TestPostgresql } from '../testing/postgresql.ts'
import { type RedshiftDouble, redshiftDigest, startRedshiftDouble } from '../testing/redshift-double.ts'
import { startRedshiftLike } from '../testing/redshift-postgresql.ts'
import { refusal } from '../testing/refusals.ts'
import { redshift as engine } from './redshift.ts'

const PASSWORD = 'first-password-of-a-user'
const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, /password-of/)

async function rotate(rotator: Rotator, run: Pick<Run, 'current' | 'master' | 'previous'>, io = testIo()) {
  const whole: Run = { versionId: 'a'.repeat(36), options: {}, resumed: false, ...run }
  const all: PendingRun = { ...whole, pending: await rotator.create(whole, io) }
  await rotator.set(all, io)
  await rotator.test(all, io)
  return { pending: all.pending, findings: (await rotator.settle?.(all, io)) ?? [] }
}

describe('Redshift, by a PostgreSQL that has its views', () => {
  let server: TestPostgresql
  let reason: string | undefined
  before(async () => {
    const started = await startRedshiftLike()
    if ('reason' in started) reason = started.reason
    else server = started
  })
  after(() => server?.stop())

  const skip = (t: { skip(message: string): void }): boolean => {
    if (reason !== undefined) t.skip(`NOT RUN: ${reason}`)
    return reason !== undefined
  }
  const io = () => testIo({ authorities: [server.authority] })
  const value = (username: string, own: SecretValue = {}): SecretValue => ({
    ...{ engine: 'redshift', host: 'localhost', port: server.port, dbname: 'postgres', username, password: PASSWORD },
    ...{ dbClusterIdentifier: 'warehouse', ...own },
  })
  const master = () => value('postgres', { password: server.password })
  const may = async (user: string, what: string, database?: string) =>
    (await server.sql(`SELECT ${what.replace('USER', `'${user}'`)} AS may`, database))[0]!.may

  test('single: the digest is of the user, and every character is allowed', async (t) => {
    if (skip(t)) return
    await server.sql(`SET password_encryption = 'md5'; CREATE USER "O'Neil ""x""" PASSWORD '${PASSWORD}'`)
    const current = value(`O'Neil "x"`)
    const { pending } = await rotate(single(engine), { current }, io())
    assert.equal(pending.dbClusterIdentifier, 'warehouse')
    await assert.rejects(
      single(engine).test({ current, pending: current, versionId: 'v', options: {}, resumed: false }, io()),
      refused('authentication'),
    )
    const odd = { ...pending, password: `"'\\%$ é💥` }
    const run = { current: pending, pending: odd, versionId: 'v', options: {}, resumed: false }
    await single(engine).set(run, io())
    await single(engine).test(run, io())
    assert.ok(!server.log().includes(String(pending.password)))
    const findings = await single(engine).dryRun({ ...run, current: odd }, io())
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok', 'ok', 'ok'],
    )
  })

  test('alternating: the clone may do what the user may, in every database, and what either makes the other can use', async (t) => {
    if (skip(t)) return
    await server.sql('CREATE DATABASE sales')
    await server.sql(`SET password_encryption = 'md5'; CREATE USER app PASSWORD '${PASSWORD}' CREATEDB CONNECTION LIMIT 7;
      CREATE USER etl; CREATE GROUP readers; ALTER GROUP readers ADD USER app; CREATE SCHEMA s; GRANT USAGE, CREATE ON SCHEMA s TO app;
      CREATE TABLE s."Odd ""t" (a int, b int); GRANT SELECT, UPDATE ON s."Odd ""t" TO app; CREATE TABLE s.g (a int); GRANT SELECT ON s.g TO GROUP readers;
      CREATE TABLE s.c (a int, b int); GRANT SELECT (b) ON s.c TO app;
      CREATE FUNCTION s.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION s.f FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION s.f(int, text) TO app;
      GRANT USAGE, CREATE ON SCHEMA s TO etl; ALTER DEFAULT PRIVILEGES FOR USER etl IN SCHEMA s GRANT SELECT ON TABLES TO app;
      SET ROLE app; CREATE TABLE s.made_by_app (a int)`)
    await server.sql('CREATE TABLE public.orders (a int); GRANT INSERT ON public.orders TO app', 'sales')
    const first = await rotate(
      alternating(engine),
      { current: value('app', { masterarn: 'm' }), master: master() },
      io(),
    )
    assert.deepEqual(
      [first.pending.username, first.findings],
      ['app_clone', [{ level: 'ok', message: 'The previous credential still works.' }]],
    )
    const expected = [
      ['has_table_privilege(USER, \'s."Odd ""t"\', \'SELECT\')', true],
      ['has_table_privilege(USER, \'s."Odd ""t"\', \'DELETE\')', false],
      ["has_table_privilege(USER, 's.g', 'SELECT')", true],
      ["has_table_privilege(USER, 's.made_by_app', 'TRUNCATE')", true],
      ["has_table_privilege(USER, 's.c', 'SELECT')", false],
      ["has_column_privilege(USER, 's.c', 'b', 'SELECT')", true],
      ["has_function_privilege(USER, 's.f(int, text)', 'EXECUTE')", true],
      ["has_schema_privilege(USER, 's', 'CREATE')", true],
    ] as const
    for (const user of ['app', 'app_clone'])
      for (const [what, is] of expected) assert.equal(await may(user, what), is, what)
    assert.equal(await may('app_clone', "has_table_privilege(USER, 'orders', 'INSERT')", 'sales'), true)
    const attributes =
      "SELECT usecreatedb, (SELECT useconnlimit FROM svl_user_info AS i WHERE i.usesysid = u.usesysid) FROM pg_user AS u WHERE usename = 'app_clone'"
    assert.deepEqual(await server.sql(attributes), [{ usecreatedb: true, useconnlimit: '7' }])

    // In its turn the clone makes something, others make something that it is given by default, and the user loses a right.
    await server.sql(`SET ROLE app_clone; CREATE TABLE s.made_by_clone (a int); SET ROLE etl; CREATE TABLE s.made_by_etl (a int); RESET ROLE;
      REVOKE UPDATE ON s."Odd ""t" FROM app; CREATE GROUP writers; ALTER GROUP writers ADD USER app; ALTER GROUP readers DROP USER app`)
    assert.equal(await may('app', "has_table_privilege(USER, 's.made_by_clone', 'SELECT')"), true)
    assert.equal(await may('app_clone', "has_table_privilege(USER, 's.made_by_etl', 'SELECT')"), true)
    const current = first.pending
    const second = await rotate(alternating(engine), { current, previous: value('app'), master: master() }, io())
    assert.equal(second.pending.username, 'app')
    const third = await rotate(
      alternating(engine),
      { current: second.pending, previous: current, master: master() },
      io(),
    )
    assert.equal(third.pending.username, 'app_clone')
    assert.equal(await may('app_clone', 'has_table_privilege(USER, \'s."Odd ""t"\', \'UPDATE\')'), false)
    assert.equal(await may('app_clone', "has_table_privilege(USER, 's.g', 'SELECT')"), false)
    assert.equal(await may('app_clone', "pg_has_role(USER, 'writers', 'MEMBER')"), true)
  })

  test('alternating: a master that is no superuser, and a user that merely has the name, are refused before anything is changed', async (t) => {
    if (skip(t)) return
    await server.sql(`SET password_encryption = 'md5'; CREATE USER web PASSWORD '${PASSWORD}'; CREATE USER web_clone PASSWORD 'of somebody else';
      CREATE USER helper PASSWORD '${PASSWORD}' CREATEROLE`)
    const run = (own: Pick<Run, 'master'>) => ({ current: value('web', { masterarn: 'm' }), ...own })
    const before = await server.sql('SELECT rolname, rolpassword FROM pg_authid ORDER BY 1')
    await assert.rejects(
      rotate(alternating(engine), run({ master: value('helper') }), io()),
      refused('permission', /no superuser/),
    )
    await assert.rejects(
      rotate(alternating(engine), run({ master: master() }), io()),
      refused('permission', /has a user web_clone/),
    )
    assert.deepEqual(await server.sql('SELECT rolname, rolpassword FROM pg_authid ORDER BY 1'), before)
  })
})

describe('Redshift, by a double of its protocol', () => {
  let double: RedshiftDouble
  afterEach(() => double.stop())

  const USER = {
    superuser: false,
    createdb: false,
    until: null,
    connections: 'UNLIMITED',
    syslog: 'RESTRICTED',
    timeout: '0',
  }
  const start = async (fail?: (sql: string) => { state: string; message: string } | undefined) => {
    double = await startRedshiftDouble((sql) => {
      const failure = fail?.(sql)
      if (failure !== undefined) return failure
      if (sql.includes('version()')) return [{ version: 'PostgreSQL 8.0.2, Redshift 1.0.77467', me: 'awsuser' }]
      if (sql.includes('current_namespace')) return [{ id: '3fb7ad1e-ec4a-4c4c-9f4f-0f4cbb5e9a3a' }]
      const user = /WHERE u\.usename = '([^']+)'/.exec(sql)?.[1]
      if (sql.includes('svl_user_info') && user !== undefined && double.users.has(user)) {
        if (user === 'awsuser') return [{ ...USER, superuser: true }]
        return [user === 'app' ? { ...USER, syslog: 'UNRESTRICTED', timeout: '600' } : USER]
      }
      const granted = double.statements.some((statement) => statement.startsWith('GRANT ROLE'))
      if (
        sql.includes("svv_user_grants WHERE user_name = 'app'") ||
        (sql.includes("'app_clone'") && sql.includes('svv_user_grants') && granted)
      )
        return [{ name: 'sys:secadmin', admin: true }]
      return undefined
    })
    for (const user of ['app', 'awsuser']) double.users.set(user, redshiftDigest(user, PASSWORD))
  }
  const value = (own: SecretValue = {}): SecretValue => ({
    ...{ engine: 'redshift', host: '127.0.0.1', port: double.port, username: 'app', password: PASSWORD, ssl: false },
    ...own,
  })
  const changed = () => double.statements.filter((sql) => !sql.startsWith('SELECT'))

  test('single: what is sent is a digest, by which the new password opens and the old one does not', async () => {
    await start()
    const { pending } = await rotate(single(engine), { current: value() })
    assert.deepEqual(changed(), [`ALTER USER "app" PASSWORD '${redshiftDigest('app', String(pending.password))}'`])
    await assert.rejects(rotate(single(engine), { current: value() }), refused('authentication'))
  })

  test("alternating: roles, access to logs and the time limit of sessions are the clone's too", async () => {
    await start()
    const run = { current: value({ masterarn: 'm' }), master: value({ username: 'awsuser' }) }
    const { pending } = await rotate(alternating(engine), run)
    const [created, ...others] = changed()
    const digest = redshiftDigest('app_clone', String(pending.password))
    assert.equal(created, `CREATE USER "app_clone" PASSWORD '${digest}' SYSLOG ACCESS UNRESTRICTED SESSION TIMEOUT 600`)
    assert.deepEqual(others, [
      'GRANT ROLE "sys:secadmin" TO "app_clone" WITH ADMIN OPTION',
      ...['TABLES', 'FUNCTIONS'].map(
        (kind) => `ALTER DEFAULT PRIVILEGES FOR USER "app" GRANT ALL ON ${kind} TO "app_clone"`,
      ),
      ...['TABLES', 'FUNCTIONS'].map(
        (kind) => `ALTER DEFAULT PRIVILEGES FOR USER "app_clone" GRANT ALL ON ${kind} TO "app"`,
      ),
    ])
  })

  test('a user who logs in by SHA-256, which no client of PostgreSQL can, is refused by name, and nothing breaks', async () => {
    await start()
    double.users.set('app', 'sha256')
    await assert.rejects(rotate(single(engine), { current: value() }), refused('permission', /SHA-256 digest/))
  })

  test('what it refuses has its kind', async () => {
    for (const [state, kind] of [
      ['42501', 'permission'],
      ['57014', 'unreachable'],
      ['XX000', 'other'],
    ] as const) {
      await start((sql) => (sql.startsWith('ALTER USER') ? { state, message: 'refused' } : undefined))
      await assert.rejects(rotate(single(engine), { current: value() }), refused(kind))
      double.stop()
    }
    await start()
    await assert.rejects(rotate(single(engine), { current: value({ ssl: true }) }), refused('tls', /offers no TLS/))
  })

  test('it is known by its namespace', async () => {
    await start()
    const login = {
      ...{ host: '127.0.0.1', port: double.port, username: 'app', password: PASSWORD },
      tls: false,
      value: {},
    }
    const connection = await engine.connect(login, testIo())
    assert.equal(await engine.serverId(connection), '3fb7ad1e-ec4a-4c4c-9f4f-0f4cbb5e9a3a')
    await engine.close(connection)
  })
})
