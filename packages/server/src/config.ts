// Configuration: one table declares every option and drives the command line, the environment, the file, the help and
// docs/configuration.md. The only file that reads process.env. A mistake is one line: the option, its value and the mend.

import { readFileSync, statSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { ConfigurationError } from './configuration-error.ts'
import { isNetwork } from './http/targets.ts'
import { ROOT_KEY, type RootKeyPlace, rootKeyPlace, takeRootKey } from './root-key-place.ts'

export { ConfigurationError }

type Option<T> = {
  /** What the value is: `NUMBER`, `FILE`, ...; absent for a switch. */
  readonly value?: string
  readonly default: T
  readonly help: string
  /** What is allowed, as the end of "give ...". */
  readonly allowed: string
  /** Undefined where the text is not allowed. */
  readonly parse: (text: string) => T | undefined
  /** Given more than once on the command line, a list in the file, separated by commas in the environment. */
  readonly repeatable?: true
  /** Neither in the configuration file nor on the command line, where other users of the machine could read it. */
  readonly environmentOnly?: true
  /** The value is not repeated in an error. */
  readonly secret?: true
}

const text = (
  value: string,
  fallback: string,
  help: string,
  limits: {
    readonly pattern?: RegExp
    readonly allowed: string
    readonly secret?: true
    readonly environmentOnly?: true
  },
): Option<string> => ({
  value,
  default: fallback,
  help,
  ...limits,
  parse: (given) => ((limits.pattern ?? /^[^\0-\x1f]{1,4096}$/).test(given) ? given : undefined),
})

const integer = (value: string, min: number, max: number, fallback: number, help: string): Option<number> => ({
  value,
  default: fallback,
  help,
  allowed: `a whole number from ${min} to ${max}`,
  parse: (given) =>
    /^\d{1,16}$/.test(given) && Number(given) >= min && Number(given) <= max ? Number(given) : undefined,
})

const choice = <const T extends string>(values: readonly T[], fallback: T, help: string): Option<T> => ({
  value: values.join('|'),
  default: fallback,
  help,
  allowed: `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
  parse: (given) => values.find((value) => value === given),
})

const flag = (help: string): Option<boolean> => ({
  default: false,
  help,
  allowed: 'true or false',
  parse: (given) => (given === 'true' || given === '1' ? true : given === 'false' || given === '0' ? false : undefined),
})

const names = (value: string, help: string, pattern: RegExp, allowed: string): Option<readonly string[]> => ({
  value,
  default: [],
  help,
  allowed,
  repeatable: true,
  parse: (given) => (pattern.test(given) ? [given] : undefined),
})

/** The name of a sink is also that of its cursor: it keeps its place when its address changes. */
const SINK = /^[a-z][a-z0-9-]{0,31}=(?:https?:\/\/[^\0-\x20@\\]{1,2000}|file:[^\0-\x1f]{1,4096})$/
const FILE = { allowed: 'the path of a file' } as const

/** Every option. The key in camel case is the name in the configuration file; `dataDir` is `--data-dir` and `STRONGROOM_DATA_DIR`. */
export const options = {
  dataDir: text('DIR', './data', 'Directory of the database, the root key, the credentials and the admin socket', {
    allowed: 'the path of a directory',
  }),
  port: integer('PORT', 0, 65_535, 4650, 'Port to listen on; 0 takes a free one, which the ready line names'),
  host: text('ADDRESS', '127.0.0.1', 'Address to listen on', {
    pattern: /^[A-Za-z0-9.:_-]{1,255}$/,
    allowed: 'an IP address or a host name',
  }),
  database: text('URL', '', 'PostgreSQL database that holds everything; empty: SQLite in the data directory', {
    pattern: /^(?:|postgres(?:ql)?:\/\/[^\0-\x20]{1,4000})$/,
    allowed: 'postgres://USER:PASSWORD@HOST:PORT/NAME',
    secret: true,
  }),
  workers: integer('N', 1, 64, 1, 'Processes that share the work on the one address and data directory'),
  tlsCert: text('FILE', '', 'Certificate chain in PEM; the server then speaks TLS. SIGHUP reads it again', FILE),
  tlsKey: text('FILE', '', 'Private key of the certificate in PEM', FILE),
  insecureHttp: flag('Speak plain HTTP on an address that other machines can reach'),
  allowedHost: names(
    'NAME',
    'Host header to accept, without port; absent: any',
    /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])$/,
    'a host name without a port, or an IPv6 address in brackets',
  ),
  allowOutbound: names(
    'ORIGIN',
    'Address, such as an identity provider, that the server may call though it is in a private network',
    /^https?:\/\/(?:[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/,
    'https://HOST or https://HOST:PORT in lower case, without a path',
  ),
  podIdentityAudience: text('NAME', 'pods.eks.amazonaws.com', 'Audience that tokens of pods must be for', {
    pattern: /^[\x21-\x7e]{1,255}$/,
    allowed: '1 to 255 printable characters without spaces',
  }),
  maxConnections: integer('N', 1, 1_000_000, 10_000, 'Open connections to accept; with --workers, per process'),
  skewMinutes: integer('MINUTES', 1, 15, 5, 'How far the clock of a caller may differ'),
  rootKey: {
    ...names(
      'WHERE',
      'Where a root key comes from; given more than once, any of them opens the keyring',
      ROOT_KEY.pattern,
      ROOT_KEY.allowed,
    ),
    default: ['file'],
  },
  dataKeyCache: choice(['on', 'off'], 'on', 'Keep unwrapped data keys in memory for up to a minute'),
  auditSync: flag('Sync the audit event of a read to disk before its answer'),
  auditRetentionDays: integer('DAYS', 1, 36_500, 90, 'Days that audit events are kept'),
  auditMaxBytes: integer('BYTES', 16_777_216, 1_099_511_627_776_000, 10_737_418_240, 'Bytes of audit events to keep'),
  maxAccounts: integer('N', 1, 100_000, 1_000, 'Accounts to hold, closed ones included'),
  secretsPerRegion: integer('N', 1, 10_000_000, 500_000, 'Quota of secrets for each account and region'),
  versionsPerSecret: integer('N', 10, 1_000, 100, 'Quota of versions for each secret'),
  labelsPerSecret: integer('N', 3, 200, 20, 'Quota of staging labels across all versions of a secret'),
  tagsPerSecret: integer('N', 0, 200, 50, 'Quota of tags for each secret'),
  secretValueBytes: integer('BYTES', 1, 65_536, 65_536, 'The longest secret value'),
  resourcePolicyCharacters: integer('N', 1, 20_480, 20_480, 'The longest resource policy of a secret'),
  standardParametersPerRegion: integer(
    'N',
    0,
    10_000_000,
    10_000,
    'Quota of standard parameters for each account and region',
  ),
  advancedParametersPerRegion: integer(
    'N',
    0,
    10_000_000,
    100_000,
    'Quota of advanced parameters for each account and region',
  ),
  functionSandbox: choice(
    ['A', 'B', 'B-', 'C', 'off'],
    'B-',
    'The least confinement in which functions run, C being none; off: they do not run here',
  ),
  functionConcurrency: integer(
    'N',
    1,
    1_000,
    16,
    'Instances of functions, and steps of rotations, at a time; with --workers, per process',
  ),
  functionsPerRegion: integer('N', 0, 100_000, 1_000, 'Quota of functions for each account and region'),
  functionCodeBytes: integer(
    'BYTES',
    0,
    1_099_511_627_776,
    80_530_636_800,
    'Quota of deployment packages for each account and region, in bytes',
  ),
  rates: choice(
    ['on', 'off'],
    'on',
    'Refuse more requests per second than AWS does, for each account, region and group',
  ),
  rate: names(
    'GROUP=N',
    "Requests per second of a group of operations, in the place of AWS's figure",
    /^[a-z]{1,32}\.[a-z-]{1,32}=(?:off|[1-9]\d{0,6})$/,
    'a group of docs/configuration.md and a whole number from 1 to 9999999, or off: secretsmanager.write=200',
  ),
  unsignedRate: integer('N', 0, 1_000_000, 20, 'Calls a second that one address may make without a signature; 0: any'),
  eventSink: names(
    'NAME=TO',
    'Where change events go: NAME=https://HOST/PATH or NAME=file:PATH',
    SINK,
    'NAME=https://HOST/PATH, NAME=file:PATH, or on loopback NAME=http://HOST/PATH',
  ),
  eventSinkSecret: names(
    'NAME=WHERE',
    'Where the secret is that signs what an HTTPS sink gets: NAME=file:PATH or NAME=credential:NAME',
    /^[a-z][a-z0-9-]{0,31}=(?:file:[^\0-\x1f]{1,4096}|credential:[A-Za-z0-9._-]{1,255})$/,
    'NAME=file:PATH or NAME=credential:NAME',
  ),
  eventSinkCa: text('FILE', '', 'Certificates in PEM that HTTPS sinks may also be certified by', FILE),
  eventRetentionDays: integer('DAYS', 1, 365, 7, 'Days that change events are kept for those who come back'),
  eventRetentionCount: integer('N', 100, 10_000_000, 100_000, 'Change events to keep for those who come back'),
  maxEventStreams: integer('N', 1, 100_000, 1_000, 'Open streams of change events; with --workers, per process'),
  maxEventStreamsPerAccount: integer('N', 1, 100_000, 200, 'Of them, for one account'),
  regionEndpoint: names(
    'REGION=URL',
    'A Region that is on another Strongroom: secrets are replicated to it over the wire',
    /^(?:[a-z]+-)+\d+=https?:\/\/[^\0-\x20/?#@]{1,300}\/?$/,
    'a Region, =, and an http or https URL without path or user, such as eu-west-1=https://secrets.example.com:4650',
  ),
  regionCredentials: text(
    'FILE',
    '',
    'AWS credentials file for those Regions: a profile for each account that replicates to them, named by its 12 digits',
    { pattern: /^[^\0-\x1f]{0,4096}$/, ...FILE },
  ),
  lambdaEndpoint: text('URL', '', 'A Lambda API, whose functions may rotate secrets', {
    pattern: /^(?:|https?:\/\/[^\0-\x20/?#@]{1,300}\/?)$/,
    allowed: 'an http or https URL without path or user, such as https://lambda.eu-central-1.amazonaws.com',
  }),
  lambdaCredentials: text(
    'FILE',
    '',
    'AWS credentials file for it: a profile for each account whose secrets it rotates, named by its 12 digits',
    { pattern: /^[^\0-\x1f]{0,4096}$/, ...FILE },
  ),
  rotationNetwork: {
    ...names(
      'CIDR',
      'Network that ready-made rotators may connect to, and no others; absent: any, loopback only where the server listens there',
      /^/,
      'a network such as 10.1.0.0/16 or fd00::/8',
    ),
    parse: (given: string) => (isNetwork(given) ? [given] : undefined),
  },
  rotationCa: text(
    'FILE',
    '',
    'Certificates in PEM that the servers of rotated secrets may also be certified by',
    FILE,
  ),
  acmeHttp: text(
    'HOST:PORT',
    '',
    'Where HTTP challenges of certificate authorities are answered, while there are any',
    {
      pattern: /^(?:|(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5})$/,
      allowed: 'an address and a port, such as 0.0.0.0:80 or [::]:80',
    },
  ),
  acmeHttpAccount: names(
    'ACCOUNT',
    'Account whose challenges are answered there, and no others; absent: any',
    /^[0-9]{12}$/,
    '12 digits',
  ),
  logLevel: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', 'Least level of the log on standard error'),
  testClock: flag('Let an administrator advance the clock of schedules and deletion windows; loopback only'),
  bootstrapAccountId: text('ID', '', 'Account that the first start makes; absent: a random one', {
    pattern: /^\d{12}$/,
    allowed: '12 digits',
    environmentOnly: true,
  }),
  bootstrapAccessKeyId: text('ID', '', "Access key id of the first account's administrator; absent: a random one", {
    pattern: /^[A-Z0-9]{16,128}$/,
    allowed: '16 to 128 capital letters and digits',
    environmentOnly: true,
  }),
  bootstrapSecretAccessKey: text('KEY', '', 'Its secret access key; absent: a random one', {
    pattern: /^[\x21-\x7e]{40,128}$/,
    allowed: '40 to 128 printable characters without spaces',
    environmentOnly: true,
    secret: true,
  }),
} as const satisfies { readonly [name: string]: Option<unknown> }

export type OptionName = keyof typeof options

type Settings = { readonly [K in OptionName]: (typeof options)[K] extends Option<infer T> ? T : never }

export type { RootKeyPlace }

/** Where change events go. */
export type SinkPlace =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | { readonly kind: 'https'; readonly name: string; readonly url: string; readonly secretFile: string }

/** What the server starts with. Paths are absolute. */
export type Config = Settings & {
  /** What `rootKey` names, in the order given. */
  readonly rootKeys: readonly RootKeyPlace[]
  readonly eventSinks: readonly SinkPlace[]
}

export const optionNames = Object.keys(options) as readonly OptionName[]

/** `dataDir`: `data-dir`. */
export const commandLineName = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `dataDir`: `STRONGROOM_DATA_DIR`. */
export const environmentName = (name: string): string =>
  `STRONGROOM_${commandLineName(name).replaceAll('-', '_').toUpperCase()}`

/** What the command line gave: the text of each option, `true` or `false` for a switch, a list where it is repeatable. */
export type GivenOptions = {
  readonly [K in OptionName]?: string | boolean | readonly string[] | undefined
} & { readonly config?: string | undefined }

export type Environment = { [name: string]: string | undefined }

/**
 * The configuration: option before environment before file before default. Secrets are removed from `environment`, so that no child
 * process inherits them.
 * @throws ConfigurationError
 */
export function loadConfig(given: GivenOptions = {}, environment: Environment = process.env): Config {
  refuseDebugging(environment, process.execArgv)
  const file = readConfigFile(given, environment)
  const settings: { [name: string]: unknown } = {}
  for (const name of optionNames) {
    settings[name] = resolveOption(name, given, environment, file)
    const { secret, environmentOnly }: Option<unknown> = options[name]
    if (secret || environmentOnly) delete environment[environmentName(name)]
  }
  return complete(settings as Settings, environment)
}

/** The data directory alone, for commands that talk to a server rather than being one. @throws ConfigurationError */
export function loadDataDir(given: GivenOptions = {}, environment: Environment = process.env): string {
  return resolve(resolveOption('dataDir', given, environment, readConfigFile(given, environment)) as string)
}

/** What the AWS tools read from the environment, for the commands that sign requests. Empty strings are absent. */
export function loadClientSettings(environment: Environment = process.env): {
  readonly [K in
    | 'endpointUrl'
    | 'accessKeyId'
    | 'secretAccessKey'
    | 'sessionToken'
    | 'region'
    | 'profile'
    | 'credentialsFile']: string | undefined
} {
  return {
    endpointUrl: nonEmpty(environment.AWS_ENDPOINT_URL),
    accessKeyId: nonEmpty(environment.AWS_ACCESS_KEY_ID),
    secretAccessKey: nonEmpty(environment.AWS_SECRET_ACCESS_KEY),
    sessionToken: nonEmpty(environment.AWS_SESSION_TOKEN),
    region: nonEmpty(environment.AWS_REGION) ?? nonEmpty(environment.AWS_DEFAULT_REGION),
    profile: nonEmpty(environment.AWS_PROFILE),
    credentialsFile: nonEmpty(environment.AWS_SHARED_CREDENTIALS_FILE),
  }
}

type ConfigFile = { readonly path: string; readonly values: { readonly [name: string]: unknown } }

function resolveOption(name: OptionName, given: GivenOptions, environment: Environment, file: ConfigFile | undefined) {
  const option: Option<unknown> = options[name]
  return (
    fromCommandLine(name, option, given[name]) ??
    fromEnvironment(name, option, environment) ??
    fromFile(name, option, file) ??
    option.default
  )
}

/** Fills in paths and the root key's place, and refuses what does not go together. Each refusal names the option and the mend. */
function complete(settings: Settings, environment: Environment): Config {
  const { host, tlsCert, tlsKey } = settings
  if ((tlsCert === '') !== (tlsKey === '')) {
    const [has, misses] = tlsCert === '' ? ['tlsKey', 'tlsCert'] : ['tlsCert', 'tlsKey']
    throw new ConfigurationError(
      `--${commandLineName(has)} ${printable(tlsCert || tlsKey)} is not enough: give --${commandLineName(misses)} too`,
    )
  }
  if (tlsCert !== '' && settings.insecureHttp) {
    throw new ConfigurationError('--insecure-http true does not go with --tls-cert: give one of them')
  }
  if (!isLoopback(host)) {
    if (tlsCert === '' && !settings.insecureHttp) {
      throw new ConfigurationError(
        `--host ${host} would carry plain HTTP over a network: give --tls-cert and --tls-key, or --insecure-http behind a proxy that ends TLS`,
      )
    }
    if (settings.testClock) {
      throw new ConfigurationError(
        `--test-clock true is for loopback only and --host is ${host}: leave one of them out`,
      )
    }
  }
  checkRegionEndpoints(settings)
  checkLambdaEndpoint(settings)
  if ((settings.bootstrapAccessKeyId === '') !== (settings.bootstrapSecretAccessKey === '')) {
    const name = settings.bootstrapAccessKeyId === '' ? 'bootstrapAccessKeyId' : 'bootstrapSecretAccessKey'
    throw new ConfigurationError(
      `${environmentName(name)} is missing: give the access key id and the secret access key together, or neither`,
    )
  }
  const dataDir = resolve(settings.dataDir)
  return {
    ...settings,
    dataDir,
    allowedHost: settings.allowedHost.map((name) => name.toLowerCase()),
    tlsCert: tlsCert && resolve(tlsCert),
    tlsKey: tlsKey && resolve(tlsKey),
    eventSinkCa: settings.eventSinkCa && resolve(settings.eventSinkCa),
    eventSinks: sinkPlaces(settings, environment),
    regionCredentials: settings.regionCredentials && resolve(settings.regionCredentials),
    lambdaCredentials: settings.lambdaCredentials && resolve(settings.lambdaCredentials),
    rotationCa: settings.rotationCa && resolve(settings.rotationCa),
    rootKeys: settings.rootKey.map((rootKey) => rootKeyPlace('--root-key', rootKey, dataDir, environment)),
  }
}

/** @throws ConfigurationError where a name is given twice, an HTTPS sink has no secret, or a secret no sink */
function sinkPlaces({ eventSink, eventSinkSecret }: Settings, environment: Environment): readonly SinkPlace[] {
  const secrets = new Map(eventSinkSecret.map((given) => splitAt(given, '=')))
  const places = eventSink.map((given): SinkPlace => {
    const [name, to] = splitAt(given, '=')
    const described = `--event-sink ${printable(given)}`
    if (to.startsWith('file:')) return { kind: 'file', name, path: resolve(to.slice('file:'.length)) }
    const url = URL.parse(to)
    if (url === null || url.hash !== '' || (url.protocol === 'http:' && !isLoopback(url.hostname))) {
      throw new ConfigurationError(`${described} is not allowed: give ${options.eventSink.allowed}`)
    }
    const secret = secrets.get(name)
    if (secret === undefined) {
      throw new ConfigurationError(`${described} needs a secret: give --event-sink-secret ${name}=file:PATH`)
    }
    return { kind: 'https', name, url: url.href, secretFile: secretFile(name, secret, environment) }
  })
  const names = places.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new ConfigurationError(`--event-sink ${twice} is given twice: name each once`)
  const unused = [...secrets.keys()].find(
    (name) => !places.some((place) => place.kind === 'https' && place.name === name),
  )
  if (unused !== undefined) {
    throw new ConfigurationError(
      `--event-sink-secret ${unused} belongs to no HTTPS sink: give --event-sink ${unused}=https://…`,
    )
  }
  return places
}

