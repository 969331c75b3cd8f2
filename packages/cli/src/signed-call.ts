// A signed POST to one of our own routes, as any AWS signer could send it, with the credentials of the environment or of the data directory.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import { loadClientSettings } from '@strongroom/server/config.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import { UsageError } from './usage-error.ts'

/** Where the server is, as given; undefined for what the environment says. And where its credentials file is. */
export type Server = { readonly endpointUrl?: string | undefined; readonly dataDir: string }

/** The answer. `path` as in `/_strongroom/clock`. @throws UsageError with what the server says, or that it cannot be reached. */
export async function signedCall<Answer extends object>(
  path: string,
  input: object,
  { endpointUrl, dataDir }: Server,
): Promise<Answer> {
  const settings = loadClientSettings()
  const url = new URL(path, parseEndpoint(endpointUrl ?? settings.endpointUrl ?? 'http://127.0.0.1:4650'))
  const body = JSON.stringify(input)
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region: settings.region ?? 'us-east-1',
    credentials: findCredentials(settings, dataDir),
    sha256: Sha256,
  })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1' },
    body,
  })
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error' }).catch((error: Error) => {
    throw new UsageError(`no server answers at ${url.origin} (${causeOf(error)}): give its address with --endpoint-url`)
  })
  const text = await response.text()
  let answer: { readonly [name: string]: unknown }
  try {
    answer = JSON.parse(text)
  } catch {
    throw new UsageError(
      `${url.origin} answered with status ${response.status} and no JSON: is it a Strongroom server?`,
    )
  }
  if (!response.ok) throw new UsageError(String(answer.Message ?? answer.message ?? `status ${response.status}`))
  return answer as Answer
}

function parseEndpoint(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--endpoint-url ${text} is not an address: give http://HOST:PORT or https://HOST:PORT`)
  }
  return url
}

function findCredentials(settings: ReturnType<typeof loadClientSettings>, dataDir: string): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken } = settings
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
  }
  return readCredentials(settings.credentialsFile ?? join(dataDir, 'credentials'), settings.profile ?? 'default')
}

const causeOf = (error: Error): string =>
  (error.cause as { code?: string } | undefined)?.code ?? (error.cause as Error | undefined)?.message ?? error.message

/** SHA-256, or HMAC-SHA256 where there is a key, in the form that the signer takes. */
export class Sha256 {
  #hash: Hash | Hmac
  readonly #secret: Parameters<typeof createHmac>[1] | undefined

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret as Parameters<typeof createHmac>[1] | undefined
    this.#hash = this.#create()
  }

  #create(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#create()
  }
}
