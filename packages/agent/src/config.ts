// Every setting of the agent, in one table: keys of the configuration file of AWS's agent, environment variables of the Lambda extension, and
// ours. The only place that reads the environment. The command line wins over the file, the file over the environment.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type ConfigTable, Keys, readConfigFile } from './config-file.ts'
import { StartError } from './start-error.ts'

/** What the command line says. */
export type GivenOptions = {
  readonly config?: string
  readonly port?: string
  readonly socket?: string
}

export type AgentConfig = {
  readonly logLevel: LogLevel
  /** Whether the log goes to `logs/secrets_manager_agent.log` and not to standard error. */
  readonly logToFile: boolean
  /** On 127.0.0.1; 0 takes a free one. Undefined: the agent does not listen there. */
  readonly port: number | undefined
  readonly socket: SocketConfig | undefined
  readonly connectionsMax: number
  /** Names of headers, in lower case. */
  readonly tokenHeaders: readonly string[]
  /** Undefined: nothing that is listened on needs one. */
  readonly token: string | undefined
  readonly pathPrefix: string
  readonly region: string | undefined
  readonly validateCredentials: boolean
  readonly credentialsFile: string | undefined
  /** Of the credentials file. */
  readonly profile: string | undefined
  readonly cacheSize: number
  /** 0: nothing is cached. */
  readonly secretTtlMs: number
  readonly parameterTtlMs: number
  readonly secretTimeoutMs: number
  readonly parameterTimeoutMs: number
  /** For how long after the TTL the old value is given where the service does not answer. */
  readonly staleIfErrorMs: number
  readonly ignoreTransientErrors: boolean
  readonly events: boolean
  /** To the service, for each role; undefined: as many as the SDK has. */
  readonly upstreamConnectionsMax: number | undefined
  readonly rolesMax: number
  /** Undefined: any that STS gives. */
  readonly allowedRoles: readonly string[] | undefined
  readonly prefetch: PrefetchConfig
  readonly disk: DiskConfig | undefined
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'none'

export type SocketConfig = {
  readonly path: string
  readonly mode: number
  /** Whether the token is asked for there too. */
  readonly needsToken: boolean
}

export type PrefetchConfig = {
  readonly secrets: readonly { readonly secretId: string; readonly roleArn: string | undefined }[]
  readonly tags: readonly { readonly key: string; readonly roleArn: string | undefined }[]
  /** How much of a cache may be filled ahead. */
  readonly bufferRatio: number
  readonly jitterMs: number
}

export type DiskConfig = {
  readonly directory: string
  readonly key: KeyObject
  readonly accountId: string
  readonly maxAgeMs: number
}

type Environment = { readonly [name: string]: string | undefined }

const EXTENSION = 'PARAMETERS_SECRETS_EXTENSION_'
const PROVIDER = 'capabilities.secrets_manager'
/** A function or a client that waits without end helps nobody: what the extension calls none. */
const NO_TIMEOUT_MS = 600_000
const TIMEOUT_MS = 5_000
const TOKEN_CHARACTERS_MAX = 8_192
const LIST_ENTRIES_MAX = 1_000
export const ROLE_ARN = /^arn:[\w-]{1,64}:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/

/** @throws StartError that names what is wrong */
export async function loadConfig(given: GivenOptions, environment: Environment = process.env): Promise<AgentConfig> {
  const file = given.config === undefined ? {} : await readConfigFile(given.config)
  return readConfig(given, file, environment)
}

/** @throws StartError */
export function readConfig(given: GivenOptions, file: ConfigTable, environment: Environment): AgentConfig {
  const top = new Keys(file, '')
  const logging = top.table('logging')
  const capabilities = top.table('capabilities')
  const certificates = capabilities.table('acm')
  const provider = capabilities.table('secrets_manager')
  const cache = provider.table('cache')
  const security = provider.table('security')
  const prefetch = provider.table('prefetch')
  const own = top.table('strongroom')
  const disk = own.take('disk')

  /** At the top, or in its table. */
  const take = <T>(table: Keys, key: string, read: Read<T>): T | undefined => {
    const flat = top.take(key)
    const nested = table.take(key)
    if (flat !== undefined && nested !== undefined)
      throw new StartError(`${key} stands twice: as ${table.nameOf(key)} too`)
    return optional(flat ?? nested, flat === undefined ? table.nameOf(key) : key, read)
  }
  const ours = <T>(key: string, read: Read<T>): T | undefined => optional(own.take(key), own.nameOf(key), read)
  const variable = <T>(name: string, read: Read<T>): T | undefined => {
    const value = environment[name]
    return optional(value === '' ? undefined : value, name, read)
  }

  if (optional(provider.take('enabled'), `${PROVIDER}.enabled`, flag) === false)
    throw new StartError(`${PROVIDER}.enabled = false leaves nothing to do`)
  if (optional(certificates.take('enabled'), 'capabilities.acm.enabled', flag) === true)
    throw new StartError('capabilities.acm: the agent manages no certificates')

  const cached = variable(`${EXTENSION}CACHE_ENABLED`, flag) ?? true
  const size =
    take(cache, 'cache_size', integer(1, 1_000)) ?? variable(`${EXTENSION}CACHE_SIZE`, integer(0, 1_000)) ?? 1_000
  const ttl = take(cache, 'ttl_seconds', integer(0, 3_600))
  const extensionTtl = integer(0, 300)
  const timeoutOf = (name: string): number => {
    const given = variable(name, integer(0, NO_TIMEOUT_MS))
    return given === 0 ? NO_TIMEOUT_MS : (given ?? TIMEOUT_MS)
  }
  const ttlMs = (seconds: number): number => (cached && size > 0 ? seconds * 1_000 : 0)
  const ignoreTransientErrors = take(provider, 'ignore_transient_errors', flag) ?? true
  if (disk !== undefined && !ignoreTransientErrors)
    throw new StartError('strongroom.disk has old values for an outage: ignore_transient_errors = false wants none')
  const staleSeconds = ours('stale_if_error_seconds', integer(0, 2_592_000)) ?? 3_600

  const filePort = take(provider, 'http_port', integer(1_024, 65_535))
  const extensionPort = variable(`${EXTENSION}HTTP_PORT`, integer(1, 65_535))
  const port = optional(given.port, '--port', integer(0, 65_535)) ?? filePort ?? extensionPort ?? 2_773
  const hasLoopback = ours('loopback', flag) ?? true
  if (!hasLoopback && given.port !== undefined)
    throw new StartError('--port and strongroom.loopback = false exclude each other')
  const path = optional(given.socket, '--socket', socketPath) ?? ours('socket', socketPath)
  const mode = ours('socket_mode', socketMode)
  const needsToken = ours('socket_token', flag)
  if (path === undefined && (mode ?? needsToken) !== undefined)
    throw new StartError('strongroom.socket_mode and strongroom.socket_token go with strongroom.socket')
  if (path === undefined && !hasLoopback) throw new StartError('strongroom.loopback = false needs strongroom.socket')
  const socket = path === undefined ? undefined : { path, mode: mode ?? 0o600, needsToken: needsToken ?? true }

  const headers = take(security, 'ssrf_headers', list(headerName)) ?? [
    'X-Aws-Parameters-Secrets-Token',
    'X-Vault-Token',
  ]
  if (headers.length === 0) throw new StartError('ssrf_headers must name a header')
  const variables = take(security, 'ssrf_env_variables', list(text)) ?? [
    'AWS_TOKEN',
    'AWS_SESSION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  ]
  const config: AgentConfig = {
    logLevel: take(logging, 'log_level', logLevel) ?? variable(`${EXTENSION}LOG_LEVEL`, logLevel) ?? 'info',
    logToFile: take(logging, 'log_to_file', flag) ?? false,
    port: hasLoopback ? port : undefined,
    socket,
    connectionsMax: take(provider, 'max_conn', integer(1, 1_000)) ?? 800,
    tokenHeaders: headers.map((name) => name.toLowerCase()),
    token: hasLoopback || socket?.needsToken ? readToken(variables, environment) : undefined,
    pathPrefix: take(provider, 'path_prefix', pathPrefix) ?? '/v1/',
    region: take(provider, 'region', text),
    validateCredentials: take(provider, 'validate_credentials', flag) ?? true,
    credentialsFile: take(provider, 'credentials_file_path', text),
    profile: environment.AWS_PROFILE || undefined,
    cacheSize: Math.max(size, 1),
    secretTtlMs: ttlMs(ttl ?? variable('SECRETS_MANAGER_TTL', extensionTtl) ?? 300),
    parameterTtlMs: ttlMs(variable('SSM_PARAMETER_STORE_TTL', extensionTtl) ?? ttl ?? 300),
    secretTimeoutMs: timeoutOf('SECRETS_MANAGER_TIMEOUT_MILLIS'),
    parameterTimeoutMs: timeoutOf('SSM_PARAMETER_STORE_TIMEOUT_MILLIS'),
    staleIfErrorMs: ignoreTransientErrors ? staleSeconds * 1_000 : 0,
    ignoreTransientErrors,
    events: ours('events', flag) ?? true,
    upstreamConnectionsMax: variable(`${EXTENSION}MAX_CONNECTIONS`, integer(1, 1_000)),
    rolesMax: take(provider, 'max_roles', integer(1, 20)) ?? 20,
    allowedRoles: ours('allowed_roles', list(roleArn)),
    prefetch: readPrefetch(prefetch),
    disk: disk === undefined ? undefined : readDisk(new Keys(disk, 'strongroom.disk')),
  }
  const { allowedRoles, prefetch: ahead } = config
  const rolesAhead = [...ahead.secrets, ...ahead.tags].flatMap(({ roleArn }) => roleArn ?? [])
  if (rolesAhead.some((role) => allowedRoles?.includes(role) === false))
    throw new StartError('what is to be fetched ahead names a role that strongroom.allowed_roles does not name')
  for (const table of [cache, security, provider, certificates, capabilities, logging, own, top]) table.end()
  return config
}

function readPrefetch(keys: Keys): PrefetchConfig {
  const take = <T>(key: string, read: Read<T>): T | undefined => optional(keys.take(key), keys.nameOf(key), read)
  const config = {
    secrets: take('secrets', list(entryOf('secret_id', (secretId, roleArn) => ({ secretId, roleArn })))) ?? [],
    tags: take('filter_tags', list(entryOf('key', (key, roleArn) => ({ key, roleArn })))) ?? [],
    bufferRatio: take('cache_buffer_ratio', number(0.1, 1)) ?? 0.8,
    jitterMs: (take('max_jitter_seconds', integer(0, 10)) ?? 0) * 1_000,
  }
  keys.end()
  return config
}

/** An entry of a list: a table with one name, and the role that it is fetched with. */
const entryOf =
  <T>(key: string, make: (named: string, role: string | undefined) => T): Read<T> =>
  (value, name) => {
    const keys = new Keys(value, name)
    const named = text(keys.take(key), keys.nameOf(key))
    const role = optional(keys.take('role_arn'), keys.nameOf('role_arn'), roleArn)
    keys.end()
    return make(named, role)
  }

function readDisk(keys: Keys): DiskConfig {
  const required = <T>(key: string, read: Read<T>): T => read(keys.take(key), keys.nameOf(key))
  const config = {
    directory: required('directory', text),
    key: readKey(required('key_file', text)),
    accountId: required('account_id', accountId),
    maxAgeMs:
      (optional(keys.take('max_age_seconds'), keys.nameOf('max_age_seconds'), integer(1, 2_592_000)) ?? 86_400) * 1_000,
  }
  keys.end()
  return config
}

function readKey(path: string): KeyObject {
  const bytes = readFileOf('strongroom.disk.key_file', path)
  if (bytes.length !== 32) throw new StartError('strongroom.disk.key_file must hold 32 bytes: openssl rand 32 > FILE')
  return createSecretKey(bytes)
}

/** That of the first variable that is set; `file://PATH` names a file that has it. @throws StartError */
function readToken(variables: readonly string[], environment: Environment): string {
  const name = variables.find((one) => environment[one] !== undefined)
  if (name === undefined)
    throw new StartError(
      `no token: set ${variables.join(' or ')}, to the token or to file:// and the path of a file that has it`,
    )
  const value = environment[name]!
  const token = value.startsWith('file://')
    ? readFileOf(name, value.slice('file://'.length)).toString('utf8').trim()
    : value
  if (token === '' || token.length > TOKEN_CHARACTERS_MAX)
    throw new StartError(`${name} must hold a token of 1 to ${TOKEN_CHARACTERS_MAX} characters`)
  return token
}

function readFileOf(name: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new StartError(`the file that ${name} names cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** A value of the file, of a variable or of the command line, as what it is taken for. @throws StartError that calls it by its name */
type Read<T> = (value: unknown, name: string) => T

const optional = <T>(value: unknown, name: string, read: Read<T>): T | undefined =>
  value === undefined ? undefined : read(value, name)

const number =
  (min: number, max: number): Read<number> =>
  (value, name) => {
    const read = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value
    if (typeof read === 'number' && read >= min && read <= max) return read
    throw new StartError(`${name} must be a number from ${min} to ${max}`)
  }

const integer =
  (min: number, max: number): Read<number> =>
  (value, name) => {
    const read = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
    if (typeof read === 'number' && Number.isInteger(read) && read >= min && read <= max) return read
    throw new StartError(`${name} must be a whole number from ${min} to ${max}`)
  }

const flag: Read<boolean> = (value, name) => {
  const read = String(value).toLowerCase()
  if (read === 'true' || read === 'false') return read === 'true'
  throw new StartError(`${name} must be true or false`)
}

const text: Read<string> = (value, name) => {
  if (typeof value === 'string' && value !== '' && value.length <= 4_096 && !value.includes('\0')) return value
  throw new StartError(`${name} must be text of 1 to 4096 characters`)
}

const matching =
  (pattern: RegExp, what: string): Read<string> =>
  (value, name) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    throw new StartError(`${name} must be ${what}`)
  }

const headerName = matching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$/, 'the name of a header')
const roleArn = matching(ROLE_ARN, 'the ARN of a role')
const accountId = matching(/^\d{12}$/, 'the 12 digits of an account')
const pathPrefix = matching(/^\/[!-~]{0,200}$/, 'a path that begins with /')

const logLevel: Read<LogLevel> = (value, name) => {
  const level = String(value).toLowerCase()
  if (/^(debug|info|warn|error|none)$/.test(level)) return level as LogLevel
  throw new StartError(`${name} must be debug, info, warn, error or none`)
}

/** The shorter of the limits of Linux (108 bytes with the NUL) and macOS (104). */
const socketPath: Read<string> = (value, name) => {
  const path = text(value, name)
  if (Buffer.byteLength(path) <= 103) return path
  throw new StartError(`${name} must be a path of at most 103 bytes`)
}

const socketMode: Read<number> = (value, name) => {
  if (value === '0600' || value === '0660') return Number.parseInt(value, 8)
  throw new StartError(`${name} must be "0600" or "0660"`)
}

const list =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value, name) => {
    if (!Array.isArray(value) || value.length > LIST_ENTRIES_MAX)
      throw new StartError(`${name} must be a list of at most ${LIST_ENTRIES_MAX} entries`)
    return value.map((one, at) => read(one, `${name}[${at}]`))
  }
