// The cache of secrets: what an application asks, GetSecretValue behind it, and the events that say what is no longer current.

import { GetSecretValueCommand, ListSecretsCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { isAuthenticationFailure } from './authentication.ts'
import { ownBytes } from './bytes.ts'
import { openDisk } from './disk-store.ts'
import { type ChangeListener, type EventStream, followEvents, type StreamState } from './event-stream.ts'
import { judgeBy } from './judge.ts'
import { type Activity, type CacheOptions, readLimits, tell } from './options.ts'
import { type Failed, prefetch } from './prefetch.ts'
import { parseJson, type Schema, SecretFormatError } from './schema.ts'
import { placeOf } from './sdk.ts'
import { elapsedSince, jittered, type Moment, momentOf, type Surroundings, system } from './surroundings.ts'
import { CacheClosedError, type CacheMetrics, type Loaded, ValueCache } from './value-cache.ts'

export type SecretCacheOptions = CacheOptions & {
  /** Whether a Strongroom server's stream of change events is followed. It is where absent; AWS is not asked for one. */
  readonly events?: boolean
}

/** Which version. AWSCURRENT where neither is given; both as GetSecretValue has it. */
export type VersionOptions = {
  readonly versionStage?: string | undefined
  readonly versionId?: string | undefined
}

export type ReadOptions = VersionOptions & {
  /** Ends the wait of this caller, and of nobody else. */
  readonly signal?: AbortSignal | undefined
}

/** What GetSecretValue answers. */
export type SecretValue = {
  readonly ARN: string
  readonly Name: string
  readonly VersionId: string
  readonly VersionStages: readonly string[]
  readonly CreatedDate?: Date
} & (
  | { readonly SecretString: string; readonly SecretBinary?: undefined }
  | { readonly SecretString?: undefined; readonly SecretBinary: Uint8Array }
)

/** It holds no value: ask the cache for it. */
export type Rotation = {
  /** As it was given to onRotate. */
  readonly secretId: string
  readonly ARN: string
  readonly Name: string
  readonly VersionId: string
  readonly PreviousVersionId: string
}

export type AuthenticateOptions = {
  /** Whether the error says that the credential is wrong. What drivers in common use throw where absent. */
  readonly isAuthenticationFailure?: (error: unknown) => boolean
  readonly signal?: AbortSignal | undefined
}

export type SecretCacheMetrics = CacheMetrics & { readonly events: StreamState }

type About = {
  readonly ARN: string
  readonly Name: string
  readonly VersionId: string
  readonly VersionStages: readonly string[]
  /** Milliseconds since the epoch. */
  readonly created: number | undefined
}

type Watch = {
  readonly listeners: Set<(rotation: Rotation) => unknown>
  versionId: string | undefined
  /** How often in a row the service did not answer. */
  failures: number
  cancel: () => void
}

/** A version that was refused at a login, and whether there is another since. */
type Doubt = { readonly versionId: string; readonly at: Moment; readonly isOther: Promise<boolean> }

/** After an event, so that not every process fetches at one moment. */
const SPREAD_MS = 200

export class SecretCache implements AsyncDisposable {
  readonly #client: SecretsManagerClient
  readonly #options: SecretCacheOptions
  readonly #surroundings: Surroundings
  readonly #values: ValueCache<About>
  readonly #watches = new Map<string, Watch>()
  readonly #doubts = new Map<string, Doubt>()
  readonly #limits
  /** The first is this cache itself. */
  readonly #listeners = new Set<ChangeListener>([
    {
      began: () => this.#refreshWatched(this.#values.review(() => 'revalidate')),
      reset: () => this.#refreshWatched(this.#values.review(() => 'expire')),
      changed: (event) => this.#refreshWatched(this.#values.review(judgeBy(event))),
    },
  ])
  #stream: EventStream | undefined
  #closed = false

  /** `surroundings` is for tests. @throws RangeError, TypeError that name the option that does not do */
  constructor(client: SecretsManagerClient, options: SecretCacheOptions = {}, surroundings: Surroundings = system) {
    this.#client = client
    this.#options = options
    this.#surroundings = surroundings
    this.#limits = readLimits(options)
    const fallback =
      options.disk &&
      openDisk<About>({
        options: options.disk,
        surroundings,
        place: () => placeOf('secretsmanager', client, new ListSecretsCommand({})),
        report: (error, id) => this.#report(error, { id, during: 'disk' }),
      })
    this.#values = new ValueCache({
      source: (id, slot, signal) => this.#fetch(id, slot, signal),
      limits: this.#limits,
      surroundings,
      fallback,
      onStored: (id, slot, about) => this.#stored(id, slot, about),
      report: (error, what) => this.#report(error, what),
    })
  }

  /** @throws SecretFormatError where it is binary; what the SDK throws */
  getSecretString(secretId: string, options?: ReadOptions): Promise<string> {
    return this.#read(secretId, options, ({ isText, bytes }) => {
      if (!isText) throw new SecretFormatError(`The secret ${secretId} is binary.`)
      return bytes.toString()
    })
  }

  /** A copy. @throws SecretFormatError where it is text; what the SDK throws */
  getSecretBinary(secretId: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.#read(secretId, options, ({ isText, bytes }) => {
      if (isText) throw new SecretFormatError(`The secret ${secretId} is not binary.`)
      return Uint8Array.from(bytes)
    })
  }

  getSecretJson(secretId: string, schema?: undefined, options?: ReadOptions): Promise<unknown>
  getSecretJson<T>(secretId: string, schema: Schema<T>, options?: ReadOptions): Promise<T>
  /** @throws SecretFormatError, and what the schema throws */
  async getSecretJson<T>(secretId: string, schema?: Schema<T>, options?: ReadOptions): Promise<T> {
    return parseJson(`the secret ${secretId}`, await this.getSecretString(secretId, options), schema)
  }

  getSecretValue(
    secretId: string,
    options: ReadOptions & { readonly refreshNow?: boolean } = {},
  ): Promise<SecretValue> {
    return this.#read(secretId, options, answerOf)
  }

  /** Fetches it whatever is cached. Where that fails it rejects, and what may still be given stays. */
  async refreshNow(secretId: string, options: ReadOptions = {}): Promise<void> {
    await this.#read(secretId, { ...options, refreshNow: true }, () => undefined)
  }

  /** @returns those that could not be fetched, and why; never rejects */
  prefetch(secretIds: Iterable<string>): Promise<readonly Failed[]> {
    return prefetch(secretIds, (id) => this.#read(id, {}, () => undefined))
  }

  /**
   * Calls `connect` with the current value. Where that fails because the credential is wrong, and another version is to be had, calls it once more.
   * @throws what `connect` threw; where the first value could not be had, what getSecretJson throws
   */
  async authenticate<T, C>(
    secretId: string,
    schema: Schema<T>,
    connect: (secret: T) => Promise<C> | C,
    options: AuthenticateOptions = {},
  ): Promise<C> {
    const { signal } = options
    const isWrong = options.isAuthenticationFailure ?? isAuthenticationFailure
    const first = await this.#textOf(secretId, signal)
    try {
      return await connect(await parseJson(`the secret ${secretId}`, first.text, schema))
    } catch (error) {
      if (!isWrong(error) || !(await this.refetchAfterRefusal(secretId, first.versionId, signal))) throw error
      const next = await this.#textOf(secretId, signal)
      return connect(await parseJson(`the secret ${secretId}`, next.text, schema))
    }
  }

  /**
   * Whether there is another current version than the one that was refused at a login: it is fetched anew for that, once a second at most for one version.
   * For adapters; `authenticate` is this with the rest around it.
   */
  async refetchAfterRefusal(secretId: string, versionId: string, signal?: AbortSignal): Promise<boolean> {
    const held = this.#values.aboutHeld(secretId, CURRENT)
    if (held !== undefined && held.VersionId !== versionId) return true
    const doubt = this.#doubtOf(secretId, versionId)
    const isOther = await doubt.isOther
    signal?.throwIfAborted()
    return isOther
  }

  /**
   * Calls the listener each time that AWSCURRENT is seen to have become another version, also where nobody asks for the value: within a second of
   * it where the events are followed, else when the TTL ends. What it throws goes to `onError`. @returns what ends it
   */
  onRotate(secretId: string, listener: (rotation: Rotation) => unknown): () => void {
    if (this.#closed) throw new CacheClosedError()
    const watch = this.#watches.get(secretId) ?? this.#watch(secretId)
    // Each call is a subscription of its own, of one function too.
    const own = (rotation: Rotation): unknown => listener(rotation)
    watch.listeners.add(own)
    return () => {
      watch.listeners.delete(own)
      if (watch.listeners.size > 0 || this.#watches.get(secretId) !== watch) return
      watch.cancel()
      this.#watches.delete(secretId)
    }
  }

  /** Tells of the events that end its values, for a cache of something else: one stream is enough. @returns what ends it */
  follow(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    this.#listen()
    return () => this.#listeners.delete(listener)
  }

  metrics(): SecretCacheMetrics {
    return { ...this.#values.metrics(), events: this.#stream?.state() ?? 'off' }
  }

  /** Wipes what is held. Callers that wait, and later ones, get a CacheClosedError. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stream?.close()
    for (const { cancel } of this.#watches.values()) cancel()
    this.#watches.clear()
    await this.#values.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read<R>(
    secretId: string,
    options: ReadOptions & { readonly refreshNow?: boolean } = {},
    read: (loaded: Loaded<About>) => R,
  ): Promise<R> {
    if (typeof secretId !== 'string' || secretId === '')
      return Promise.reject(new TypeError('secretId must be the name or the ARN of a secret'))
    this.#listen()
    return this.#values.get(secretId, slotOf(options), read, options)
  }

  #textOf(secretId: string, signal: AbortSignal | undefined): Promise<{ text: string; versionId: string }> {
    return this.#read(secretId, { signal }, ({ isText, bytes, about }) => {
      if (!isText) throw new SecretFormatError(`The secret ${secretId} is binary.`)
      return { text: bytes.toString(), versionId: about.VersionId }
    })
  }

  /** One fetch for all whose login with this version was refused within a second. */
  #doubtOf(secretId: string, versionId: string): Doubt {
    const known = this.#doubts.get(secretId)
    const { exceptionRetryDelayBaseMs, maxCacheSize } = this.#limits
    const isRecent =
      known?.versionId === versionId && elapsedSince(known.at, this.#surroundings) < exceptionRetryDelayBaseMs
    if (isRecent) return known
    const isOther = this.#read(secretId, { refreshNow: true }, ({ about }) => about.VersionId !== versionId).catch(
      (error: unknown) => {
        this.#report(error, { id: secretId, during: 'refresh' })
        return false
      },
    )
    const doubt = { versionId, at: momentOf(this.#surroundings), isOther }
    this.#doubts.delete(secretId)
    this.#doubts.set(secretId, doubt)
    if (this.#doubts.size > maxCacheSize) this.#doubts.delete(this.#doubts.keys().next().value!)
    return doubt
  }

  async #fetch(SecretId: string, slot: string, abortSignal: AbortSignal): Promise<Loaded<About>> {
    const { versionId, versionStage } = askedBy(slot)
    const command = new GetSecretValueCommand({
      SecretId,
      ...(versionId !== undefined && { VersionId: versionId }),
      ...(versionStage !== undefined && { VersionStage: versionStage }),
    })
    const answer = await this.#client.send(command, { abortSignal })
    const { ARN = '', Name = '', VersionId = '', VersionStages = [], CreatedDate } = answer
    const about = { ARN, Name, VersionId, VersionStages, created: CreatedDate?.getTime() }
    if (answer.SecretString !== undefined)
      return { about, isText: true, bytes: ownBytes(Buffer.from(answer.SecretString)) }
    if (answer.SecretBinary !== undefined) return { about, isText: false, bytes: ownBytes(answer.SecretBinary) }
    throw new SecretFormatError(`The secret ${SecretId} has no value.`)
  }

  #listen(): void {
    if (this.#options.events === false || this.#closed) return
    this.#stream ??= followEvents({
      client: this.#client,
      surroundings: this.#surroundings,
      began: () => this.#tell(({ began }) => began()),
      reset: () => this.#tell(({ reset }) => reset()),
      changed: (event) => this.#tell(({ changed }) => changed(event)),
      report: (error) => this.#report(error, { during: 'events' }),
    })
  }

  #tell(of: (listener: ChangeListener) => void): void {
    for (const listener of this.#listeners) of(listener)
  }

  #refreshWatched(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const watch = this.#watches.get(id)
      if (watch !== undefined) this.#look(id, watch, this.#surroundings.random() * SPREAD_MS)
    }
  }

  #watch(secretId: string): Watch {
    const watch: Watch = {
      listeners: new Set(),
      versionId: this.#values.aboutHeld(secretId, CURRENT)?.VersionId,
      failures: 0,
      cancel: () => undefined,
    }
    this.#watches.set(secretId, watch)
    this.#look(secretId, watch, 0)
    return watch
  }

  /** Asks for the value after `ms`, and then each time that its TTL is over; sooner where there is no answer, for no event comes twice. */
  #look(secretId: string, watch: Watch, ms: number): void {
    watch.cancel()
    watch.cancel = this.#surroundings.after(ms, () => {
      this.#read(secretId, {}, () => undefined)
        .catch((error: unknown) => this.#report(error, { id: secretId, during: 'refresh' }))
        .finally(() => {
          if (this.#closed || this.#watches.get(secretId) !== watch) return
          watch.failures = this.#values.isUnknown(secretId, CURRENT) ? watch.failures + 1 : 0
          this.#look(secretId, watch, this.#nextLookMs(watch))
        })
    })
  }

  #nextLookMs({ failures }: Watch): number {
    const { secretRefreshIntervalMs, exceptionRetryDelayBaseMs: base, ...limits } = this.#limits
    const usual = jittered(Math.max(secretRefreshIntervalMs, base), this.#surroundings)
    const grown = base * limits.exceptionRetryGrowthFactor ** (failures - 1)
    return failures === 0 ? usual : Math.min(usual, limits.exceptionRetryDelayMaxMs, grown)
  }

  #stored(secretId: string, slot: string, { ARN, Name, VersionId }: About): void {
    const watch = slot === CURRENT ? this.#watches.get(secretId) : undefined
    if (watch === undefined) return
    const PreviousVersionId = watch.versionId
    watch.versionId = VersionId
    if (PreviousVersionId === undefined || PreviousVersionId === VersionId) return
    for (const listener of [...watch.listeners]) {
      // A promise of its own: a listener neither holds up nor ends anything.
      Promise.resolve({ secretId, ARN, Name, VersionId, PreviousVersionId })
        .then(listener)
        .catch((error: unknown) => this.#report(error, { id: secretId, during: 'listener' }))
    }
  }

  #report(error: unknown, what: { readonly id?: string; readonly during: Activity }): void {
    if (!this.#closed) tell(this.#options.onError, error, what)
  }
}

const CURRENT_STAGE = 'AWSCURRENT'
/** No stage begins so. */
const OF_VERSION = '\0'
const CURRENT = slotOf({})

function slotOf({ versionId, versionStage }: VersionOptions): string {
  if (versionId === undefined) return versionStage ?? CURRENT_STAGE
  return `${OF_VERSION}${JSON.stringify([versionId, versionStage])}`
}

function askedBy(slot: string): VersionOptions {
  if (!slot.startsWith(OF_VERSION)) return { versionStage: slot }
  const [versionId, versionStage] = JSON.parse(slot.slice(OF_VERSION.length)) as readonly [string, string | null]
  return { versionId, versionStage: versionStage ?? undefined }
}

function answerOf({ about, isText, bytes }: Loaded<About>): SecretValue {
  const { created, ...members } = about
  return {
    ...members,
    ...(created !== undefined && { CreatedDate: new Date(created) }),
    ...(isText ? { SecretString: bytes.toString() } : { SecretBinary: Uint8Array.from(bytes) }),
  }
}
