import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { loggedIn } from '../strategies/shared.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { type GivenRun, rotateAndSettle } from '../testing/load.ts'
import { startPostgresql, type TestPostgresql } from '../testing/postgresql.ts'
import { refusal } from '../testing/refusals.ts'
import { startFlood, startTalker } from '../testing/server.ts'
import { postgresql as engine } from './postgresql.ts'

const PASSWORD = 'first-password-of-a-user'
let server: TestPostgresql
let other: TestPostgresql
let plain: TestPostgresql
let reason: string | undefined

before(async () => {
  const started = await Promise.all([startPostgresql(), startPostgresql(), startPostgresql({ tls: false })])
  const missing = started.find((one) => 'reason' in one)
  if (missing !== undefined && 'reason' in missing) {
    reason = missing.reason
    return
  }
  ;[server, other, plain] = started as TestPostgresql[] as [TestPostgresql, TestPostgresql, TestPostgresql]
})
after(async () => {
  for (const one of [server, other, plain]) await one?.stop()
})

const io = (own: Parameters<typeof testIo>[0] = {}) =>
  testIo({ authorities: [server.authority, other.authority], ...own })

const value = (username: string, own: SecretValue = {}): SecretValue => ({
  engine: 'postgres',
  host: 'localhost',
  port: server.port,
  username,
  password: PASSWORD,
  ...own,
})

const login = (username: string, password = PASSWORD, own = {}) => ({
  host: 'localhost',
  port: server.port,
  username,
  password,
  tls: true,
  value: {},
  ...own,
})

const master = (): SecretValue => value('postgres', { password: server.password })

const refused = (kind: RotatorErrorKind, message?: RegExp) => (error: unknown) => {
  assert.doesNotMatch(String(error), new RegExp(PASSWORD))
  return refusal(kind, message)(error)
}

const rotate = (rotator: Rotator, run: GivenRun) => rotateAndSettle(rotator, run, io())

const makeUser = (name: string, more = '') =>
  server.sql(`CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}' ${more}; GRANT CREATE ON SCHEMA public TO ${name}`)

const skip = (t: { skip(message: string): void }): boolean => {
  if (reason !== undefined) t.skip(`NOT RUN: ${reason}`)
  return reason !== undefined
}

const as = <T>(
  username: string,
  password: string,
  work: (sql: (text: string) => Promise<readonly T[]>) => Promise<void>,
): Promise<void> =>
  loggedIn(engine, login(username, password), io(), ({ client }) =>
    work(async (text) => (await client.query(text)).rows as T[]),
  )

