// TLS certificates of a certificate authority that speaks ACME, by HTTP or DNS challenges. docs/rotators.md#tls-certificates
//
// The order is made with the key and kept with it, before anything is asked for: whatever is interrupted goes on with the same order, so that no
// certificate is issued twice.

import { createHash, createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Acme, type AcmeAccount, openAcme } from '../acme/client.ts'
import { certificateRequest } from '../acme/csr.ts'
import { changeTxt, type DnsZone } from '../acme/dns-update.ts'
import { RotatorError } from '../errors.ts'
import type { Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { namesMaster, placeOf } from '../secret.ts'
import { keyTypes } from './key-type.ts'

const KEY_TYPES = keyTypes({
  'ec-p256': 'ECC_NIST_P256',
  'ec-p384': 'ECC_NIST_P384',
  'rsa-2048': 'RSA_2048',
  'rsa-3072': 'RSA_3072',
  'rsa-4096': 'RSA_4096',
})
/** As one certificate of Let's Encrypt may have. https://letsencrypt.org/docs/rate-limits/ */
const DOMAINS_MAX = 100
const DOMAIN = /^(?=.{1,253}$)(?:\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const ZONE = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const CONTACT = /^[\x21-\x7e]{3,254}$/
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const CHALLENGES = '/.well-known/acme-challenge/'
const DAY_MS = 86_400_000
/** As authorities take them. Nothing else is done while a key signs: a key of a secret's length would take minutes. */
const RSA_BITS_MAX = 4_096
/** Members that belong to one certificate. */
const ISSUED = ['privateKey', 'certificate', 'certificateChain', 'fullChain', 'notAfter', 'order'] as const

export const acmeCertificate: Rotator = {
  name: 'acme-certificate',
  title: 'TLS certificate by ACME: the previous one works until it expires',
  strategy: 'dual',
  verified: true,
  members: [
    { name: 'directoryUrl', required: true, about: 'Of the authority: https://acme-v02.api.letsencrypt.org/directory' },
    { name: 'domains', required: true, about: 'List of names, or a text with spaces or commas between them.' },
    { name: 'termsOfServiceAgreed', required: true, about: 'true: you agree to the terms of the authority.' },
    { name: 'contact', required: false, about: 'Address of mail that the authority may write to.' },
    { name: 'accountKey', required: false, about: 'PEM of the account at the authority; made where it is absent.' },
    { name: 'eabKeyId', required: false, about: 'Of the external account, where the authority wants one.' },
    { name: 'eabHmacKey', required: false, about: 'Its key, in base64url.' },
    {
      name: 'masterarn',
      required: false,
      about: 'ARN of the secret with the account, where several certificates share it.',
    },
    { name: 'privateKey', required: false, about: 'Written: PKCS #8 in PEM.' },
    { name: 'certificate', required: false, about: 'Written: PEM.' },
    { name: 'certificateChain', required: false, about: 'Written: PEM of the authorities between it and the root.' },
    { name: 'fullChain', required: false, about: 'Written: the certificate and its chain.' },
    { name: 'notAfter', required: false, about: 'Written: when it expires, in ISO 8601.' },
  ],
  options: [KEY_TYPES.option],
  master: 'optional',

  check(value, options) {
    KEY_TYPES.read(options)
    const { directory, domains } = readSecret(value)
    if (!namesMaster(value)) {
      readAccount(value)
      readDns(value, domains)
    }
    const place = placeOf({ host: directory.hostname, port: Number(directory.port || 443) })
    // A master's account, or its zone, would have a certificate issued for whatever names the secret has.
    return { place, way: [directory.href, ...domains].join(' ') }
  },

  async create(run, io) {
    const { domains } = readSecret(run.current)
    const { acme, account, own } = await open(run, io)
    await acme.enter()
    const order = await acme.newOrder(domains)
    const privateKey = await io.generatePrivateKey(KEY_TYPES.read(run.options))
    const kept = Object.entries(run.current).filter(([name]) => !ISSUED.some((one) => one === name))
    return {
      ...Object.fromEntries(kept),
      ...(own && { accountKey: pemOf(account.key) }),
      privateKey: pemOf(privateKey),
      order,
    }
  },

  async complete(run, io) {
    const { pending, key, domains } = pendingOf(run)
    if (pending.certificate !== undefined) return pending
    const { acme, dns } = await open({ ...run, current: { ...run.current, accountKey: pending.accountKey } }, io)
    await acme.enter()
    const chain = await issued(acme, { order: String(pending.order), key, domains, dns }, io)
    const all = readCertificates(chain)
    if (all[0] === undefined) throw new RotatorError('other', `${acme.at} gives no certificate.`)
    const [certificate, ...more] = (chain.match(CERTIFICATE) ?? []).map((one) => `${one}\n`)
    return {
      ...pending,
      certificate,
      certificateChain: more.join(''),
      fullChain: [certificate, ...more].join(''),
      notAfter: dateOf(all[0]),
    }
  },

  /** It is where applications get it. */
  async set() {},

  async test(run, io) {
    const { pending, key, domains } = pendingOf(run)
    const [leaf, ...more] = readCertificates(pending.fullChain)
    if (leaf === undefined) throw new RotatorError('secret', 'The pending version has no certificate.')
    const fault = faultOf([leaf, ...more], { key, domains, now: io.now() })
    if (fault !== undefined) throw new RotatorError('other', `The new certificate ${fault}.`)
  },

  async settle({ current }, io) {
    const [before] = readCertificates(current.certificate)
    if (before === undefined) return [{ level: 'warning', message: 'There was no certificate before.' }]
    const over = Date.parse(before.validTo) <= io.now()
    const message = `The previous certificate is valid until ${dateOf(before)}${over ? ', which is over' : ''}.`
    return [{ level: over ? 'problem' : 'ok', message }]
  },

  async dryRun(run, io) {
    const findings: Finding[] = []
    const say = (level: Finding['level'], message: string): void => void findings.push({ level, message })
    try {
      const { acme, account, own, isNew, dns } = await open(run, io)
      say('ok', `${acme.at} speaks ACME.`)
      if (!isNew && (await acme.enter({ existing: true }))) say('ok', 'It knows the account.')
      else if (acme.bindingRequired && !account.binding)
        say('problem', 'It wants an external account: eabKeyId and eabHmacKey.')
      else say('ok', `An account will be made${own ? '' : ' with the key of the master secret'}.`)
      say('ok', await lookAtChallenges(readSecret(run.current).domains, dns, io))
      findings.push(...lookAtSchedule(run, io))
    } catch (error) {
      if (!(error instanceof RotatorError)) throw error
      say('problem', error.message)
    }
    return findings
  },
}

const NO_ADDRESS =
  'Nothing answers challenges: start the server with --acme-http HOST:PORT, and this account among --acme-http-account where there are any.'

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const dateOf = ({ validTo }: X509Certificate): string => new Date(validTo).toISOString()

/** None where the text is not a row of them, whose times and keys can be read. */
function readCertificates(text: unknown): readonly X509Certificate[] {
  try {
    const all = (String(text ?? '').match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one))
    // What is only looked at when it is asked for.
    return all.every((one) => one.publicKey && Date.parse(one.validFrom) < Date.parse(one.validTo)) ? all : []
  } catch {
    return []
  }
}

/** @throws RotatorError `secret` */
function readSecret({ directoryUrl, domains }: SecretValue): {
  readonly directory: URL
  readonly domains: readonly string[]
} {
  const directory = typeof directoryUrl === 'string' && directoryUrl.length <= 500 ? URL.parse(directoryUrl) : null
  if (
    directory?.protocol !== 'https:' ||
    directory.username !== '' ||
    directory.password !== '' ||
    directory.hash !== ''
  ) {
    throw new RotatorError('secret', 'The member directoryUrl is not an https URL.')
  }
  const names: readonly unknown[] =
    typeof domains === 'string' ? domains.trim().split(/[\s,]+/) : Array.isArray(domains) ? domains : []
  const list = [
    ...new Set(names.map((name) => (typeof name === 'string' ? name.toLowerCase().replace(/\.$/, '') : ''))),
  ]
  if (list.length === 0 || list.length > DOMAINS_MAX || list.some((name) => !DOMAIN.test(name) || isIP(name) !== 0)) {
    throw new RotatorError(
      'secret',
      `The member domains is not a list of 1 to ${DOMAINS_MAX} names of hosts, in ASCII.`,
    )
  }
  return { directory, domains: list }
}

/** @throws RotatorError `secret`, naming members and no values */
function readAccount(value: SecretValue): Omit<AcmeAccount, 'key'> & { readonly key: KeyObject | undefined } {
  const { termsOfServiceAgreed, contact, accountKey, eabKeyId, eabHmacKey } = value
  if (termsOfServiceAgreed !== true) {
    throw new RotatorError(
      'secret',
      'The member termsOfServiceAgreed is not true: the authority has terms to agree to.',
    )
  }
  const contacts = contact === undefined ? [] : Array.isArray(contact) ? contact : [contact]
  if (!contacts.every((one) => typeof one === 'string' && CONTACT.test(one))) {
    throw new RotatorError('secret', 'The member contact is not an address of mail.')
  }
  const hmacKey = typeof eabHmacKey === 'string' ? Buffer.from(eabHmacKey, 'base64url') : undefined
  if ((eabKeyId === undefined) !== (hmacKey === undefined) || hmacKey?.length === 0) {
    throw new RotatorError('secret', 'The members eabKeyId and eabHmacKey go together.')
  }
  return {
    key: accountKey === undefined ? undefined : readKey('accountKey', accountKey, ['P-256', 'P-384']),
    contact: contacts.map((one: string) => (one.startsWith('mailto:') ? one : `mailto:${one}`)),
    termsOfServiceAgreed,
    ...(hmacKey && { binding: { keyId: String(eabKeyId), hmacKey } }),
  }
}

type Dns = { readonly zone: DnsZone; readonly waitMs: number }

/** @throws RotatorError `secret`, naming members and no values */
function readDns(value: SecretValue, domains: readonly string[]): Dns | undefined {
  const { dnsServer, dnsZone, tsigKeyName, tsigSecret, tsigAlgorithm = 'hmac-sha256', dnsWaitSeconds = 10 } = value
  if (dnsServer === undefined) {
    const wildcard = domains.some((name) => name.startsWith('*.'))
    if (wildcard)
      throw new RotatorError('secret', 'The member domains has a wildcard, and no dnsServer to answer for it.')
    return undefined
  }
  const bad = (what: string) => new RotatorError('secret', `The member ${what}.`)
  const [, host = '', port = '53'] =
    (typeof dnsServer === 'string' && /^([A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?$/.exec(dnsServer)) || []
  if (host === '' || Number(port) > 65_535) throw bad('dnsServer is not HOST or HOST:PORT')
  if (typeof dnsZone !== 'string' || !ZONE.test(dnsZone)) throw bad('dnsZone is not the name of a zone')
  const outside = domains.find((name) => name !== dnsZone && !name.endsWith(`.${dnsZone}`))
  if (outside !== undefined) throw bad('domains has a name outside of dnsZone')
  if (typeof tsigKeyName !== 'string' || !ZONE.test(tsigKeyName.toLowerCase()))
    throw bad('tsigKeyName is not the name of a key')
  const secret = Buffer.from(typeof tsigSecret === 'string' ? tsigSecret : '', 'base64')
  if (secret.length < 16) throw bad('tsigSecret is not a key in base64 of 16 bytes or more')
  if (tsigAlgorithm !== 'hmac-sha256' && tsigAlgorithm !== 'hmac-sha512')
    throw bad('tsigAlgorithm is neither hmac-sha256 nor hmac-sha512')
  if (typeof dnsWaitSeconds !== 'number' || !(dnsWaitSeconds >= 0 && dnsWaitSeconds <= 300))
    throw bad('dnsWaitSeconds is not a number up to 300')
  const key = { name: tsigKeyName, algorithm: tsigAlgorithm, secret } as const
  return { zone: { host, port: Number(port), zone: dnsZone, key }, waitMs: dnsWaitSeconds * 1_000 }
}

function readKey(member: string, text: unknown, curves: readonly string[]): KeyObject {
  try {
    const key = createPrivateKey(String(text))
    const { kty, crv } = key.export({ format: 'jwk' })
    const isRsa = kty === 'RSA' && (key.asymmetricKeyDetails?.modulusLength ?? 0) <= RSA_BITS_MAX
    if (isRsa || curves.some((one) => one === crv)) {
      // Whether its numbers fit each other is found only so.
      sign('sha256', Buffer.alloc(0), key)
      return key
    }
  } catch {} // what it says may quote the key
  throw new RotatorError(
    'secret',
    `The member ${member} is not an RSA key of at most ${RSA_BITS_MAX} bits, or a P-256 or P-384 key, in PEM.`,
  )
}

type Opened = {
  readonly acme: Acme
  readonly account: AcmeAccount
  /** Whether the account stands in this secret. */
  readonly own: boolean
  /** Whether its key was made just now. */
  readonly isNew: boolean
  /** Where challenges are answered in DNS. */
  readonly dns: Dns | undefined
}

/** @throws RotatorError */
async function open({ current, master }: Run, io: Io): Promise<Opened> {
  const { directory, domains } = readSecret(current)
  if (namesMaster(current) !== (master !== undefined)) {
    throw new RotatorError('secret', 'The secret that masterarn names cannot be used.')
  }
  if (master && master.directoryUrl !== current.directoryUrl) {
    throw new RotatorError('secret', 'The master secret needs the same directoryUrl as the secret.')
  }
  const read = readAccount(master ?? current)
  const dns = readDns(master ?? current, domains)
  if (master && read.key === undefined) {
    throw new RotatorError(
      'secret',
      'The master secret has no accountKey: `openssl ecparam -name prime256v1 -genkey -noout` makes one.',
    )
  }
  const key = read.key ?? (await io.generatePrivateKey('ECC_NIST_P256'))
  const account = { ...read, key }
  return { acme: await openAcme(directory, account, io), account, own: !master, isNew: read.key === undefined, dns }
}

/** @throws RotatorError `secret` where the pending version is for something else than the current one */
function pendingOf({ pending, current }: PendingRun) {
  const [one, other] = [readSecret(pending), readSecret(current)]
  if (one.directory.href !== other.directory.href || one.domains.join() !== other.domains.join()) {
    throw new RotatorError(
      'secret',
      'The pending version is of another authority, or for other domains, than the current one.',
    )
  }
  return { pending, domains: one.domains, key: readKey('privateKey', pending.privateKey, ['P-256', 'P-384']) }
}

type Wanted = {
  readonly order: string
  readonly key: KeyObject
  readonly domains: readonly string[]
  readonly dns: Dns | undefined
}

/**
 * Brings the order to its end, from wherever it is.
 * @returns PEM. @throws RotatorError `policy` where the order is over already: a new one takes its place
 */
async function issued(acme: Acme, wanted: Wanted, io: Io): Promise<string> {
  for (const seen = new Set<string>(); ; ) {
    const order = await acme.order(wanted.order)
    const begun = seen.size > 0
    const { status = '' } = order ?? {}
    if (seen.has(status)) await acme.wait()
    seen.add(status)
    switch (order?.status) {
      case 'pending':
        if (order.authorizations.length > wanted.domains.length)
          throw new RotatorError('other', `${acme.at} asks about more domains than are in the order.`)
        for (const url of order.authorizations) await authorize(acme, url, wanted, io)
        break
      case 'ready':
        await acme.finalize(order.finalize, certificateRequest(wanted.key, wanted.domains))
        break
      case 'processing':
        break
      case 'valid':
        if (order.certificate !== undefined) return acme.certificate(order.certificate)
        throw new RotatorError('other', `${acme.at} does not name the certificate.`)
      default:
        if (!begun) throw new RotatorError('policy', `The order at ${acme.at} is over.`)
        throw new RotatorError(
          'permission',
          `${acme.at} has ended the order: ${order?.problem ?? 'it does not say why'}.`,
        )
    }
  }
}

/** @throws RotatorError `permission` where the authority does not find what it looks for: it counts how often it is asked */
async function authorize(acme: Acme, url: string, { dns, domains }: Wanted, io: Io): Promise<void> {
  const kind = dns ? 'dns-01' : 'http-01'
  const { status, domain, challenge } = await acme.authorization(url, kind)
  if (status === 'valid') return
  if (!domains.some((one) => one.replace(/^\*\./, '') === domain))
    throw new RotatorError('other', `${acme.at} asks about a domain that is not in the order.`)
  if (challenge === undefined)
    throw new RotatorError('permission', `${acme.at} has no challenge ${kind} for ${domain}.`)
  const end = await answer(domain, challenge.token, acme.keyAuthorization(challenge.token), dns, io)
  try {
    if (challenge.status === 'pending') await acme.respond(challenge.url)
    for (;;) {
      const now = await acme.authorization(url, kind)
      if (now.status === 'valid') return
      if (now.status !== 'pending') {
        const why = now.challenge?.problem ?? `it is ${now.status}`
        throw new RotatorError('permission', `${acme.at} does not take the challenge for ${domain}: ${why}`)
      }
      await acme.wait()
    }
  } finally {
    await end()
  }
}

/** @returns what takes the answer away */
async function answer(
  domain: string,
  token: string,
  text: string,
  dns: Dns | undefined,
  io: Io,
): Promise<() => unknown> {
  if (dns === undefined) {
    if (io.answerHttp === undefined) throw new RotatorError('permission', NO_ADDRESS)
    return io.answerHttp(CHALLENGES + token, text)
  }
  const record = { name: `_acme-challenge.${domain}`, text: createHash('sha256').update(text).digest('base64url') }
  await changeTxt(dns.zone, { kind: 'add', ...record }, io)
  if (dns.waitMs > 0) await sleep(dns.waitMs, undefined, { signal: io.signal })
  // It says nothing of anybody where it stays.
  return () => changeTxt(dns.zone, { kind: 'remove', ...record }, io).catch(() => {})
}

/** What is wrong with a certificate and its chain, as far as it can be told without its root. */
function faultOf(
  all: readonly [X509Certificate, ...X509Certificate[]],
  { key, domains, now }: { readonly key: KeyObject; readonly domains: readonly string[]; readonly now: number },
): string | undefined {
  const [leaf] = all
  if (!leaf.checkPrivateKey(key)) return 'is of another key'
  const missing = domains.find((domain) => leaf.checkHost(domain, { wildcards: false }) === undefined)
  if (missing !== undefined) return `is not for ${missing}`
  if (Date.parse(leaf.validTo) <= now) return 'has expired'
  const broken = all.some((one, at) => {
    const issuer = all[at + 1]
    return issuer !== undefined && !(one.checkIssued(issuer) && one.verify(issuer.publicKey))
  })
  return broken ? 'has a chain that does not hold together' : undefined
}

/** @throws RotatorError where they could not be answered */
async function lookAtChallenges(domains: readonly string[], dns: Dns | undefined, io: Io): Promise<string> {
  const nobody = io.randomBytes(16).toString('hex')
  if (dns !== undefined) {
    for (const domain of domains) {
      const name = `_acme-challenge.${domain.replace(/^\*\./, '')}`
      await changeTxt(dns.zone, { kind: 'remove', name, text: nobody }, io)
    }
    return `Challenges can be answered in ${dns.zone.zone}.`
  }
  if (io.answerHttp === undefined) throw new RotatorError('permission', NO_ADDRESS)
  ;(await io.answerHttp(CHALLENGES + nobody, ''))()
  return 'Challenges can be answered: port 80 of each domain has to lead here.'
}

/** Two thirds of its life are over when it is renewed, and a third is left to notice that it was not. */
function lookAtSchedule({ current, everyDays }: Run, io: Io): readonly Finding[] {
  const [certificate] = readCertificates(current.certificate)
  const lifeDays = certificate && (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / DAY_MS
  if (certificate && Date.parse(certificate.validTo) <= io.now()) {
    return [{ level: 'warning', message: `The current certificate has expired on ${dateOf(certificate)}.` }]
  }
  if (everyDays === undefined)
    return [{ level: 'warning', message: 'Nothing is scheduled: the certificate is not renewed by itself.' }]
  if (lifeDays === undefined || everyDays <= lifeDays / 3) return []
  const message = `It rotates every ${everyDays} days, and certificates live ${Math.round(lifeDays)}: a third of that leaves time for what fails.`
  return [{ level: 'warning', message }]
}
