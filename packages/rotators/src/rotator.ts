// What rotates a credential: the four steps of a rotation as functions of values, whatever keeps those values and whatever drives the steps.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html

import type { KeyObject } from 'node:crypto'

/** A secret's value, parsed: AWS's members and whatever else its owner keeps there. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
export type SecretValue = { readonly [member: string]: unknown }

export type Strategy =
  /** One credential: from setSecret on the previous one no longer works. */
  | 'single'
  /** Two users, by turns: the previous one works until the rotation after next. Needs a master secret. */
  | 'alternating'
  /** One user with two valid credentials: the previous one works until the next rotation. */
  | 'dual'

/** What a rotation works on. */
export type Run = {
  /** Of AWSCURRENT before the rotation. */
  readonly current: SecretValue
  /** Of AWSPREVIOUS, where there is one. */
  readonly previous?: SecretValue
  /** Of the secret that `masterarn` names, its AWSCURRENT. */
  readonly master?: SecretValue
  /** Of the newest other versions, AWSPREVIOUS first, whatever labels they have: to create, and to try out, where the rotator says `earlierMax`. */
  readonly earlier?: readonly SecretValue[]
  /** When the rotation began, in ms since 1970, where that is known. */
  readonly startedAt?: number
  /** Names the rotation: the same at each step, and again after a crash. A UUID mostly; 32 to 64 characters. */
  readonly versionId: string
  /** What was given to RotateSecret for this rotator, by name; checked against `options`. */
  readonly options: { readonly [name: string]: string }
  /**
   * Whether this step, or a later one, was begun before and nobody knows how it ended. Only then may the outcome be looked for by trying a
   * credential that may not work: a normal rotation makes no failed login.
   */
  readonly resumed: boolean
  /** From one scheduled rotation to the next, rounded up; absent where nothing is scheduled. */
  readonly everyDays?: number
}

export type PendingRun = Run & {
  /** Of AWSPENDING. */
  readonly pending: SecretValue
}

/** As KMS calls them. */
export type PrivateKeySpec =
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'ECC_NIST_P256'
  | 'ECC_NIST_P384'
  | 'ECC_NIST_P521'
  | 'ECC_NIST_EDWARDS25519'

/** How a rotator reaches the world, and all that it gets from there. */
export type Io = {
  /**
   * The address that a host stands for, resolved once, checked, and to be connected to as it is; TLS still verifies the host's name.
   * @throws RotatorError `unreachable` without an address, `permission` where it may not be connected to
   */
  resolve(host: string, port: number): Promise<string>
  /** Certificate authorities beside the system's: PEM. */
  readonly authorities: readonly string[]
  /**
   * Answers GET of this path with a text, over plain HTTP on the address that is set up for it, until what it returns is called. Absent where
   * none is set up.
   * @throws RotatorError `unreachable` where the address is in use
   */
  answerHttp?(path: string, body: string): Promise<() => void>
  /** Ends whatever is under way. */
  readonly signal: AbortSignal
  /** Of one connection, statement or request. */
  readonly timeoutMs: number
  randomBytes(size: number): Buffer
  /** A fresh private key. @throws RotatorError `unreachable` where too many are made at once */
  generatePrivateKey(spec: PrivateKeySpec): Promise<KeyObject>
  /** Ms since 1970. */
  now(): number
}

/** Something that a dry run, or a look after promotion, has to say. Never a value. */
export type Finding = { readonly level: 'ok' | 'warning' | 'problem'; readonly message: string }

/** A name and what it is for: of a member of the secret, or of an option. */
export type Described = {
  readonly name: string
  readonly required: boolean
  /** One line. */
  readonly about: string
}

export type Rotator = {
  /** `postgresql-single-user`. Its function is called `strongroom-` and this. Of a managed external secret: its type. */
  readonly name: string
  /** What it rotates, one line for a list. */
  readonly title: string
  readonly strategy: Strategy
  /** False where no server of the kind could be had to test against: tested as far as a double of its protocol goes. */
  readonly verified: boolean
  /** What it was tested against, where that is not a server of the kind as others run it. */
  readonly verifiedBy?: string
  /** What has to be installed for it beside: `name@version` of a package. */
  readonly install?: string
  /** Members that it reads of the secret. */
  readonly members: readonly Described[]
  /** What RotateSecret may give it beside. */
  readonly options: readonly Described[]
  /** Whether it reads the secret that `masterarn` names: always, or where the secret names one. */
  readonly master: 'required' | 'optional' | 'unused'
  /** How many other versions it looks at before it creates a credential. */
  readonly earlierMax?: number
  /** The option that has the master's ARN, in the place of the member `masterarn`. */
  readonly masterOption?: string

  /**
   * Whether the secret's value can be rotated by it at all; what it connects to, so that two rotations do not meet there: `host:port`, lower
   * case, or another name that means one place. `way` is what else of the value says where a credential goes, and how safely.
   * @throws RotatorError `secret`
   */
  check(value: SecretValue, options: Run['options']): { readonly place?: string; readonly way?: string }

  /** createSecret: the pending value. Where it is issued elsewhere, again for the same `versionId` does not leave a second one. */
  create(run: Run, io: Io): Promise<SecretValue>
  /**
   * At the beginning of setSecret, once the pending value is kept: the value with what is only had by going on, which is kept in its place
   * before `set`. May be called again after any interruption, also with what it gave itself.
   */
  complete?(run: PendingRun, io: Io): Promise<SecretValue>
  /** setSecret. May be called again after any interruption. */
  set(run: PendingRun, io: Io): Promise<void>
  /** testSecret: that the pending credential works. */
  test(run: PendingRun, io: Io): Promise<void>
  /**
   * finishSecret, after AWSCURRENT has moved to the pending version: whether the previous credential still works where the strategy promises it,
   * and what else is to be taken away.
   */
  settle?(run: PendingRun, io: Io): Promise<readonly Finding[]>
  /** What anybody may read of a value that is current, where the options say so: JSON. @throws RotatorError `secret` */
  published?(value: SecretValue, options: Run['options']): string | undefined
  /** Connects, looks at rights, policy and identity, and changes nothing. */
  dryRun(run: Run, io: Io): Promise<readonly Finding[]>
}