describe('the PostgreSQL engine', () => {
  test('TLS is verified, and there is no way round it but "ssl": false', async (t) => {
    if (skip(t)) return
    await makeUser('tls_user')
    await engine.close(await engine.connect(login('tls_user'), io()))
    await engine.close(await engine.connect(login('tls_user', PASSWORD, { host: '127.0.0.1' }), io()))
    await assert.rejects(engine.connect(login('tls_user'), testIo()), refused('tls'))
    const renamed = io({ resolve: async () => '127.0.0.1' })
    await assert.rejects(
      engine.connect(login('tls_user', PASSWORD, { host: 'db.example.com' }), renamed),
      refused('tls', /ERR_TLS_CERT_ALTNAME_INVALID/),
    )
    await plain.sql(`CREATE ROLE plain_user LOGIN PASSWORD '${PASSWORD}'`)
    const at = { port: plain.port }
    await assert.rejects(engine.connect(login('plain_user', PASSWORD, at), io()), refused('tls', /offers no TLS/))
    await engine.close(await engine.connect(login('plain_user', PASSWORD, { ...at, tls: false }), io()))
    assert.doesNotMatch(plain.log(), /user=plain_user.*SSL/)
  })

  test('what goes wrong has its kind', async (t) => {
    if (skip(t)) return
    await makeUser('kinds')
    await server.sql('CREATE ROLE kinds_nologin NOLOGIN')
    await assert.rejects(engine.connect(login('kinds', 'wrong'), io()), refused('authentication'))
    await assert.rejects(engine.connect(login('nobody there'), io()), refused('authentication'))
    await assert.rejects(
      engine.connect(login('kinds', PASSWORD, { dbname: 'gone' }), io()),
      refused('secret', /dbname/),
    )
    await assert.rejects(engine.connect(login('kinds', PASSWORD, { port: 1 }), io()), refused('unreachable'))
    const connection = await engine.connect(login('kinds'), io())
    await assert.rejects(
      engine.setPassword(connection, { username: 'postgres', password: 'x', self: false }),
      refused('permission', /42501/),
    )
    await engine.close(connection)
    await assert.rejects(engine.connect(login('kinds'), io({ signal: AbortSignal.abort() })), refused('unreachable'))
  })

  test('a server that accepts and never answers ends within the limit', async (t) => {
    if (skip(t)) return
    const hole = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await new Promise((resolve) => hole.once('listening', resolve))
    const address = hole.address() as { port: number }
    const started = performance.now()
    await assert.rejects(
      engine.connect(login('x', PASSWORD, { port: address.port }), io({ timeoutMs: 300 })),
      refused('unreachable'),
    )
    assert.ok(performance.now() - started < 20_000)
    hole.close()
  })

  test('a password is sent in clear over TLS alone', async (t) => {
    if (skip(t)) return
    const received: Buffer[] = []
    // AuthenticationCleartextPassword. https://www.postgresql.org/docs/current/protocol-message-formats.html
    const port = await startTalker(t, (socket) => {
      socket.once('data', () => socket.write(Buffer.from('520000000800000003', 'hex')))
      socket.on('data', (piece: Buffer) => received.push(piece))
    })
    const to = login('overheard', PASSWORD, { host: '127.0.0.1', port, tls: false })
    await assert.rejects(engine.connect(to, io({ timeoutMs: 5_000 })), refused('tls', /in clear/))
    assert.ok(received.length > 0)
    assert.ok(!Buffer.concat(received).includes(PASSWORD))
  })

  test('a server that sends without end is left long before the limit', async (t) => {
    if (skip(t)) return
    const notice = Buffer.concat([Buffer.from('N'), Buffer.from([0, 1, 0, 0]), Buffer.alloc(65_532, 'M')])
    const port = await startFlood(t, Buffer.alloc(0), notice)
    const started = performance.now()
    const to = login('flooded', PASSWORD, { host: '127.0.0.1', port, tls: false })
    await assert.rejects(engine.connect(to, io({ timeoutMs: 120_000 })), refused('unreachable'))
    assert.ok(performance.now() - started < 60_000)
  })

  test('a statement that waits ends within the limit', async (t) => {
    if (skip(t)) return
    await makeUser('waits')
    const connection = await engine.connect(login('waits'), io({ timeoutMs: 500 }))
    const started = performance.now()
    await assert.rejects(connection.client.query('SELECT pg_sleep(60)'))
    assert.ok(performance.now() - started < 30_000)
    await engine.close(connection)
  })

  test('every character of a password is set and logged in with, and the server logs none', async (t) => {
    if (skip(t)) return
    await makeUser('characters')
    const passwords = [
      `it's "quoted" \\ back\\\\slash \`tick\``,
      '%s %% :colon @at /slash ?query=1&b=2 #hash',
      '  spaces  ',
      '$1 $$ $tag$ ; -- comment /* */',
      'Grüße, 日本語, ﬁ ligature, \u00a0 nbsp, 🔑',
      [...Array(94)].map((_, index) => String.fromCharCode(33 + index)).join(''),
    ]
    let before = PASSWORD
    for (const password of passwords) {
      const connection = await engine.connect(login('characters', before), io())
      await engine.setPassword(connection, { username: 'characters', password, self: true })
      await engine.close(connection)
      await engine.close(await engine.connect(login('characters', password), io()))
      await assert.rejects(engine.connect(login('characters', before), io()), refused('authentication'))
      before = password
    }
    const log = server.log()
    assert.match(log, /ALTER ROLE "characters" PASSWORD\s+'SCRAM-SHA-256\$4096:/)
    for (const password of passwords) {
      for (const form of [password, password.replaceAll("'", "''"), password.replaceAll('\\', '\\\\')]) {
        assert.ok(!log.includes(form), 'a password stands in the log')
      }
    }
  })

  test('names are names, whatever stands in them', async (t) => {
    if (skip(t)) return
    await server.sql('CREATE TABLE precious (x int)')
    for (const username of [
      `o'brien"; DROP TABLE precious; --`,
      'with space',
      'Ünïcode',
      'semi;colon',
      '$1',
      'back\\slash',
    ]) {
      await server.sql(`CREATE ROLE "${username.replaceAll('"', '""')}" LOGIN PASSWORD '${PASSWORD}'`)
      const { pending, findings } = await rotate(alternating(engine), { current: value(username), master: master() })
      assert.equal(pending.username, `${username}_clone`)
      assert.deepEqual(findings, [{ level: 'ok', message: 'The previous credential still works.' }])
      const changed = await rotate(single(engine), { current: value(username) })
      await assert.rejects(engine.connect(login(username), io()), refused('authentication'))
      await engine.close(await engine.connect(login(username, String(changed.pending.password)), io()))
    }
    assert.equal((await server.sql('SELECT * FROM precious')).length, 0)
    const long = 'ü'.repeat(32)
    const connection = await engine.connect(login('postgres', server.password), io())
    await assert.rejects(
      engine.setPassword(connection, { username: long, password: 'x', self: false }),
      refused('secret', /63 bytes/),
    )
    await engine.close(connection)
  })

  test('a server is known by its own id', async (t) => {
    if (skip(t)) return
    const id = async (own: object, password: string) => {
      const connection = await engine.connect(login('postgres', password, own), io())
      const found = await engine.serverId(connection)
      await engine.close(connection)
      assert.match(found ?? '', /^[0-9]+$/)
      return found
    }
    assert.equal(await id({ host: 'localhost' }, server.password), await id({ host: '127.0.0.1' }, server.password))
    assert.notEqual(await id({}, server.password), await id({ port: other.port }, other.password))
  })

  test('an MD5-only server is refused before anything is changed', async (t) => {
    if (skip(t)) return
    await makeUser('md5_user')
    await server.sql("ALTER ROLE md5_user SET password_encryption = 'md5'")
    await assert.rejects(rotate(single(engine), { current: value('md5_user') }), refused('permission', /MD5/))
    await engine.close(await engine.connect(login('md5_user'), io()))
  })
})

describe('PostgreSQL, single user', () => {
  test('rotates without one failed login', async (t) => {
    if (skip(t)) return
    await makeUser('single_user')
    const failures = () => server.log().match(/password authentication failed for user "single_user"/g)?.length ?? 0
    const { pending } = await rotate(single(engine), {
      current: value('single_user', { note: 'kept', port: `${server.port}` }),
    })
    assert.deepEqual(Object.keys(pending), ['engine', 'host', 'port', 'username', 'password', 'note'])
    assert.equal(pending.note, 'kept')
    assert.equal(failures(), 0)
    await assert.rejects(engine.connect(login('single_user'), io()), refused('authentication'))
  })

  test('setSecret again after any interruption ends with the pending credential', async (t) => {
    if (skip(t)) return
    await makeUser('single_again')
    const rotator = single(engine)
    const run: Run = { current: value('single_again'), versionId: 'v'.repeat(36), options: {}, resumed: false }
    const pending = { ...run, pending: await rotator.create(run, io()) }
    await rotator.set({ ...pending, resumed: true }, io())
    await rotator.set({ ...pending, resumed: true }, io())
    await rotator.set(pending, io())
    await rotator.test(pending, io())
  })

  test('where the current credential is refused, the previous one is tried; where both are, that is said', async (t) => {
    if (skip(t)) return
    await makeUser('single_back')
    const current = value('single_back', { password: 'never-was-this-one' })
    await rotate(single(engine), { current, previous: value('single_back') })
    await assert.rejects(rotate(single(engine), { current, previous: value('single_back') }), refused('authentication'))
    await assert.rejects(
      rotate(single(engine), { current, previous: value('postgres', { password: server.password }) }),
      refused('authentication'),
    )
  })

  test('a pending version of another user or host is refused', async (t) => {
    if (skip(t)) return
    await makeUser('single_other')
    const run = { current: value('single_other'), versionId: 'v', options: {}, resumed: true }
    for (const wrong of [{ username: 'postgres' }, { host: '127.0.0.1' }, { port: other.port }]) {
      await assert.rejects(
        single(engine).set({ ...run, pending: value('single_other', { password: 'x'.repeat(32), ...wrong }) }, io()),
        refused('secret'),
      )
    }
  })

  test('a user whose sessions work as another role changes its own password', async (t) => {
    if (skip(t)) return
    await makeUser('works_as')
    await server.sql(
      'CREATE ROLE works_as_owner; GRANT works_as_owner TO works_as; ALTER ROLE works_as SET role TO works_as_owner',
    )
    await rotate(single(engine), { current: value('works_as') })
  })

  test('a dry run says what would be, and changes nothing', async (t) => {
    if (skip(t)) return
    await makeUser('dry', "VALID UNTIL '2099-01-01'")
    const run = { current: value('dry'), versionId: 'v', options: { passwordLength: '40' }, resumed: false }
    const findings = await single(engine).dryRun(run, io())
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok', 'ok', 'warning', 'ok'],
    )
    assert.match(findings[0]!.message, /40 characters/)
    const wrong = await single(engine).dryRun({ ...run, current: value('dry', { password: 'wrong' }) }, io())
    assert.deepEqual(wrong.at(-1)?.level, 'problem')
    await engine.close(await engine.connect(login('dry'), io()))
  })
})

