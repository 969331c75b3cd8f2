// No SQL Server can be had: the real driver speaks with a double of its protocol, which keeps passwords; of the rest it keeps what it was told, and answers
// with what the manual says.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { single } from '../strategies/single.ts'
import { makeCertificate, type TestCertificate } from '../testing/certificates.ts'
import { testIo } from '../testing/io.ts'
import { refusal } from '../testing/refusals.ts'
import { startBlackHole } from '../testing/server.ts'
import { type SqlserverDouble, startSqlserverDouble } from '../testing/sqlserver-double.ts'
import { sqlserver as engine } from './sqlserver.ts'

const PASSWORD = "first'password-of-a-user"

let double: SqlserverDouble
afterEach(() => double.stop())

type Rules = {
  readonly contained?: boolean
  readonly control?: boolean
  readonly azure?: boolean
  readonly classes?: readonly string[]
  /** Whether what `app` has a right on has no name. */
  readonly nameless?: boolean
  readonly tls?: TestCertificate
  readonly fail?: (sql: string) => number | undefined
}

/** A server whose database `shop` knows `app`, as the user of a login or by itself; the clone has what it was given. */
const start = async ({
  contained = false,
  control = true,
  azure = false,
  classes = [],
  nameless = false,
  tls,
  fail,
}: Rules = {}) => {
  const said = (pattern: RegExp) => double.batches.some((batch) => pattern.test(batch))
  const is = (condition: boolean) => (condition ? 1 : 0)
  const one = (condition: boolean, ...rows: readonly { [column: string]: string | number | null }[]) =>
    condition ? rows : []
  double = await startSqlserverDouble((sql, { user, database }) => {
    const number = fail?.(sql)
    if (number !== undefined) return { number, message: `refused: ${PASSWORD}` }
    if (sql.includes("'IsHadrEnabled'"))
      return [
        {
          hadr: 1,
          updates: 'READ_WRITE',
          logins: is(user === 'root'),
          control: is(control),
          users: is(user === 'root'),
          database,
          me: user,
        },
      ]
    if (sql.includes("'ServerName'"))
      return [{ name: 'SQL1', edition: 3, guid: '0E984725-C51C-4BF4-9960-E1C80E27ABA0' }]
    if (sql.includes("'EngineEdition'")) return [{ edition: azure ? 5 : 3 }]
    const clone = sql.includes("N'app_clone'")
    const there = !clone || double.passwords.has('app_clone') || double.passwords.has('shop/app_clone')
    if (sql.includes('authentication_type_desc'))
      return one(there && (contained || said(/CREATE USER/)), {
        authentication: contained ? 'DATABASE' : 'INSTANCE',
        schema: 'dbo',
      })
    if (sql.includes('sys.sql_logins'))
      return one(there && !contained, {
        database: 'shop',
        language: 'us_english',
        policy: 1,
        expiration: 0,
        disabled: 0,
      })
    if (sql.includes('HAS_DBACCESS')) return [{ name: 'master' }, { name: 'shop' }]
    if (sql.includes('DB_NAME() AS name')) return [{ name: database }]
    if (sql.includes('class_desc')) return classes.map((name) => ({ class: name }))
    if (sql.includes('HAS_PERMS_BY_NAME(N'))
      return one(sql.includes('[shop]'), { name: 'app', schema: 'sales', control: is(control) })
    if (sql.includes('FROM [shop].sys.database_principals'))
      return one(said(/CREATE USER/), { name: 'app_clone', schema: 'sales' })
    if (sql.includes('server_role_members')) return []
    if (sql.includes('server_permissions'))
      return one(!clone || said(/GRANT VIEW ANY DATABASE/), { state: 'GRANT', what: 'VIEW ANY DATABASE', on: '' })
    if (sql.includes('database_role_members')) return one(!clone || said(/ADD MEMBER/), { name: "o'dd]role" })
    if (sql.includes('[shop].sys.database_permissions'))
      return one(
        !clone || said(/DENY DELETE/),
        {
          state: 'GRANT_WITH_GRANT_OPTION',
          what: 'SELECT ([total])',
          on: nameless ? null : ' ON OBJECT::[sales].[orders]',
        },
        { state: 'DENY', what: 'DELETE', on: ' ON SCHEMA::[sales]' },
      )
    if (sql.includes('sys.schemas')) return []
    return undefined
  }, tls && { tls })
  double.passwords.set(contained ? 'shop/app' : 'app', PASSWORD)
  double.passwords.set('root', PASSWORD)
}

