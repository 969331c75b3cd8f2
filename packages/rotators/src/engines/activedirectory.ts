// Accounts of Active Directory, by LDAP: `unicodePwd`, over TLS alone. The account changes its own password, or somebody else resets it.
// https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-adts/6e803168-f140-4d23-b2d3-c3a8ab5917d2

import type { Change, SearchOptions } from 'ldapts'
import { CODE, type Directory, driver, openDirectory, readEntry, type Translate } from '../directory.ts'
import type { Engine, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding, SecretValue } from '../rotator.ts'

const PREFIX = 'awsSeamlessDomain'

export const activedirectory: Engine<Directory> = {
  id: 'activedirectory',
  title: 'Active Directory',
  names: ['activedirectory'],
  verified: true,
  strategies: ['single'],
  defaults: { port: 636 },
  // `user@domain`, or a DN.
  usernameMax: 1_024,
  passwords: USUAL_PASSWORDS,
  selfChange: 'without-master',
  members: {
    described: [
      {
        name: `${PREFIX}Username`,
        required: false,
        about: 'In the place of username: the form that AWS has for joining a domain.',
      },
      { name: `${PREFIX}Password`, required: false, about: 'In the place of password.' },
      { name: `${PREFIX}DirectoryId`, required: false, about: 'Kept as it is.' },
    ],
    read: (value) => ({
      ...value,
      engine: value.engine ?? 'activedirectory',
      username: value[`${PREFIX}Username`] ?? value.username,
      password: value[`${PREFIX}Password`] ?? value.password,
    }),
    withPassword: (value: SecretValue, password) =>
      value[`${PREFIX}Password`] === undefined ? { ...value, password } : { ...value, [`${PREFIX}Password`]: password },
  },

  async connect(login, io) {
    if (!login.tls)
      throw new RotatorError('secret', 'Active Directory takes passwords over TLS alone: ssl cannot be false.')
    return openDirectory(login, io, {
      startTls: false,
      translate,
      bindName: (ask) =>
        bindName(login.username, (dn, attributes) => readEntry({ ask, at: login.host }, dn, attributes)),
    })
  },
  close: ({ close }) => close(),

  /** Of the domain: the same on each of its controllers. */
  async serverId(directory) {
    return (await readEntry(directory, await domainOf(directory), [], ['objectGUID']))
      .bytes('objectGUID')
      ?.toString('hex')
  },

  preflight,

  async setPassword(directory, { username, password, self }: NewPassword) {
    const dn = await findAccount(directory, username)
    const fresh = encode(password)
    const changes = self
      ? [changing('delete', encode(directory.login.password)), changing('add', fresh)]
      : changing('replace', fresh)
    await directory.ask((client) => client.modify(dn, changes))
  },

  async probe(directory) {
    await domainOf(directory)
  },
}

/** In quotes, in UTF-16. */
const encode = (password: string): Buffer => Buffer.from(`"${password}"`, 'utf16le')

const changing = (operation: 'add' | 'delete' | 'replace', value: Buffer): Change => {
  const { Attribute, Change } = driver()
  return new Change({ operation, modification: new Attribute({ type: 'unicodePwd', values: [value] }) })
}

const isDn = (name: string): boolean => /^[A-Za-z][A-Za-z0-9-]*=.+,/.test(name)

type Read = (dn: string, attributes: readonly string[]) => ReturnType<typeof readEntry>

/** A name that is neither of a domain nor a DN is of the server's domain, which the server tells everybody. */
async function bindName(username: string, read: Read): Promise<string> {
  if (/[@\\]/.test(username) || isDn(username)) return username
  const domain = dnsNameOf((await read('', ['defaultNamingContext'])).first('defaultNamingContext') ?? '')
  return domain === undefined ? username : `${username}@${domain}`
}

/** `ex.lan` of `DC=ex,DC=lan`. */
function dnsNameOf(domain: string): string | undefined {
  const labels = domain.split(',').map((part) => /^DC=(.+)$/i.exec(part.trim())?.[1])
  return labels.every((label) => label !== undefined) ? labels.join('.') : undefined
}

async function domainOf(directory: Directory): Promise<string> {
  const domain = (await readEntry(directory, '', ['defaultNamingContext'])).first('defaultNamingContext')
  if (domain === undefined) throw new RotatorError('other', `${directory.at} does not tell its domain.`)
  return domain
}

/**
 * The one account that the name logs in: a DN, `user@domain`, `DOMAIN\user` or `user`. The first part of a name alone is of the server's own
 * domain: with another one, somebody else has it.
 * https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-adts/6a5891b8-928e-4b75-a4a5-0e3b77eaca52
 * @throws RotatorError `secret`
 */
