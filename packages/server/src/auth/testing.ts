// For tests: requests signed by the official signers, as node:http would hand them over, and single changes to them.

import { createHash, createHmac, createSecretKey, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { SignatureV4a } from '@smithy/signature-v4a'
import type { Identity } from '../call.ts'
import {
  type AccessKeys,
  type Authenticated,
  type AuthenticatorOptions,
  createAuthenticator,
  type Expected,
} from './authenticate.ts'
import type { WireRequest } from './request.ts'

export const NOW = Date.UTC(2026, 2, 14, 15, 9, 26)
export const SKEW_MS = 300_000
export const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
export const IDENTITY: Identity = {
  accessKeyId: ACCESS_KEY_ID,
  account: '111122223333',
  kind: 'user',
  userId: 'AIDAIOSFODNN7EXAMPLE',
  arn: 'arn:aws:iam::111122223333:user/alice',
  userName: 'alice',
}

const SECRET_KEY = createSecretKey(Buffer.from(SECRET))

/** One active key, one inactive, no session; whatever else is asked for is unknown. */
export const KEYS: AccessKeys = {
  find: async (accessKeyId) =>
    accessKeyId === ACCESS_KEY_ID || accessKeyId === 'AKIAINACTIVEEXAMPLE0'
      ? { identity: IDENTITY, secretAccessKey: SECRET_KEY, active: accessKeyId === ACCESS_KEY_ID }
      : undefined,
  findSession: async () => undefined,
}

export const SECRETSMANAGER: Expected = { service: 'secretsmanager', protocol: 'json' }
export const STS: Expected = { service: 'sts', protocol: 'query' }

/** Tries requests against one authenticator. */
export function createAttempt(options: Partial<AuthenticatorOptions> = {}, keys: AccessKeys = KEYS) {
  const authenticate = createAuthenticator({ skewMs: SKEW_MS, ...options })
  return (request: WireRequest, expected = SECRETSMANAGER, now = NOW): Promise<Authenticated> =>
    authenticate(request, expected, keys, now)
}

export type Way = 'header' | 'query' | 'header v4a'
export const WAYS: readonly Way[] = ['header', 'query', 'header v4a']

export type Unsigned = {
  readonly method: string
  readonly path: string
  readonly query: { readonly [name: string]: string | string[] }
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

export const GET_SECRET_VALUE: Unsigned = {
  method: 'POST',
  path: '/',
  query: {},
  headers: {
    host: '127.0.0.1:4650',
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'secretsmanager.GetSecretValue',
    'x-note': 'two  words',
    'user-agent': 'aws-sdk-js/3',
  },
  body: '{"SecretId":"prod/database"}',
}

export const GET_CALLER_IDENTITY: Unsigned = {
  ...GET_SECRET_VALUE,
  headers: { host: '127.0.0.1:4650', 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
}

export type SignOptions = {
  readonly service?: string
  readonly region?: string
  readonly at?: number
  readonly accessKeyId?: string
  readonly secret?: string
  readonly sessionToken?: string
  readonly expiresSeconds?: number
  readonly unsigned?: readonly string[]
}

/** Signed by @smithy/signature-v4 or -v4a. Bytes of headers and body are the UTF-8 of the text. */
export async function sign(
  way: Way,
  request: Unsigned = GET_SECRET_VALUE,
  options: SignOptions = {},
): Promise<WireRequest> {
  const settings = {
    service: options.service ?? 'secretsmanager',
    region: options.region ?? (way === 'header v4a' ? 'eu-central-1,us-*' : 'eu-central-1'),
    credentials: {
      accessKeyId: options.accessKeyId ?? ACCESS_KEY_ID,
      secretAccessKey: options.secret ?? SECRET,
      ...(options.sessionToken !== undefined && { sessionToken: options.sessionToken }),
    },
    sha256: Sha256,
  }
  const unsignableHeaders = new Set(options.unsigned ?? [])
  const at = { signingDate: new Date(options.at ?? NOW), unsignableHeaders }
  const plain = {
    ...request,
    query: { ...request.query },
    headers: { ...request.headers },
    protocol: 'http:',
    hostname: 'x',
  }
  const signed =
    way === 'header'
      ? await new SignatureV4(settings).sign(plain, at)
      : way === 'query'
        ? await new SignatureV4(settings).presign(plain, {
            ...at,
            expiresIn: options.expiresSeconds ?? 900,
            unhoistableHeaders: new Set(Object.keys(request.headers)),
          })
        : await new SignatureV4a(settings).sign(plain, at)
  return {
    method: request.method,
    target: toTarget(signed.path, signed.query as Unsigned['query']),
    rawHeaders: Object.entries(signed.headers as Unsigned['headers'])
      .flat()
      .map((text) => Buffer.from(text).toString('latin1')),
    body: Buffer.from(request.body),
    remoteAddress: '127.0.0.1',
    secure: false,
  }
}

/**
 * The POST signed anew in its header, over just the headers of `list`, in that order: what a client does that signs rightly what it should
 * not. `request` carries an X-Amz-Date and values without spaces to collapse.
 */
export function signByHand(request: WireRequest, list: readonly string[], service = 'secretsmanager'): WireRequest {
  const find = (name: string): string =>
    request.rawHeaders[request.rawHeaders.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name) + 1]!
  const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
  const canonical = [
    ...['POST', request.target, ''],
    ...list.map((name) => `${name}:${find(name)}`),
    ...['', list.join(';'), sha256(request.body)],
  ].join('\n')
  const date = find('x-amz-date')
  const scope = [date.slice(0, 8), 'eu-central-1', service, 'aws4_request']
  let key: Buffer = Buffer.from(`AWS4${SECRET}`)
  for (const part of scope) key = createHmac('sha256', key).update(part).digest()
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope.join('/')}\n${sha256(canonical)}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const credential = [ACCESS_KEY_ID, ...scope].join('/')
  return withHeader(
    request,
    'authorization',
    () => `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${list.join(';')}, Signature=${signature}`,
  )
}

class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as Uint8Array))
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('never asked for')
  }
}