function secretFile(name: string, secret: string, environment: Environment): string {
  const [kind, where] = splitAt(secret, ':')
  if (kind === 'file') return resolve(where)
  const directory = nonEmpty(environment.CREDENTIALS_DIRECTORY)
  if (directory !== undefined) return join(directory, where)
  throw new ConfigurationError(
    `--event-sink-secret ${name}=${secret} needs CREDENTIALS_DIRECTORY: start under systemd with LoadCredential=, or give ${name}=file:PATH`,
  )
}

function splitAt(value: string, mark: string): readonly [string, string] {
  const at = value.indexOf(mark)
  return [value.slice(0, at), value.slice(at + 1)]
}

/** Each Region once, over TLS unless it is on this machine, and with credentials. @throws ConfigurationError */
function checkRegionEndpoints({ regionEndpoint, regionCredentials }: Settings): void {
  const regions = new Set<string>()
  for (const given of regionEndpoint) {
    const [region, url] = splitAt(given, '=')
    if (regions.has(region))
      throw new ConfigurationError(`--region-endpoint ${given} is a second endpoint of ${region}: give one`)
    regions.add(region)
    if (!URL.canParse(url))
      throw new ConfigurationError(`--region-endpoint ${given} has no valid URL: give https://HOST:PORT`)
    const { protocol, hostname } = new URL(url)
    if (protocol === 'http:' && !isLoopback(hostname.replaceAll(/^\[|\]$/g, ''))) {
      throw new ConfigurationError(
        `--region-endpoint ${given} would carry secrets in the clear over a network: give an https URL`,
      )
    }
  }
  if (regionEndpoint.length > 0 && regionCredentials === '') {
    throw new ConfigurationError(
      `--region-endpoint ${regionEndpoint[0]} needs credentials: give --region-credentials a file with a profile for each account`,
    )
  }
}

