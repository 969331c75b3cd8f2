// Against a real sshd, whose accounts are those of the machine.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { SecretValue } from '../rotator.ts'
import { changeKeys } from '../ssh/authorized-keys.ts'
import { readPrivateKey } from '../ssh/keys.ts'
import { remoteFile } from '../ssh/remote-file.ts'
import { testIo } from '../testing/io.ts'
import { fails, refusal } from '../testing/refusals.ts'
import { sparePort, startBlackHole } from '../testing/server.ts'
import { SSHD_SKIP, startSshd, type TestSshd } from '../testing/sshd.ts'
import { sshKey } from './ssh-key.ts'

const io = testIo
let server: TestSshd
const ends: (() => unknown)[] = []
let file = ''
let first: { readonly privateKey: string; readonly publicKey: string }
before(async () => {
  if (SSHD_SKIP) return
  server = await startSshd({ after: (what) => void ends.push(what) })
  first = server.makeKey()
  file = server.keysFile(server.username)
})
after(async () => {
  for (const end of ends.reverse()) await end()
})
beforeEach(() => {
  if (!SSHD_SKIP) server.writeKeys(server.username, `${first.publicKey}\n`)
})

const skip = SSHD_SKIP
const content = () => readFileSync(file, 'latin1')
const secret = (more: object = {}): SecretValue => ({
  host: 'localhost',
  port: server.port,
  username: server.username,
  privateKey: first.privateKey,
  hostKey: server.hostKey,
  authorizedKeysFile: file,
  note: 'stays',
  ...more,
})
const runOf = (current: SecretValue, more: object = {}) => {
  return { current, versionId: randomUUID(), options: {}, resumed: false, ...more }
}
const works = (value: SecretValue) =>
  sshKey.test({ ...runOf(value), pending: value }, io()).then(
    () => true,
    (error: unknown) => refusal('authentication')(error) && false,
  )

test('the new key logs in beside the current one, and the next rotation takes the one before away', {
  skip,
}, async () => {
  const others = `# mine \xe9\n\nno-pty ${server.makeKey().publicKey}`
  server.writeKeys(server.username, `restrict,from="127.0.0.1,::1" ${first.publicKey}\n${others}`, 0o640)
  const current = secret()
  const run = runOf(current)
  assert.deepEqual(
    (await sshKey.dryRun(run, io())).map(({ level }) => level),
    ['ok', 'ok'],
  )
  const untouched = content()
  const pending = await sshKey.create(run, io())
  assert.equal(content(), untouched)
  const { privateKey, publicKey, fingerprint, ...rest } = pending
  assert.deepEqual({ ...rest, privateKey: first.privateKey }, current)
  await sshKey.set({ ...run, pending }, io())
  await sshKey.test({ ...run, pending }, io())
  assert.deepEqual(await sshKey.settle!({ ...run, pending }, io()), [
    { level: 'ok', message: 'The previous key still works.' },
  ])
  const [one = '', two = '', ...more] = content().split('\n')
  assert.equal(one, `restrict,from="127.0.0.1,::1" ${first.publicKey}`)
  assert.ok(two.startsWith(`restrict,from="127.0.0.1,::1" ${String(publicKey).split(' ', 2).join(' ')} `), two)
  assert.equal(more.join('\n'), Buffer.from(others).toString('latin1'))
  assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.deepEqual(readdirSync(dirname(file)), ['authorized_keys'])

  // What applications do with it.
  const key = join(server.folder, 'of-the-application')
  writeFileSync(key, String(privateKey), { mode: 0o600 })
  const options = ['IdentitiesOnly=yes', 'StrictHostKeyChecking=no', `UserKnownHostsFile=${server.folder}/known`]
  const words = ['-F', 'none', '-i', key, '-p', `${server.port}`, ...options.flatMap((option) => ['-o', option])]
  const out = execFileSync('ssh', [...words, `${server.username}@127.0.0.1`, 'echo hello'], { stdio: 'pipe' })
  assert.equal(out.toString(), 'hello\n')
  const printed = String(execFileSync('ssh-keygen', ['-l', '-f', key]))
  assert.equal(fingerprint, printed.split(' ')[1])

  const next = runOf(pending, { previous: current })
  const third = await sshKey.create(next, io())
  await sshKey.set({ ...next, pending: third }, io())
  assert.deepEqual([await works(current), await works(pending), await works(third)], [false, true, true])
  const settled = content()
  await sshKey.set({ ...next, pending: third, resumed: true }, io())
  assert.equal(content(), settled)
})

