// Signs a request of this server to another one: SigV4 over the same canonical request that authenticate.ts verifies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createSecretKey, hash } from 'node:crypto'
import { hmacHex } from '../crypto/mac.ts'
import { canonicalRequest, hashCanonical, stringToSign } from './canonical.ts'
import { deriveHmacKey, HMAC } from './signing-keys.ts'

export type ToSign = {
  /** POST where absent. */
  readonly method?: 'GET'
  readonly url: URL
  readonly body: Uint8Array
  readonly headers: { readonly [name: string]: string }
  readonly region: string
  /** In the credential scope. */
  readonly service: string
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** Milliseconds since the epoch, by the wall clock. */
  readonly time: number
}

/** The headers to send, all of them signed; `host` among them, as the client will send it. */
export function signedHeaders(request: ToSign): { readonly [name: string]: string } {
  const { method = 'POST', url, body, region, service, credentials, time } = request
  const timestamp = new Date(time).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
  const headers: { [name: string]: string } = { ...request.headers, host: url.host, 'x-amz-date': timestamp }
  if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken
  const names = Object.keys(headers).sort()
  const canonical = canonicalRequest({
    method,
    path: url.pathname,
    query: [],
    omit: [],
    headers: new Map(Object.entries(headers)),
    signedHeaders: names,
    bodyHash: hash('sha256', body, 'hex'),
    normalizePath: true,
  })
  const date = timestamp.slice(0, 8)
  const scope = `${date}/${region}/${service}/aws4_request`
  const { accessKeyId, secretAccessKey } = credentials
  const credential = `${accessKeyId}/${scope}`
  const key = deriveHmacKey({ date, scopeRegion: region, service }, createSecretKey(Buffer.from(secretAccessKey)))
  const signature = hmacHex(key, stringToSign(HMAC, timestamp, scope, hashCanonical(canonical)))
  const authorization = `${HMAC} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, authorization }
}