/** Over TLS unless it is on this machine, and with credentials. @throws ConfigurationError */
function checkLambdaEndpoint({ lambdaEndpoint: url, lambdaCredentials }: Settings): void {
  if (url === '') return
  if (!URL.canParse(url))
    throw new ConfigurationError(`--lambda-endpoint ${url} is no valid URL: give https://HOST:PORT`)
  const { protocol, hostname } = new URL(url)
  if (protocol === 'http:' && !isLoopback(hostname.replaceAll(/^\[|\]$/g, ''))) {
    throw new ConfigurationError(
      `--lambda-endpoint ${url} would carry rotation tokens in the clear over a network: give an https URL`,
    )
  }
  if (lambdaCredentials === '') {
    throw new ConfigurationError(
      `--lambda-endpoint ${url} needs credentials: give --lambda-credentials a file with a profile for each account`,
    )
  }
}

export type NewRootKey = {
  /** As `--root-key`; the path of a file is absolute. */
  readonly newRootKey: string
  /** The key or the PIN itself, where it is in a variable of the command. */
  readonly newRootKeyText?: string
}

/** What a command tells the server of the root key that `given`, a value of `option`, names. @throws ConfigurationError */
export function loadNewRootKey(given: string, option: string, environment: Environment = process.env): NewRootKey {
  const newRootKey = parseOne(given, option)
  const file = /^file:(.+)$/.exec(newRootKey)?.[1]
  if (file !== undefined) return { newRootKey: `file:${resolve(file)}` }
  const newRootKeyText = takeRootKey(option, newRootKey, environment)
  return { newRootKey, ...(newRootKeyText !== '' && { newRootKeyText }) }
}

