import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Login } from '../engine.ts'
import type { Io } from '../rotator.ts'
import { readLogin, readMaster } from '../secret.ts'
import { alternating } from '../strategies/alternating.ts'
import { loggedIn } from '../strategies/shared.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { rotate, rotateUnderLoad } from '../testing/load.ts'
import { RABBITMQ_SKIP, startRabbitmq, type TestRabbitmq } from '../testing/rabbitmq.ts'
import { fails } from '../testing/refusals.ts'
import { readIfThere, startBlackHole } from '../testing/server.ts'
import { type RabbitmqConnection, rabbitmq } from './rabbitmq.ts'

const skip = RABBITMQ_SKIP
let server: TestRabbitmq
let io: Io

const cleanups: (() => unknown)[] = []
before(async () => {
  if (skip) return
  server = await startRabbitmq({ after: (what) => void cleanups.push(what) })
  io = testIo({ authorities: [server.authority] })
})
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const secretOf = (username: string, password: string, given: object = {}) => ({
  engine: 'rabbitmq',
  host: 'localhost',
  port: server.port,
  managementPort: server.managementPort,
  username,
  password,
  masterarn: 'arn:master',
  ...given,
})
const login = (username: string, password: string, given: object = {}): Login =>
  readLogin(rabbitmq, secretOf(username, password, given))
const adminLogin = (given: object = {}) => login(server.admin.username, server.admin.password, given)

const as = <T>(who: Login, work: (connection: RabbitmqConnection) => Promise<T>, through = io): Promise<T> =>
  loggedIn(rabbitmq, who, through, work)
const logsIn = (username: string, password: string, given: object = {}) =>
  as(login(username, password, given), rabbitmq.probe)

const api: TestRabbitmq['api'] = (...words) => server.api(...words)

