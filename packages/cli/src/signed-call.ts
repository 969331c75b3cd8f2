// A signed POST to one of our own routes, as any AWS signer could send it.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Connection, noAnswer } from './connection.ts'
import { UsageError } from './usage-error.ts'

/** The answer. `path` as in `/_strongroom/clock`. @throws UsageError with what the server says, or that it cannot be reached. */
export async function signedCall<Answer extends object>(
  path: string,
  input: object,
  { endpoint, region, credentials }: Connection,
): Promise<Answer> {
  const url = new URL(path, endpoint)
  const body = JSON.stringify(input)
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region,
    credentials,
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
    throw noAnswer(url, error)
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
