// Against an HTTP API of our own, over TLS: keys that it issues work until it is told to revoke them.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer as createPlain } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { RotatorErrorKind } from '../errors.ts'
import type { Rotator, SecretValue } from '../rotator.ts'
import { testIo } from '../testing/io.ts'
import { ADMIN, type Key, type KeyService, keyTemplate, startKeyService } from '../testing/key-api.ts'
import { refusal } from '../testing/refusals.ts'
import { httpCredentials } from './http-credential.ts'

const [overlapping, single] = httpCredentials as readonly [Rotator, Rotator]

let service: KeyService
let url = ''
let authority = ''
let stop = (): void => {}
before(async () => {
  ;({ service, url, authority, stop } = await startKeyService())
})
after(() => stop())

const io = () => testIo({ authorities: [authority], timeoutMs: 5_000 })
const valueOfKey = ({ id, token }: Key, more: object = {}): SecretValue => ({
  url,
  keyId: id,
  token,
  note: 'stays',
  ...more,
})
const secretOf = (key: Key): SecretValue => valueOfKey(key, { httpCredential: keyTemplate() })
const isKey = (value: SecretValue) =>
  [...service.keys.values()].some(
    ({ id, token }) => id === JSON.stringify(value.keyId).replaceAll('"', '') && token === value.token,
  )

async function rotate(
  rotator: Rotator,
  current: SecretValue,
  more: { previous?: SecretValue; master?: SecretValue } = {},
) {
  const { previous, ...others } = more
  const run = { current, ...others, versionId: randomUUID(), options: {}, resumed: false }
  rotator.check(current, {})
  const pending = await rotator.create(run, io())
  const whole = { ...run, pending }
  await rotator.set({ ...whole, ...(previous && { previous }) }, io())
  await rotator.test(whole, io())
  return { pending, findings: await rotator.settle!(whole, io()) }
}

const refused = async (work: Promise<unknown> | (() => unknown), kind: RotatorErrorKind, message: RegExp) => {
  const hidden = /SECRET|tok\/|admin token/
  await assert.rejects(typeof work === 'function' ? async () => work() : work, refusal(kind, message, hidden))
}

test('a key is issued by the current one, and the previous one works until the next rotation', async () => {
  const first = secretOf(service.issue('by hand'))
  const one = await rotate(overlapping, first)
  assert.deepEqual({ ...one.pending, keyId: 0, token: 0 }, { ...first, keyId: 0, token: 0 })
  assert.ok(isKey(one.pending) && isKey(first))
  assert.deepEqual(one.findings, [{ level: 'ok', message: 'The previous credential still works.' }])

  const two = await rotate(overlapping, one.pending, { previous: first })
  assert.ok(isKey(two.pending) && isKey(one.pending) && !isKey(first))
  // After a crash in setSecret: it is gone already.
  const again = { current: one.pending, previous: first, pending: two.pending, versionId: randomUUID(), options: {} }
  await overlapping.set({ ...again, resumed: true }, io())
  assert.ok(isKey(two.pending) && isKey(one.pending))
})

test('a previous version of the same key is not revoked', async () => {
  const current = secretOf(service.issue('by hand'))
  await rotate(overlapping, current, { previous: { ...current, note: 'before' } })
  assert.ok(isKey(current))
})

test('single revokes the previous key once AWSCURRENT has moved, and again after a crash', async () => {
  const current = secretOf(service.issue('by hand'))
  const { pending, findings } = await rotate(single, current)
  assert.ok(isKey(pending) && !isKey(current))
  assert.equal(findings[0]?.level, 'ok')
  const run = { current, pending, versionId: randomUUID(), options: {}, resumed: true }
  assert.equal((await single.settle!(run, io()))[0]?.level, 'ok')
  assert.ok(isKey(pending))
})

test('a key that a crash left behind is found and revoked before another is issued', async () => {
  const current = secretOf(service.issue('by hand'))
  const run = { current, versionId: randomUUID(), options: {}, resumed: false }
  await overlapping.create(run, io()) // and is not kept
  const lost = service.keys.get(String(service.last))!
  const before = service.keys.size
  const pending = await overlapping.create({ ...run, resumed: true }, io())
  assert.equal(service.keys.size, before)
  assert.ok(isKey(pending) && isKey(current) && !service.keys.has(lost.id))

  // The service issues, and its answer is lost on the way.
  const other = { ...run, versionId: randomUUID() }
  service.requests.length = 0
  service.silent = true
  await refused(overlapping.create(other, io()), 'unreachable', /ECONNRESET/)
  assert.deepEqual(service.requests, ['GET /v1/keys', 'POST /v1/keys'])
  const grown = service.keys.size
  const issued = await overlapping.create({ ...other, resumed: true }, io())
  assert.equal(service.keys.size, grown)
  assert.ok(isKey(issued))
})

