import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Directory } from '../directory.ts'
import type { Login } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Io, Run } from '../rotator.ts'
import { readLogin } from '../secret.ts'
import { dual } from '../strategies/dual.ts'
import { loggedIn } from '../strategies/shared.ts'
import { single } from '../strategies/single.ts'
import { testIo } from '../testing/io.ts'
import { rotate, rotateUnderLoad } from '../testing/load.ts'
import { OPENLDAP_SKIP, startOpenldap, type TestOpenldap } from '../testing/openldap.ts'
import { fails } from '../testing/refusals.ts'
import { startBlackHole } from '../testing/server.ts'
import { openldap } from './openldap.ts'

const skip = OPENLDAP_SKIP
let server: TestOpenldap
/** With the overlay of password policies: ten characters at least, five passwords remembered. */
let strict: TestOpenldap
let io: Io

const cleanups: (() => unknown)[] = []
before(async () => {
  if (skip) return
  const scope = { after: (what: () => unknown) => void cleanups.push(what) }
  server = await startOpenldap(scope)
  strict = await startOpenldap(scope, { policies: true })
  io = testIo({ authorities: [server.authority, strict.authority] })
  strict.apply(`dn: cn=policy,${strict.suffix}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMinLength: 10
pwdCheckQuality: 2
pwdInHistory: 5
pwdLockout: TRUE
pwdMaxFailure: 2
`)
  for (const each of [server, strict]) makeEntry(each, 'master', 'of the master')
})
after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

const dnOf = (name: string): string => `cn=${name},${server.suffix}`
function makeEntry(at: TestOpenldap, name: string, password: string): void {
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  at.apply(`dn:: ${encode(dnOf(name))}
objectClass: person
cn:: ${encode(name.replaceAll('\\', ''))}
sn: test
userPassword:: ${encode(password)}
`)
}

const secretOf = (name: string, password: string, given: object = {}) => ({
  engine: 'openldap',
  host: 'localhost',
  port: server.tlsPort,
  username: dnOf(name),
  password,
  ...given,
})
const login = (name: string, password: string, given: object = {}): Login =>
  readLogin(openldap, secretOf(name, password, given))
const atStrict = () => ({ port: strict.tlsPort })

const as = <T>(who: Login, work: (connection: Directory) => Promise<T>, through = io): Promise<T> =>
  loggedIn(openldap, who, through, work)
const logsIn = (name: string, password: string, given: object = {}) => as(login(name, password, given), openldap.probe)

test('an entry changes its own password, and a master changes it too', { skip }, async () => {
  makeEntry(server, 'own', 'first')
  await as(login('own', 'first'), (c) =>
    openldap.setPassword(c, { username: dnOf('own'), password: 'second', self: true }),
  )
  await logsIn('own', 'second')
  await fails('authentication', logsIn('own', 'first'))
  const change = { username: dnOf('own'), password: 'third', self: false }
  await as(login('master', 'of the master'), (c) => openldap.setPassword(c, change))
  await logsIn('own', 'third')
})

test('the secret may call the DN userDn', { skip }, async () => {
  makeEntry(server, 'called', 'first')
  const { username, ...others } = secretOf('called', 'first')
  await as(readLogin(openldap, { ...others, userDn: username }), openldap.probe)
})

test('every character is taken in a password, and in a DN', { skip }, async () => {
  for (const name of ['characters', 'o\'brien\\, \\"x\\" ü *()']) {
    makeEntry(server, name, 'first')
    let old = 'first'
    for (const password of [`'"\\%:@/ #?&*()`, 'ünï€ 漢字 🔑', ' leading and trailing ', 'x'.repeat(300)]) {
      await as(login(name, old), (c) => openldap.setPassword(c, { username: dnOf(name), password, self: true }))
      await logsIn(name, password)
      old = password
    }
  }
})

