// The only wiring: from a configuration to a running server, in an order that survives being killed at any point of it, and back.

import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { createAddressRates } from './address-rates.ts'
import { commands } from './admin/registry.ts'
import { recordAdmin, serveAdmin } from './admin/server.ts'
import { clientUrl, readyLines, sealedLine } from './announce.ts'
import type { App, DatabaseNetwork } from './app.ts'
import { createCallCounts } from './audit/counts.ts'
import { createRetention } from './audit/retention.ts'
import { createTrail } from './audit/trail.ts'
import { createAuthenticator } from './auth/authenticate.ts'
import { createTestClock, followOffset, systemClock } from './clock.ts'
import { type Config, ConfigurationError, isLoopback, type RootKeyPlace } from './config.ts'
import { type Credentials, credentialsPath, findCredentials, writeCredentials } from './credentials-file.ts'
import { holdDataDirectory, holdWorkerSlot, prepareDataDirectory } from './data-directory.ts'
import { openDatabases } from './databases.ts'
import { IntegrityError } from './errors.ts'
import { createEvents } from './events/events.ts'
import { parseSigningSecret, type Signing } from './events/https-sink.ts'
import { createSinks, openSinks } from './events/sinks.ts'
import { createHandler } from './handle.ts'
import { createHealth } from './health.ts'
import { createHttpAnswers } from './http/answers.ts'
import { type Handler, type Listener, listen } from './http/listen.ts'
import { createOutbound } from './http/outbound.ts'
import { createTargets } from './http/targets.ts'
import { createJobs, type Jobs } from './jobs/jobs.ts'
import { closeMemory } from './memory.ts'
import { createLogger, type Logger } from './observe/log.ts'
import { createMetrics, type MetricValues } from './observe/metrics.ts'
import { createRefusalLog } from './observe/refusals.ts'
import { createRates } from './rates.ts'
import { DamagedKeyringError, MissingKeyringError, RootKeyError, WrongRootKeyError } from './seal/errors.ts'
import { type LiveKeyring, openKeyring } from './seal/lifecycle.ts'
import { rootKeyAt } from './seal/place.ts'
import { createShares } from './seal/shares.ts'
import { createGate, needsShares, waitForShares } from './sealed.ts'
import { bootstrapIdentity, PresetError } from './services/iam/bootstrap.ts'
import { accessKeyTable, findFirstAccount, mfaDeviceTable } from './services/iam/store.ts'
import { createUses } from './services/iam/uses.ts'
import { jobHandlers, services } from './services/index.ts'
import { createKms } from './services/kms/data-keys.ts'
import { createKeyUses } from './services/kms/key-uses.ts'
import { createKmsRows, materialTable } from './services/kms/store.ts'
import { createRunner, dataKeyTable } from './services/lambda/port.ts'
import { ensureOrganization, type Organization } from './services/organizations/port.ts'
import { masterRotatorOf } from './services/rds/port.ts'
import {
  createAccessNotes,
  createFunctionsElsewhere,
  createManagedRotation,
  createReadyMade,
  createRemoteRegions,
  createRotationFunctions,
  createSecretRows,
  EXTERNAL,
  type FunctionProvider,
  localFunctions,
  partnerOf,
} from './services/secretsmanager/port.ts'
import { createParameterRows, parameterKeyTable } from './services/ssm/port.ts'
import { readClockOffset } from './services/strongroom/store.ts'
import { createSessionTokens, createWebIdentities } from './services/sts/port.ts'
import { BackupError } from './storage/backup.ts'
import { type Database, DatabaseError } from './storage/database.ts'
import { SchemaTooNewError, SchemaTooOldError, underMigrationLock } from './storage/migrate.ts'
import { createRows, type Rows } from './storage/sealed.ts'
import { supervise, WorkerEndedError } from './supervisor.ts'

const PARTITION = 'aws'

/** How long requests in flight may take to finish when the server stops. */
export const STOP_GRACE_MS = 25_000

