// Against a real Pebble, which rejects every seventh nonce.

import assert from 'node:assert/strict'
import { randomUUID, X509Certificate } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import { RotatorError } from '../errors.ts'
import type { Io, SecretValue } from '../rotator.ts'
import { makeCertificate } from '../testing/certificates.ts'
import { testIo } from '../testing/io.ts'
import { NAMED_SKIP, startNamed } from '../testing/named.ts'
import { BINDING, PEBBLE_SKIP, startPebble, type TestPebble } from '../testing/pebble.ts'
import { fails, refusal } from '../testing/refusals.ts'
import { unfitRsaKey } from '../testing/rsa.ts'
import { makeFolder, sparePort } from '../testing/server.ts'
import { acmeCertificate } from './acme-certificate.ts'

const skip = PEBBLE_SKIP
const ends: (() => unknown)[] = []
const scope = { after: (what: () => unknown) => void ends.push(what) }
let pebble: TestPebble
/** What is answered to the authority. */
const answers = new Map<string, string>()
let web: Server
before(async () => {
  if (skip) return
  pebble = await startPebble(scope)
  web = createServer(({ url = '' }, response) => void response.end(answers.get(url) ?? 'nothing of the kind'))
  await new Promise<void>((resolve) => web.listen(pebble.httpPort, '127.0.0.1', resolve))
})
after(async () => {
  web?.close()
  for (const end of ends.reverse()) await end()
})

const answerHttp: Io['answerHttp'] = async (path, body) => {
  answers.set(path, body)
  return () => void answers.delete(path)
}
const io = (more: Partial<Io> = {}) => testIo({ authorities: [pebble.authority], answerHttp: answerHttp!, ...more })
const secret = (more: object = {}): SecretValue => ({
  directoryUrl: pebble.directoryUrl,
  domains: ['a.example.com', 'B.example.com'],
  termsOfServiceAgreed: true,
  contact: 'ops@example.com',
  note: 'stays',
  ...more,
})
const runOf = (current: SecretValue, options = {}) => ({ current, versionId: randomUUID(), options, resumed: false })

async function issue(current: SecretValue, options = {}, more: { master?: SecretValue } = {}): Promise<SecretValue> {
  const run = { ...runOf(current, options), ...more }
  acmeCertificate.check(current, options)
  const pending = await acmeCertificate.complete!({ ...run, pending: await acmeCertificate.create(run, io()) }, io())
  await acmeCertificate.test({ ...run, pending }, io())
  return pending
}

test('a certificate for all names is issued, and the next one with the same account', { skip }, async () => {
  const first = await issue(secret())
  const leaf = new X509Certificate(String(first.certificate))
  assert.equal(leaf.subjectAltName, 'DNS:a.example.com, DNS:b.example.com')
  const [intermediate, root] = [
    new X509Certificate(String(first.certificateChain)),
    new X509Certificate(await pebble.root()),
  ]
  assert.ok(leaf.verify(intermediate.publicKey) && intermediate.verify(root.publicKey))
  assert.equal(first.fullChain, `${first.certificate}${first.certificateChain}`)
  assert.equal(first.notAfter, new Date(leaf.validTo).toISOString())
  assert.equal(answers.size, 0)

  const second = await issue({ ...first, domains: 'c.example.com' }, { keyType: 'rsa-2048' })
  assert.equal(second.accountKey, first.accountKey)
  assert.equal(new X509Certificate(String(second.certificate)).publicKey.asymmetricKeyType, 'rsa')
  assert.deepEqual([second.note, second.domains], ['stays', 'c.example.com'])
  const run = { ...runOf(first), pending: second }
  assert.match((await acmeCertificate.settle!(run, io()))[0]!.message, /^The previous certificate is valid until 20/)
  assert.equal((await acmeCertificate.settle!({ ...run, current: secret() }, io()))[0]?.level, 'warning')
  const later = io({ now: () => Date.parse(leaf.validTo) + 1 })
  assert.equal((await acmeCertificate.settle!(run, later))[0]?.level, 'problem')
})

