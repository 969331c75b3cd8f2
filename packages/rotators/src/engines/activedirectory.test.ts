import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Attribute, Change } from 'ldapts'
import { type Directory, readEntry } from '../directory.ts'
import type { Login } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Io, Run, SecretValue } from '../rotator.ts'
import { readLogin } from '../secret.ts'
import { loggedIn } from '../strategies/shared.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { rotate, rotateUnderLoad } from '../testing/load.ts'
import { fails } from '../testing/refusals.ts'
import { SAMBA_SKIP, startSamba, type TestSamba } from '../testing/samba.ts'
import { startBlackHole } from '../testing/server.ts'
import { activedirectory } from './activedirectory.ts'

const skip = SAMBA_SKIP
let server: TestSamba
let io: Io

const cleanups: (() => unknown)[] = []
before(async () => {
  if (skip) return
  server = await startSamba({ after: (what) => void cleanups.push(what) })
  io = testIo({ authorities: [server.authority] })
  // Locked at the second failed login, for long.
  settings('--account-lockout-threshold=2', '--account-lockout-duration=60', '--reset-account-lockout-after=60')
  settings('--min-pwd-age=0')
})
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const settings = (...words: readonly string[]) => server.tool('domain', 'passwordsettings', 'set', ...words)
const makeUser = (name: string, password = 'First-Pass-1') => server.tool('user', 'create', name, password)

/** As AWS has it for joining a domain, with the server beside it. */
const secretOf = (name: string, password: string, given: object = {}): SecretValue => ({
  awsSeamlessDomainDirectoryId: 'd-1234567890',
  awsSeamlessDomainUsername: name,
  awsSeamlessDomainPassword: password,
  host: server.host,
  ...given,
})
const login = (name: string, password: string, given: object = {}): Login =>
  readLogin(activedirectory, secretOf(name, password, given))
const adminLogin = () => login(server.admin.username, server.admin.password)
const adminSecret = (): SecretValue => ({ ...server.admin, host: server.host })

const as = <T>(who: Login, work: (connection: Directory) => Promise<T>, through = io): Promise<T> =>
  loggedIn(activedirectory, who, through, work)
const logsIn = (name: string, password: string, given: object = {}) =>
  as(login(name, password, given), activedirectory.probe)

/** `badPwdCount` and `badPasswordTime`: what a lockout goes by. */
const badLogins = (name: string) =>
  as(adminLogin(), async (c) => {
    const entry = await readEntry(c, `CN=${name},CN=Users,${server.base}`, ['badPwdCount', 'badPasswordTime'])
    return [entry.first('badPwdCount') ?? '0', entry.first('badPasswordTime') ?? '0']
  })

test('an account changes its own password, by any form of its name', { skip }, async () => {
  makeUser('own')
  let old = 'First-Pass-1'
  for (const name of ['own', 'own@ex.lan', 'EX\\own', `CN=own,CN=Users,${server.base}`]) {
    const password = `Next-Pass-${name.length}`
    await as(login(name, old), (c) => activedirectory.setPassword(c, { username: name, password, self: true }))
    await logsIn(name, password)
    old = password
  }
  assert.deepEqual(await badLogins('own'), ['0', '0'])
})

test('somebody else resets a password, whatever characters it has', { skip }, async () => {
  makeUser('reset')
  for (const password of [`'"\\%:@/ #?&*() A1`, 'Ünï€ 漢字 🔑 1', ' Leading and trailing 1 ']) {
    await as(adminLogin(), (c) => activedirectory.setPassword(c, { username: 'reset', password, self: false }))
    await logsIn('reset', password)
  }
})

test('what a policy refuses is told as such: complexity, history, minimum age', { skip }, async (t) => {
  makeUser('policed')
  const change = (own: string, password: string) =>
    as(login('policed', own), (c) => activedirectory.setPassword(c, { username: 'policed', password, self: true }))
  await fails('policy', change('First-Pass-1', 'onlylowercase'))
  await fails('policy', change('First-Pass-1', 'Sh0-rt'))
  await change('First-Pass-1', 'Second-Pass-1')
  await fails('policy', change('Second-Pass-1', 'First-Pass-1'))
  await fails(
    'policy',
    as(adminLogin(), (c) => activedirectory.setPassword(c, { username: 'policed', password: 'x', self: false })),
  )

  settings('--min-pwd-age=1')
  t.after(() => settings('--min-pwd-age=0'))
  await fails('policy', change('Second-Pass-1', 'Third-Pass-1'), /too recent/)
  const value = secretOf('policed', 'Second-Pass-1')
  await fails(
    'permission',
    rotate({ rotator: single(activedirectory), io, value }),
    /too recent .* a master may reset it/,
  )
  const { pending } = await rotate({ rotator: single(activedirectory), io, value, master: adminSecret() })
  await as(readLogin(activedirectory, pending), activedirectory.probe)
})

test('missing rights, disabled and missing accounts are told', { skip }, async () => {
  makeUser('stranger')
  makeUser('looked')
  const change = { username: 'looked', password: 'Second-Pass-1', self: false }
  await fails(
    'permission',
    as(login('stranger', 'First-Pass-1'), (c) => activedirectory.setPassword(c, change)),
  )
  await logsIn('looked', 'First-Pass-1')
  const look = (username: string) =>
    as(adminLogin(), (c) => activedirectory.preflight(c, { strategy: 'single', username, self: false, options: {} }))
  server.tool('user', 'disable', 'looked')
  assert.match((await look('looked'))[0]?.message ?? '', /disabled/)
  assert.match((await look('nobody'))[0]?.message ?? '', /no such account/)
  for (const username of ['*', 'looked)(cn=*', 'x*)(objectClass=user']) {
    assert.match((await look(username))[0]?.message ?? '', /no such account/, username)
  }
})

