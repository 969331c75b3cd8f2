// No MySQL server can be had in Debian: what it is told is checked against a double of its protocol, with what its manual says that it answers.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { Run, SecretValue } from '../rotator.ts'
import { readLogin } from '../secret.ts'
import { alternating } from '../strategies/alternating.ts'
import { dual } from '../strategies/dual.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { type MysqlDouble, startMysqlDouble } from '../testing/mysql-double.ts'
import { refusal } from '../testing/refusals.ts'
import { startTalker } from '../testing/server.ts'
import { mysql as engine } from './mysql.ts'

const TAIL =
  "IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430303524 DEFAULT ROLE `reader`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 5 " +
  'PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT'
const GRANTS = [
  'GRANT USAGE ON *.* TO `ACCOUNT`@`%`',
  'GRANT SELECT, INSERT ON `app`.* TO `ACCOUNT`@`%` WITH GRANT OPTION',
  'GRANT SELECT (`a`, `b`) ON `other`.`t` TO `ACCOUNT`@`%`',
  'GRANT BACKUP_ADMIN ON *.* TO `ACCOUNT`@`%`',
  'GRANT `reader`@`%` TO `ACCOUNT`@`%`',
]
const ROOT = [
  'GRANT SELECT, INSERT, UPDATE, DELETE, CREATE USER ON *.* TO `root`@`%` WITH GRANT OPTION',
  'GRANT BACKUP_ADMIN ON *.* TO `root`@`%` WITH GRANT OPTION',
  'GRANT `reader`@`%` TO `root`@`%` WITH ADMIN OPTION',
]

let double: MysqlDouble
afterEach(() => double?.stop())

type Rules = { readonly version?: string; readonly grants?: readonly string[]; readonly hosts?: readonly string[] }

/** A server of one user `app`; the clone is what it should be once it was made. */
const start = async (
  { version = '8.4.6', grants = ROOT, hosts = ['%'] }: Rules = {},
  fail?: (sql: string) => number | undefined,
) => {
  let granted: readonly string[] = ['GRANT USAGE ON *.* TO `app_clone`@`%`']
  double = await startMysqlDouble((sql, user) => {
    const code = fail?.(sql)
    if (code !== undefined) return { code, message: 'refused: secret-password-of-app' }
    const rows = (lines: readonly string[]) => lines.map((line) => ({ line }))
    if (sql.startsWith('SELECT VERSION')) return [{ version, account: `${user}@%` }]
    if (sql.includes("LIKE 'read_only'")) return [{ Variable_name: 'read_only', Value: 'OFF' }]
    if (sql.includes("LIKE 'server_uuid'")) return [{ Variable_name: 'server_uuid', Value: '3e11fa47-71ca' }]
    if (sql.startsWith('SELECT CURRENT_ROLE')) return [{ role: 'NONE' }]
    if (sql.startsWith('SELECT Host')) return sql.includes("'app'") ? rows(hosts) : []
    if (sql.startsWith('SHOW CREATE USER')) return rows([`CREATE USER \`app\`@\`%\` ${TAIL}`])
    if (sql.startsWith('SHOW GRANTS FOR CURRENT_USER')) return rows(grants)
    if (sql.startsWith('SHOW GRANTS FOR `app`')) return rows(GRANTS.map((line) => line.replace('ACCOUNT', 'app')))
    if (sql.startsWith('SHOW GRANTS FOR `app_clone`')) return rows(granted)
    if (sql.startsWith('GRANT `reader`')) granted = GRANTS.map((line) => line.replace('ACCOUNT', 'app_clone'))
    return undefined
  })
}

const value = (own: SecretValue = {}): SecretValue => ({
  ...{ engine: 'mysql', host: '127.0.0.1', port: double.port, username: 'app', password: 'secret-password-of-app' },
  ...{ ssl: false, ...own },
})

const pending = { password: "it's \\ new-password-of-app" }

const runOf = (own: SecretValue = {}, more: SecretValue = {}) => ({
  ...{ current: value(own), pending: value({ ...own, ...pending, ...more }), master: value({ username: 'root' }) },
  ...({ versionId: 'v', options: {}, resumed: false } satisfies Partial<Run>),
})

const aloneOf = ({ master: _, ...run }: ReturnType<typeof runOf>) => run

const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, /password-of-app/)

const changed = () => double.statements.filter((sql) => !/^(SHOW|SELECT)/.test(sql))