test('whichever request it is cut off at, it goes on with its order, and one certificate is issued', {
  skip,
}, async () => {
  const account = await issue(secret({ domains: ['cut.example.com'] }))
  let another = 0
  for (let cut = 1, over = false; !over; cut++) {
    const run = runOf(account)
    const kept = await acmeCertificate.create(run, io())
    const before = pebble.issued()
    let asked = 0
    const cutting = io({
      resolve: async () => {
        if (++asked === cut) throw new RotatorError('unreachable', 'cut')
        return '127.0.0.1'
      },
    })
    const work = acmeCertificate.complete!({ ...run, pending: kept }, cutting)
    over = await work.then(
      () => true,
      (error: unknown) => refusal('unreachable', /^cut$/)(error) && false,
    )
    assert.equal(answers.size, 0)
    const whole = await acmeCertificate.complete!({ ...run, pending: kept, resumed: true }, io()).catch(
      async (error) => {
        // The authority came for the answer when there was none any more: as in a crash, it takes another order.
        refusal('policy')(error)
        another++
        return acmeCertificate.complete!({ ...run, pending: await acmeCertificate.create(run, io()) }, io())
      },
    )
    await acmeCertificate.test({ ...run, pending: whole }, io())
    assert.equal(await acmeCertificate.complete!({ ...run, pending: whole, resumed: true }, io()), whole)
    assert.equal(pebble.issued(), before + 1, `cut off at request ${cut}`)
    assert.ok(!over || cut > 8, `${cut} requests`)
  }
  assert.ok(another <= 3, `${another} orders were lost`)
})

test('a challenge that the authority does not find is told in its words, and the next order is another one', {
  skip,
}, async () => {
  const run = runOf(secret({ domains: ['lost.example.com'] }))
  const kept = await acmeCertificate.create(run, io())
  const wrong = io({ answerHttp: async () => () => {} })
  const message =
    /does not take the challenge for lost\.example\.com: .*(incorrectResponse|unauthorized).*key authorization/i
  await fails('permission', acmeCertificate.complete!({ ...run, pending: kept }, wrong), message)
  await fails('policy', acmeCertificate.complete!({ ...run, pending: kept, resumed: true }, io()), /is over/)
  const gone = { ...kept, order: String(kept.order).replace(/.$/, 'x') }
  await fails('policy', acmeCertificate.complete!({ ...run, pending: gone }, io()), /is over/)
  const foreign = { ...kept, order: 'https://localhost:1/order' }
  await fails('other', acmeCertificate.complete!({ ...run, pending: foreign }, io()), /not its own/)
  const { answerHttp: _, ...without } = io()
  await fails(
    'permission',
    acmeCertificate.complete!({ ...run, pending: await acmeCertificate.create(run, io()) }, without),
    /--acme-http/,
  )
})

test('an authority that wants an external account gets it, of the secret or of its master', { skip }, async (t) => {
  const strict = await startPebble(t, { binding: true })
  const own = (more = {}) => secret({ directoryUrl: strict.directoryUrl, domains: ['x.example.com'], ...more })
  const at = () => io({ authorities: [strict.authority] })
  const dry = async (current: SecretValue) =>
    (await acmeCertificate.dryRun(runOf(current), at())).map(({ level, message }) => `${level}: ${message}`)
  assert.match((await dry(own())).join(), /problem: It wants an external account/)
  await fails('permission', acmeCertificate.create(runOf(own()), at()), /externalAccountRequired/)
  const binding = { eabKeyId: BINDING.keyId, eabHmacKey: BINDING.hmacKey }
  await fails('permission', acmeCertificate.create(runOf(own({ ...binding, eabHmacKey: 'AAAA' })), at()), /refuses/)

  const accountKey = String((await acmeCertificate.create(runOf(own(binding)), at())).accountKey)
  const master = { directoryUrl: strict.directoryUrl, termsOfServiceAgreed: true, accountKey }
  const { termsOfServiceAgreed: _, ...current } = own({ masterarn: 'arn' })
  acmeCertificate.check(current, {})
  const run = { ...runOf(current), master }
  const pending = await acmeCertificate.create(run, at())
  assert.equal(pending.accountKey, undefined)
  assert.deepEqual(
    (await acmeCertificate.dryRun(run, at())).map(({ level }) => level),
    ['ok', 'ok', 'ok', 'warning'],
  )
  await fails(
    'secret',
    acmeCertificate.create({ ...run, master: { ...master, accountKey: undefined } }, at()),
    /no accountKey/,
  )
  await fails(
    'secret',
    acmeCertificate.create({ ...run, master: { ...master, directoryUrl: 'https://x/' } }, at()),
    /same directoryUrl/,
  )
  await fails('secret', acmeCertificate.create(runOf(current), at()), /masterarn/)
})

