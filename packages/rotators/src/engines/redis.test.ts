import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createClient } from '@redis/client'
import type { Login } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Io, SecretValue } from '../rotator.ts'
import { readLogin } from '../secret.ts'
import { alternating } from '../strategies/alternating.ts'
import { dual } from '../strategies/dual.ts'
import { loggedIn } from '../strategies/shared.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { rotate, rotateUnderLoad } from '../testing/load.ts'
import { REDIS_SKIP, startRedis, type TestRedis } from '../testing/redis.ts'
import { fails } from '../testing/refusals.ts'
import { readIfThere, startBlackHole } from '../testing/server.ts'
import { type RedisConnection, redis } from './redis.ts'

const skip = REDIS_SKIP
let server: TestRedis
let io: Io

const cleanups: (() => unknown)[] = []
const scope = { after: (what: () => unknown) => void cleanups.push(what) }
before(async () => {
  if (skip) return
  server = await startRedis(scope)
  io = testIo({ authorities: [server.authority] })
})
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const login = (username: string, password: string, given: Partial<Login> = {}): Login => ({
  host: 'localhost',
  port: server.tlsPort,
  username,
  password,
  tls: true,
  value: {},
  ...given,
})
const adminLogin = () => login(server.admin.username, server.admin.password)

const as = <T>(who: Login, work: (connection: RedisConnection) => Promise<T>, through = io): Promise<T> =>
  loggedIn(redis, who, through, work)

const makeUser = (name: string, password: string, ...rules: readonly string[]) =>
  as(adminLogin(), ({ send }) => send('ACL', 'SETUSER', name, 'reset', 'on', `>${password}`, ...rules))

const logsIn = (username: string, password: string) => as(login(username, password), redis.probe)

const CHANGE = ['+acl|setuser', '+acl|list', '+acl|save', '+acl|dryrun', '+config|get', '+info'] as const

test('a user changes its own password and keeps the one of before beside it, and the next change takes that away', {
  skip,
}, async () => {
  await makeUser('own', 'first', '~own:*', '+@read', ...CHANGE)
  await as(login('own', 'first'), (c) =>
    redis.setPassword(c, { username: 'own', password: 'second', self: true, keep: 'first' }),
  )
  await logsIn('own', 'first')
  await logsIn('own', 'second')
  await as(login('own', 'second'), (c) =>
    redis.setPassword(c, { username: 'own', password: 'third', self: true, keep: 'second' }),
  )
  await logsIn('own', 'second')
  await logsIn('own', 'third')
  await fails('authentication', logsIn('own', 'first'))
  const [line] = await as(adminLogin(), async ({ send }) =>
    ((await send('ACL', 'LIST')) as string[]).filter((l) => l.startsWith('user own ')),
  )
  assert.match(line!, / ~own:\* .* \+@read .*\+acl\|setuser/, 'its rights are as before')
})

test('without a kept one, a new password is the only one', { skip }, async () => {
  await makeUser('single', 'first', '+@read')
  await as(adminLogin(), (c) => redis.setPassword(c, { username: 'single', password: 'second', self: false }))
  await logsIn('single', 'second')
  await fails('authentication', logsIn('single', 'first'), /refuses the username or password/)
})

test('every character is taken in a password', { skip }, async () => {
  await makeUser('characters', 'first')
  for (const password of [
    `'"\\%:@/ #?&`,
    'ünï€ 漢字 🔑',
    ' leading and trailing ',
    '$(reboot)`;--',
    'x'.repeat(4096),
  ]) {
    await as(adminLogin(), (c) => redis.setPassword(c, { username: 'characters', password, self: false }))
    await logsIn('characters', password)
  }
})

