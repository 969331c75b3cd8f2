// A secret's JSON as AWS's rotation templates know it, read strictly: whatever is missing or contradicts itself is told at once, before anything is touched.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html

import type { Engine, Login } from './engine.ts'
import { RotatorError } from './errors.ts'
import type { Described, SecretValue } from './rotator.ts'

type Kind = Pick<Engine<unknown>, 'names' | 'defaults' | 'usernameMax' | 'members'>

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown
  rawJSON(text: string): unknown
}

/** JSON whose numbers, where JavaScript cannot hold them exactly, stay as they are written. @throws SyntaxError, which quotes the text */
export const parseExactly = (text: string): unknown =>
  parse(text, (_, member, { source }) =>
    typeof member === 'number' && source !== undefined && String(member) !== source ? rawJSON(source) : member,
  )

/**
 * Numbers that JavaScript cannot hold exactly stay as they are written, so that a value that is written again says the same.
 * @throws RotatorError `secret` where it is not a JSON object
 */
export function parseSecret(text: string): SecretValue {
  let value: unknown
  try {
    value = parseExactly(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    // Not with its cause: the message of a SyntaxError quotes what it could not read.
    throw new RotatorError('secret', 'The value of the secret is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RotatorError('secret', 'The value of the secret is not a JSON object.')
  }
  return value as SecretValue
}

const HOST = /^[A-Za-z0-9._:-]{1,253}$/

/** @throws RotatorError `secret`, one for all that is wrong, naming members and no values */
export function readLogin(kind: Kind, given: SecretValue): Login {
  const value = kind.members?.read(given) ?? given
  const problems: string[] = []
  const text = (member: string): string => {
    const found = value[member]
    if (found === undefined || found === null || found === '') problems.push(`${member} is missing`)
    else if (typeof found !== 'string') problems.push(`${member} is not a string`)
    else if (found.includes('\0')) problems.push(`${member} holds a null character`)
    else return found
    return ''
  }

  const engine = text('engine')
  if (engine !== '' && !kind.names.includes(engine)) problems.push(`engine is not ${kind.names.join(' or ')}`)
  const host = text('host')
  if (host !== '' && !HOST.test(host)) problems.push('host is neither a name nor an address')
  const username = text('username')
  if ([...username].length > kind.usernameMax) problems.push(`username is longer than ${kind.usernameMax}`)
  const password = text('password')
  const port = readPort(value.port ?? kind.defaults.port)
  if (port === undefined) problems.push('port is not a number from 1 to 65535')
  const dbname = isAbsent(value.dbname) ? kind.defaults.dbname : text('dbname')
  const tls = readTls(value.ssl)
  if (tls === undefined) problems.push('ssl is neither true nor false')

  if (problems.length > 0 || port === undefined || tls === undefined) {
    throw new RotatorError('secret', `The secret does not fit this rotator: ${problems.join('; ')}.`)
  }
  return { host, port, username, password, tls, value, ...(dbname === undefined ? {} : { dbname }) }
}

/**
 * The master's login. One that a database service made holds a username and a password alone; then it is the user's server, with the user's `ssl`.
 * @throws RotatorError `secret`
 */
export function readMaster(kind: Kind, master: SecretValue | undefined, user: SecretValue): Login {
  if (master === undefined) throw new RotatorError('secret', 'The secret names no master secret in masterarn.')
  const [ownValue, userValue] = [master, user].map((value) => kind.members?.read(value) ?? value) as [
    SecretValue,
    SecretValue,
  ]
  const { username, password, masterarn, ...place } = userValue
  const own = Object.fromEntries(Object.entries(ownValue).filter(([, member]) => !isAbsent(member)))
  try {
    return readLogin(kind, { engine: userValue.engine, ...(isAbsent(ownValue.host) ? place : {}), ...own })
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    throw new RotatorError(error.kind, error.message.replace('The secret', 'The master secret'))
  }
}

export const namesMaster = ({ masterarn }: SecretValue): boolean => typeof masterarn === 'string' && masterarn !== ''

/** Where a login connects to, as two rotations that would meet there both call it. */
export const placeOf = ({ host, port }: Pick<Login, 'host' | 'port'>): string =>
  `${host.toLowerCase().replace(/\.$/, '')}:${port}`

/** The members that `readLogin` reads. */
export const describeMembers = (kind: Kind): readonly Described[] => [
  ...(kind.members?.described ?? []),
  { name: 'engine', required: true, about: kind.names.join(' or ') },
  { name: 'host', required: true, about: 'Name or address of the server; TLS verifies it.' },
  { name: 'port', required: false, about: `Number or string; ${kind.defaults.port} where it is absent.` },
  { name: 'username', required: true, about: `At most ${kind.usernameMax} characters.` },
  { name: 'password', required: true, about: 'Replaced by each rotation.' },
  {
    name: 'dbname',
    required: false,
    about: `Database to log in to${kind.defaults.dbname === undefined ? '' : `; ${kind.defaults.dbname} where it is absent`}.`,
  },
  { name: 'ssl', required: false, about: 'TLS with a verified certificate unless it is false.' },
]

const isAbsent = (member: unknown): boolean => member === undefined || member === null || member === ''

/** Undefined where it is none. */
export function readPort(port: unknown): number | undefined {
  const number = typeof port === 'string' && /^[0-9]{1,5}$/.test(port) ? Number(port) : port
  return typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= 65_535 ? number : undefined
}

function readTls(ssl: unknown): boolean | undefined {
  if (isAbsent(ssl) || ssl === true || ssl === 'true') return true
  return ssl === false || ssl === 'false' ? false : undefined
}