describe('PostgreSQL, alternating users', () => {
  const rotator = alternating(engine)

  test('both users read and write what either made, with the same settings, for rotations on end', async (t) => {
    if (skip(t)) return
    await makeUser('app', 'CONNECTION LIMIT 7')
    await server.sql('CREATE DATABASE app_db')
    await server.sql(`CREATE SCHEMA "odd, Schema"; GRANT ALL ON SCHEMA "odd, Schema" TO app;
      ALTER ROLE app SET search_path TO "odd, Schema", "$user", public; ALTER ROLE app SET work_mem TO '7MB';
      ALTER ROLE app SET application_name TO 'it''s \\ mine'; ALTER ROLE app SET my.setting TO 'a, "b"';
      ALTER ROLE app IN DATABASE app_db SET lock_timeout TO '3s'; ALTER ROLE app SET log_statement TO 'none'`)
    let current = value('app')
    const seen: string[] = []
    for (let turn = 0; turn < 5; turn++) {
      const { pending, findings } = await rotate(rotator, { current, master: master() })
      assert.deepEqual(findings, [{ level: 'ok', message: 'The previous credential still works.' }])
      seen.push(String(pending.username))
      await as(String(pending.username), String(pending.password), async (sql) => {
        await sql(`CREATE TABLE public.made_in_turn_${turn} (x int)`)
        for (let table = 0; table <= turn; table++)
          await sql(`INSERT INTO public.made_in_turn_${table} VALUES (${turn})`)
        for (let table = 0; table <= turn; table++)
          await sql(`ALTER TABLE public.made_in_turn_${table} ADD c${turn} int`)
      })
      await as<{ relname: string }>(String(current.username), String(current.password), async (sql) => {
        for (let table = 0; table <= turn; table++) await sql(`SELECT * FROM public.made_in_turn_${table}`)
      })
      current = pending
    }
    assert.deepEqual(seen, ['app_clone', 'app', 'app_clone', 'app', 'app_clone'])
    const owners = await server.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'made_in_turn_%'")
    assert.deepEqual(owners, [{ tableowner: 'app' }])
    const settings = await server.sql(`SELECT r.rolname, r.rolconnlimit, d.datname, unnest(setconfig) AS setting
      FROM pg_db_role_setting JOIN pg_roles AS r ON r.oid = setrole LEFT JOIN pg_database AS d ON d.oid = setdatabase
      WHERE r.rolname IN ('app', 'app_clone') ORDER BY setting`)
    const of = (rolname: string) =>
      settings
        .filter((row) => row.rolname === rolname && row.setting !== 'role=app')
        .map((row) => ({ ...row, rolname: '' }))
    assert.equal(of('app').length, 6)
    assert.deepEqual(of('app_clone'), of('app'))
  })

  test('a master with CREATEROLE alone is enough where it may administer the user, and told what it lacks where not', async (t) => {
    if (skip(t)) return
    await server.sql(`CREATE ROLE keeper LOGIN CREATEROLE PASSWORD '${PASSWORD}'`)
    const [{ version }] = (await server.sql("SELECT current_setting('server_version_num')::int AS version")) as [
      { version: number },
    ]
    await makeUser('kept')
    await server.sql("ALTER ROLE kept SET log_statement TO 'none'")
    const run = { current: value('kept'), master: value('keeper') }
    if (version >= 160_000) {
      await assert.rejects(rotate(rotator, run), refused('permission', /ADMIN OPTION on kept/))
      assert.deepEqual(await server.sql("SELECT 1 FROM pg_roles WHERE rolname = 'kept_clone'"), [])
      await server.sql('GRANT kept TO keeper WITH ADMIN OPTION')
    }
    const first = await rotate(rotator, run)
    const second = await rotate(rotator, { ...run, current: first.pending })
    assert.equal(second.pending.username, 'kept')
    await server.sql('ALTER ROLE keeper NOCREATEROLE')
    await assert.rejects(
      rotate(rotator, { ...run, current: second.pending }),
      refused('permission', /needs CREATEROLE/),
    )
    const findings = await rotator.dryRun(
      { ...run, current: second.pending, versionId: 'v', options: {}, resumed: false },
      io(),
    )
    assert.match(findings.find(({ level }) => level === 'problem')?.message ?? '', /CREATEROLE/)
    assert.match(findings.find(({ level }) => level === 'warning')?.message ?? '', /log_statement of kept/)
  })

  test('whoever cannot log in with the current credential makes the master change nothing', async (t) => {
    if (skip(t)) return
    await makeUser('victim')
    const before = await server.sql("SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'victim%'")
    await assert.rejects(
      rotate(rotator, { current: value('victim', { password: 'guessed' }), master: master() }),
      refused('authentication'),
    )
    await assert.rejects(
      rotate(rotator, {
        current: value('victim'),
        master: { ...master(), port: other.port, password: other.password },
      }),
      refused('secret', /another server/),
    )
    await assert.rejects(rotate(rotator, { current: value('victim') }), refused('secret', /master/))
    assert.deepEqual(
      await server.sql("SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'victim%'"),
      before,
    )
  })

  test('a server that says that it is another one does not make that one’s master change anybody', async (t) => {
    if (skip(t)) return
    await makeUser('faked')
    await other.sql("CREATE ROLE faked LOGIN PASSWORD 'of the faker'")
    const faking = alternating({ ...engine, serverId: async () => 'the same' })
    const current = value('faked', { port: other.port, password: 'of the faker' })
    await assert.rejects(rotate(faking, { current, master: master() }), refused('authentication'))
    assert.deepEqual(await server.sql("SELECT 1 FROM pg_roles WHERE rolname = 'faked_clone'"), [])
  })

  test('a master secret with nothing but a name and a password is of the user’s server', async (t) => {
    if (skip(t)) return
    await makeUser('managed')
    await rotate(rotator, { current: value('managed'), master: { username: 'postgres', password: server.password } })
    await makeUser('by_address')
    await rotate(rotator, { current: value('by_address'), master: { ...master(), host: '127.0.0.1' } })
  })

  test('a role that was not there is made, and no other that has the name by now is changed', async (t) => {
    if (skip(t)) return
    await makeUser('early')
    await makeUser('early_clone')
    const connection = await engine.connect(login('postgres', server.password), io())
    const late = { from: 'early', to: 'early_clone', password: 'taken', options: {}, fresh: true }
    await assert.rejects(engine.clone(connection, late), refused('permission', /by now/))
    await engine.close(connection)
    await engine.close(await engine.connect(login('early_clone'), io()))
  })

  test('a role that merely has the name of the other user is left alone', async (t) => {
    if (skip(t)) return
    await makeUser('mere')
    await makeUser('boss_clone')
    await server.sql(
      `CREATE ROLE mere_clone LOGIN PASSWORD 'of somebody else'; CREATE ROLE boss LOGIN PASSWORD 'of somebody else'`,
    )
    const passwords = () =>
      server.sql("SELECT rolname, rolpassword FROM pg_authid WHERE rolname IN ('mere_clone', 'boss') ORDER BY 1")
    const before = await passwords()
    const mere = { current: value('mere'), master: master() }
    const boss = { current: value('boss_clone'), master: master() }
    const byName = refused('permission', /AWSPREVIOUS/)
    await assert.rejects(rotate(rotator, mere), byName)
    await assert.rejects(rotate(rotator, boss), byName)
    const guessed = value('mere_clone', { password: 'guessed' })
    await assert.rejects(rotate(rotator, { ...mere, previous: guessed }), byName)
    const findings = await rotator.dryRun({ ...mere, versionId: 'v', options: {}, resumed: false }, io())
    assert.match(findings.find(({ level }) => level === 'problem')?.message ?? '', /AWSPREVIOUS/)

    // Up to version 15 a role may give itself away, from 16 on only who administers it: neither shows anything.
    await as('mere', PASSWORD, async (sql) => {
      await sql('GRANT mere TO mere_clone').catch((error) => assert.equal(error.code, '42501'))
    })
    await assert.rejects(rotate(rotator, mere), byName)
    await server.sql('REVOKE mere FROM mere_clone CASCADE').catch(() => {})
    await server.sql('GRANT mere TO mere_clone; GRANT pg_read_all_data TO mere_clone')
    await assert.rejects(rotate(rotator, mere), byName)
    assert.deepEqual(await passwords(), before)

    // As AWS's templates make it.
    await server.sql('REVOKE pg_read_all_data FROM mere_clone; GRANT boss TO boss_clone')
    await rotate(rotator, mere)
    await rotate(rotator, boss)
    await server.sql("CREATE ROLE known LOGIN PASSWORD 'of mine'")
    await makeUser('known_clone')
    await rotate(rotator, {
      current: value('known_clone'),
      master: master(),
      previous: value('known', { password: 'of mine' }),
    })
  })

  test('cloning again after an interruption ends the same', async (t) => {
    if (skip(t)) return
    await makeUser('again')
    const run: Run = { current: value('again'), master: master(), versionId: 'v', options: {}, resumed: true }
    const all = { ...run, pending: await rotator.create(run, io()) }
    for (let time = 0; time < 3; time++) await rotator.set(all, io())
    await rotator.test(all, io())
  })

  test('ownerRole owns what both make', async (t) => {
    if (skip(t)) return
    await makeUser('owned')
    await server.sql('CREATE ROLE owners; GRANT CREATE ON SCHEMA public TO owners')
    const options = { ownerRole: 'owners' }
    const first = await rotate(rotator, { current: value('owned'), master: master(), options })
    const second = await rotate(rotator, { current: first.pending, master: master(), options })
    for (const [index, { pending }] of [first, second].entries()) {
      await as(String(pending.username), String(pending.password), async (sql) => {
        await sql(`CREATE TABLE public.owned_${index} (x int)`)
      })
    }
    const owners = await server.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'owned\\_%'")
    assert.deepEqual(owners, [{ tableowner: 'owners' }])
    await assert.rejects(
      rotate(rotator, { current: second.pending, master: master(), options: { ownerRole: 'gone' } }),
      refused('permission', /ownerRole/),
    )
  })

  test('a superuser is not changed by a lesser master', async (t) => {
    if (skip(t)) return
    await server.sql(`CREATE ROLE mighty LOGIN SUPERUSER PASSWORD '${PASSWORD}';
      CREATE ROLE lesser LOGIN CREATEROLE PASSWORD '${PASSWORD}'`)
    await assert.rejects(
      rotate(rotator, { current: value('mighty'), master: value('lesser') }),
      refused('permission', /superuser/),
    )
  })
})
