// An HTTPS endpoint as a sink: one POST an event, signed as Standard Webhooks have it, so that libraries for many languages check it.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

import { createSecretKey, type KeyObject } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { rootCertificates } from 'node:tls'
import { hmacSha256 } from '../crypto/mac.ts'
import type { PublishedEvent } from './event.ts'

export type Signing = KeyObject

const POST_MS = 5_000
const PREFIX = 'whsec_'
const SECRET_BYTES = { min: 24, max: 64 } as const

/** The key of `whsec_` and base64 of 24 to 64 bytes; undefined where the text is not that. */
export function parseSigningSecret(text: string): Signing | undefined {
  const trimmed = text.trim()
  const encoded = trimmed.slice(PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64')
  if (!trimmed.startsWith(PREFIX) || bytes.toString('base64') !== encoded) return undefined
  return bytes.length < SECRET_BYTES.min || bytes.length > SECRET_BYTES.max ? undefined : createSecretKey(bytes)
}

/** The headers that sign a body. `wallNow` in milliseconds. */
export function signatureHeaders(signing: Signing, id: string, body: string, wallNow: number) {
  const timestamp = String(Math.floor(wallNow / 1_000))
  const mac = hmacSha256(signing, Buffer.from(`${id}.${timestamp}.${body}`)).toString('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` } as const
}

/** Any 2xx within 5 seconds takes the event; redirects are not followed. @returns why it was not taken */
export function postEvent(
  url: string,
  signing: Signing,
  ca: readonly string[] | undefined,
  { id, body }: Pick<PublishedEvent, 'id' | 'body'>,
  wallNow: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const secure = url.startsWith('https:')
  const options = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'strongroom',
      ...signatureHeaders(signing, id, body, wallNow),
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(POST_MS)]),
  }
  return new Promise((resolve) => {
    const request = secure
      ? requestHttps(url, { ...options, ...(ca && { ca: [...rootCertificates, ...ca] }) })
      : requestHttp(url, options)
    request.on('response', (response) => {
      const { statusCode = 0 } = response
      resolve(statusCode >= 200 && statusCode < 300 ? undefined : `HTTP ${statusCode}`)
      // Nobody reads what it says; a short answer leaves the connection for the next event.
      let left = 16_384
      response.on('data', (chunk: Buffer) => {
        left -= chunk.length
        if (left < 0) response.destroy()
      })
      response.on('error', () => undefined)
    })
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.name === 'TimeoutError' ? 'no answer in time' : (error.code ?? error.name)),
    )
    request.end(body)
  })
}