test('keys of other kinds are made, and RSA keys act by SHA-2', { skip }, async () => {
  let current = secret()
  for (const keyType of ['ecdsa-p521', 'rsa-3072']) {
    const run = runOf(current, { options: { keyType } })
    const pending = await sshKey.create(run, io())
    await sshKey.set({ ...run, pending }, io())
    current = pending
  }
  assert.ok(await works(current))
  assert.throws(() => sshKey.check(current, { keyType: 'dsa' }), refusal('secret', /none of ed25519/))
})

test('a host with another key is sent nothing, and none is trusted at first sight', { skip }, async () => {
  const hostKey = server.makeKey('-t', 'ed25519').publicKey
  const other = secret({ hostKey })
  await fails(
    'tls',
    sshKey.test({ ...runOf(other), pending: other }, io()),
    /^The host key of localhost:[0-9]+ is none of/,
  )
  const ecdsa = secret({ hostKey: server.makeKey('-t', 'ecdsa').publicKey })
  await fails('tls', sshKey.test({ ...runOf(ecdsa), pending: ecdsa }, io()), /host key/)
  assert.equal((await sshKey.dryRun(runOf(other), io()))[0]?.level, 'problem')
  for (const given of [undefined, '', 'host ssh-ed25519 AAAA', `@revoked ${server.hostKey}`, 'SHA256:abc', 17]) {
    assert.throws(() => sshKey.check(secret({ hostKey: given }), {}), refusal('secret', /hostKey/))
  }
})

test('who does not answer, or answers something else, is told by kind', { skip }, async (t) => {
  const attempt = async (kind: RotatorErrorKind, more: object, message?: RegExp, of = {}) => {
    const value = secret(more)
    await fails(kind, sshKey.test({ ...runOf(value), pending: value }, io(of)), message)
  }
  await attempt('unreachable', { port: await sparePort() }, /connection refused/)
  await attempt('unreachable', { port: await startBlackHole(t) }, /none within 500 ms/, { timeoutMs: 500 })
  const ended = new AbortController()
  ended.abort()
  await attempt('unreachable', {}, /was ended/, { signal: ended.signal })
  const web = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  t.after(() => web.close())
  await attempt('unreachable', { port: (web.address() as { port: number }).port })
  await attempt('authentication', { privateKey: server.makeKey().privateKey }, /does not let the key in/)
  await attempt('authentication', { username: 'nobody-of-this-name' })
})

test('what is not the rotator’s to change stays as it is, and the reason is told', { skip }, async (t) => {
  const refused = async (more: object, message: RegExp) => {
    const run = runOf(secret(more))
    await fails('permission', sshKey.set({ ...run, pending: await sshKey.create(run, io()) }, io()), message)
    assert.equal((await sshKey.dryRun(run, io())).at(-1)?.level, 'problem')
  }
  await refused({ authorizedKeysFile: `${file}-2` }, /is not there: the member authorizedKeysFile/)
  const other = join(dirname(file), 'other')
  writeFileSync(other, `${server.makeKey().publicKey}\n`)
  t.after(() => unlinkSync(other))
  await refused({ authorizedKeysFile: other }, /does not have the current key/)
  server.writeKeys(server.username, `command="echo hello" ${first.publicKey}\n`)
  await refused({}, /runs no commands .* forced command/)
  assert.ok(await works(secret())) // it is let in all the same
})

