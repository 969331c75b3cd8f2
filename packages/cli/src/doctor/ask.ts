// Requests of the checks, bounded in time and size.

import { signedHeaders } from '@strongroom/server/auth/sign.ts'
import type { Credentials } from '@strongroom/server/credentials-file.ts'

const ANSWER_BYTES_MAX = 65_536
export const ANSWER_TIMEOUT_MS = 5_000

export type Answer = { readonly status: number; readonly date: string | null; readonly text: string }

/** Of a body that is longer than is looked at, and of a stream, the beginning. */
export async function ask(url: URL, init: RequestInit, bytesMax = ANSWER_BYTES_MAX): Promise<Answer> {
  const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > bytesMax) break
  }
  const text = Buffer.concat(chunks).subarray(0, bytesMax).toString()
  return { status: response.status, date: response.headers.get('date'), text }
}

export type Signer = { readonly url: URL; readonly region: string; readonly credentials: Credentials }

type SignedRequest = {
  readonly service: string
  readonly path: string
  readonly headers?: { readonly [name: string]: string }
  /** Absent: a GET. */
  readonly body?: string
  readonly bytesMax?: number
}

export function askSigned({ url: server, region, credentials }: Signer, request: SignedRequest): Promise<Answer> {
  const { service, path, headers: given = {}, body, bytesMax } = request
  const url = new URL(path, server)
  const headers = signedHeaders({
    ...(body === undefined && { method: 'GET' }),
    url,
    body: Buffer.from(body ?? ''),
    headers: given,
    region,
    service,
    credentials,
    time: Date.now(),
  })
  return ask(url, { headers, ...(body !== undefined && { method: 'POST', body }) }, bytesMax)
}

/** An operation of Secrets Manager, or, where it begins with a slash, a route of our own. */
export function askJson(signer: Signer, what: string, input: object): Promise<Answer> {
  const isPath = what.startsWith('/')
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    ...(!isPath && { 'x-amz-target': `secretsmanager.${what}` }),
  }
  const [path, body] = [isPath ? what : '/', JSON.stringify(input)]
  return askSigned(signer, { service: 'secretsmanager', path, headers, body })
}
