// The cache of Parameter Store's parameters. An import of its own, so that nobody needs @aws-sdk/client-ssm for secrets.

import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm'
import { ownBytes } from './bytes.ts'
import { openDisk } from './disk-store.ts'
import type { ChangeListener } from './event-stream.ts'
import { type CacheOptions, readLimits, tell } from './options.ts'
import { judgeParameterBy } from './parameter-judge.ts'
import { type Failed, prefetch } from './prefetch.ts'
import { parseJson, type Schema } from './schema.ts'
import { placeOf } from './sdk.ts'
import { type Surroundings, system } from './surroundings.ts'
import { type CacheMetrics, type Loaded, ValueCache } from './value-cache.ts'

export type ParameterCacheOptions = CacheOptions & {
  /** The cache of secrets whose stream of change events is followed too. Without it a change is noticed when the TTL ends. */
  readonly events?: { follow(listener: ChangeListener): () => void }
}

export type ParameterReadOptions = {
  /** Whether SecureStrings are decrypted. They are where absent. */
  readonly withDecryption?: boolean
  /** Ends the wait of this caller, and of nobody else. */
  readonly signal?: AbortSignal | undefined
}

/** What GetParameter answers as `Parameter`. */
export type ParameterValue = {
  readonly Name: string
  readonly ARN: string
  readonly Type: string
  readonly Version: number
  readonly DataType: string
  readonly LastModifiedDate?: Date
  /** As it was asked for: a version or a label. */
  readonly Selector?: string
  readonly Value: string
}

type About = Omit<ParameterValue, 'LastModifiedDate' | 'Value'> & {
  /** Milliseconds since the epoch. */
  readonly modified: number | undefined
}

export class ParameterCache implements AsyncDisposable {
  readonly #client: SSMClient
  readonly #values: ValueCache<About>
  readonly #events: ParameterCacheOptions['events']
  #unfollow: (() => void) | undefined
  #closed = false

  /** `surroundings` is for tests. @throws RangeError, TypeError that name the option that does not do */
  constructor(client: SSMClient, options: ParameterCacheOptions = {}, surroundings: Surroundings = system) {
    this.#client = client
    this.#events = options.events
    const report: NonNullable<CacheOptions['onError']> = (error, what) => tell(options.onError, error, what)
    const fallback =
      options.disk &&
      openDisk<About>({
        options: options.disk,
        surroundings,
        place: () => placeOf('ssm', client, new GetParameterCommand({ Name: 'place' })),
        report: (error, id) => report(error, { id, during: 'disk' }),
      })
    const source = (id: string, slot: string, signal: AbortSignal) => this.#fetch(id, slot, signal)
    this.#values = new ValueCache({ source, limits: readLimits(options), surroundings, fallback, report })
  }

  /** `name` may be an ARN, and may end in `:VERSION` or `:LABEL`. @throws what the SDK throws */
  getParameter(name: string, options?: ParameterReadOptions): Promise<string> {
    return this.#read(name, options, ({ bytes }) => bytes.toString())
  }

  getParameterJson(name: string, schema?: undefined, options?: ParameterReadOptions): Promise<unknown>
  getParameterJson<T>(name: string, schema: Schema<T>, options?: ParameterReadOptions): Promise<T>
  /** @throws SecretFormatError, and what the schema throws */
  async getParameterJson<T>(name: string, schema?: Schema<T>, options?: ParameterReadOptions): Promise<T> {
    return parseJson(`the parameter ${name}`, await this.getParameter(name, options), schema)
  }

  getParameterValue(
    name: string,
    options?: ParameterReadOptions & { readonly refreshNow?: boolean },
  ): Promise<ParameterValue> {
    return this.#read(name, options, ({ about: { modified, ...members }, bytes }) => ({
      ...members,
      ...(modified !== undefined && { LastModifiedDate: new Date(modified) }),
      Value: bytes.toString(),
    }))
  }

  /** Fetches it whatever is cached. Where that fails it rejects, and what may still be given stays. */
  async refreshNow(name: string, options: ParameterReadOptions = {}): Promise<void> {
    await this.#read(name, { ...options, refreshNow: true }, () => undefined)
  }

  /** @returns those that could not be fetched, and why; never rejects */
  prefetch(names: Iterable<string>): Promise<readonly Failed[]> {
    return prefetch(names, (name) => this.#read(name, {}, () => undefined))
  }

  metrics(): CacheMetrics {
    return this.#values.metrics()
  }

  /** Wipes what is held. Callers that wait, and later ones, get a CacheClosedError. */
  close(): Promise<void> {
    this.#closed = true
    this.#unfollow?.()
    return this.#values.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read<R>(
    name: string,
    options: ParameterReadOptions & { readonly refreshNow?: boolean } = {},
    read: (loaded: Loaded<About>) => R,
  ): Promise<R> {
    if (typeof name !== 'string' || name === '')
      return Promise.reject(new TypeError('name must be the name or the ARN of a parameter'))
    if (!this.#closed) this.#unfollow ??= this.#follow()
    return this.#values.get(name, options.withDecryption === false ? ENCRYPTED : DECRYPTED, read, options)
  }

  #follow(): (() => void) | undefined {
    return this.#events?.follow({
      began: () => this.#values.review(() => 'revalidate'),
      reset: () => this.#values.review(() => 'expire'),
      changed: (event) => this.#values.review(judgeParameterBy(event)),
    })
  }

  async #fetch(Name: string, slot: string, abortSignal: AbortSignal): Promise<Loaded<About>> {
    const command = new GetParameterCommand({ Name, WithDecryption: slot === DECRYPTED })
    const { Parameter = {} } = await this.#client.send(command, { abortSignal })
    const { LastModifiedDate, Selector, Value = '' } = Parameter
    const about = {
      Name: Parameter.Name ?? Name,
      ARN: Parameter.ARN ?? '',
      Type: Parameter.Type ?? 'String',
      Version: Parameter.Version ?? 0,
      DataType: Parameter.DataType ?? 'text',
      ...(Selector !== undefined && { Selector }),
      modified: LastModifiedDate?.getTime(),
    }
    return { about, isText: true, bytes: ownBytes(Buffer.from(Value)) }
  }
}

const DECRYPTED = 'decrypted'
const ENCRYPTED = 'encrypted'