export type RunningServer = {
  /** Where a client on this machine reaches it. */
  readonly url: string
  readonly app: App
  readonly jobs: Jobs
  /** The first account. */
  readonly accountId: string
  /** The administrator's, from the credentials file. @throws where another server on the database made them. */
  credentials(): Credentials
  /** Whether this start made the first account. */
  readonly firstStart: boolean
  /** Another worker changes the root keys. */
  useRootKeys(places: readonly RootKeyPlace[]): void
  /** Reads the certificate again; what cannot be read is logged, and the old one stays. */
  reloadTls(): void
  /** Accepts no more, finishes requests in flight within graceMs, writes what is pending, lets go of everything. */
  close(graceMs?: number): Promise<void>
}

export type StartOptions = {
  /** This process's place under a supervisor, which then holds the data directory. */
  readonly slot?: number
  /** The numbers of the other workers. */
  readonly otherMetrics?: () => Promise<readonly MetricValues[]>
  /** Gives the other workers, those too that come later, other root keys; resolves when they use them. */
  readonly shareRootKeys?: (places: readonly RootKeyPlace[]) => Promise<void>
  /** The server listens and waits for shares of its root key. */
  readonly onSealed?: (url: string) => void
}

/** Starts one server in this process. @throws what exitWith turns into one line. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  await using starting = new AsyncDisposableStack()
  const {
    slot,
    otherMetrics = async () => [],
    shareRootKeys = async () => undefined,
    onSealed = () => undefined,
  } = options
  const log = createLogger(config.logLevel)
  const tls = readTls(config)
  const rates = createRates(services, config)
  const signings = readSigningSecrets(config)
  const warnings = [...prepareDataDirectory(config.dataDir)]
  const lock = slot === undefined ? await holdDataDirectory(config.dataDir) : await holdWorkerSlot(config.dataDir, slot)
  starting.defer(() => lock.release())
  const openMemory = await closeMemory()
  if (openMemory !== undefined)
    warnings.push(`other processes of this user can read the memory of this one: ${openMemory}`)

  const databases = await openDatabases(config, slot ?? 0, log)
  starting.defer(() => databases.close())
  const database = databases.main

  // The order of a first start: schema, root key, keyring, and the first account together with its credentials file. Each step is whole
  // or not there, and the next start does what is missing.
  const { wallNow } = systemClock
  let places = config.rootKeys
  let graceMs = STOP_GRACE_MS
  const keyringOptions = { wallNow, randomBytes }
  const others = places.filter(({ kind }) => kind !== 'shamir').map((place) => rootKeyAt(place, randomBytes))
  const gate = createGate(randomUUID)
  let listener: Listener | undefined
  if (await needsShares({ database, config, log }, others, keyringOptions)) {
    listener = await listenOrExplain(config, gate.handler, tls)
    const { port, close } = listener
    starting.defer(() => close(0))
    onSealed(clientUrl(config, port))
    log.warn('sealed: waiting for shares of the root key')
    const shares = await waitForShares({ database, config, log })
    places = places.map((place) => (place.kind === 'shamir' ? shares : place))
    await shareRootKeys(places)
  }
  const wasSealed = listener !== undefined
  const providers = places.map((place) => rootKeyAt(place, randomBytes))
  const { keyring, rows, accountId, firstStart, organization } = await underMigrationLock(database, async () => {
    const keyring = await openKeyring(database, providers, keyringOptions)
    const rows = createRows(keyring)
    return { keyring, rows, ...(await bootstrap(config, database, keyring, rows)) }
  })
  for (const provider of providers) warnings.push(...(await provider.warnings()))
  starting.defer(
    keyring.startPolling({ onError: (error) => log.error({ err: error }, 'the keyring cannot be read again') }),
  )

  const stored = await database.transaction('read', (tx) => readClockOffset(rows, tx))
  const testClock = config.testClock ? createTestClock(stored) : undefined
  if (testClock !== undefined) {
    starting.defer(followOffset(testClock, () => database.transaction('read', (tx) => readClockOffset(rows, tx))))
  } else if (stored > 0)
    log.warn({ aheadMs: stored }, 'the test clock was advanced; this start is without --test-clock')

  const callCounts = createCallCounts({ database, log, wallNow, retentionDays: config.auditRetentionDays })
  starting.defer(() => callCounts.close())
  const trail = await createTrail({
    database,
    auditDatabase: databases.audit,
    counts: callCounts,
    databases: () => databases.trail,
    keyring,
    log,
    wallNow,
    randomBytes,
  })
  starting.defer(() => trail.close())
  const metrics = createMetrics()
  const events = createEvents({
    database,
    log,
    metrics,
    wallNow,
    uuid: randomUUID,
    retentionDays: config.eventRetentionDays,
    retentionCount: config.eventRetentionCount,
    streamsMax: config.maxEventStreams,
    streamsPerAccountMax: config.maxEventStreamsPerAccount,
  })
  starting.defer(() => events.stop())
  const accesses = createAccessNotes(database, log)
  starting.defer(() => accesses.close())
  const uses = createUses(database, log)
  starting.defer(() => uses.close())
  const keyUses = createKeyUses(database, log)
  starting.defer(() => keyUses.close())
  const limits = {
    accounts: config.maxAccounts,
    secretsPerRegion: config.secretsPerRegion,
    versionsPerSecret: config.versionsPerSecret,
    labelsPerSecret: config.labelsPerSecret,
    tagsPerSecret: config.tagsPerSecret,
    secretValueBytes: config.secretValueBytes,
    resourcePolicyCharacters: config.resourcePolicyCharacters,
    standardParametersPerRegion: config.standardParametersPerRegion,
    advancedParametersPerRegion: config.advancedParametersPerRegion,
    functionsPerRegion: config.functionsPerRegion,
    functionCodeBytes: config.functionCodeBytes,
    functionConcurrency: config.functionConcurrency,
    skewMs: config.skewMinutes * 60_000,
  }
  const outbound = createOutbound({ allowed: config.allowOutbound })
  const functions = createRunner({
    dataDir: config.dataDir,
    secretFiles: secretFilesOf(config),
    least: config.functionSandbox,
    concurrency: config.functionConcurrency,
    log,
    wallNow,
    uuid: randomUUID,
    randomBytes,
  })
  starting.defer(() => functions.close())
  const databaseNetwork = databaseNetworkOf(config)
  const app: App = {
    partition: PARTITION,
    organization,
    services,
    database,
    rows,
    keyring,
    kms: createKms({ wallNow, randomBytes, dataKeyCache: config.dataKeyCache === 'on' }),
    kmsRows: createKmsRows(wallNow),
    keyUses,
    secretRows: createSecretRows(),
    parameterRows: createParameterRows(),
    accesses,
    remoteRegions: createRemoteRegions(config.regionEndpoint, config.regionCredentials, wallNow),
    rotationFunctions: createRotationFunctions(functionProviders(config, databaseNetwork)),
    uses,
    databaseNetwork,
    trail,
    callCounts,
    rates,
    addressRates: createAddressRates(config.unsignedRate),
    events,
    authenticate: createAuthenticator({ skewMs: limits.skewMs }),
    sessionTokens: createSessionTokens({ partition: PARTITION, keyring, randomBytes }),
    outbound,
    webIdentities: createWebIdentities({ outbound }),
    functions,
    podIdentityAudience: config.podIdentityAudience,
    log,
    metrics,
    noteRefusal: createRefusalLog(log, wallNow),
    wallNow,
    now: testClock?.now ?? systemClock.now,
    ...(testClock && { testClock }),
    uuid: randomUUID,
    randomBytes,
    limits,
  }

  app.rotationFunctions.managed.set('rds', createManagedRotation(databaseNetwork, masterRotatorOf))
  const external = createManagedRotation(databaseNetwork, async (_, { secret }) => {
    return { rotator: partnerOf(secret), authorities: [] }
  })
  app.rotationFunctions.managed.set(EXTERNAL, external)

  const sinks = createSinks(
    openSinks(config.eventSinks, signings, readCertificates('--event-sink-ca', config.eventSinkCa), wallNow),
  )
  const jobs = createJobs({ app, holder: lock.holder, handlers: { ...jobHandlers, ...sinks.handlers } })
  starting.defer(() => jobs.stop())
  starting.defer(() => sinks.stop())
  await sinks.start(app, jobs.wake)
  const retention = createRetention({
    databases: databases.trail,
    keyring,
    log,
    wallNow,
    days: config.auditRetentionDays,
    bytesMax: config.auditMaxBytes,
  })
  const first = slot === undefined || slot === 0
  if (first) {
    starting.defer(() => retention.stop())
    retention.start()
  }

  const health = createHealth({ keyring, trail, retention, sinks, functions })
  const answers = { health, metrics: async () => app.metrics.text(await otherMetrics()) }
  const handler = createHandler(app, answers, jobs.wake)
  gate.open(handler)
  const listening = listener ?? (await listenOrExplain(config, handler, tls))
  starting.defer(() => listening.close(graceMs))
  functions.listening(clientUrl(config, listening.port))
  if (first) {
    const context = {
      app,
      config,
      keyring,
      retention,
      health,
      auditDatabases: databases.trail,
      sealedTables: [
        materialTable(keyring, rows),
        accessKeyTable({ partition: PARTITION, keyring, rows }),
        dataKeyTable(keyring, rows),
        parameterKeyTable(keyring, rows),
        mfaDeviceTable({ partition: PARTITION, keyring, rows }),
      ],
      account: accountId,
      shares: createShares({ readHeader: async () => keyring.opened().header }),
      rootKeys: {
        places: () => places,
        use: async (next: readonly RootKeyPlace[]) => {
          await shareRootKeys(next)
          places = next
        },
      },
    }
    const admin = await serveAdmin(context, commands)
    starting.defer(() => admin.close())
  }
  if (wasSealed) await recordAdmin(app, accountId, 'Unseal')
  jobs.start()
  events.start()

  // Only now: what cannot start says one line and no more.
  if (first) for (const warning of warnings) log.warn(warning)
  const url = clientUrl(config, listening.port)
  log.info({ url, ...(slot !== undefined && { slot }), pid: process.pid }, 'ready')
  const closing = starting.move()
  return {
    url,
    app,
    jobs,
    accountId,
    credentials: () => {
      const credentials = findCredentials(credentialsPath(config.dataDir))
      if (credentials === undefined) throw new ConfigurationError(`${config.dataDir} has no credentials of this server`)
      return credentials
    },
    firstStart,
    useRootKeys: (places) => keyring.useRootKeys(places.map((place) => rootKeyAt(place, randomBytes))),
    reloadTls: () => reloadTls(config, listening, log),
    close: (grace = STOP_GRACE_MS) => {
      graceMs = grace
      return closing.disposeAsync()
    },
  }
}

/** The whole life of `strongroom serve`: resolves when the process is to end; its exit code is set. */
export async function runServer(config: Config): Promise<void> {
  process.umask(0o077)
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  // Whoever read the ready line may be gone.
  process.stdout.on('error', () => undefined)
  // While it is sealed there is nothing to finish.
  const quit = (): never => process.exit(0)
  const onSealed = (url: string): void => {
    for (const signal of STOP_SIGNALS) process.on(signal, quit)
    process.stdout.write(sealedLine(config, url))
  }
  try {
    const running =
      config.workers > 1 ? await startSupervisor(config, onSealed) : await startServer(config, { onSealed })
    for (const signal of STOP_SIGNALS) process.off(signal, quit)
    process.on('SIGHUP', running.reloadTls)
    const stopped = Promise.withResolvers<void>()
    const stop = (): void => {
      // A second signal means now.
      for (const signal of STOP_SIGNALS) process.once(signal, () => process.exit(1))
      running.close().then(stopped.resolve, stopped.reject)
    }
    for (const signal of STOP_SIGNALS) process.once(signal, stop)
    process.stdout.write(readyLines(config, running.url, running.firstStart))
    await stopped.promise
    process.exit(0)
  } catch (error) {
    exitWith(error)
  }
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

type Running = Pick<RunningServer, 'url' | 'firstStart' | 'reloadTls' | 'close'>

async function startSupervisor(config: Config, onSealed: (url: string) => void): Promise<Running> {
  await using starting = new AsyncDisposableStack()
  const log = createLogger(config.logLevel)
  readTls(config)
  createRates(services, config)
  prepareDataDirectory(config.dataDir)
  const lock = await holdDataDirectory(config.dataDir)
  starting.defer(() => lock.release())
  await closeMemory()
  const supervisor = supervise(config, log, onSealed)
  let graceMs = 1_000
  starting.defer(() => supervisor.stop(graceMs))
  const { url, firstStart } = await supervisor.ready
  // Workers have their own bound, and this one is beyond it.
  graceMs = STOP_GRACE_MS + 5_000
  const closing = starting.move()
  return { url, firstStart, reloadTls: supervisor.reload, close: () => closing.disposeAsync() }
}

/** Ends a start that failed with exit code 1: one line where the operator can mend it, otherwise as a crash. */
export function exitWith(error: unknown): never {
  const explained = isForOperator(error)
  if (!explained && !(error instanceof WorkerEndedError)) crash(error)
  if (explained) process.stderr.write(`strongroom: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}\n`)
  process.exit(1)
}

/** Ends a server that no longer knows its own state. What it acknowledged is on disk. */
export function crash(error: unknown): never {
  createLogger('error').fatal({ err: error }, 'a fault of the server: it ends')
  process.exit(1)
}

/** Whether an error's message is one line for the operator. */
export const isForOperator = (error: unknown): error is Error =>
  [
    ConfigurationError,
    SchemaTooNewError,
    SchemaTooOldError,
    DatabaseError,
    IntegrityError,
    RootKeyError,
    WrongRootKeyError,
    DamagedKeyringError,
    MissingKeyringError,
    PresetError,
    BackupError,
  ].some((type) => error instanceof type)

/** Makes the first account and the organization where there is none. The credentials file is written before the commit: no administrator without one. */
function bootstrap(
  config: Config,
  database: Database,
  keyring: LiveKeyring,
  rows: Rows,
): Promise<{ readonly accountId: string; readonly firstStart: boolean; readonly organization: Organization }> {
  const iam = { partition: PARTITION, rows, keyring, randomBytes }
  return database.transaction('write', async (tx) => {
    const made = await bootstrapIdentity(iam, tx, systemClock.wallNow(), {
      accountId: config.bootstrapAccountId,
      accessKeyId: config.bootstrapAccessKeyId,
      secretAccessKey: config.bootstrapSecretAccessKey,
    })
    const accountId = made?.accountId ?? (await findFirstAccount(iam, tx))!
    const organization = await ensureOrganization(iam, tx, accountId)
    if (made !== undefined) writeCredentials(config.dataDir, made)
    return { accountId, firstStart: made !== undefined, organization }
  })
}

/** Where keys and credentials are, beside the data directory. */
function secretFilesOf({
  tlsKey,
  rootKeys,
  regionCredentials,
  lambdaCredentials,
  eventSinks,
}: Config): readonly string[] {
  const signing = eventSinks.flatMap((place) => (place.kind === 'https' ? [place.secretFile] : []))
  const files = [tlsKey, ...rootKeys.map(({ file }) => file), regionCredentials, lambdaCredentials, ...signing]
  return files.filter((file) => file !== '')
}

/** Who has functions that rotate secrets, in the order in which they are asked for one. */
const databaseNetworkOf = ({
  rotationNetwork,
  host,
  rotationCa,
  acmeHttp,
  acmeHttpAccount,
}: Config): DatabaseNetwork => ({
  resolve: createTargets({ networks: rotationNetwork, loopback: isLoopback(host) }),
  authorities: readCertificates('--rotation-ca', rotationCa) ?? [],
  ...(acmeHttp !== '' && { answers: createHttpAnswers(acmeHttp) }),
  answersFor: acmeHttpAccount,
})

function functionProviders(config: Config, network: DatabaseNetwork): readonly FunctionProvider[] {
  const { lambdaEndpoint: endpoint, lambdaCredentials } = config
  const readyMade = createReadyMade(network)
  if (endpoint === '') return [readyMade, localFunctions]
  // Of its own, so that nobody else's addresses reach it.
  const outbound = createOutbound({ allowed: [new URL(endpoint).origin] })
  const { wallNow } = systemClock
  return [
    readyMade,
    localFunctions,
    createFunctionsElsewhere({ endpoint, credentialsFile: lambdaCredentials, wallNow, outbound }),
  ]
}

type Tls = { readonly cert: Buffer; readonly key: Buffer }

/** @throws ConfigurationError where the files cannot be read, or do not belong together. */
function readTls({ tlsCert, tlsKey }: Config): Tls | undefined {
  if (tlsCert === '') return undefined
  const read = (option: string, path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new ConfigurationError(`${option} ${path} cannot be read (${code}): give the path of a readable PEM file`)
    }
  }
  const tls = { cert: read('--tls-cert', tlsCert), key: read('--tls-key', tlsKey) }
  try {
    createSecureContext(tls)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigurationError(
      `--tls-cert ${tlsCert} and --tls-key ${tlsKey} are not a certificate and its key (${code}): give a pair in PEM`,
    )
  }
  return tls
}