test('wildcards are answered for in DNS, by signed updates of a real BIND', { skip: skip || NAMED_SKIP }, async (t) => {
  const { port, key } = await startNamed(t)
  const { directoryUrl, authority } = await startPebble(t, { dns: port })
  const at = () => io({ authorities: [authority] })
  const dns = { dnsServer: `localhost:${port}`, dnsZone: 'example.com', dnsWaitSeconds: 0, ...key }
  const current = secret({ directoryUrl, domains: ['example.com', '*.example.com'], ...dns })
  const run = runOf(current)
  acmeCertificate.check(current, {})
  assert.ok(
    (await acmeCertificate.dryRun(run, at())).some(
      ({ message }) => message === 'Challenges can be answered in example.com.',
    ),
  )
  const kept = await acmeCertificate.create(run, at())
  const pending = await acmeCertificate.complete!({ ...run, pending: kept }, at())
  await acmeCertificate.test({ ...run, pending }, at())
  assert.match(new X509Certificate(String(pending.certificate)).subjectAltName!, /DNS:\*\.example\.com/)
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${port}`])
  await assert.rejects(resolver.resolveTxt('_acme-challenge.example.com'), { code: 'ENODATA' })
  const other = runOf({ ...current, tsigSecret: Buffer.alloc(32).toString('base64') })
  assert.match((await acmeCertificate.dryRun(other, at())).at(-1)!.message, /does not change example\.com: BADSIG/)
})

test('a dry run makes nothing, and tells what would not work', { skip }, async () => {
  const look = async (current: SecretValue, more = {}, of: Io = io()) =>
    (await acmeCertificate.dryRun({ ...runOf(current), ...more }, of)).map(
      ({ level, message }) => `${level}: ${message}`,
    )
  assert.deepEqual((await look(secret())).slice(1), [
    'ok: An account will be made.',
    'ok: Challenges can be answered: port 80 of each domain has to lead here.',
    'warning: Nothing is scheduled: the certificate is not renewed by itself.',
  ])
  const { answerHttp: _, ...without } = io()
  assert.match(
    (await look(secret(), {}, without)).join(),
    /problem: Nothing answers challenges: start the server with --acme-http/,
  )
  const current = await issue(secret())
  const days = (Date.parse(String(current.notAfter)) - Date.now()) / 86_400_000
  assert.deepEqual((await look(current, { everyDays: Math.floor(days / 3) })).slice(1), [
    'ok: It knows the account.',
    'ok: Challenges can be answered: port 80 of each domain has to lead here.',
  ])
  assert.match(
    (await look(current, { everyDays: Math.ceil(days / 2) })).at(-1)!,
    /^warning: It rotates every \d+ days, and certificates live/,
  )
  const later = io({ now: () => Date.parse(String(current.notAfter)) + 1 })
  assert.match((await look(current, { everyDays: 30 }, later)).at(-1)!, /^warning: The current certificate has expired/)
})

test('a certificate that does not fit is not made current', { skip }, async (t) => {
  const good = await issue(secret({ domains: ['fit.example.com'] }))
  const refused = async (more: object, message: RegExp, of = io(), current = good) =>
    fails(
      'other',
      acmeCertificate.test({ ...runOf({ ...current, ...more }), pending: { ...current, ...more } }, of),
      message,
    )
  await refused({ privateKey: good.accountKey }, /is of another key/)
  await refused({ domains: ['fit.example.com', 'other.example.com'] }, /is not for other\.example\.com/)
  await refused({}, /has expired/, io({ now: () => Date.parse(String(good.notAfter)) }))
  const { authority } = await makeCertificate(makeFolder(t))
  await refused({ fullChain: `${good.certificate}${authority}` }, /does not hold together/)
  const changed = (find: string, put: string): string => {
    const { raw } = new X509Certificate(String(good.certificate))
    const text = Buffer.from(raw.toString('latin1').replace(find, put), 'latin1').toString('base64')
    return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
  }
  const garbage = String(good.fullChain).replace(/MII/g, 'MIX')
  const curve = Buffer.from('2a8648ce3d0201', 'hex').toString('latin1')
  // A year that is no number, and a key of a kind that nobody knows.
  const timeless = changed(String(good.notAfter).slice(2, 10).replaceAll('-', ''), 'xx0101')
  for (const fullChain of [garbage, timeless, changed(curve, curve.replace(/.$/s, 'c'))]) {
    await fails(
      'secret',
      acmeCertificate.test({ ...runOf(good), pending: { ...good, fullChain } }, io()),
      /has no certificate/,
    )
  }
  const [finding] = await acmeCertificate.settle!({ ...runOf({ ...good, certificate: timeless }), pending: good }, io())
  assert.equal(finding?.message, 'There was no certificate before.')
  const moved = { ...good, domains: ['moved.example.com'] }
  await fails('secret', acmeCertificate.test({ ...runOf(good), pending: moved }, io()), /for other domains/)
})

test('who is no authority, or is not certified itself, is told by kind', { skip }, async (t) => {
  const attempt = (directoryUrl: string, of: Partial<Io> = {}) =>
    acmeCertificate.create(runOf(secret({ directoryUrl })), io(of))
  await fails('tls', attempt(pebble.directoryUrl, { authorities: [] }))
  await fails('unreachable', attempt(`https://localhost:${await sparePort()}/dir`))
  await fails('permission', attempt(pebble.directoryUrl.replace('/dir', '/none')), /status 404/)
  const other = await startOther(t)
  await fails('tls', attempt(`https://localhost:${other}/`))
})