/** The server writes its log in bursts. */
async function logOnceItHolds(text: string): Promise<string> {
  for (let waited = 0; waited < 20_000; waited += 100) {
    const log = readIfThere(`${server.folder}/log/rabbit.log`)
    if (log.includes(text)) return log
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return assert.fail(`the log never told: ${text}`)
}

async function makeUser(name: string, password: string, tags = ''): Promise<void> {
  await api('PUT', `users/${encodeURIComponent(name)}`, { password, tags })
  const all = { configure: '.*', write: '.*', read: '.*' }
  await api('PUT', `permissions/%2F/${encodeURIComponent(name)}`, all)
}

test('an administrator sets a password as a hash, and the tags stay', { skip }, async () => {
  await makeUser('app', 'first', 'monitoring,policymaker')
  await logsIn('app', 'first')
  await as(adminLogin(), (c) => rabbitmq.setPassword(c, { username: 'app', password: 'second', self: false }))
  await logsIn('app', 'second')
  await fails('authentication', logsIn('app', 'first'))
  const { tags } = (await api('GET', 'users/app')) as { tags: string[] }
  assert.deepEqual([...tags].sort(), ['monitoring', 'policymaker'])
})

test('every character is taken in a password and in a name', { skip }, async () => {
  for (const name of ['characters', `o'brien; "x" %2F/..?#&<ü>`, 'with:colon']) {
    await makeUser(name, 'first')
    for (const password of [`'"\\%:@/ #?&`, 'ünï€ 漢字 🔑', ' leading and trailing ']) {
      await as(adminLogin(), (c) => rabbitmq.setPassword(c, { username: name, password, self: false }))
      await logsIn(name, password)
    }
  }
})

test('a name leads to no other path of the management API, and makes no user', { skip }, async () => {
  const before = await api('GET', 'users')
  for (const username of ['../permissions/%2F/admin', 'nobody', 'admin/../../x', '?x=y']) {
    const change = { username, password: 'x', self: false }
    await fails(
      'secret',
      as(adminLogin(), (c) => rabbitmq.setPassword(c, change)),
      /no such user/,
    )
  }
  assert.deepEqual(await api('GET', 'users'), before)
})

test('a user may not change itself without the tag administrator, which is found before anything is changed', {
  skip,
}, async () => {
  for (const tags of ['', 'management', 'monitoring', 'policymaker']) {
    await makeUser('own', 'first', tags)
    await as(login('own', 'first'), async (c) => {
      await fails('permission', rabbitmq.setPassword(c, { username: 'own', password: 'second', self: true }))
      const findings = await rabbitmq.preflight(c, { strategy: 'single', username: 'own', self: false, options: {} })
      assert.deepEqual(
        findings.map(({ level }) => level),
        ['problem'],
      )
    })
    await logsIn('own', 'first')
  }
})

test('a clone has the tags, permissions, topic permissions and limits of the user, and is brought up to date', {
  skip,
}, async () => {
  await makeUser('from', 'first', 'monitoring')
  await api('PUT', 'vhosts/other')
  await api('PUT', 'permissions/other/from', { configure: '^a', write: '^b', read: '^c' })
  await api('PUT', 'topic-permissions/%2F/from', { exchange: 'amq.topic', write: '^t', read: '^u' })
  await api('PUT', 'user-limits/from/max-connections', { value: 7 })
  const clone = (password: string) =>
    as(adminLogin(), (c) => rabbitmq.clone(c, { from: 'from', to: 'from_clone', password, options: {} }))
  const facts = async (name: string) => {
    const answers = [
      `users/${name}`,
      `users/${name}/permissions`,
      `users/${name}/topic-permissions`,
      `user-limits/${name}`,
    ]
    const all = await Promise.all(answers.map((path) => api('GET', path)))
    const own = JSON.stringify(all, (key, value) =>
      key === 'user' || key === 'name' || key === 'password_hash' ? undefined : value,
    )
    return own
  }
  await clone('of the clone')
  assert.equal(await facts('from_clone'), await facts('from'))
  assert.match(await facts('from_clone'), /"\^b".*amq\.topic.*max-connections/s)
  await logsIn('from_clone', 'of the clone', { vhost: 'other' })

  await api('DELETE', 'permissions/other/from')
  await api('PUT', 'topic-permissions/%2F/from', { exchange: 'mine', write: '^v', read: '^w' })
  await api('DELETE', 'topic-permissions/%2F/from')
  await api('PUT', 'topic-permissions/%2F/from', { exchange: 'mine', write: '^v', read: '^w' })
  await api('DELETE', 'user-limits/from/max-connections')
  await clone('another')
  assert.equal(await facts('from_clone'), await facts('from'))
  await logsIn('from_clone', 'another')
  await fails('permission', logsIn('from_clone', 'another', { vhost: 'other' }), /not into its virtual host/)
})

test('TLS is verified on both ports, and is never gone without', { skip }, async () => {
  await fails('tls', as(adminLogin({ port: server.plainPort }), rabbitmq.probe))
  await fails('tls', as(adminLogin(), rabbitmq.probe, testIo()), /SELF_SIGNED|UNABLE_TO/)
  await fails(
    'tls',
    as(adminLogin({ host: '127.0.0.2' }), rabbitmq.probe, testIo({ ...io, resolve: async () => '127.0.0.1' })),
    /ALTNAME/,
  )
  const change = { username: 'app', password: 'never', self: false }
  const plainManagement = adminLogin({ managementPort: server.plainManagementPort })
  await fails(
    'tls',
    as(plainManagement, (c) => rabbitmq.setPassword(c, change)),
  )
  const plain = { ssl: false, port: server.plainPort, managementPort: server.plainManagementPort }
  await makeUser('app', 'first')
  await as(adminLogin(plain), (c) => rabbitmq.setPassword(c, { ...change, password: 'second' }))
  await logsIn('app', 'second')
})

test('no password is in the log or in the server’s files', { skip }, async () => {
  await makeUser('watched', 'first')
  const needle = 'Needle4711Needle'
  await as(adminLogin(), (c) => rabbitmq.setPassword(c, { username: 'watched', password: needle, self: false }))
  await logsIn('watched', needle)
  await fails('authentication', logsIn('watched', `${needle}x`))
  await logOnceItHolds("user 'watched' - invalid credentials")
  const files = globSync('{log,data}/**', { cwd: server.folder }).map((file) => readIfThere(`${server.folder}/${file}`))
  const holds = (text: string) => files.some((file) => file.includes(text))
  assert.deepEqual([holds("user 'watched' - invalid"), holds('Needle4711')], [true, false])
})

test('what does not answer ends in time, on either port', { skip }, async (t) => {
  const port = await startBlackHole(t)
  const short = testIo({ authorities: [server.authority], timeoutMs: 500 })
  for (const ssl of [true, false]) {
    const began = performance.now()
    await fails('unreachable', as(adminLogin({ port, ssl }), rabbitmq.probe, short))
    assert.ok(performance.now() - began < 3_000)
  }
  await fails('unreachable', as(adminLogin({ port: 1 }), rabbitmq.probe), /ECONNREFUSED/)
  const plan = { strategy: 'single', username: 'app', self: false, options: {} } as const
  await as(adminLogin({ managementPort: port }), async (c) => {
    await fails('unreachable', rabbitmq.preflight({ ...c, io: short }, plan))
  })
})

test('a server has one name by any address, and a master without a host is of the user’s server', {
  skip,
}, async () => {
  const name = await as(adminLogin(), rabbitmq.serverId)
  assert.equal(name, `test-${server.port}`)
  assert.equal(await as(adminLogin({ host: '127.0.0.1' }), rabbitmq.serverId), name)
  const master = readMaster(rabbitmq, server.admin, secretOf('app', 'x'))
  assert.deepEqual([master.port, master.value.managementPort], [server.port, server.managementPort])
})

test('under a load of logins two users by turns refuse nobody', { skip }, async (t) => {
  await makeUser('busy', 'first')
  const master = secretOf(server.admin.username, server.admin.password)
  const rotating = { rotator: alternating(rabbitmq), io, value: secretOf('busy', 'first'), master }
  const { current, previous, rotations } = await rotateUnderLoad(rabbitmq, rotating, { rotations: 8 })
  t.diagnostic(`${rotations} rotations, ${current.logins} + ${previous.logins} logins`)
  assert.deepEqual([current.refused, previous.refused], [0, 0])
  assert.ok(current.logins >= 48 && previous.logins >= 42)
})

test('a single password leaves a gap, which is measured', { skip }, async (t) => {
  await makeUser('gap', 'first')
  const master = secretOf(server.admin.username, server.admin.password)
  const rotating = { rotator: single(rabbitmq), io, value: secretOf('gap', 'first'), master }
  const seen = await rotateUnderLoad(rabbitmq, rotating, { rotations: 4 })
  t.diagnostic(`${seen.gapMs.toFixed(0)} ms at most; ${seen.current.refused} of ${seen.current.logins} logins refused`)
  await as(readLogin(rabbitmq, seen.value), rabbitmq.probe)
})

test('a normal rotation makes no failed login, and a dry run changes nothing', { skip }, async () => {
  await makeUser('quiet', 'first')
  const [value, master] = [secretOf('quiet', 'first'), secretOf(server.admin.username, server.admin.password)]
  const users = await api('GET', 'users')
  await fails('authentication', logsIn('begin', 'x'))
  const run = { current: value, master, versionId: 'a', options: {}, resumed: false }
  const findings = await single(rabbitmq).dryRun(run, io)
  assert.ok(
    findings.every(({ level }) => level === 'ok'),
    JSON.stringify(findings),
  )
  assert.deepEqual(await api('GET', 'users'), users)
  await rotate({ rotator: single(rabbitmq), io, value, master })
  await fails('authentication', logsIn('end', 'x'))
  const log = await logOnceItHolds("user 'end' - invalid credentials")
  const refused = [...log.matchAll(/user '(\w+)' - invalid credentials/g)].map(([, user]) => user)
  assert.deepEqual(refused.slice(refused.indexOf('begin')), ['begin', 'end'])
})

test('a user that merely has the name of the other one is left alone', { skip }, async () => {
  const master = secretOf(server.admin.username, server.admin.password)
  for (const [mine, theirs] of [
    ['mere', 'mere_clone'],
    ['boss_clone', 'boss'],
  ] as const) {
    await makeUser(mine, 'mine')
    await makeUser(theirs, 'of somebody else', 'administrator')
    const rotating = { rotator: alternating(rabbitmq), io, value: secretOf(mine, 'mine'), master }
    await fails('permission', rotate(rotating), /AWSPREVIOUS/)
    await fails('permission', rotate({ ...rotating, previous: secretOf(theirs, 'guessed') }), /AWSPREVIOUS/)
    const late = { from: mine, to: theirs, password: 'taken', options: {}, fresh: true }
    await fails(
      'permission',
      as(adminLogin(), (c) => rabbitmq.clone(c, late)),
      /by now/,
    )
    await logsIn(theirs, 'of somebody else')
    const { pending } = await rotate({ ...rotating, previous: secretOf(theirs, 'of somebody else') })
    await logsIn(theirs, String(pending.password))
  }
})

test('the port of the management API belongs to where a master is used', () => {
  const check = (given: object) => single(rabbitmq).check({ ...secretOnPaper, ...given }, {})
  assert.deepEqual(check({}), check({ note: 'else' }))
  for (const given of [{ managementPort: 9 }, { ssl: false }]) assert.notDeepEqual(check(given), check({}))
})

const secretOnPaper = { engine: 'rabbitmq', host: 'h', username: 'u', password: 'p', masterarn: 'arn:master' }