test('a file that cannot be written is left as it is', { skip: skip || notAccount() }, async (t) => {
  const account = 'games'
  server.writeKeys(account, `${first.publicKey}\n`)
  const theirs = server.keysFile(account)
  const master = { username: server.username, privateKey: first.privateKey }
  const run = runOf(secret({ username: account, authorizedKeysFile: theirs, masterarn: 'arn' }), { master })
  const pending = await sshKey.create(run, io())
  t.after(() => chmodSync(dirname(theirs), 0o755))
  for (const path of [theirs, dirname(theirs)]) {
    chmodSync(path, 0o555)
    await fails('permission', sshKey.set({ ...run, pending }, io()), /cannot be written/)
    assert.equal(readFileSync(theirs, 'latin1'), `${first.publicKey}\n`)
    assert.match((await sshKey.dryRun(run, io())).at(-1)!.message, /cannot be changed/)
    chmodSync(path, 0o755)
  }
  assert.deepEqual(readdirSync(dirname(theirs)), ['authorized_keys'])
})

test('a master becomes the account and changes its file, where the account’s own key is let in', {
  skip: skip || notAccount(),
}, async () => {
  const account = 'games'
  const own = server.makeKey()
  const theirs = server.keysFile(account)
  server.writeKeys(account, `command="/bin/true" ${own.publicKey}\n`)
  const current = secret({
    username: account,
    privateKey: own.privateKey,
    authorizedKeysFile: theirs,
    masterarn: 'arn',
  })
  const master: SecretValue = {
    host: 'LOCALHOST',
    port: String(server.port),
    username: server.username,
    privateKey: first.privateKey,
  }
  const run = { ...runOf(current), master }
  assert.deepEqual(
    (await sshKey.dryRun(run, io())).map(({ level }) => level),
    ['ok', 'ok'],
  )
  const pending = await sshKey.create(run, io())
  await sshKey.set({ ...run, pending }, io())
  assert.ok((await works(pending)) && (await works(current)))
  assert.match(readFileSync(theirs, 'utf8').split('\n')[1]!, /^command="\/bin\/true" ssh-ed25519 /)
  assert.equal(execFileSync('stat', ['-c', '%U %a', theirs]).toString().trim(), `${account} 600`)

  // A link of the account's own leads it nowhere that it may not write.
  const target = join(server.folder, 'of-root')
  writeFileSync(target, `${own.publicKey}\n`, { mode: 0o644 })
  unlinkSync(theirs)
  symlinkSync(target, theirs)
  await fails('permission', sshKey.set({ ...run, pending }, io()), /cannot be written/)
  assert.equal(readFileSync(target, 'utf8'), `${own.publicKey}\n`)
  unlinkSync(theirs)

  server.writeKeys(account, `${own.publicKey}\n`)
  const stranger = { ...run, current: { ...current, privateKey: server.makeKey().privateKey } }
  await fails('authentication', sshKey.set({ ...stranger, pending }, io()))
  await fails('secret', sshKey.set({ ...run, pending, master: { ...master, port: 1 } }, io()), /another host/)
  const { master: _, ...without } = run
  await fails('secret', sshKey.set({ ...without, pending }, io()), /masterarn/)
  await fails('secret', sshKey.set({ ...run, pending, master: { username: 'root' } }, io()), /^Of the master secret: /)
})