test('what does not fit is told at once, and no value with it', { skip }, () => {
  const refuse = (more: object, message: RegExp, options = {}) =>
    assert.throws(() => acmeCertificate.check(secret(more), options), refusal('secret', message, /PRIVATE KEY|hidden/))
  for (const directoryUrl of [undefined, 'http://x/dir', 'x', 'https://user:hidden@x/dir'])
    refuse({ directoryUrl }, /directoryUrl/)
  for (const domains of [undefined, [], '', ['127.0.0.1'], ['a b.example.com'], ['localhost'], [7], ['é.example.com']])
    refuse({ domains }, /domains/)
  refuse({ domains: ['*.example.com'] }, /wildcard, and no dnsServer/)
  const dns = {
    dnsServer: 'ns.example.com',
    dnsZone: 'example.com',
    tsigKeyName: 'key',
    tsigSecret: 'hidden+hidden+hidden+hid',
  }
  acmeCertificate.check(secret({ ...dns, domains: ['*.example.com', 'example.com'] }), {})
  refuse({ ...dns, dnsServer: 'a b' }, /dnsServer/)
  refuse({ ...dns, dnsZone: 'other.example.com' }, /outside of dnsZone/)
  refuse({ ...dns, tsigKeyName: '' }, /tsigKeyName/)
  refuse({ ...dns, tsigSecret: 'hidden' }, /tsigSecret/)
  refuse({ ...dns, tsigAlgorithm: 'hmac-md5' }, /tsigAlgorithm/)
  refuse({ ...dns, dnsWaitSeconds: '5' }, /dnsWaitSeconds/)
  refuse({ termsOfServiceAgreed: 'true' }, /termsOfServiceAgreed/)
  refuse({ contact: 'a b' }, /contact/)
  refuse({ accountKey: '-----BEGIN PRIVATE KEY-----hidden' }, /accountKey is not/)
  for (const bits of [2048, 32_768])
    refuse({ accountKey: unfitRsaKey(bits) }, /accountKey is not an RSA key of at most/)
  refuse({ eabKeyId: 'hidden' }, /go together/)
  refuse({}, /keyType is none of/, { keyType: 'ed25519' })
  // A master's account goes there, for these names, and no others.
  assert.deepEqual(acmeCertificate.check(secret({ directoryUrl: 'https://CA.example/dir' }), {}), {
    place: 'ca.example:443',
    way: 'https://ca.example/dir a.example.com b.example.com',
  })
})

/** Who speaks HTTP without TLS. */
async function startOther(t: { after(what: () => unknown): void }): Promise<number> {
  const server = createServer((_, response) => void response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as { port: number }).port
}