/** The place of which the server was told, in its own terms: its data directory, its credentials. @throws ConfigurationError */
export function findNewRootKey(
  { newRootKey, newRootKeyText }: NewRootKey,
  dataDir: string,
  option: string,
  { CREDENTIALS_DIRECTORY }: Environment = process.env,
): RootKeyPlace {
  return rootKeyPlace(option, parseOne(newRootKey, option), dataDir, { CREDENTIALS_DIRECTORY }, newRootKeyText)
}

const parseOne = (given: string, option: string): string =>
  (parse(options.rootKey, [given], (value) => `${option} ${value}`) as readonly string[])[0]!

function fromCommandLine(
  name: OptionName,
  option: Option<unknown>,
  given: string | boolean | readonly string[] | undefined,
) {
  if (given === undefined) return undefined
  const texts = Array.isArray(given) ? given : [String(given)]
  return parse(option, texts, (value) => `--${commandLineName(name)} ${value}`)
}

function fromEnvironment(name: OptionName, option: Option<unknown>, environment: Environment) {
  const variable = environmentName(name)
  const given = nonEmpty(environment[variable])
  if (given === undefined) return undefined
  // Kubernetes sets STRONGROOM_PORT=tcp://10.0.0.1:4650 beside a Service called strongroom. It is not meant for us.
  if (name === 'port' && given.startsWith('tcp://')) return undefined
  // The option's own variable is also the one that `--root-key env` reads: what it holds may be the key.
  if (name === 'rootKey' && given.split(',').some((part) => option.parse(part.trim()) === undefined)) {
    throw new ConfigurationError(
      `${variable} is not allowed: give ${option.allowed}; where it holds the root key itself, give --root-key env`,
    )
  }
  return parse(option, option.repeatable ? given.split(',').map((part) => part.trim()) : [given], (value) =>
    option.secret ? variable : `${variable}=${value}`,
  )
}