test('with a master its token issues and revokes, by requests that stand in its own secret', async () => {
  const acting = { basic: { username: 'key', password: '{{master.token}}' } }
  const master = { url, token: ADMIN, httpCredential: keyTemplate(acting) }
  const current = valueOfKey(service.issue('by hand'), { masterarn: 'arn:of-the-master' })
  const { pending } = await rotate(overlapping, current, { master })
  assert.ok(isKey(pending) && pending.httpCredential === undefined && pending.masterarn === 'arn:of-the-master')

  await refused(
    () => overlapping.check({ ...current, httpCredential: keyTemplate() }, {}),
    'secret',
    /master secret alone/,
  )
  const run = { current, master, versionId: randomUUID(), options: {}, resumed: false }
  service.requests.length = 0
  const elsewhere = { ...master, url: 'https://localhost:1' }
  await refused(overlapping.create({ ...run, master: elsewhere }, io()), 'secret', /same url/)
  const { master: _, ...without } = run
  await refused(overlapping.create(without, io()), 'secret', /masterarn/)
  assert.deepEqual(service.requests, [])
})

test('a dry run tries the current key and the list, and changes nothing', async () => {
  const current = secretOf(service.issue('by hand'))
  const run = { current, versionId: randomUUID(), options: {}, resumed: false }
  const before = [...service.keys.keys()]
  const levels = async (value: SecretValue) =>
    (await overlapping.dryRun({ ...run, current: value }, io())).map(({ level }) => level)
  assert.deepEqual(await levels(current), ['ok', 'ok'])
  const { list: _, ...unlisted } = keyTemplate()
  assert.deepEqual(await levels({ ...current, httpCredential: unlisted }), ['ok'])
  const unnamed = { ...unlisted, issue: { ...unlisted.issue, json: { name: 'x' } } }
  assert.deepEqual(await levels({ ...current, httpCredential: unnamed }), ['ok', 'warning'])
  assert.deepEqual(await levels({ ...current, token: 'wrong' }), ['problem'])
  assert.deepEqual(await levels({ ...current, keyId: undefined }), ['ok', 'problem'])
  assert.deepEqual([...service.keys.keys()], before)
})

test('what the other side says is told by kind, and never quoted', async () => {
  const current = secretOf(service.issue('by hand'))
  const run = { current, pending: current, versionId: randomUUID(), options: {}, resumed: false }
  const answered = (status: number, body = 'SECRET', headers = {}) => {
    service.instead = (_, response) => response.writeHead(status, headers).end(body)
    return overlapping.test(run, io())
  }
  await refused(overlapping.test({ ...run, pending: { ...current, token: 'x' } }, io()), 'authentication', /status 401/)
  await refused(answered(403), 'authentication', /status 403/)
  await refused(answered(500), 'unreachable', /status 500/)
  await refused(answered(429), 'unreachable', /status 429/)
  service.requests.length = 0
  await refused(answered(302, '', { location: `${url}/v1/keys` }), 'other', /status 302/)
  assert.deepEqual(service.requests, ['GET /v1/me'])
  await refused(answered(200, 'x'.repeat(1024 * 1024 + 1)), 'other', /too much/)
  service.instead = () => {}
  await refused(overlapping.test(run, testIo({ authorities: [authority], timeoutMs: 200 })), 'unreachable', /200 ms/)
  service.instead = (_, response) => response.writeHead(200).end('{"keys":"SECRET"}')
  await refused(overlapping.create(run, io()), 'other', /list/)
  const matching = { ...keyTemplate(), test: { ...keyTemplate().test, match: { '/name': 'another' } } }
  await refused(
    overlapping.test({ ...run, current: { ...current, httpCredential: matching } }, io()),
    'authentication',
    /match/,
  )
})