const value = (own: SecretValue = {}): SecretValue => ({
  ...{
    engine: 'sqlserver',
    host: '127.0.0.1',
    port: double.port,
    username: 'app',
    password: PASSWORD,
    dbname: 'shop',
    ssl: false,
  },
  ...own,
})
const master = () => value({ username: 'root', dbname: 'master' })
const changed = () => double.batches.filter((sql) => !sql.startsWith('SELECT'))
const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, /password-of/)
const quoted = (password: unknown) => `N'${String(password).replaceAll("'", "''")}'`

async function rotate(rotator: Rotator, run: Pick<Run, 'current' | 'master' | 'previous'>, io = testIo()) {
  const whole: Run = { versionId: 'a'.repeat(36), options: {}, resumed: false, ...run }
  const all: PendingRun = { ...whole, pending: await rotator.create(whole, io) }
  await rotator.set(all, io)
  await rotator.test(all, io)
  return { pending: all.pending, findings: (await rotator.settle?.(all, io)) ?? [] }
}

describe('SQL Server, by a double', () => {
  test('single: a login says its old password, and so does the user of a contained database', async () => {
    for (const [contained, kind] of [
      [false, 'LOGIN'],
      [true, 'USER'],
    ] as const) {
      await start({ contained })
      const { pending } = await rotate(single(engine), { current: value() })
      assert.deepEqual(changed(), [
        `ALTER ${kind} [app] WITH PASSWORD = ${quoted(pending.password)} OLD_PASSWORD = N'first''password-of-a-user'`,
      ])
      await assert.rejects(rotate(single(engine), { current: value() }), refused('authentication'))
      double.stop()
    }
    await start()
  })

  test('single: where the previous password is what opens, that is the old one', async () => {
    await start()
    const pending = value({ password: 'new' })
    const run = {
      current: value({ password: 'never set' }),
      previous: value(),
      pending,
      versionId: 'v',
      options: {},
      resumed: true,
    }
    await single(engine).set(run, testIo())
    assert.equal(double.passwords.get('app'), 'new')
  })

  test('alternating: the login of the clone has settings, roles and permissions of the first, in every database', async () => {
    await start()
    const { pending, findings } = await rotate(alternating(engine), {
      current: value({ masterarn: 'm' }),
      master: master(),
    })
    assert.deepEqual(findings, [{ level: 'ok', message: 'The previous credential still works.' }])
    const inShop = (statement: string) => `EXEC [shop].sys.sp_executesql N'${statement.replaceAll("'", "''")}'`
    assert.deepEqual(changed(), [
      `CREATE LOGIN [app_clone] WITH PASSWORD = ${quoted(pending.password)}, DEFAULT_DATABASE = [shop], DEFAULT_LANGUAGE = [us_english], CHECK_EXPIRATION = OFF, CHECK_POLICY = ON`,
      'GRANT VIEW ANY DATABASE TO [app_clone]',
      inShop('CREATE USER [app_clone] FOR LOGIN [app_clone] WITH DEFAULT_SCHEMA = [sales]'),
      inShop("ALTER ROLE [o'dd]]role] ADD MEMBER [app_clone]"),
      inShop('GRANT SELECT ([total]) ON OBJECT::[sales].[orders] TO [app_clone] WITH GRANT OPTION'),
      inShop('DENY DELETE ON SCHEMA::[sales] TO [app_clone] CASCADE'),
    ])
    double.batches.length = 0
    double.batches.push('CREATE USER, GRANT VIEW ANY DATABASE, ADD MEMBER, DENY DELETE: as before')
    const current = pending
    const second = await rotate(alternating(engine), { current, previous: value(), master: master() })
    assert.deepEqual(changed().slice(1), [`ALTER LOGIN [app] WITH PASSWORD = ${quoted(second.pending.password)}`])
  })

  test('alternating: a user of a contained database gets another one there, and the server has no login for it', async () => {
    await start({ contained: true })
    const { pending } = await rotate(alternating(engine), { current: value({ masterarn: 'm' }), master: master() })
    assert.equal(
      changed()[0],
      `CREATE USER [app_clone] WITH PASSWORD = ${quoted(pending.password)}, DEFAULT_SCHEMA = [dbo]`,
    )
    assert.equal(double.passwords.get('shop/app_clone'), pending.password)
    assert.ok(!double.passwords.has('app_clone'))
  })

  test('what cannot be given, and whom nothing shows to belong, is told before anything is changed', async () => {
    const run = () => ({ current: value({ masterarn: 'm' }), master: master() })
    await start({ control: false })
    await assert.rejects(rotate(alternating(engine), run()), refused('permission', /only a master with CONTROL SERVER/))
    double.stop()
    await start({ azure: true })
    await assert.rejects(rotate(alternating(engine), run()), refused('permission', /not logins/))
    await assert.rejects(rotate(single(engine), { current: value() }), refused('permission', /leave dbname out/))
    double.stop()
    await start({ classes: ['SERVICE_CONTRACT'] })
    await assert.rejects(rotate(alternating(engine), run()), refused('permission', /cannot give on: SERVICE_CONTRACT/))
    double.stop()
    await start({ nameless: true })
    await assert.rejects(rotate(alternating(engine), run()), refused('permission', /SELECT .* cannot be named/))
    assert.deepEqual(changed(), [])
    double.stop()
    await start()
    double.passwords.set('app_clone', 'of somebody else')
    await assert.rejects(rotate(alternating(engine), run()), refused('permission', /has a user app_clone/))
    assert.deepEqual(changed(), [])
    const findings = await single(engine).dryRun(
      { current: value(), versionId: 'v', options: {}, resumed: false },
      testIo(),
    )
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok', 'ok', 'warning', 'warning', 'ok'],
    )
  })

  test('what it refuses has its kind, and nothing of the statement is told', async () => {
    for (const [number, kind] of [
      [15118, 'policy'],
      [15114, 'permission'],
      [15151, 'permission'],
      [1222, 'unreachable'],
      [102, 'other'],
    ] as const) {
      await start({ fail: (sql) => (sql.startsWith('ALTER LOGIN') ? number : undefined) })
      await assert.rejects(rotate(single(engine), { current: value() }), refused(kind))
      double.stop()
    }
    await start()
    const odd = {
      versionId: 'v',
      options: {},
      resumed: false,
      current: value(),
      pending: value({ password: 'a\\\nb' }),
    }
    await assert.rejects(single(engine).set(odd, testIo()), refused('secret', /backslash at the end of a line/))
  })

  test('TLS is verified for the name of the secret, and nothing falls back to plaintext', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-rotators-'))
    try {
      const tls = await makeCertificate(folder)
      await start({ tls })
      const io = testIo({ authorities: [tls.authority], resolve: async () => '127.0.0.1' })
      const current = value({ host: 'localhost', ssl: true })
      await rotate(single(engine), { current }, io)
      const again = { ...current, password: double.passwords.get('app') }
      await assert.rejects(rotate(single(engine), { current: again }, testIo()), refused('tls'))
      await assert.rejects(
        rotate(single(engine), { current: { ...again, host: 'db.example.com' } }, io),
        refusal('tls'),
      )
      await assert.rejects(
        rotate(single(engine), { current: { ...again, ssl: false } }, io),
        refused('tls', /insists on TLS/),
      )
      double.stop()
      await start()
      await assert.rejects(
        rotate(single(engine), { current: value({ ssl: true }) }, io),
        refused('tls', /offers no TLS/),
      )
      assert.deepEqual(changed(), [])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('who does not answer is given up in time, and at once where the rotation is ended', async (t) => {
    await start()
    const current = value({ port: await startBlackHole(t) })
    await assert.rejects(rotate(single(engine), { current }, testIo({ timeoutMs: 300 })), refused('unreachable'))
    const ending = new AbortController()
    const waiting = rotate(single(engine), { current }, testIo({ signal: ending.signal }))
    ending.abort()
    await assert.rejects(waiting, refused('unreachable', /ended/))
  })

  test('it is known by its name and the GUID of its msdb', async () => {
    await start()
    const login = {
      ...{ host: '127.0.0.1', port: double.port, username: 'app', password: PASSWORD },
      tls: false,
      value: {},
    }
    const connection = await engine.connect(login, testIo())
    assert.equal(await engine.serverId(connection), '0E984725-C51C-4BF4-9960-E1C80E27ABA0 SQL1')
    await engine.close(connection)
  })
})