test('two passwords stand side by side, until the next change takes the older away', { skip }, async () => {
  makeEntry(server, 'two', 'first')
  const change = (own: string, password: string) =>
    as(login('two', own), (c) => openldap.setPassword(c, { username: dnOf('two'), password, keep: own, self: true }))
  await change('first', 'second')
  await logsIn('two', 'first')
  await logsIn('two', 'second')
  await change('second', 'third')
  await logsIn('two', 'second')
  await logsIn('two', 'third')
  await fails('authentication', logsIn('two', 'first'))
})

test('two passwords are refused before anything is changed where there are password policies', { skip }, async () => {
  makeEntry(strict, 'policed', 'first password')
  const plan = { username: dnOf('policed'), self: true, options: {} }
  await as(login('policed', 'first password', atStrict()), async (c) => {
    const [refused] = await openldap.preflight(c, { ...plan, strategy: 'dual' })
    assert.deepEqual([refused?.level, /allow one password/.test(refused?.message ?? '')], ['problem', true])
    const [taken] = await openldap.preflight(c, { ...plan, strategy: 'single' })
    assert.equal(taken?.level, 'ok')
    // What the server itself would say.
    await fails('policy', openldap.setPassword(c, { ...plan, password: 'second password', keep: 'first password' }))
  })
  await fails(
    'permission',
    rotate({ rotator: dual(openldap), io, value: secretOf('policed', 'first password', atStrict()) }),
  )
  await logsIn('policed', 'first password', atStrict())
})

test('a password that a policy refuses is told as such, and the old one stays', { skip }, async () => {
  makeEntry(strict, 'short', 'first password')
  await as(login('short', 'first password', atStrict()), async (c) => {
    for (const password of ['short', 'first password']) {
      await fails('policy', openldap.setPassword(c, { username: dnOf('short'), password, self: true }))
    }
  })
  await logsIn('short', 'first password', atStrict())
})

test('missing rights and missing entries are found before anything is changed, and looking changes nothing', {
  skip,
}, async () => {
  makeEntry(server, 'looked', 'first')
  makeEntry(server, 'other', 'first')
  const look = (who: Login, name: string) =>
    as(who, (c) => openldap.preflight(c, { strategy: 'single', username: dnOf(name), self: false, options: {} }))
  const [own] = await look(login('looked', 'first'), 'looked')
  const [master] = await look(login('master', 'of the master'), 'looked')
  const [stranger] = await look(login('other', 'first'), 'looked')
  const [missing] = await look(login('master', 'of the master'), 'nobody')
  assert.deepEqual(
    [own, master, stranger, missing].map((finding) => finding?.level),
    ['ok', 'ok', 'problem', 'problem'],
  )
  assert.match(stranger?.message ?? '', /may not write userPassword/)
  await logsIn('looked', 'first')
  const change = { username: dnOf('looked'), password: 'second', self: false }
  await fails(
    'permission',
    as(login('other', 'first'), (c) => openldap.setPassword(c, change)),
  )
})

test('TLS is verified, from the start or by StartTLS, and is never gone without', { skip }, async (t) => {
  makeEntry(server, 'tls', 'first')
  const plain = { port: server.plainPort }
  await logsIn('tls', 'first', { ...plain, startTls: true })
  await logsIn('tls', 'first', { ...plain, ssl: false })
  await fails('tls', logsIn('tls', 'first', plain))
  await fails('tls', as(login('tls', 'first'), openldap.probe, testIo()), /SELF_SIGNED|UNABLE_TO/)
  await fails('tls', as(login('tls', 'first', { ...plain, startTls: true }), openldap.probe, testIo()))
  const misnamed = await startOpenldap(t, { names: ['DNS:other.example'] })
  const through = testIo({ authorities: [misnamed.authority] })
  await fails('tls', as(login('tls', 'x', { port: misnamed.tlsPort }), openldap.probe, through), /ALTNAME/)
})

test('a directory is one by any address, and two are two', { skip }, async () => {
  makeEntry(server, 'id', 'first')
  const id = await as(login('id', 'first'), openldap.serverId)
  assert.match(id!, /^[0-9a-f-]{36}$/)
  assert.equal(await as(login('id', 'first', { host: '127.0.0.2' }), openldap.serverId), id)
  assert.notEqual(await as(login('master', 'of the master', atStrict()), openldap.serverId), id)
})