test('a name with another domain is whose it is there, and nobody’s who has its first part', { skip }, async () => {
  makeUser('namesake')
  makeUser('elsewhere')
  const rename = new Change({
    operation: 'replace',
    modification: new Attribute({ type: 'userPrincipalName', values: ['namesake@other.example'] }),
  })
  const dn = `CN=elsewhere,CN=Users,${server.base}`
  await as(adminLogin(), ({ ask }) => ask((client) => client.modify(dn, rename)))
  const reset = (username: string, password: string) =>
    as(adminLogin(), (c) => activedirectory.setPassword(c, { username, password, self: false }))
  await reset('namesake@other.example', 'Of-Elsewhere-1')
  await logsIn('elsewhere', 'Of-Elsewhere-1')
  await logsIn('namesake', 'First-Pass-1')
  for (const username of ['namesake@third.example', 'OTHER\\namesake']) {
    await fails('secret', reset(username, 'Taken-Pass-1'), /no such account/)
  }
  await logsIn('namesake', 'First-Pass-1')
})

test('a secret keeps AWS’s members, and the ordinary ones do as well', { skip }, async () => {
  makeUser('aws')
  const value = secretOf('aws', 'First-Pass-1', { extra: 1 })
  const { pending } = await rotate({ rotator: single(activedirectory), io, value })
  assert.deepEqual({ ...pending, awsSeamlessDomainPassword: 'First-Pass-1' }, value)
  assert.notEqual(pending.awsSeamlessDomainPassword, 'First-Pass-1')

  makeUser('ordinary')
  const plain = { engine: 'activedirectory', host: server.host, username: 'ordinary', password: 'First-Pass-1' }
  const rotated = await rotate({ rotator: single(activedirectory), io, value: plain })
  assert.deepEqual(Object.keys(rotated.pending), Object.keys(plain))
  await as(readLogin(activedirectory, rotated.pending), activedirectory.probe)
})

test('a normal rotation, by itself or by a master, makes no failed login, and a dry run changes nothing', {
  skip,
}, async () => {
  makeUser('quiet')
  let value = secretOf('quiet', 'First-Pass-1')
  const run: Run = { current: value, versionId: 'a', options: {}, resumed: false }
  const findings = await single(activedirectory).dryRun(run, io)
  assert.ok(
    findings.every(({ level }) => level === 'ok'),
    JSON.stringify(findings),
  )
  await as(readLogin(activedirectory, value), activedirectory.probe)
  for (const master of [undefined, adminSecret(), undefined, adminSecret()]) {
    value = (await rotate({ rotator: single(activedirectory), io, value, master })).pending
  }
  assert.deepEqual(await badLogins('quiet'), ['0', '0'])
  await fails('authentication', logsIn('quiet', 'Wrong-Pass-1'), /wrong/)
  assert.equal((await badLogins('quiet'))[0], '1', 'a failed login would have been counted')
  await fails('authentication', logsIn('quiet', 'Wrong-Pass-2'))
  await fails('authentication', as(readLogin(activedirectory, value), activedirectory.probe), /locked out/)
})

test('TLS is verified, and never gone without', { skip }, async () => {
  await fails('secret', logsIn('own', 'x', { ssl: false }), /TLS alone/)
  await fails('tls', logsIn('own', 'x', { port: 389 }))
  await fails('tls', as(adminLogin(), activedirectory.probe, testIo()), /SELF_SIGNED|UNABLE_TO/)
  const through = testIo({ ...io, resolve: async () => server.host })
  await fails('tls', as(login('own', 'x', { host: 'other.example' }), activedirectory.probe, through), /ALTNAME/)
})

test('a domain is one by any name, and what does not answer ends in time', { skip }, async (t) => {
  const id = await as(adminLogin(), activedirectory.serverId)
  assert.match(id!, /^[0-9a-f]{32}$/)
  const through = testIo({ ...io, resolve: async () => server.host })
  const byName = { ...adminLogin(), host: 'localhost' }
  assert.equal(await as(byName, activedirectory.serverId, through), id)
  const port = await startBlackHole(t)
  const began = performance.now()
  await fails(
    'unreachable',
    as(login('own', 'x', { host: '127.0.0.1', port }), activedirectory.probe, testIo({ timeoutMs: 500 })),
  )
  assert.ok(performance.now() - began < 20_000)
})

test('no message and no log holds a password', { skip }, async () => {
  makeUser('watched')
  const change = { username: 'watched', password: 'Needle-4711', self: true }
  await as(login('watched', 'First-Pass-1'), (c) => activedirectory.setPassword(c, change))
  await logsIn('watched', 'Needle-4711')
  await assert.rejects(
    as(adminLogin(), (c) => activedirectory.setPassword(c, { ...change, username: 'nobody' })),
    (error) => error instanceof RotatorError && !/Needle|nobody/.test(error.message),
  )
  assert.match(server.log(), /watched/)
  assert.doesNotMatch(server.log(), /Needle-4711/)
})

test('a single password: the one of before may go on for a while, and the new one always works', {
  skip,
}, async (t) => {
  settings('--account-lockout-threshold=0')
  t.after(() => settings('--account-lockout-threshold=2'))
  makeUser('gap')
  const rotating = { rotator: single(activedirectory), io, value: secretOf('gap', 'First-Pass-1') }
  const seen = await rotateUnderLoad(activedirectory, rotating, { rotations: 4 })
  t.diagnostic(`${seen.gapMs.toFixed(0)} ms at most; ${seen.current.refused} of ${seen.current.logins} logins refused`)
  await as(readLogin(activedirectory, seen.value), activedirectory.probe)
})