function fromFile(name: OptionName, option: Option<unknown>, file: ConfigFile | undefined) {
  const given = file?.values[name]
  if (file === undefined || given === undefined) return undefined
  const texts = option.repeatable && Array.isArray(given) ? given : [given]
  const kind = option.value === undefined ? 'boolean' : typeof option.default === 'number' ? 'number' : 'string'
  const described = (value: string) => `${quote(name)}: ${value} in ${file.path}`
  for (const part of texts) {
    const right =
      kind === 'boolean' ? part === true || part === false : kind === 'number' ? Number.isFinite(part) : isText(part)
    if (!right) {
      const what = option.secret ? '(not shown)' : printable(JSON.stringify(part))
      throw new ConfigurationError(`${described(what)} is not allowed: give ${option.allowed} as a JSON ${kind}`)
    }
  }
  return parse(option, texts.map(String), (value) =>
    described(kind === 'string' && !option.secret ? JSON.stringify(value) : value),
  )
}

const isText = (value: unknown): boolean => typeof value === 'string'

function parse(option: Option<unknown>, texts: readonly string[], described: (value: string) => string): unknown {
  const values = texts.map((part) => {
    const value = option.parse(part)
    if (value === undefined) {
      const what = described(option.secret ? '(not shown)' : printable(part))
      throw new ConfigurationError(`${what} is not allowed: give ${option.allowed}`)
    }
    return value
  })
  return option.repeatable ? values.flat() : values.at(-1)
}