function toTarget(path: string, query: Unsigned['query']): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => `${escapeAll(name)}=${escapeAll(value)}`),
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

export const escapeAll = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/** The request with one header changed by `change`, which gets undefined where it is absent and removes it by returning that. */
export function withHeader(
  request: WireRequest,
  name: string,
  change: (value: string | undefined) => string | undefined,
): WireRequest {
  const rawHeaders: string[] = []
  let seen = false
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [key, value] = [request.rawHeaders[at]!, request.rawHeaders[at + 1]!]
    const changed = key.toLowerCase() === name ? change(value) : value
    seen ||= key.toLowerCase() === name
    if (changed !== undefined) rawHeaders.push(key, changed)
  }
  const added = seen ? undefined : change(undefined)
  if (added !== undefined) rawHeaders.push(name, added)
  return { ...request, rawHeaders }
}

export const withMoreHeaders = (request: WireRequest, ...more: string[]): WireRequest => ({
  ...request,
  rawHeaders: [...request.rawHeaders, ...more],
})

export type Field = 'Credential' | 'SignedHeaders' | 'Signature' | 'Algorithm' | 'Date' | 'Region-Set'

/** The request with one field of its signature changed, wherever that stands. */
export function withField(request: WireRequest, field: Field, change: (value: string) => string): WireRequest {
  if (request.target.includes('X-Amz-Signature='))
    return {
      ...request,
      target: request.target.replace(
        new RegExp(`(X-Amz-${field}=)([^&]*)`),
        (_, name: string, value: string) => name + escapeAll(change(decodeURIComponent(value))),
      ),
    }
  if (field === 'Date' || field === 'Region-Set')
    return withHeader(request, `x-amz-${field.toLowerCase()}`, (value) => change(value!))
  return withHeader(request, 'authorization', (header) =>
    field === 'Algorithm'
      ? header!.replace(/^\S+/, change)
      : header!.replace(new RegExp(`(${field}=)([^,]*)`), (_, name: string, value: string) => name + change(value)),
  )
}