test('a master writes files of its own folders, and none that the account could swap', {
  skip: skip || notAccount(),
}, async () => {
  const account = 'games'
  const own = server.makeKey()
  const theirs = server.keysFile(account)
  const current = secret({ username: account, privateKey: own.privateKey, masterarn: 'arn' })
  const path = theirs.replace(`keys-${account}`, 'keys-%u')
  const master = { username: server.username, privateKey: first.privateKey, authorizedKeysFile: path }
  const run = { ...runOf(current), master }
  const pending = await sshKey.create(run, io())
  server.writeKeys(account, `${own.publicKey}\n`)
  await fails('permission', sshKey.set({ ...run, pending }, io()), /can be changed by its account, /)
  for (const one of [dirname(theirs), theirs]) execFileSync('chown', ['root', one])
  chmodSync(theirs, 0o644)
  const left = readFileSync(theirs, 'latin1')
  const refused = () => fails('permission', sshKey.set({ ...run, pending }, io()), /a folder above it, can be changed/)
  // Whoever may rename the folder may put another one, with links in it, in its place.
  execFileSync('chown', [account, server.folder])
  await refused()
  execFileSync('chown', ['root', server.folder])
  chmodSync(server.folder, 0o775)
  await refused()
  chmodSync(server.folder, 0o755)
  assert.equal(readFileSync(theirs, 'latin1'), left)
  await sshKey.set({ ...run, pending }, io())
  assert.ok(await works(pending))
  assert.equal(execFileSync('stat', ['-c', '%U %a', theirs]).toString().trim(), 'root 644')
  await fails(
    'secret',
    sshKey.set({ ...run, pending, master: { ...master, authorizedKeysFile: 'x' } }, io()),
    /absolute/,
  )
})

test('what somebody else writes meanwhile is not lost', { skip }, async () => {
  const run = runOf(secret())
  const pending = await sshKey.create(run, io())
  const foreign = server.makeKey().publicKey
  const { port, username } = server
  const account = { host: 'localhost', port, username, hostKeys: [server.hostKey.split(' ').slice(1).join(' ')] }
  let asked = 0
  const to = (before: string): string => {
    if (++asked === 1) writeFileSync(file, `${before}${foreign}\n`)
    return `${before}# more\n`
  }
  const edit = () => remoteFile({ account, key: readPrivateKey(first.privateKey), path: file }, io(), { name: 'x', to })
  assert.equal(await edit(), undefined)
  assert.equal(content(), `${first.publicKey}\n${foreign}\n`)
  assert.equal((await edit())?.content, `${first.publicKey}\n${foreign}\n`)
  assert.equal(content(), `${first.publicKey}\n${foreign}\n# more\n`)
  await sshKey.set({ ...run, pending }, io())
  assert.ok(content().endsWith(`${foreign}\n# more\n`))
  assert.deepEqual(readdirSync(dirname(file)), ['authorized_keys'])
})

test('a rotation that was given up leaves no key behind for the next one', { skip }, async () => {
  const given = runOf(secret())
  const lost = await sshKey.create(given, io())
  await sshKey.set({ ...given, pending: lost }, io())
  assert.ok(await works(lost))
  const run = runOf(secret())
  const pending = await sshKey.create(run, io())
  await sshKey.set({ ...run, pending }, io())
  assert.deepEqual([await works(lost), await works(pending), await works(secret())], [false, true, true])
  const key = (value: SecretValue) => readPrivateKey(value.privateKey)
  assert.equal(changeKeys(content(), { beside: key(secret()), added: key(pending) }), content())
})

test('what does not fit is told at once, all of it, and no value with it', { skip }, () => {
  const refuse = (more: object, message: RegExp) =>
    assert.throws(() => sshKey.check(secret(more), {}), refusal('secret', message, /PRIVATE KEY/))
  refuse(
    { host: undefined, port: 'x', username: '-oProxyCommand=x' },
    /host is missing; username is no name of an account; port is not/,
  )
  refuse({ host: '-x y' }, /host is neither a name nor an address/)
  for (const authorizedKeysFile of ['-x', "a'b", 'a b', 'a!b', '$x', 7, ''])
    refuse({ authorizedKeysFile }, /authorizedKeysFile/)
  refuse({ privateKey: undefined }, /privateKey is missing/)
  const { place, way } = sshKey.check(secret({ host: 'LocalHost' }), {})
  assert.equal(place, `localhost:${server.port}`)
  assert.equal(way, `${file} ${server.hostKey.split(' ').slice(1, 3).join(' ')}`)
  const moved = { ...secret(), port: 1 }
  assert.rejects(sshKey.test({ ...runOf(secret()), pending: moved }, io()), refusal('secret', /of another account/))
})

/** Accounts of the machine are needed that only its root may become. */
function notAccount(): false | string {
  return process.getuid?.() === 0 ? false : 'needs root, to act for the account games'
}