describe('MySQL, by a double', () => {
  test('single: the user sets its own password and says the current one', async () => {
    await start()
    await single(engine).set(runOf(), testIo())
    assert.deepEqual(changed(), ["SET PASSWORD = 'it\\'s \\\\ new-password-of-app' REPLACE 'secret-password-of-app'"])
  })

  test('dual: the current password is retained, by a master or by the user itself', async () => {
    await start()
    await dual(engine).set(runOf({ masterarn: 'm' }), testIo())
    const statement = "ALTER USER `app`@`%` IDENTIFIED BY 'it\\'s \\\\ new-password-of-app' RETAIN CURRENT PASSWORD"
    assert.deepEqual(changed(), [statement])
    double.stop()
    await start({ grants: ['GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO `app`@`%`'] })
    await dual(engine).set(aloneOf(runOf()), testIo())
    assert.deepEqual(changed(), [statement])
    double.stop()
    await start({ grants: GRANTS })
    await assert.rejects(dual(engine).set(aloneOf(runOf()), testIo()), refused('permission', /CREATE USER/))
    assert.deepEqual(changed(), [])
  })

  test('alternating: the clone gets plugin, settings, rights and roles', async () => {
    await start()
    await alternating(engine).set(runOf({ masterarn: 'm' }, { username: 'app_clone' }), testIo())
    assert.deepEqual(changed(), [
      "CREATE USER `app_clone`@`%` IDENTIFIED WITH 'caching_sha2_password' BY 'it\\'s \\\\ new-password-of-app' REQUIRE SSL " +
        'WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 5 ACCOUNT UNLOCK ' +
        'PASSWORD EXPIRE DEFAULT PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT ' +
        'FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0',
      'GRANT SELECT, INSERT ON `app`.* TO `app_clone`@`%`',
      'GRANT USAGE ON `app`.* TO `app_clone`@`%` WITH GRANT OPTION',
      'GRANT SELECT (`a`, `b`) ON `other`.`t` TO `app_clone`@`%`',
      'GRANT BACKUP_ADMIN ON *.* TO `app_clone`@`%`',
      'GRANT `reader`@`%` TO `app_clone`@`%`',
      'ALTER USER `app_clone`@`%` DEFAULT ROLE `reader`@`%`',
    ])
  })

  test('where a name has several accounts, of which hashes with a salt show no one password, nobody changes them', async () => {
    await start({ hosts: ['%', '10.%'] })
    const several = refused('permission', /cannot be compared/)
    await assert.rejects(dual(engine).set(runOf({ masterarn: 'm' }), testIo()), several)
    const run = runOf({ masterarn: 'm' }, { username: 'app_clone' })
    await assert.rejects(alternating(engine).set(run, testIo()), several)
    assert.deepEqual(changed(), [])
  })

  test('what it refuses has its kind, and nothing of the statement is told', async () => {
    for (const [code, kind] of [
      [1819, 'policy'],
      [3638, 'policy'],
      [1227, 'permission'],
      [1205, 'unreachable'],
      [1064, 'other'],
    ] as const) {
      await start({}, (sql) => (sql.startsWith('SET PASSWORD') ? code : undefined))
      await assert.rejects(single(engine).set(runOf(), testIo()), refused(kind))
      double.stop()
    }
    await start({ version: '5.7.44' })
    await assert.rejects(single(engine).set(runOf(), testIo()), refused('permission', /older than 8\.0\.14/))
  })

  test('it is known by server_uuid', async () => {
    await start()
    const login = { host: '127.0.0.1', port: double.port, username: 'app', password: 'x', tls: false, value: {} }
    const connection = await engine.connect(login, testIo())
    assert.equal(await engine.serverId(connection), '3e11fa47-71ca')
    await engine.close(connection)
  })
})

test('a password is sent in clear to nobody, with TLS or without', async (t) => {
  const packet = (sequence: number, ...parts: readonly (string | Buffer)[]): Buffer => {
    const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
    return Buffer.concat([Buffer.from([payload.length, 0, 0, sequence]), payload])
  }
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  // https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
  const scramble = ['abcdefgh', hex('00008a2d02000800'), hex('15'), Buffer.alloc(10), 'ijklmnopqrst\0'] as const
  const greeting = packet(0, '\x0a8.4.6\0', hex('01000000'), ...scramble, 'mysql_native_password\0')
  const received: Buffer[] = []
  const port = await startTalker(t, (socket) => {
    socket.write(greeting)
    socket.once('data', () => socket.write(packet(2, hex('fe'), 'mysql_clear_password\0')))
    socket.on('data', (piece: Buffer) => received.push(piece))
  })
  const value = { engine: 'mysql', host: '127.0.0.1', port, username: 'overheard', password: 'Needle-4711', ssl: false }
  await assert.rejects(
    engine.connect(readLogin(engine, value), testIo()),
    refusal('permission', /mysql_clear_password/),
  )
  assert.match(Buffer.concat(received).toString('latin1'), /overheard/)
  assert.ok(!Buffer.concat(received).includes('Needle'))
})