/** By the name of the sink. @throws ConfigurationError where a file cannot be read, or holds no signing secret */
function readSigningSecrets({ eventSinks }: Config): ReadonlyMap<string, Signing> {
  return new Map(
    eventSinks.flatMap((place) => {
      if (place.kind !== 'https') return []
      const option = `--event-sink-secret ${place.name}=file:${place.secretFile}`
      const signing = parseSigningSecret(readOption(option, place.secretFile).toString())
      if (signing === undefined) {
        throw new ConfigurationError(`${option} holds no signing secret: put whsec_ and base64 of 24 to 64 bytes in it`)
      }
      return [[place.name, signing] as const]
    }),
  )
}

/** @throws ConfigurationError where the file cannot be read, or holds no certificates */
function readCertificates(option: string, path: string): readonly string[] | undefined {
  if (path === '') return undefined
  const text = readOption(`${option} ${path}`, path).toString()
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (certificates === null) {
    throw new ConfigurationError(`${option} ${path} holds no certificate: give a file in PEM`)
  }
  return certificates
}

function readOption(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigurationError(`${option} cannot be read (${code}): give the path of a readable file`)
  }
}

function reloadTls(config: Config, listener: Listener, log: Logger): void {
  try {
    const tls = readTls(config)
    if (tls === undefined) return
    listener.reloadTls(tls)
    log.info('the certificate was read again')
  } catch (error) {
    log.error({ err: error }, 'the certificate cannot be read again; the old one stays')
  }
}

async function listenOrExplain(config: Config, handler: Handler, tls: Tls | undefined): Promise<Listener> {
  const { host, port } = config
  try {
    return await listen(
      { host, port, ...(tls && { tls }), allowedHosts: config.allowedHost, connectionsMax: config.maxConnections },
      handler,
    )
  } catch (error) {
    const explained = {
      EADDRINUSE: `--port ${port} is in use on ${host}: stop what listens there, or give another --port`,
      EADDRNOTAVAIL: `--host ${host} is no address of this machine: give one that is`,
      ENOTFOUND: `--host ${host} is not known: give an IP address of this machine`,
      EACCES: `--port ${port} needs rights that this user does not have: give one of 1024 or more`,
    }[(error as NodeJS.ErrnoException).code ?? '']
    throw explained === undefined ? error : new ConfigurationError(explained)
  }
}