test('what does not answer ends in time, and what is no LDAP is told', { skip }, async (t) => {
  const port = await startBlackHole(t)
  const short = testIo({ timeoutMs: 400 })
  for (const given of [{}, { ssl: false }, { startTls: true }]) {
    const began = performance.now()
    await fails('unreachable', as(login('own', 'x', { port, ...given }), openldap.probe, short))
    assert.ok(performance.now() - began < 20_000)
  }
  await fails('unreachable', logsIn('own', 'x', { port: 1 }), /ECONNREFUSED/)
})

test('a name is no filter and no second entry, and messages hold no value', { skip }, async () => {
  makeEntry(server, 'plain', 'first')
  for (const username of ['*', `${dnOf('plain')})(cn=*`, `${dnOf('plain')}\nchangetype: delete`, 'not a dn']) {
    const change = { username, password: 'Needle4711', self: false }
    const failed = as(login('master', 'of the master'), (c) => openldap.setPassword(c, change))
    await assert.rejects(failed, (error) => {
      assert.ok(error instanceof RotatorError)
      assert.doesNotMatch(error.message, /Needle|cn=/)
      return true
    })
  }
  await logsIn('plain', 'first')
})

test('no password is in the server’s log', { skip }, async () => {
  makeEntry(server, 'watched', 'first')
  const change = { username: dnOf('watched'), password: 'Needle4711', self: true }
  await as(login('watched', 'first'), (c) => openldap.setPassword(c, change))
  await as(login('watched', 'Needle4711'), (c) =>
    openldap.setPassword(c, { ...change, password: 'Needle4712', keep: 'Needle4711' }),
  )
  await logsIn('watched', 'Needle4712')
  assert.match(server.log(), /PASSMOD id="cn=watched/)
  assert.doesNotMatch(server.log(), /Needle471/)
})

test('under a load of logins two passwords refuse nobody', { skip }, async (t) => {
  makeEntry(server, 'busy', 'first')
  const rotating = { rotator: dual(openldap), io, value: secretOf('busy', 'first') }
  const { rotations, current, previous } = await rotateUnderLoad(openldap, rotating, { rotations: 10 })
  t.diagnostic(`${rotations} rotations, ${current.logins} + ${previous.logins} logins`)
  assert.deepEqual([current.refused, previous.refused], [0, 0])
  assert.ok(current.logins >= 60 && previous.logins >= 54)
})

test('a single password leaves a gap, which is measured', { skip }, async (t) => {
  makeEntry(server, 'gap', 'first')
  const rotating = { rotator: single(openldap), io, value: secretOf('gap', 'first') }
  const seen = await rotateUnderLoad(openldap, rotating, { rotations: 5 })
  t.diagnostic(`${seen.gapMs.toFixed(0)} ms at most; ${seen.current.refused} of ${seen.current.logins} logins refused`)
  await as(readLogin(openldap, seen.value), openldap.probe)
})

test('a normal rotation, by itself or by a master, makes no failed login under a policy that counts them', {
  skip,
}, async () => {
  makeEntry(strict, 'quiet', 'first password')
  const before = strict.log().length
  const value = secretOf('quiet', 'first password', atStrict())
  const master = secretOf('master', 'of the master', atStrict())
  const run: Run = { current: value, versionId: 'a', options: {}, resumed: false }
  const findings = await single(openldap).dryRun(run, io)
  assert.ok(
    findings.every(({ level }) => level === 'ok'),
    JSON.stringify(findings),
  )
  const { pending } = await rotate({ rotator: single(openldap), io, value })
  await rotate({ rotator: single(openldap), io, value: pending, master })
  const log = strict.log().slice(before)
  assert.ok((log.match(/ BIND dn=.* mech=SIMPLE/g) ?? []).length >= 6)
  assert.doesNotMatch(log, /RESULT tag=97 err=49/)
})
