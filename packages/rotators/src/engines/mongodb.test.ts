// No MongoDB can be had in Debian or npm: the real driver speaks with a double of it, which keeps users and refuses what the manual says.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { alternating } from '../strategies/alternating.ts'
import { single } from '../strategies/single.ts'
import { makeCertificate } from '../testing/certificates.ts'
import { testIo } from '../testing/io.ts'
import { type MongodbDouble, type MongodbRules, startMongodbDouble } from '../testing/mongodb-double.ts'
import { refusal } from '../testing/refusals.ts'
import { startBlackHole } from '../testing/server.ts'
import { mongodb as engine } from './mongodb.ts'

const PASSWORD = 'first-password-of-a-user'
const SCRAM = ['SCRAM-SHA-256']
const ADMIN = [
  'viewUser',
  'createUser',
  'changePassword',
  'grantRole',
  'revokeRole',
  'changeCustomData',
  'setAuthenticationRestriction',
]
const ROLES = [
  { role: 'reporter', db: 'sales' },
  { role: 'readWrite', db: 'shop' },
]
const RESTRICTIONS = [{ clientSource: ['10.0.0.0/8'] }]

let double: MongodbDouble
afterEach(() => double.stop())

const start = async (rules: MongodbRules = {}, admin: readonly string[] = ADMIN) => {
  double = await startMongodbDouble(rules)
  double.users.set('shop.app', {
    ...{ password: PASSWORD, roles: ROLES, mechanisms: SCRAM, customData: { team: 'shop' } },
    privileges: [{ db: 'shop', actions: ['changeOwnPassword'] }],
    ...(rules.documentdb ? {} : { authenticationRestrictions: RESTRICTIONS }),
  })
  double.users.set('admin.root', {
    ...{ password: PASSWORD, roles: [], mechanisms: SCRAM },
    privileges: ['admin', 'shop', 'sales'].map((db) => ({ db, actions: admin })),
  })
}

const value = (own: SecretValue = {}): SecretValue => ({
  ...{
    engine: 'mongo',
    host: '127.0.0.1',
    port: double.port,
    username: 'app',
    password: PASSWORD,
    dbname: 'shop',
    ssl: false,
  },
  ...own,
})
const master = () => value({ username: 'root', dbname: 'admin' })
const users = () => [...double.users.keys()].sort()
const changed = () => double.commands.filter((command) => 'createUser' in command || 'updateUser' in command)
const refused = (kind: RotatorErrorKind, message?: RegExp) => refusal(kind, message, /password-of/)

async function rotate(rotator: Rotator, run: Pick<Run, 'current' | 'master' | 'previous'>, io = testIo()) {
  const whole: Run = { versionId: 'a'.repeat(36), options: {}, resumed: false, ...run }
  const all: PendingRun = { ...whole, pending: await rotator.create(whole, io) }
  await rotator.set(all, io)
  await rotator.test(all, io)
  return { pending: all.pending, findings: (await rotator.settle?.(all, io)) ?? [] }
}