test('TLS is verified, and there is no other way unless the secret says so', async () => {
  const current = secretOf(service.issue('by hand'))
  const run = { current, pending: current, versionId: randomUUID(), options: {}, resumed: false }
  await refused(overlapping.test(run, testIo()), 'tls', /verified TLS/)
  const plain = createPlain(service.answer)
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  try {
    const at = `localhost:${(plain.address() as AddressInfo).port}`
    const over = (more: object) => {
      const value = { ...current, ...more }
      return overlapping.test({ ...run, current: value, pending: value }, io())
    }
    await refused(over({ url: `https://${at}` }), 'tls', /TLS/)
    await refused(over({ url: `http://${at}` }), 'secret', /ssl is false/)
    await refused(over({ ssl: false }), 'secret', /ssl is false/)
    await over({ url: `http://${at}`, ssl: false })
    await refused(
      overlapping.test({ ...run, pending: { ...current, url: `http://${at}`, ssl: false } }, io()),
      'secret',
      /of another place/,
    )
  } finally {
    plain.close()
    plain.closeAllConnections()
  }
})

test('no value gets out of the place it was put in', async () => {
  const current = secretOf(service.issue('by hand'))
  const revoked = async (keyId: unknown) => {
    service.requests.length = 0
    const run = { current, pending: { ...current, keyId: '1' }, versionId: randomUUID(), options: {}, resumed: false }
    await overlapping.set({ ...run, previous: { ...current, keyId } }, io())
    return service.requests
  }
  assert.deepEqual(await revoked('../me?x=1#y %\r\n'), ['DELETE /v1/keys/..%2Fme%3Fx%3D1%23y%20%25%0D%0A'])
  for (const keyId of ['..', '.', '', undefined, { a: 1 }]) await refused(revoked(keyId), 'secret', /revoke/)
  const header = {
    ...keyTemplate(),
    test: { path: '/v1/me', headers: { authorization: 'Bearer {{credential.token}}' } },
  }
  const value = { ...current, token: 'a\r\nx: y', httpCredential: header }
  const run = { current: value, pending: value, versionId: randomUUID(), options: {}, resumed: false }
  await refused(overlapping.test(run, io()), 'secret', /no header can hold/)
})

test('a template that cannot be is refused before anything is sent', async () => {
  const good = keyTemplate()
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ ...good, more: {} }, /more is not known/],
    [{ ...good, test: undefined }, /test is missing/],
    [{ ...good, test: { path: 'https://elsewhere/' } }, /test\.path/],
    [{ ...good, test: { path: '//elsewhere/' } }, /test\.path/],
    [{ ...good, test: { path: '/', method: 'CONNECT' } }, /test\.method/],
    [{ ...good, test: { path: '/', headers: { Host: 'elsewhere' } } }, /test\.headers/],
    [{ ...good, test: { path: '/{{master.token}}' } }, /names none in masterarn/],
    [{ ...good, test: { path: '/{{rotation.versionId}}' } }, /unknown placeholder/],
    [{ ...good, test: { path: '/{{secret.__proto__}}' } }, /unknown placeholder/],
    [{ ...good, test: { path: '/{{secret.token' } }, /without an end/],
    [{ ...good, test: { path: '/', statuses: [500] } }, /statuses/],
    [{ ...good, test: { path: '/', json: {}, form: {} } }, /both/],
    [{ ...good, test: { path: '/', form: { '{{secret.token}}': '' } } }, /test\.form/],
    [{ ...good, test: { path: '/', basic: { username: '', password: '', realm: '' } } }, /test\.basic/],
    [{ ...good, test: { ...good.test, headers: { Authorization: 'x' } } }, /both basic/],
    [{ ...good, issue: { ...good.issue, set: { url: '/id' } } }, /issue\.set/],
    [{ ...good, issue: { ...good.issue, set: { masterarn: '/id' } } }, /issue\.set/],
    [{ ...good, issue: { ...good.issue, set: { token: 'id' } } }, /issue\.set/],
    [{ ...good, issue: { ...good.issue, set: {} } }, /issue\.set/],
    [{ ...good, list: { ...good.list, match: {} } }, /what it finds is revoked/],
  ]
  const current = secretOf(service.issue('by hand'))
  for (const [httpCredential, message] of wrong) {
    await refused(() => overlapping.check({ ...current, httpCredential }, {}), 'secret', message)
  }
  for (const at of ['https://u:p@localhost', 'https://localhost/path', 'ftp://localhost', 'https://LOCALHOST', 7]) {
    await refused(() => overlapping.check({ ...current, url: at }, {}), 'secret', /url/)
  }
  assert.deepEqual(overlapping.check({ ...current, url: 'https://api.example.com/' }, {}), {
    place: 'api.example.com:443',
  })
})