const CONFIG_FILE_BYTES_MAX = 65_536

/** The file that --config or STRONGROOM_CONFIG names, its keys checked and its values not yet. */
function readConfigFile(given: GivenOptions, environment: Environment): ConfigFile | undefined {
  const path = given.config ?? nonEmpty(environment.STRONGROOM_CONFIG)
  if (path === undefined) return undefined
  const refuse = (why: string) => new ConfigurationError(`--config ${printable(path)} ${why}`)
  let content: string
  try {
    const { size } = statSync(path)
    content = size > CONFIG_FILE_BYTES_MAX ? '' : readFileSync(path, 'utf8')
  } catch (error) {
    throw refuse(`cannot be read (${(error as NodeJS.ErrnoException).code}): give the path of a readable JSON file`)
  }
  const values = parseJson(content)
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw refuse('is not one JSON object of at most 64 KiB: write {"port": 4650}')
  }
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(options, name)) {
      throw refuse(`has the unknown key ${quote(name)}: see docs/configuration.md for the keys there are`)
    }
    const { environmentOnly }: Option<unknown> = options[name as OptionName]
    if (environmentOnly) throw refuse(`may not hold ${quote(name)}: give it as the variable ${environmentName(name)}`)
  }
  return { path, values: values as ConfigFile['values'] }
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

/** A debugger or a TLS key log would hand every secret to whoever listens. */
function refuseDebugging(environment: Environment, execArgv: readonly string[]): void {
  const refused = /--(?:inspect(?:-brk|-wait)?|tls-keylog|experimental-network-inspection)(?![a-z-])/
  if (refused.test(environment.NODE_OPTIONS?.replaceAll('_', '-') ?? '')) {
    throw new ConfigurationError(
      `NODE_OPTIONS=${printable(environment.NODE_OPTIONS ?? '')} would expose secrets: leave out --inspect and --tls-keylog`,
    )
  }
  const argument = execArgv.find((part) => refused.test(part.replaceAll('_', '-')))
  if (argument !== undefined) {
    throw new ConfigurationError(`node ${printable(argument)} would expose secrets: leave it out`)
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach an address. A name other than localhost counts as reachable. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

const quote = (value: string): string => JSON.stringify(printable(value))

/** On one line and short, whatever was given. */
const printable = (value: string): string => {
  const clean = value.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?')
  return clean.length > 200 ? `${clean.slice(0, 200)}...` : clean
}