test('a clone may do what the user may, also in selectors, and is brought up to date', { skip }, async () => {
  await makeUser('app', 'first', '~app:*', '%R~shared:*', '&news:*', '+@read', '-get', '(+set ~x:*)')
  const rules = async (name: string) => {
    const lines = (await as(adminLogin(), ({ send }) => send('ACL', 'LIST'))) as string[]
    return lines
      .find((line) => line.startsWith(`user ${name} `))
      ?.slice(`user ${name} `.length)
      .replace(/#\w+ /, '')
  }
  await as(adminLogin(), (c) => redis.clone(c, { from: 'app', to: 'app_clone', password: 'of the clone', options: {} }))
  assert.equal(await rules('app_clone'), await rules('app'))
  await logsIn('app_clone', 'of the clone')
  await logsIn('app', 'first')

  await as(adminLogin(), ({ send }) => send('ACL', 'SETUSER', 'app', 'resetkeys', '~other:*', '+get', 'clearselectors'))
  await as(adminLogin(), (c) => redis.clone(c, { from: 'app', to: 'app_clone', password: 'another', options: {} }))
  assert.equal(await rules('app_clone'), await rules('app'))
  await logsIn('app_clone', 'another')
  await fails('authentication', logsIn('app_clone', 'of the clone'))
})

test('a change outlives a restart: in the ACL file, and in the configuration file', { skip }, async (t) => {
  for (const users of ['acl file', 'configuration'] as const) {
    const other = await startRedis(t, { users })
    const through = testIo({ authorities: [other.authority] })
    const at = (username: string, password: string) => login(username, password, { port: other.tlsPort })
    const admin = at(other.admin.username, other.admin.password)
    await as(admin, ({ send }) => send('ACL', 'SETUSER', 'kept', 'on', '>first'), through)
    await as(
      admin,
      (c) => redis.setPassword(c, { username: 'kept', password: 'second', keep: 'first', self: false }),
      through,
    )
    await other.restart()
    await as(at('kept', 'first'), redis.probe, through)
    await as(at('kept', 'second'), redis.probe, through)
  }
})

test('a server that keeps its users nowhere is warned of, and changed all the same', { skip }, async (t) => {
  const other = await startRedis(t, { users: 'nowhere' })
  const through = testIo({ authorities: [other.authority] })
  const admin = login(other.admin.username, other.admin.password, { port: other.tlsPort })
  await as(admin, ({ send }) => send('ACL', 'SETUSER', 'lost', 'on', '>first'), through)
  await as(
    admin,
    async (c) => {
      const findings = await redis.preflight(c, { strategy: 'dual', username: 'lost', self: false, options: {} })
      assert.match(findings.find(({ level }) => level === 'warning')?.message ?? '', /neither an ACL file nor/)
      await redis.setPassword(c, { username: 'lost', password: 'second', self: false })
    },
    through,
  )
  await as(login('lost', 'second', { port: other.tlsPort }), redis.probe, through)
})

test('no password is seen in MONITOR, SLOWLOG, ACL LOG, the log or the ACL file', { skip }, async () => {
  const [old, fresh] = ['Old-Needle-4711', 'New-Needle-4711']
  await as(adminLogin(), ({ send }) => send('ACL', 'SETUSER', 'watched', 'on', `#${sha256(old)}`, '+@read', ...CHANGE))
  const watcher = createClient({
    ...server.admin,
    socket: { host: '127.0.0.1', port: server.plainPort, reconnectStrategy: false },
  })
  watcher.on('error', () => {})
  await watcher.connect()
  const seen: string[] = []
  await watcher.monitor((line) => seen.push(String(line)))

  await as(login('watched', old), (c) =>
    redis.setPassword(c, { username: 'watched', password: fresh, self: true, keep: old }),
  )
  await as(adminLogin(), (c) => redis.clone(c, { from: 'watched', to: 'watched_clone', password: fresh, options: {} }))
  await logsIn('watched', fresh)
  const told = await as(adminLogin(), async ({ send }) =>
    JSON.stringify([await send('SLOWLOG', 'GET', '-1'), await send('ACL', 'LOG'), await send('ACL', 'LIST')]),
  )
  watcher.destroy()
  const files = readIfThere(`${server.folder}/redis.log`) + readIfThere(`${server.folder}/users.acl`)
  assert.match(told, /SETUSER/i, 'the slow log does tell of the change')
  assert.match(files, new RegExp(sha256(fresh)), 'the ACL file holds the hash')
  assert.ok(seen.length > 0, 'the monitor saw something')
  assert.doesNotMatch(seen.join('\n') + told + files, /Needle-4711/)
})

test('a normal login leaves nothing in the ACL LOG, not even of a user who may do nothing', { skip }, async () => {
  await makeUser('nothing', 'first')
  await as(adminLogin(), ({ send }) => send('ACL', 'LOG', 'RESET'))
  await as(login('nothing', 'first'), async () => {})
  assert.deepEqual(await as(adminLogin(), ({ send }) => send('ACL', 'LOG')), [])
})

test('missing rights are found before anything is changed', { skip }, async () => {
  const all = ['+acl|setuser', '+acl|list', '+acl|save', '+acl|dryrun', '+config|get', '+info']
  const problems = async (...rules: readonly string[]) => {
    await makeUser('rights', 'first', ...rules)
    const plan = { strategy: 'dual', username: 'rights', self: true, options: {} } as const
    const findings = await as(login('rights', 'first'), (c) => redis.preflight(c, plan))
    return findings.filter(({ level }) => level === 'problem').map(({ message }) => message)
  }
  assert.deepEqual(await problems(...all), [])
  assert.deepEqual(await problems(), ['The user logged in may not use acl|list.'])
  assert.deepEqual(await problems(...all, '-acl|setuser'), ['The user logged in may not use acl|setuser.'])
  assert.deepEqual(await problems(...all, '-acl|save'), ['The user logged in may not use acl|save.'])
  await makeUser('rights', 'first', ...all, '-acl|setuser')
  await fails(
    'permission',
    as(login('rights', 'first'), (c) => redis.setPassword(c, { username: 'rights', password: 'second', self: true })),
    /may not use acl\|setuser/,
  )
})

test('a user that is off, or is not there, is told, and none is made', { skip }, async () => {
  await as(adminLogin(), ({ send }) => send('ACL', 'SETUSER', 'sleeping', 'off', '>first'))
  const look = (username: string) =>
    as(adminLogin(), (c) => redis.preflight(c, { strategy: 'single', username, self: false, options: {} }))
  assert.match((await look('sleeping')).find(({ level }) => level === 'problem')?.message ?? '', /is off/)
  assert.match((await look('nobody')).find(({ level }) => level === 'problem')?.message ?? '', /no user of that name/)
  await fails(
    'secret',
    as(adminLogin(), (c) => redis.setPassword(c, { username: 'nobody', password: 'x', self: false })),
  )
  const users = (await as(adminLogin(), ({ send }) => send('ACL', 'USERS'))) as string[]
  assert.ok(!users.includes('nobody'))
})

test('a name cannot say more than a name', { skip }, async () => {
  const before = await as(adminLogin(), ({ send }) => send('ACL', 'LIST'))
  for (const username of [`x on nopass +@all`, `x"; ACL SETUSER y`, `x\r\nFLUSHALL`, "x' '"]) {
    await fails(
      'secret',
      as(adminLogin(), (c) => redis.setPassword(c, { username, password: 'p', self: false })),
    )
    await fails(
      'secret',
      as(adminLogin(), (c) => redis.clone(c, { from: username, to: 'y', password: 'p', options: {} })),
    )
  }
  await makeUser('plain', 'first')
  await fails(
    'other',
    as(adminLogin(), (c) => redis.clone(c, { from: 'plain', to: 'y on nopass', password: 'p', options: {} })),
  )
  const users = (list: unknown) => (list as string[]).filter((line) => !line.startsWith('user plain ')).sort()
  assert.deepEqual(users(await as(adminLogin(), ({ send }) => send('ACL', 'LIST'))), users(before))
})

test('TLS is verified, and is never gone without', { skip }, async (t) => {
  const plain = { port: server.plainPort }
  const short = testIo({ timeoutMs: 500 })
  await fails('tls', as(login('admin', 'x', plain), redis.probe, short), /it speaks without/)
  await as({ ...adminLogin(), ...plain, tls: false }, redis.probe)
  await fails('tls', as(adminLogin(), redis.probe, testIo()), /SELF_SIGNED|UNABLE_TO/)
  await fails('unreachable', as({ ...adminLogin(), tls: false }, redis.probe))
  const misnamed = await startRedis(t, { names: ['DNS:other.example'] })
  const through = testIo({ authorities: [misnamed.authority] })
  await fails('tls', as({ ...adminLogin(), port: misnamed.tlsPort }, redis.probe, through), /ALTNAME/)
  await fails(
    'tls',
    as({ ...adminLogin(), host: '127.0.0.1', port: misnamed.tlsPort }, redis.probe, through),
    /ALTNAME/,
  )
})

test('a server is one by any address, and two servers are two', { skip }, async (t) => {
  const other = await startRedis(t)
  const idAt = (who: Login, through = io) => as(who, redis.serverId, through)
  const id = await idAt(adminLogin())
  assert.match(id!, /^[0-9a-f]{40}$/)
  assert.equal(await idAt({ ...adminLogin(), host: '127.0.0.1' }), id)
  assert.equal(await idAt({ ...adminLogin(), host: '127.0.0.2' }), id)
  assert.notEqual(await idAt({ ...adminLogin(), port: other.tlsPort }, testIo({ authorities: [other.authority] })), id)
  await makeUser('blind', 'first')
  assert.equal(await idAt(login('blind', 'first')), undefined)
})

test('what does not answer ends in time, and at the end of the rotation', { skip }, async (t) => {
  const port = await startBlackHole(t)
  const short = testIo({ timeoutMs: 300 })
  for (const tls of [true, false]) {
    const began = performance.now()
    await fails('unreachable', as({ ...adminLogin(), port, tls }, redis.probe, short))
    assert.ok(performance.now() - began < 4_500)
  }
  await fails('unreachable', as({ ...adminLogin(), port: 1, tls: true }, redis.probe), /ECONNREFUSED/)
  const controller = new AbortController()
  const going = as({ ...adminLogin(), port }, redis.probe, testIo({ signal: controller.signal, timeoutMs: 60_000 }))
  setTimeout(() => controller.abort(), 100)
  await fails('unreachable', going, /ended/)

  await as(adminLogin(), ({ send }) => send('CLIENT', 'PAUSE', '1500', 'ALL'))
  await fails('unreachable', as(adminLogin(), redis.probe, testIo({ authorities: io.authorities, timeoutMs: 300 })))
  await new Promise((resolve) => setTimeout(resolve, 1_500))
})

test('no message holds a password or what the server answered with one', { skip }, async () => {
  const needle = 'Needle-In-Message'
  for (const work of [
    () => as(login('admin', needle), redis.probe),
    () => as(adminLogin(), ({ send }) => send('ACL', 'SETUSER', 'own', `#${needle}`)),
    () => as(adminLogin(), ({ send }) => send(needle)),
  ]) {
    await assert.rejects(work(), (error) => {
      assert.ok(error instanceof RotatorError)
      assert.doesNotMatch(error.message + String(error.cause ?? ''), /Needle/)
      return true
    })
  }
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const secretOf = (username: string, password: string): SecretValue => ({
  engine: 'redis',
  host: 'localhost',
  port: server.tlsPort,
  username,
  password,
})

test('under a load of logins two passwords, and two users by turns, refuse nobody', { skip }, async (t) => {
  await makeUser('busy', 'first', '~busy:*', '+@read', '+ping')
  const master = secretOf(server.admin.username, server.admin.password)
  for (const rotator of [dual(redis), alternating(redis)]) {
    await makeUser('busy', 'first', '~busy:*', '+@read', '+ping')
    const value = { ...secretOf('busy', 'first'), masterarn: 'arn:master' }
    const seen = await rotateUnderLoad(redis, { rotator, io, value, master }, { rotations: 4 })
    const { current, previous } = seen
    t.diagnostic(`${rotator.name}: ${seen.rotations} rotations, ${current.logins} + ${previous.logins} logins`)
    assert.deepEqual([current.refused, previous.refused], [0, 0])
    assert.ok(current.logins >= 24 && previous.logins >= 18)
  }
})

test('a single password leaves a gap, which is measured, and the new one works at its end', { skip }, async (t) => {
  await makeUser('gap', 'first', '+ping', ...CHANGE)
  const seen = await rotateUnderLoad(
    redis,
    { rotator: single(redis), io, value: secretOf('gap', 'first') },
    { rotations: 5 },
  )
  t.diagnostic(`${seen.gapMs.toFixed(0)} ms at most; ${seen.current.refused} of ${seen.current.logins} logins refused`)
  await as(readLogin(redis, seen.value), redis.probe)
  await fails('authentication', as(readLogin(redis, seen.before!), redis.probe))
})

test('a normal rotation makes no failed login, and a dry run changes nothing', { skip }, async () => {
  const value = secretOf('quiet', 'first')
  await makeUser('quiet', 'first', '+ping', ...CHANGE)
  await as(adminLogin(), ({ send }) => send('ACL', 'LOG', 'RESET'))
  const list = () => as(adminLogin(), ({ send }) => send('ACL', 'LIST'))
  const before = await list()
  const rotator = dual(redis)
  const findings = await rotator.dryRun({ current: value, versionId: 'a', options: {}, resumed: false }, io)
  assert.ok(
    findings.every(({ level }) => level === 'ok'),
    JSON.stringify(findings),
  )
  assert.deepEqual(await list(), before)
  const run = await rotate({ rotator, io, value })
  assert.deepEqual(await rotator.settle?.(run, io), [{ level: 'ok', message: 'The previous credential still works.' }])
  assert.deepEqual(await as(adminLogin(), ({ send }) => send('ACL', 'LOG')), [])
})

test('a user that merely has the name of the other one is left alone', { skip }, async () => {
  const value = (username: string, password: string) => ({
    engine: 'redis',
    host: 'localhost',
    port: server.tlsPort,
    username,
    password,
    masterarn: 'arn:master',
  })
  const master = value(server.admin.username, server.admin.password)
  for (const [mine, theirs] of [
    ['mere', 'mere_clone'],
    ['boss_clone', 'boss'],
  ] as const) {
    await makeUser(mine, 'mine', '+ping')
    await makeUser(theirs, 'of somebody else', '~*', '+@all')
    const rotating = { rotator: alternating(redis), io, value: value(mine, 'mine'), master }
    await fails('permission', rotate(rotating), /AWSPREVIOUS/)
    const late = { from: mine, to: theirs, password: 'taken', options: {}, fresh: true }
    await fails(
      'permission',
      as(adminLogin(), (c) => redis.clone(c, late)),
      /by now/,
    )
    await fails('permission', rotate({ ...rotating, previous: value(theirs, 'guessed') }), /AWSPREVIOUS/)
    await logsIn(theirs, 'of somebody else')
    const { pending } = await rotate({ ...rotating, previous: value(theirs, 'of somebody else') })
    await logsIn(theirs, String(pending.password))
  }
})