async function findAccount(directory: Directory, username: string): Promise<string> {
  if (isDn(username)) return username
  const named = /^(?:(?<before>[^\\]*)\\)?(?<account>[^@]*)(?:@(?<after>.*))?$/s.exec(username)?.groups ?? {}
  const byName = await search(directory, 'userPrincipalName', username)
  const domain = named.before ?? named.after
  const isOwn = domain === undefined || (await namesOfDomain(directory)).includes(domain.toLowerCase())
  const found = byName.length > 0 || !isOwn ? byName : await search(directory, 'sAMAccountName', named.account ?? '')
  const [dn] = found
  if (dn === undefined) throw new RotatorError('secret', `${directory.at} has no such account, or does not show it.`)
  if (found.length > 1) throw new RotatorError('secret', `${directory.at} has two accounts of that name: use a DN.`)
  return dn
}

/** At most two, which are too many. */
async function search(directory: Directory, attribute: string, value: string): Promise<readonly string[]> {
  const domain = await domainOf(directory)
  const filter = new (driver().EqualityFilter)({ attribute, value })
  const options: SearchOptions = { scope: 'sub', filter, attributes: ['sAMAccountName'], sizeLimit: 2 }
  return (await directory.ask((client) => client.search(domain, options))).searchEntries.map(({ dn }) => dn)
}

/** Of DNS, and of NetBIOS where the server shows that; lower case. */
async function namesOfDomain(directory: Directory): Promise<readonly string[]> {
  const domain = await domainOf(directory)
  const root = (await readEntry(directory, '', ['configurationNamingContext'])).first('configurationNamingContext')
  const { AndFilter, EqualityFilter } = driver()
  const filter = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'crossRef' }),
      new EqualityFilter({ attribute: 'nCName', value: domain }),
    ],
  })
  const options: SearchOptions = { scope: 'one', filter, attributes: ['nETBIOSName'], sizeLimit: 1 }
  const { searchEntries } = await directory.ask((client) => client.search(`CN=Partitions,${root}`, options))
  return [dnsNameOf(domain), ...searchEntries.map(({ nETBIOSName }) => String(nETBIOSName))].flatMap(
    (name) => name?.toLowerCase() ?? [],
  )
}

/** What a failed bind says after `data`. https://learn.microsoft.com/en-us/windows/win32/debug/system-error-codes--1300-1699- */
const BIND_REASONS: { readonly [data: string]: string } = {
  '525': 'there is no such account',
  '52e': 'the name or password is wrong',
  '530': 'the account may not log in at this time',
  '531': 'the account may not log in from here',
  '532': 'the password has expired',
  '533': 'the account is disabled',
  '701': 'the account has expired',
  '773': 'the password has to be changed first',
  '775': 'the account is locked out',
}

const translate: Translate = (code, message, at) => {
  if (code === CODE.invalidCredentials) {
    const data = /\bdata ([0-9a-f]{3,4})\b/i.exec(message)?.[1]?.toLowerCase() ?? ''
    return new RotatorError('authentication', `${at} refuses the login: ${BIND_REASONS[data] ?? BIND_REASONS['52e']}.`)
  }
  // ERROR_INVALID_PASSWORD: the old one of a change is wrong.
  if (/^\s*00000056\b/.test(message)) {
    return new RotatorError('authentication', `${at} refuses the old password of the change.`)
  }
  // ERROR_PASSWORD_RESTRICTION.
  if (/\b0000052D\b/i.test(message)) {
    const young = /too young/i.test(message)
    const why = young ? 'the last change is too recent' : 'by length, complexity, history or minimum age'
    return new RotatorError('policy', `${at} refuses the new password by its policy: ${why}.`)
  }
  return undefined
}

const DISABLED = 0x2
const TICKS_PER_MS = 10_000n
/** 1601 in ms since 1970. */
const EPOCH_MS = -11_644_473_600_000n

async function preflight(directory: Directory, { username, self }: Plan): Promise<readonly Finding[]> {
  const problem = (message: string): readonly Finding[] => [{ level: 'problem', message }]
  try {
    const dn = await findAccount(directory, username)
    const account = await readEntry(directory, dn, ['userAccountControl', 'pwdLastSet'])
    if ((Number(account.first('userAccountControl') ?? 0) & DISABLED) !== 0) return problem('The account is disabled.')
    if (!self) {
      return [
        {
          level: 'warning',
          message: 'Whether the master may reset the password of the account cannot be seen before.',
        },
      ]
    }
    const age = (await readEntry(directory, await domainOf(directory), ['minPwdAge'])).first('minPwdAge')
    const youngMs = -BigInt(age ?? 0) / TICKS_PER_MS
    const setMs = BigInt(account.first('pwdLastSet') ?? 0) / TICKS_PER_MS + EPOCH_MS
    if (BigInt(directory.io.now()) < setMs + youngMs) {
      return problem(
        'The last change of the password is too recent for another one by the account itself: a master may reset it.',
      )
    }
    return [{ level: 'ok', message: 'The account is there, and old enough is its password.' }]
  } catch (error) {
    if (!(error instanceof RotatorError) || (error.kind !== 'permission' && error.kind !== 'secret')) throw error
    return problem(error.message)
  }
}
