// Registering an endpoint: whether the master user can log in there, and the row.

import { RotatorError } from '@strongroom/rotators'
import type { Call, Preparation } from '../../call.ts'
import { ioOf } from '../secretsmanager/port.ts'
import { cancelChange } from './change-password.ts'
import * as errors from './errors.ts'
import { mustBeAvailable } from './master-password.ts'
import {
  CLUSTER_ENGINES,
  DATABASES_MAX,
  type Engine,
  INSTANCE_ENGINES,
  type Kind,
  parseIdentifier,
  type RegisteredDatabase,
} from './model.ts'
import { sealPassword } from './password.ts'
import { findEngine, masterRotator, secretValueOf } from './rotator.ts'
import { countDatabases, insertDatabase, removeDatabase, type StoredDatabase } from './store.ts'

export type Registration = {
  readonly Identifier: string
  readonly Cluster?: boolean | undefined
  readonly Engine: string
  readonly Host: string
  readonly Port: number
  readonly DatabaseName?: string | undefined
  readonly CertificateAuthority?: string | undefined
  readonly TLS?: boolean | undefined
  readonly MasterUsername: string
  readonly MasterUserPassword: string
  readonly SkipLogin?: boolean | undefined
  readonly AwaitCreate?: boolean | undefined
}

type Endpoint = Omit<RegisteredDatabase, 'account' | 'region' | 'resourceId' | 'createdAt' | 'tags' | 'awaitsCreate'>

const kindOf = ({ Cluster }: Pick<Registration, 'Cluster'>): Kind => (Cluster === true ? 'cluster' : 'db')

/** @throws InvalidParameterException for what no rotator could use */
function endpointOf(input: Registration): Endpoint {
  const kind = kindOf(input)
  const identifier = parseIdentifier(input.Identifier)
  if (identifier === undefined) {
    throw errors.invalidRegistration(
      'Identifier must be 1 to 63 letters, digits or hyphens, begin with a letter, not end with a hyphen and not have two in a row.',
    )
  }
  const engines: readonly Engine[] = kind === 'db' ? INSTANCE_ENGINES : CLUSTER_ENGINES
  const engine = engines.find((known) => known === input.Engine)
  if (engine === undefined) {
    throw errors.invalidRegistration(
      `Engine must be ${engines.join(', ')} for ${kind === 'db' ? 'an instance' : 'a cluster'}.`,
    )
  }
  const rotator = findEngine(engine)
  if (rotator === undefined) throw errors.invalidRegistration(`This server has no rotator for ${engine}.`)
  const endpoint: Endpoint = {
    kind,
    identifier,
    engine,
    host: input.Host,
    port: input.Port,
    ...(input.DatabaseName !== undefined && { dbname: input.DatabaseName }),
    tls: input.TLS !== false,
    ...(input.CertificateAuthority !== undefined && { ca: input.CertificateAuthority }),
    masterUsername: input.MasterUsername,
  }
  try {
    masterRotator(endpoint, rotator).check(secretValueOf(endpoint.masterUsername, input.MasterUserPassword), {})
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    throw errors.invalidRegistration(error.message)
  }
  return endpoint
}

/** Logs in as the master user. @throws InvalidRequestException where it cannot; InvalidParameterException */
export async function tryLogin({ app, input }: Preparation<Registration>): Promise<void> {
  const endpoint = endpointOf(input)
  if (input.SkipLogin === true) return
  const value = secretValueOf(endpoint.masterUsername, input.MasterUserPassword)
  const authorities = [...app.databaseNetwork.authorities, ...(endpoint.ca === undefined ? [] : [endpoint.ca])]
  const io = ioOf(app, { ...app.databaseNetwork, authorities }, AbortSignal.timeout(LOGIN_MS))
  try {
    const run = { current: value, pending: value, versionId: app.uuid(), options: {}, resumed: false }
    await masterRotator(endpoint, findEngine(endpoint.engine)!).test(run, io)
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    throw errors.loginFailed(error.message)
  }
}

const LOGIN_MS = 20_000
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** @throws DBInstanceAlreadyExists, DBClusterAlreadyExistsFault, InstanceQuotaExceeded, DBClusterQuotaExceededFault */
export async function registerDatabase(
  call: Call<Registration>,
  existing: StoredDatabase | undefined,
): Promise<RegisteredDatabase> {
  const { app, account, region, input, now } = call
  const endpoint = endpointOf(input)
  if (existing !== undefined) throw errors.alreadyExists(endpoint.kind)
  if ((await countDatabases(call, account, region)) >= DATABASES_MAX) throw errors.tooMany(endpoint.kind, DATABASES_MAX)
  const random = [...app.randomBytes(26)].map((byte) => ID_ALPHABET[byte % 32]).join('')
  const bare = { ...endpoint, account, region, resourceId: `${endpoint.kind}-${random}`, createdAt: now, tags: [] }
  const password = await sealPassword(call, bare, input.MasterUserPassword)
  const database: RegisteredDatabase = {
    ...bare,
    password,
    ...(input.AwaitCreate === true && { awaitsCreate: true as const }),
  }
  await insertDatabase(call, database)
  return database
}

/**
 * Forgets a database, which is not touched.
 * @throws InvalidRequestException where its password is managed, InvalidDBInstanceState where it is being changed, both but for `force`
 */
export async function deregisterDatabase(call: Call, stored: StoredDatabase, force: boolean): Promise<void> {
  const { database } = stored
  if (!force) {
    await mustBeAvailable(call, database)
    if (database.secret !== undefined) throw errors.managedStill(database.identifier)
  }
  await cancelChange(call, database)
  await removeDatabase(call, stored)
}
