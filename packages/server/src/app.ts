// What a process has: built once in start.ts, handed to every call. No globals, no environment, no clock and no randomness outside it.

import type { AddressRates } from './address-rates.ts'
import type { CallCounts } from './audit/counts.ts'
import type { Trail } from './audit/trail.ts'
import type { Authenticate } from './auth/authenticate.ts'
import type { TestClock } from './clock.ts'
import type { Events } from './events/events.ts'
import type { HttpAnswers } from './http/answers.ts'
import type { Outbound } from './http/outbound.ts'
import type { Logger } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Refusal } from './observe/refusals.ts'
import type { Service } from './operation.ts'
import type { Rates } from './rates.ts'
import type { Keyring } from './seal/keyring.ts'
import type { Uses } from './services/iam/uses.ts'
import type { KeyUses, Kms, KmsRows } from './services/kms/port.ts'
import type { FunctionRunner } from './services/lambda/port.ts'
import type { Organization } from './services/organizations/port.ts'
import type { AccessNotes, RemoteRegions, RotationFunctions, SecretRows } from './services/secretsmanager/port.ts'
import type { ParameterRows } from './services/ssm/port.ts'
import type { SessionTokens, WebIdentities } from './services/sts/port.ts'
import type { Database } from './storage/database.ts'
import type { Rows } from './storage/sealed.ts'

export type DatabaseNetwork = {
  /** The address of a name that may be connected to. @throws OutboundError */
  readonly resolve: (host: string, port: number) => Promise<string>
  /** PEM. */
  readonly authorities: readonly string[]
  /** What is answered over plain HTTP; absent where no address is set up for it. */
  readonly answers?: HttpAnswers
  /** The accounts that it is answered for; of all where there is none. */
  readonly answersFor?: readonly string[]
}

export type App = {
  readonly partition: string
  /** The one organization of the server, which never changes. */
  readonly organization: Organization
  readonly services: readonly Service[]
  readonly database: Database
  /** Seals and opens rows that carry a MAC. */
  readonly rows: Rows
  readonly keyring: Keyring
  readonly kms: Kms
  /** The KMS keys, aliases, material and grants of the current snapshot. */
  readonly kmsRows: KmsRows
  /** Last uses of KMS keys, still to be written. Closed before the database. */
  readonly keyUses: KeyUses
  /** The secrets and encrypted values of the current snapshot. */
  readonly secretRows: SecretRows
  /** The parameters and their encrypted versions of the current snapshot. */
  readonly parameterRows: ParameterRows
  /** Days on which secrets were read, still to be written. Closed before the database. */
  readonly accesses: AccessNotes
  /** The Regions that are on another Strongroom. */
  readonly remoteRegions: RemoteRegions
  /** What does the steps of rotations. */
  readonly rotationFunctions: RotationFunctions
  /** Uses of access keys and roles, still to be written. Closed before the database. */
  readonly uses: Uses
  /** Where what rotates the passwords of databases may connect to. */
  readonly databaseNetwork: DatabaseNetwork
  readonly trail: Trail
  /** Calls by day, still to be written. Closed after the trail and before the database. */
  readonly callCounts: CallCounts
  /** What changes of secrets tell to streams and sinks. */
  readonly events: Events
  readonly authenticate: Authenticate
  readonly rates: Rates
  /** Of the routes that take no signature. */
  readonly addressRates: AddressRates
  readonly sessionTokens: SessionTokens
  /** Calls that leave the server. */
  readonly outbound: Outbound
  readonly webIdentities: WebIdentities
  /** What functions run with. Closed before the database. */
  readonly functions: FunctionRunner
  /** What tokens of pods must be for. */
  readonly podIdentityAudience: string
  readonly log: Logger
  readonly metrics: Metrics
  /** Logs, at a bounded rate, a call refused before an identity was known. */
  readonly noteRefusal: (refusal: Refusal) => void
  /** Milliseconds since the epoch, for signatures, `Date`, tokens, TLS, leases and throttles. */
  readonly wallNow: () => number
  /** Milliseconds since the epoch, for schedules, windows, expiry and deletion; the test clock may be ahead of the wall. */
  readonly now: () => number
  /** Only with --test-clock. */
  readonly testClock?: TestClock
  readonly uuid: () => string
  /** From the system's CSPRNG. */
  readonly randomBytes: (size: number) => Uint8Array
  readonly limits: Limits
}

/** Limits that an operator may change and tests lower. */
export type Limits = {
  readonly accounts: number
  readonly secretsPerRegion: number
  readonly versionsPerSecret: number
  /** Staging labels across all its versions. */
  readonly labelsPerSecret: number
  /** Those of AWS not counted. */
  readonly tagsPerSecret: number
  readonly secretValueBytes: number
  readonly resourcePolicyCharacters: number
  readonly standardParametersPerRegion: number
  readonly advancedParametersPerRegion: number
  readonly functionsPerRegion: number
  /** Of all deployment packages of an account in a Region. */
  readonly functionCodeBytes: number
  /** Instances at a time, in each process. */
  readonly functionConcurrency: number
  readonly skewMs: number
}
