import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { dual } from '../strategies/dual.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { type GivenRun, rotateAndSettle } from '../testing/load.ts'
import { startMariadb, type TestMariadb } from '../testing/mariadb.ts'
import { refusal } from '../testing/refusals.ts'
import { mariadb as engine } from './mariadb.ts'
import { mysql } from './mysql.ts'

const PASSWORD = 'first-password-of-a-user'
let server: TestMariadb
let other: TestMariadb
let plain: TestMariadb
let reason: string | undefined

before(async () => {
  // One after the other: what has started is stopped where the next does not.
  const started = []
  for (const options of [{}, { names: ['DNS:localhost'] }, { tls: false }]) {
    const one = await startMariadb(options)
    started.push(one)
    if ('reason' in one) break
    ;[server, other, plain] = started as TestMariadb[] as [TestMariadb, TestMariadb, TestMariadb]
  }
  const missing = started.find((one) => 'reason' in one)
  if (missing !== undefined && 'reason' in missing) {
    reason = missing.reason
  }
})
after(async () => {
  for (const one of [server, other, plain]) await one?.stop()
})

const io = (own: Parameters<typeof testIo>[0] = {}) =>
  testIo({ authorities: [server.authority, other.authority], ...own })

const value = (username: string, own: SecretValue = {}): SecretValue => ({
  engine: 'mariadb',
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

const master = (): SecretValue => value('root', { password: server.password })

const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, new RegExp(PASSWORD))

/** The four steps, and settle. */
function rotate(rotator: Rotator, run: GivenRun) {
  const current = run.master ? { masterarn: 'm', ...run.current } : run.current
  rotator.check(current, run.options ?? {})
  return rotateAndSettle(rotator, { ...run, current }, io())
}

const STILL = [{ level: 'ok', message: 'The previous credential still works.' }]

const quoted = (user: string, host = '%') => `\`${user.replaceAll('`', '``')}\`@\`${host}\``

const makeUser = (user: string, more = '', host = '%') =>
  server.sql(`CREATE USER ${quoted(user, host)} IDENTIFIED BY '${PASSWORD}' ${more}`)

const works = async (user: string, password: unknown, own = {}): Promise<boolean> => {
  try {
    await engine.close(await engine.connect(login(user, String(password), own), io()))
    return true
  } catch (error) {
    refused('authentication')(error)
    return false
  }
}

const definition = async (account: string) =>
  String(Object.values((await server.sql(`SHOW CREATE USER ${account}`))[0]!)[0])

const grants = async (account: string) =>
  (await server.sql(`SHOW GRANTS FOR ${account}`)).map((row) => String(Object.values(row)[0]))

/** Lines of both users without what they are to differ in: the name and the password. */
const alike = (lines: readonly string[], account: string) =>
  lines
    .map((line) => line.replaceAll(account, 'ACCOUNT').replace(/IDENTIFIED BY PASSWORD '[^']*'/, 'PW'))
    // The server tells rights in the order of its own tables.
    .map((line) =>
      line
        .split(/[ ,()]+/)
        .sort()
        .join(' '),
    )
    .sort()

const skip = (t: { skip(message: string): void }): boolean => {
  if (reason !== undefined) t.skip(`NOT RUN: ${reason}`)
  return reason !== undefined
}

describe('the MariaDB engine', () => {
  test('TLS is verified, and there is no way round it but "ssl": false', async (t) => {
    if (skip(t)) return
    await makeUser('tls_user', 'REQUIRE SSL')
    for (const host of ['localhost', '127.0.0.1']) assert.ok(await works('tls_user', PASSWORD, { host }))
    await assert.rejects(engine.connect(login('tls_user'), testIo()), refused('tls'))
    const renamed = io({ resolve: async () => '127.0.0.1' })
    const named = (host: string, port = server.port) =>
      engine.connect(login('tls_user', PASSWORD, { host, port }), renamed)
    await assert.rejects(named('db.example.com'), refused('tls', /does not match certificate/))
    await assert.rejects(named('10.0.0.1'), refused('tls', /does not match certificate/))
    await assert.rejects(named('127.0.0.1', other.port), refused('tls', /does not match certificate/))

    await plain.sql(`CREATE USER plain_user IDENTIFIED BY '${PASSWORD}'`)
    const at = { port: plain.port }
    await assert.rejects(engine.connect(login('plain_user', PASSWORD, at), io()), refused('tls', /offers no TLS/))
    assert.doesNotMatch(plain.log(), /plain_user@127/)
    assert.ok(await works('plain_user', PASSWORD, { ...at, tls: false }))
  })

  test('what goes wrong has its kind', async (t) => {
    if (skip(t)) return
    await makeUser('kinds')
    await makeUser('kinds_locked', 'ACCOUNT LOCK')
    await makeUser('kinds_expired', 'PASSWORD EXPIRE')
    await server.sql(
      `INSTALL SONAME 'auth_ed25519'; CREATE USER kinds_ed IDENTIFIED VIA ed25519 USING PASSWORD('${PASSWORD}')`,
    )
    const fails = (own: object, kind: RotatorErrorKind, message?: RegExp, ownIo = io()) =>
      assert.rejects(engine.connect({ ...login('kinds'), ...own }, ownIo), refused(kind, message))
    await fails({ password: 'wrong' }, 'authentication')
    await fails({ username: 'nobody there' }, 'authentication')
    await fails({ dbname: 'gone' }, 'permission')
    await fails({ username: 'root', password: server.password, dbname: 'gone' }, 'secret', /dbname/)
    await fails({ port: 1 }, 'unreachable')
    await fails({ username: 'kinds_locked' }, 'permission', /locked/)
    await fails({ username: 'kinds_expired' }, 'permission', /expired/)
    await fails({ username: 'kinds_ed' }, 'permission', /client_ed25519, which this rotator does not speak/)
    await fails({}, 'unreachable', /ABORT/, io({ signal: AbortSignal.abort() }))
    const connection = await engine.connect(login('kinds'), io())
    await assert.rejects(
      engine.setPassword(connection, { username: 'root', password: 'x', self: false }),
      refused('permission'),
    )
    await engine.close(connection)
    await engine.close(connection)
  })

  test('what never answers ends within the limit', async (t) => {
    if (skip(t)) return
    const hole = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
    await new Promise((resolve) => hole.once('listening', resolve))
    const { port } = hole.address() as { port: number }
    let started = performance.now()
    await assert.rejects(engine.connect(login('x', PASSWORD, { port }), io({ timeoutMs: 300 })), refused('unreachable'))
    assert.ok(performance.now() - started < 8_000)
    hole.close()

    await makeUser('waits')
    const abort = new AbortController()
    for (const own of [{ timeoutMs: 500 }, { signal: abort.signal }]) {
      const connection = await engine.connect(login('waits'), io(own))
      const lock = server.sql('FLUSH TABLES WITH READ LOCK; SELECT SLEEP(5); UNLOCK TABLES')
      const sleeping = "SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep'"
      while ((await server.sql(sleeping)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      started = performance.now()
      if ('signal' in own) setTimeout(() => abort.abort(), 300)
      await assert.rejects(
        engine.setPassword(connection, { username: 'waits', password: 'never-set-at-all', self: true }),
        refused('unreachable'),
      )
      assert.ok(performance.now() - started < 4_500)
      await engine.close(connection)
      await lock
    }
  })

  test('every character of a password is set and logged in with, and the server logs none', async (t) => {
    if (skip(t)) return
    await makeUser('characters')
    const passwords = [
      `it's "quoted" \\ back\\\\slash \`tick\``,
      '%s %% :colon @at /slash ?query=1&b=2 #hash',
      '  spaces  ',
      '$1 $$ ; -- comment /* */',
      'Grüße, 日本語, \u00a0 nbsp, 🔑',
      [...Array(94)].map((_, index) => String.fromCharCode(33 + index)).join(''),
    ]
    let before = PASSWORD
    for (const password of passwords) {
      const connection = await engine.connect(login('characters', before), io())
      await engine.setPassword(connection, { username: 'characters', password, self: true })
      await engine.close(connection)
      assert.ok(await works('characters', password))
      assert.ok(!(await works('characters', before)))
      before = password
    }
    const log = server.log()
    assert.match(log, /SET PASSWORD = '\*[0-9A-F]{40}'/)
    for (const password of passwords) {
      for (const form of [password, password.replaceAll("'", "\\'"), password.replaceAll('\\', '\\\\')]) {
        assert.ok(!log.includes(form), 'a password stands in the log')
      }
    }
  })

  test('names are names, whatever stands in them', async (t) => {
    if (skip(t)) return
    await server.sql('CREATE DATABASE precious')
    const names = [
      `o'b"r\`n; DROP DATABASE precious; --`,
      'with space',
      'Ünïcode',
      '` TO root',
      '%',
      '\\',
      "a'@'b",
      'a.b',
    ]
    for (const username of names) {
      await makeUser(username)
      await server.sql(`GRANT SELECT ON precious.* TO ${quoted(username)} WITH GRANT OPTION`)
      assert.ok(await works(username, PASSWORD), username)
      const first = await rotate(alternating(engine), { current: value(username), master: master() })
      assert.equal(first.pending.username, `${username}_clone`)
      assert.deepEqual(first.findings, STILL)
      assert.deepEqual(
        alike(await grants(quoted(`${username}_clone`)), quoted(`${username}_clone`)),
        alike(await grants(quoted(username)), quoted(username)),
      )
      const both = await rotate(dual(engine), { current: value(username, { masterarn: 'm' }), master: master() })
      assert.deepEqual(both.findings, STILL)
      const changed = await rotate(single(engine), { current: both.pending })
      assert.ok(await works(username, changed.pending.password))
    }
    assert.equal((await server.sql("SHOW DATABASES LIKE 'precious'")).length, 1)
  })

  test('a server is known by its own id', async (t) => {
    if (skip(t)) return
    const id = async (own: object, password: string) => {
      const connection = await engine.connect(login('root', password, own), io())
      const found = await engine.serverId(connection)
      await engine.close(connection)
      assert.match(found ?? '', /^[A-Za-z0-9+/]{27}=$/)
      return found
    }
    assert.equal(await id({ host: 'localhost' }, server.password), await id({ host: '127.0.0.1' }, server.password))
    assert.notEqual(await id({}, server.password), await id({ port: other.port }, other.password))
  })

  test('settings of the server do not lead a statement astray', async (t) => {
    if (skip(t)) return
    await makeUser(`o\\'astray`)
    await server.sql("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', GLOBAL sql_quote_show_create = 0")
    try {
      const { findings } = await rotate(alternating(engine), { current: value(`o\\'astray`), master: master() })
      assert.deepEqual(findings, STILL)
      await rotate(single(engine), { current: value(`o\\'astray`) })
    } finally {
      await server.sql('SET GLOBAL sql_mode = DEFAULT, GLOBAL sql_quote_show_create = DEFAULT')
    }
  })

  test('a replica, and a login that the server takes for another account, are found before anything is changed', async (t) => {
    if (skip(t)) return
    await makeUser('found')
    await server.sql('SET GLOBAL read_only = 1')
    try {
      await assert.rejects(rotate(single(engine), { current: value('found') }), refused('permission', /read-only/))
    } finally {
      await server.sql('SET GLOBAL read_only = 0')
    }
    await server.sql(`CREATE USER ''@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`)
    await assert.rejects(rotate(single(engine), { current: value('found') }), refused('permission', /another account/))
    await server.sql("DROP USER ''@'127.0.0.1'")
    assert.ok(await works('found', PASSWORD))
  })
})

describe('MariaDB, single user', () => {
  test('the password alone changes, without a right and without one failed login', async (t) => {
    if (skip(t)) return
    await makeUser('single_user', 'REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 500 PASSWORD EXPIRE INTERVAL 90 DAY')
    const before = await definition('single_user')
    const { pending } = await rotate(single(engine), { current: value('single_user', { note: 'kept' }) })
    assert.deepEqual({ ...pending, password: '' }, { ...value('single_user', { note: 'kept' }), password: '' })
    const log = server.log()
    assert.equal(log.match(/Access denied for user 'single_user'/g)?.length ?? 0, 0)
    assert.ok(!log.includes(String(pending.password)))
    assert.ok(!(await works('single_user', PASSWORD)))
    const hash = /'\*[0-9A-F]{40}'/
    assert.equal((await definition('single_user')).replace(hash, ''), before.replace(hash, ''))
  })

  test('setSecret again after any interruption ends with the pending credential', async (t) => {
    if (skip(t)) return
    await makeUser('single_again')
    const run: Run = { current: value('single_again'), versionId: 'v'.repeat(36), options: {}, resumed: false }
    const all = { ...run, pending: await single(engine).create(run, io()) }
    for (const resumed of [true, true, false]) await single(engine).set({ ...all, resumed }, io())
    await single(engine).test(all, io())
  })

  test('a plugin that judges passwords is served, and its refusal is of the password', async (t) => {
    if (skip(t)) return
    await makeUser('judged')
    await server.sql("INSTALL SONAME 'simple_password_check'")
    try {
      const options = { passwordLength: '32' }
      const run = { current: value('judged'), versionId: 'v', options, resumed: false }
      const findings = await single(engine).dryRun(run, io())
      assert.match(findings.find(({ level }) => level === 'warning')!.message, /simple_password_check judges passwords/)
      const { pending } = await rotate(single(engine), { current: value('judged') })
      const both = await rotate(dual(engine), { current: { ...pending, masterarn: 'm' }, master: master() })
      assert.deepEqual(both.findings, STILL)
      for (const [self, who, password] of [
        [true, 'judged', String(both.pending.password)],
        [false, 'root', server.password],
      ] as const) {
        const connection = await engine.connect(login(who, password), io())
        const change = { username: 'judged', password: 'nothing-but-small-letters', self }
        await assert.rejects(engine.setPassword(connection, change), refused('policy', /refuses the new password/))
        await engine.close(connection)
      }
      assert.ok(await works('judged', both.pending.password))
      await server.sql("INSTALL SONAME 'password_reuse_check'")
      await assert.rejects(
        rotate(dual(engine), { current: { ...both.pending, masterarn: 'm' }, master: master() }),
        refused('permission', /password_reuse_check/),
      )
      await server.sql("UNINSTALL SONAME 'password_reuse_check'")
    } finally {
      await server.sql("UNINSTALL SONAME 'simple_password_check'")
    }
  })
})

describe('MariaDB, one user with two passwords', () => {
  const rotator = dual(engine)

  test('the current password stays beside the new one, and the one before goes', async (t) => {
    if (skip(t)) return
    await makeUser('twice', 'REQUIRE SSL WITH MAX_USER_CONNECTIONS 9')
    await makeUser('twice', '', '10.9.8.7')
    await server.sql(`CREATE USER twice@'10.9.8.6' IDENTIFIED BY 'of its own'; CREATE DATABASE IF NOT EXISTS app;
      GRANT SELECT ON app.* TO twice`)
    const [elsewhere, rights] = [await definition("twice@'10.9.8.6'"), await grants('twice')]
    const passwords: unknown[] = [PASSWORD]
    let current = value('twice', { masterarn: 'm' })
    for (let turn = 0; turn < 4; turn++) {
      const { pending, findings } = await rotate(rotator, { current, master: master() })
      assert.deepEqual(findings, STILL)
      passwords.push(pending.password)
      current = pending
      for (const [index, password] of passwords.entries()) {
        assert.equal(await works('twice', password), index >= passwords.length - 2, `${index} in turn ${turn}`)
      }
    }
    const made = await definition('twice')
    assert.match(
      made,
      /VIA mysql_native_password USING .* OR mysql_native_password .* REQUIRE SSL WITH MAX_USER_CONNECTIONS 9$/,
    )
    assert.equal(
      made.split(' ').slice(3, 9).join(' '),
      (await definition("twice@'10.9.8.7'")).split(' ').slice(3, 9).join(' '),
    )
    assert.equal(await definition("twice@'10.9.8.6'"), elsewhere)
    assert.equal(rights.at(-1), (await grants('twice')).at(-1))
    for (const password of passwords.slice(1)) assert.ok(!server.log().includes(String(password)))
  })

  test('a user that may not change users is told so; one that may needs no master', async (t) => {
    if (skip(t)) return
    await makeUser('alone')
    await assert.rejects(
      rotate(rotator, { current: value('alone') }),
      refused('permission', /GRANT CREATE USER ON \*\.\* TO `alone`@`%`, or a master secret/),
    )
    assert.ok(await works('alone', PASSWORD))
    await server.sql('GRANT CREATE USER ON *.* TO alone')
    assert.deepEqual((await rotate(rotator, { current: value('alone') })).findings, STILL)
  })

  test('setSecret again after an interruption leaves both', async (t) => {
    if (skip(t)) return
    await makeUser('dual_again')
    const run: Run = {
      ...{ current: value('dual_again', { masterarn: 'm' }), master: master() },
      ...{ versionId: 'v', options: {}, resumed: true },
    }
    const all = { ...run, pending: await rotator.create(run, io()) }
    for (let time = 0; time < 3; time++) await rotator.set(all, io())
    await rotator.test(all, io())
    assert.ok(await works('dual_again', PASSWORD))
  })
})

describe('MariaDB, alternating users', () => {
  const rotator = alternating(engine)

  test('the clone is made like the first user, is brought up to date, and loses what that one lost', async (t) => {
    if (skip(t)) return
    const rights = `REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5000 MAX_USER_CONNECTIONS 20 PASSWORD EXPIRE INTERVAL 30 DAY`
    await makeUser('app', rights)
    await makeUser('app', '', '10.1.%')
    await server.sql(`CREATE DATABASE IF NOT EXISTS app; CREATE DATABASE \`we\`\`ird TO app\`; CREATE ROLE reader; CREATE ROLE \`r 2\`;
      GRANT reader TO root@'127.0.0.1' WITH ADMIN OPTION; GRANT \`r 2\` TO root@'127.0.0.1' WITH ADMIN OPTION;
      GRANT PROXY ON ''@'%' TO root@'127.0.0.1' WITH GRANT OPTION; CREATE TABLE app.t (a int, \`b, (c\` int); CREATE PROCEDURE app.p() SELECT 1;
      CREATE FUNCTION app.f() RETURNS int RETURN 1;
      GRANT reader TO app WITH ADMIN OPTION; GRANT \`r 2\` TO app; SET DEFAULT ROLE reader FOR app;
      GRANT PROCESS, RELOAD ON *.* TO app; GRANT ALL ON \`app\\_%\`.* TO app; GRANT SELECT, INSERT ON app.* TO app WITH GRANT OPTION;
      GRANT SELECT (a, \`b, (c\`), UPDATE (a), REFERENCES ON app.t TO app; GRANT EXECUTE ON PROCEDURE app.p TO app;
      GRANT EXECUTE, ALTER ROUTINE ON FUNCTION app.f TO app WITH GRANT OPTION; GRANT DELETE ON \`we\`\`ird TO app\`.* TO app;
      GRANT PROXY ON root@localhost TO app; GRANT SELECT ON app.t TO app@'10.1.%'`)
    const mustBeAlike = async () => {
      for (const host of ['%', '10.1.%']) {
        const [one, two] = [quoted('app', host), quoted('app_clone', host)]
        assert.deepEqual(alike(await grants(two), two), alike(await grants(one), one))
        assert.deepEqual(alike([await definition(two)], two), alike([await definition(one)], one))
      }
    }
    const first = await rotate(rotator, { current: value('app'), master: master() })
    assert.deepEqual(first.findings, STILL)
    await mustBeAlike()
    assert.equal((await grants('app_clone')).length, (await grants('app')).length)
    assert.equal((await grants('app')).length, 11)

    const [same] = await server.sql(
      "SELECT authentication_string AS hash FROM mysql.user WHERE User = 'app_clone' AND Host = '%'",
    )
    await server.sql(`REVOKE INSERT, GRANT OPTION ON app.* FROM app; GRANT UPDATE ON app.* TO app;
      REVOKE SELECT (a) ON app.t FROM app; REVOKE EXECUTE, ALTER ROUTINE ON FUNCTION app.f FROM app;
      REVOKE ADMIN OPTION FOR reader FROM app; REVOKE \`r 2\` FROM app; SET DEFAULT ROLE NONE FOR app;
      REVOKE ALL ON \`app\\_%\`.* FROM app; GRANT SELECT ON \`app\\_%\`.* TO app; REVOKE PROXY ON root@localhost FROM app;
      GRANT ALL ON app.t TO app@'10.1.%'; ALTER USER app REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 PASSWORD EXPIRE NEVER;
      REVOKE PROCESS ON *.* FROM app; GRANT DROP ON app.t TO app_clone; CREATE USER app_clone@'10.2.%' IDENTIFIED BY PASSWORD '${same?.hash}'`)
    const second = await rotate(rotator, { current: first.pending, previous: value('app'), master: master() })
    assert.equal(second.pending.username, 'app')
    assert.ok(!(await works('app', PASSWORD)))
    const third = await rotate(rotator, { current: second.pending, previous: first.pending, master: master() })
    assert.deepEqual([second.findings, third.findings], [STILL, STILL])
    await mustBeAlike()
    assert.match(await definition("app_clone@'10.2.%'"), /ACCOUNT LOCK/)
    for (const { pending } of [first, second, third]) assert.ok(!server.log().includes(String(pending.password)))
    assert.equal(server.log().match(/Access denied for user 'app_clone'/g)?.length ?? 0, 0)
  })

  test('an account that merely has the name of the other user is left alone', async (t) => {
    if (skip(t)) return
    await makeUser('mere')
    await server.sql("CREATE USER mere_clone IDENTIFIED BY 'of somebody else'")
    await makeUser('boss_clone')
    await server.sql("CREATE USER boss IDENTIFIED BY 'of somebody else'")
    for (const [mine, theirs] of [
      ['mere', 'mere_clone'],
      ['boss_clone', 'boss'],
    ] as const) {
      const run = { current: value(mine), master: master() }
      await assert.rejects(rotate(rotator, run), refused('permission', new RegExp(`has a user ${theirs},`)))
      const guessed = { ...run, previous: value(theirs, { password: 'guessed' }) }
      await assert.rejects(rotate(rotator, guessed), refused('permission', /AWSPREVIOUS/))
      const findings = await rotator.dryRun({ ...run, versionId: 'v', options: {}, resumed: false }, io())
      assert.match(findings.find(({ level }) => level === 'problem')?.message ?? '', /AWSPREVIOUS/)
      assert.ok(await works(theirs, 'of somebody else'))
      const known = { ...run, previous: value(theirs, { password: 'of somebody else' }) }
      assert.deepEqual((await rotate(rotator, known)).findings, STILL)
    }
  })

  test('accounts of one name that different passwords open are not cloned for who knows one of them', async (t) => {
    if (skip(t)) return
    await makeUser('shared')
    await server.sql(
      "CREATE USER shared@'10.1.%' IDENTIFIED BY 'of somebody else'; GRANT SELECT ON *.* TO shared@'10.1.%'",
    )
    const run = { current: value('shared'), master: master() }
    await assert.rejects(rotate(rotator, run), refused('permission', /different passwords/))
    assert.equal((await server.sql("SELECT 1 FROM mysql.user WHERE User = 'shared_clone'")).length, 0)
    await server.sql(`ALTER USER shared@'10.1.%' IDENTIFIED BY '${PASSWORD}'`)
    assert.deepEqual((await rotate(rotator, run)).findings, STILL)
  })

  test('where the other user has an account that nothing of the secret opens, none of them is changed', async (t) => {
    if (skip(t)) return
    await makeUser('partly')
    const first = await rotate(rotator, { current: value('partly'), master: master() })
    await server.sql(
      `CREATE USER partly@'10.1.%' IDENTIFIED BY '${PASSWORD}';
        CREATE USER partly_clone@'10.1.%' IDENTIFIED BY 'of somebody else'; CREATE USER partly_clone@'10.2.%' ACCOUNT LOCK`,
    )
    const accounts = () =>
      server.sql("SELECT Host, authentication_string FROM mysql.user WHERE User = 'partly_clone' ORDER BY Host")
    const before = await accounts()
    const run = { current: value('partly'), previous: first.pending, master: master() }
    await assert.rejects(rotate(rotator, run), refused('permission', /opens every account of it/))
    assert.deepEqual(await accounts(), before)
    await server.sql(`ALTER USER partly_clone@'10.1.%' IDENTIFIED BY '${first.pending.password}'`)
    assert.deepEqual((await rotate(rotator, run)).findings, STILL)
  })

  test('a user who was not there is made, and no other who has the name by now is changed', async (t) => {
    if (skip(t)) return
    await makeUser('early')
    await server.sql("CREATE USER early_clone IDENTIFIED BY 'of somebody else'")
    const root = await engine.connect(login('root', server.password), io())
    const late = { from: 'early', to: 'early_clone', password: 'taken', options: {}, fresh: true }
    await assert.rejects(engine.clone(root, late), refused('permission', /by now/))
    await engine.close(root)
    assert.ok(await works('early_clone', 'of somebody else'))
  })

  test('what a master lacks is found before anything is changed, and the statement that gives it is named', async (t) => {
    if (skip(t)) return
    await makeUser('needs')
    await makeUser('lesser')
    await server.sql(`CREATE ROLE needed; GRANT needed TO needs; SET DEFAULT ROLE needed FOR needs;
      CREATE DATABASE IF NOT EXISTS app; GRANT SELECT, DELETE ON app.* TO needs; GRANT PROXY ON ''@'%' TO needs`)
    const said: string[] = []
    for (;;) {
      const run = { current: value('needs'), master: value('lesser'), versionId: 'v', options: {}, resumed: false }
      const problems = (await rotator.dryRun(run, io())).filter(({ level }) => level === 'problem')
      if (problems.length === 0) break
      await assert.rejects(rotate(rotator, run), refused('permission'))
      assert.equal((await server.sql("SELECT 1 FROM mysql.user WHERE User = 'needs_clone'")).length, 0)
      const statement = /GRANT .*[^.]/.exec(problems[0]!.message)![0]
      assert.ok(!said.includes(statement), statement)
      said.push(statement)
      await server.sql(statement)
    }
    assert.deepEqual(said, [
      'GRANT CREATE USER ON *.* TO `lesser`@`%`',
      'GRANT SELECT ON mysql.* TO `lesser`@`%`',
      'GRANT `needed` TO `lesser`@`%` WITH ADMIN OPTION',
      'GRANT SELECT ON `app`.* TO `lesser`@`%` WITH GRANT OPTION',
      'GRANT DELETE ON `app`.* TO `lesser`@`%` WITH GRANT OPTION',
      'GRANT PROXY ON ``@`%` TO `lesser`@`%` WITH GRANT OPTION',
      'GRANT UPDATE ON mysql.* TO `lesser`@`%`',
    ])
    const { findings } = await rotate(rotator, { current: value('needs'), master: value('lesser') })
    assert.deepEqual(findings, STILL)
    assert.ok((await grants('needs_clone')).includes('SET DEFAULT ROLE `needed` FOR `needs_clone`@`%`'))
  })

  test('the master of another server changes nobody', async (t) => {
    if (skip(t)) return
    await makeUser('victim')
    await assert.rejects(
      rotate(rotator, {
        current: value('victim'),
        master: value('root', { password: other.password, port: other.port }),
      }),
      refused('secret', /another server/),
    )
    await assert.rejects(
      rotate(rotator, { current: value('victim', { password: 'wrong' }), master: master() }),
      refused('authentication'),
    )
    assert.equal((await server.sql("SELECT 1 FROM mysql.user WHERE User = 'victim_clone'")).length, 0)
    assert.ok(await works('victim', PASSWORD))
  })
})

test('a secret that calls MariaDB mysql is served as what it is', async (t) => {
  if (skip(t)) return
  await makeUser('called')
  const called = (own = {}) => value('called', { engine: 'mysql', masterarn: 'm', ...own })
  const asMysql = { ...master(), engine: 'mysql' }
  const first = await rotate(alternating(mysql), { current: called(), master: asMysql })
  const second = await rotate(dual(mysql), { current: called(), master: asMysql })
  const third = await rotate(single(mysql), { current: second.pending })
  assert.deepEqual([first.findings, second.findings], [STILL, STILL])
  assert.ok(await works('called', third.pending.password))
})

describe('logins while rotations go on', () => {
  const load = async (turns: number, rotator: Rotator, user: string, promised: boolean) => {
    await makeUser(user)
    await server.sql(`GRANT SELECT ON mysql.help_topic TO ${user}`)
    let current = value(user, { masterarn: 'm' })
    let previous: SecretValue | undefined
    const counts = { logins: 0, refused: 0 }
    let over = false
    const clients = [...Array(4)].map(async (_, index) => {
      while (!over) {
        const value = index % 2 === 0 || !promised ? current : (previous ?? current)
        counts.logins++
        if (await works(String(value.username), value.password)) continue
        counts.refused++
      }
    })
    const gaps: number[] = []
    try {
      for (let turn = 0; turn < turns; turn++) {
        const before = previous && { previous }
        const run: Run = { current, ...before, master: master(), versionId: 'v', options: {}, resumed: false }
        const pending = await rotator.create(run, io())
        const all = { ...run, pending }
        // Clients that were given the credential before the previous one have until now.
        previous = undefined
        await new Promise((resolve) => setTimeout(resolve, 100))
        const started = performance.now()
        await rotator.set(all, io())
        await rotator.test(all, io())
        ;[previous, current] = [current, pending]
        gaps.push(performance.now() - started)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    } finally {
      over = true
      await Promise.all(clients)
    }
    return { ...counts, gap: Math.max(...gaps) }
  }

  for (const [title, make] of [
    ['alternating', alternating],
    ['dual', dual],
  ] as const) {
    test(`${title}: none of the current or the previous credential is refused`, async (t) => {
      if (skip(t)) return
      const { logins, refused } = await load(4, make(engine), `load_${title}`, true)
      t.diagnostic(`${logins} logins in 4 rotations, ${refused} refused`)
      assert.ok(logins > 16, `${logins}`)
      assert.equal(refused, 0)
    })
  }

  test('single: only between setSecret and promotion', async (t) => {
    if (skip(t)) return
    const { logins, refused, gap } = await load(4, single(engine), 'load_single', false)
    t.diagnostic(
      `${logins} logins in 4 rotations, ${refused} refused; setSecret and testSecret took at most ${gap.toFixed(0)} ms`,
    )
    assert.ok(refused < logins)
  })
})