describe('MongoDB, by a double', () => {
  test('single: the user changes its own password, and its mechanisms stay', async () => {
    await start()
    const { pending } = await rotate(single(engine), { current: value() })
    const [{ lsid, $readPreference, ...command }] = changed() as [Record<string, unknown>]
    assert.deepEqual(command, {
      ...{ updateUser: 'app', pwd: pending.password, mechanisms: SCRAM },
      ...{ writeConcern: { w: 'majority', wtimeout: 8000 }, $db: 'shop' },
    })
    assert.deepEqual(double.users.get('shop.app')?.roles, ROLES)
    await assert.rejects(rotate(single(engine), { current: value() }), refused('authentication'))
  })

  test('single: a user without changeOwnPassword is told what it lacks, and a master does it', async () => {
    await start()
    double.users.set('shop.app', { ...double.users.get('shop.app')!, privileges: [] })
    await assert.rejects(
      rotate(single(engine), { current: value() }),
      refused('permission', /changeOwnPassword on shop, or .* masterarn/),
    )
    assert.deepEqual(changed(), [])
    await rotate(single(engine), { current: value({ masterarn: 'm' }), master: master() })
    assert.equal(changed().length, 1)
  })

  test('alternating: the other user is of the same database, with roles, restrictions and data of the first', async () => {
    await start()
    double.users.set('admin.app', { password: 'of somebody else', roles: [{ role: 'root', db: 'admin' }] })
    const first = await rotate(alternating(engine), { current: value({ masterarn: 'm' }), master: master() })
    assert.deepEqual(first.findings, [{ level: 'ok', message: 'The previous credential still works.' }])
    assert.deepEqual(users(), ['admin.app', 'admin.root', 'shop.app', 'shop.app_clone'])
    const { password, ...clone } = double.users.get('shop.app_clone')!
    assert.deepEqual(
      [password, clone],
      [
        first.pending.password,
        { roles: ROLES, mechanisms: SCRAM, customData: { team: 'shop' }, authenticationRestrictions: RESTRICTIONS },
      ],
    )

    double.users.get('shop.app')!.roles = [ROLES[1]!]
    const second = await rotate(alternating(engine), { current: first.pending, previous: value(), master: master() })
    const third = await rotate(alternating(engine), {
      current: second.pending,
      previous: first.pending,
      master: master(),
    })
    assert.equal(third.pending.username, 'app_clone')
    assert.deepEqual(double.users.get('shop.app_clone')?.roles, [ROLES[1]])
    assert.equal(double.users.get('admin.app')?.password, 'of somebody else')
  })

  test('alternating: a user that merely has the name is left alone', async () => {
    await start()
    double.users.set('shop.app_clone', { password: 'of somebody else', roles: [] })
    const run = { current: value({ masterarn: 'm' }), master: master() }
    await assert.rejects(rotate(alternating(engine), run), refused('permission', /has a user app_clone/))
    assert.deepEqual(changed(), [])
  })

  test('a master that lacks rights, and a secondary, are told before anything is changed', async () => {
    await start({}, ['viewUser', 'createUser', 'changePassword', 'grantRole'])
    const run = { current: value({ masterarn: 'm' }), master: master() }
    await assert.rejects(
      rotate(alternating(engine), run),
      refused('permission', /lacks changeCustomData on shop, setAuthenticationRestriction on shop/),
    )
    double.stop()
    await start({ secondary: true })
    await assert.rejects(
      rotate(single(engine), { current: value() }),
      refused('permission', /the primary of rs0 is db2:27017/),
    )
    assert.deepEqual(changed(), [])
  })

  test('DocumentDB, which tells less, is served too', async () => {
    await start({ documentdb: true })
    const own = { dbname: 'admin', masterarn: 'm', engine: 'documentdb' }
    double.users.set('admin.app', { password: PASSWORD, roles: [ROLES[1]!] })
    const findings = await alternating(engine).dryRun(
      { ...{ current: value(own), master: master(), versionId: 'v' }, options: {}, resumed: false },
      testIo(),
    )
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok', 'ok', 'ok', 'warning', 'warning', 'ok'],
    )
    const { pending } = await rotate(alternating(engine), { current: value(own), master: master() })
    assert.deepEqual(double.users.get('admin.app_clone'), { password: pending.password, roles: [ROLES[1]] })
  })

  test('what it refuses has its kind, and nothing of the command is told', async () => {
    for (const [code, kind] of [
      [2, 'policy'],
      [13, 'permission'],
      [10107, 'unreachable'],
      [96, 'other'],
    ] as const) {
      await start({ fail: (command) => ('updateUser' in command ? code : undefined) })
      await assert.rejects(rotate(single(engine), { current: value() }), refused(kind))
      double.stop()
    }
    await start()
    await assert.rejects(rotate(single(engine), { current: value({ dbname: '$external' }) }), refused('secret'))
  })

  test('TLS is verified for the name of the secret, and nothing falls back to plaintext', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-rotators-'))
    try {
      const tls = await makeCertificate(folder)
      await start({ tls })
      const io = testIo({ authorities: [tls.authority], resolve: async () => '127.0.0.1' })
      await rotate(single(engine), { current: value({ host: 'localhost', ssl: true }) }, io)
      const again = { current: value({ host: 'localhost', ssl: true }) }
      await assert.rejects(rotate(single(engine), again, testIo()), refused('tls'))
      const elsewhere = { current: value({ host: 'db.example.com', ssl: true }) }
      await assert.rejects(rotate(single(engine), elsewhere, io), refusal('tls', /ERR_TLS_CERT_ALTNAME_INVALID/))
      double.stop()
      await start()
      await assert.rejects(rotate(single(engine), { current: value({ ssl: true }) }, io), refused('tls'))
      assert.equal(changed().length, 0)
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

  test('it is known by its process', async () => {
    await start()
    const ids: unknown[] = []
    for (const username of ['app', 'root']) {
      const login = {
        ...{ host: '127.0.0.1', port: double.port, username, password: PASSWORD },
        dbname: username === 'app' ? 'shop' : 'admin',
      }
      const connection = await engine.connect({ ...login, tls: false, value: {} }, testIo())
      ids.push(await engine.serverId(connection))
      await engine.close(connection)
    }
    assert.match(String(ids[0]), /^[0-9a-f]{24}$/)
    assert.equal(ids[0], ids[1])
  })
})
