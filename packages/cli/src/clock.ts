// `strongroom clock advance`: a signed POST /_strongroom/clock, as any AWS signer could send it.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { type Connection, noAnswer } from './connection.ts'
import { UsageError } from './usage-error.ts'

/** @throws UsageError with what the server says, or that it cannot be reached. */
export async function advanceClock(duration: string, connection: Connection): Promise<object> {
  const { endpoint, region, credentials } = connection
  const url = new URL('/_strongroom/clock', endpoint)
  const body = JSON.stringify({ advance: duration })
  const signer = new SignatureV4({ service: 'secretsmanager', region, credentials, sha256: Sha256 })
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
  const { now, aheadMs } = answer as { readonly now: number; readonly aheadMs: number }
  return { now: new Date(now * 1000).toISOString(), aheadMs }
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
