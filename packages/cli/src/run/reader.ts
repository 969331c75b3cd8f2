// Values as the server gives them, each read once however many variables name it; and word of rotations, for as long as they are watched.

import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm'
import { SecretCache } from '@strongroom/cache'
import { ParameterCache } from '@strongroom/cache/parameters'
import { printable } from '../output.ts'
import { callError, type SdkConfig } from '../sdk.ts'
import { UsageError } from '../usage-error.ts'
import type { ParameterPath, Source } from './references.ts'

export type Value = {
  readonly bytes: Uint8Array
  /** Absent of a binary secret. */
  readonly text?: string
  /** Changes with the value. */
  readonly version: string
}

/** A parameter under a path: `name` is what follows the path. */
export type Found = { readonly name: string; readonly text: string; readonly version: string }

const AT_ONCE = 8
const PARAMETERS_MAX = 500
/** A page may be empty and still not be the last. */
const PAGES_MAX = 1_000
/** How old a value may become that no event speaks of: AWS has no stream of events. */
const LOOK_AGAIN_MS = 300_000
const ANSWER_MS_MAX = 30_000

export class Reader {
  readonly #config: Partial<SdkConfig>
  readonly #secretsManager: SecretsManagerClient
  readonly #ssm: SSMClient
  readonly #secrets: SecretCache
  readonly #parameters: ParameterCache
  readonly #closing = new AbortController()

  /** `watches`: rotations are to be heard of. */
  constructor(config: Partial<SdkConfig>, watches: boolean) {
    this.#config = config
    this.#secretsManager = new SecretsManagerClient(config)
    this.#ssm = new SSMClient(config)
    const options = { secretRefreshIntervalMs: LOOK_AGAIN_MS, requestTimeoutMs: ANSWER_MS_MAX }
    this.#secrets = new SecretCache(this.#secretsManager, { ...options, events: watches })
    this.#parameters = new ParameterCache(this.#ssm, options)
  }

  /** All of them as they are now, or none. In the order asked. @throws UsageError that names what cannot be had */
  async readAll(sources: readonly Source[]): Promise<readonly Value[]> {
    const values: Value[] = []
    let next = 0
    const work = async (): Promise<void> => {
      while (next < sources.length) {
        const at = next++
        values[at] = await this.#read(sources[at]!)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return values
  }

  /** @throws UsageError */
  async readPath({ path }: ParameterPath): Promise<readonly Found[]> {
    const found: Found[] = []
    let token: string | undefined
    let pages = 0
    do {
      if (pages++ === PAGES_MAX) throw new UsageError(`the answers about ${path} have no end`)
      const command = new GetParametersByPathCommand({
        Path: path,
        Recursive: true,
        WithDecryption: true,
        ...(token !== undefined && { NextToken: token }),
      })
      const abortSignal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_MS_MAX)])
      const page = await this.#ssm
        .send(command, { abortSignal })
        .catch((error: unknown) => this.#fail(`ssm:${path}`, error))
      for (const { Name = '', Value = '', Version = 0 } of page.Parameters ?? []) {
        found.push({ name: Name.slice(path.length), text: Value, version: String(Version) })
      }
      if (found.length > PARAMETERS_MAX) {
        throw new UsageError(`more than ${PARAMETERS_MAX} parameters are under ${path}: name a longer path`)
      }
      token = page.NextToken
    } while (token !== undefined)
    if (found.length === 0) throw new UsageError(`no parameters are under ${path}`)
    return found
  }

  /** The listener hears of each time that AWSCURRENT has become another version. Parameters do not rotate. */
  onRotate(sources: readonly Source[], listener: (id: string) => void): void {
    for (const { kind, id } of sources) if (kind === 'secret') this.#secrets.onRotate(id, () => listener(id))
  }

  /** Wipes what is held, and ends every connection. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#secrets.close(), this.#parameters.close()])
    this.#secretsManager.destroy()
    this.#ssm.destroy()
  }

  async #read({ kind, id }: Source): Promise<Value> {
    const refreshNow = true
    if (kind === 'secret') {
      const secret = await this.#secrets
        .getSecretValue(id, { refreshNow })
        .catch((error: unknown) => this.#fail(id, error))
      const { SecretString: text, SecretBinary: bytes, VersionId: version } = secret
      return text === undefined ? { bytes, version } : { text, bytes: Buffer.from(text), version }
    }
    const parameter = await this.#parameters
      .getParameterValue(id, { refreshNow })
      .catch((error: unknown) => this.#fail(`ssm:${id}`, error))
    return { text: parameter.Value, bytes: Buffer.from(parameter.Value), version: String(parameter.Version) }
  }

  #fail(what: string, error: unknown): never {
    throw new UsageError(printable(`${what}: ${callError(error, this.#config).message}`))
  }
}
