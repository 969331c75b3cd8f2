// The client's side of ACME: signed requests to one server, and what its objects say. Which order is for what, others know.
// https://www.rfc-editor.org/rfc/rfc8555

import { createHash, createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifiedTls } from '../connection.ts'
import { RotatorError, type RotatorErrorKind } from '../errors.ts'
import { exchange, type HttpAnswer } from '../http.ts'
import type { Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'

export type AcmeAccount = {
  /** Of P-256, P-384 or RSA. */
  readonly key: KeyObject
  /** `mailto:…` */
  readonly contact: readonly string[]
  readonly termsOfServiceAgreed: boolean
  /** What a CA gives its customers, to tie the account to theirs. https://www.rfc-editor.org/rfc/rfc8555#section-7.3.4 */
  readonly binding?: { readonly keyId: string; readonly hmacKey: Buffer }
}

export type AcmeOrder = {
  readonly status: string
  readonly authorizations: readonly string[]
  readonly finalize: string
  readonly certificate?: string
  readonly problem?: string
}

export type AcmeAuthorization = {
  readonly status: string
  readonly domain: string
  /** Of the kind asked for. */
  readonly challenge?: {
    readonly url: string
    readonly token: string
    readonly status: string
    readonly problem?: string
  }
}

export type Acme = {
  /** `host:port` */
  readonly at: string
  /** Whether a new account needs a binding. */
  readonly bindingRequired: boolean
  /**
   * Makes the account where there is none with the key.
   * @returns false where there is none and none was to be made
   */
  enter(options?: { readonly existing?: boolean }): Promise<boolean>
  /** @returns its URL */
  newOrder(domains: readonly string[]): Promise<string>
  /** @returns undefined where the server does not know it (any more) */
  order(url: string): Promise<AcmeOrder | undefined>
  authorization(url: string, kind: 'http-01' | 'dns-01'): Promise<AcmeAuthorization>
  /** What the token has to be answered with. */
  keyAuthorization(token: string): string
  /** That the challenge can be looked at. */
  respond(url: string): Promise<void>
  finalize(url: string, request: Buffer): Promise<void>
  /** PEM, the certificate first. */
  certificate(url: string): Promise<string>
  /** As long as the server asks for, or a second. @throws RotatorError `unreachable` where it has waited too long in all */
  wait(): Promise<void>
}

const ANSWER_BYTES_MAX = 256 * 1024
const NONCES_TRIED_MAX = 6
const WAIT_MS = 1_000
const WAIT_MS_MIN = 100
const WAIT_MS_MAX = 30_000
const WAITED_MS_MAX = 300_000
const TOLD_MAX = 300
/** https://www.rfc-editor.org/rfc/rfc8555#section-8.3 */
const TOKEN = /^[A-Za-z0-9_-]{16,512}$/

type Json = { readonly [member: string]: unknown }

/** Reads the directory. @throws RotatorError */
export async function openAcme(directoryUrl: URL, account: AcmeAccount, io: Io): Promise<Acme> {
  const { hostname: host, origin } = directoryUrl
  const port = directoryUrl.port === '' ? 443 : Number(directoryUrl.port)
  const at = placeOf({ host, port })
  const jwk = publicJwk(account.key)
  const nonces: string[] = []
  let kid: string | undefined
  let waited = 0
  let retryAfterMs: number | undefined

  const send = async (method: string, url: unknown, body?: object): Promise<HttpAnswer> => {
    const target = typeof url === 'string' ? URL.parse(url) : null
    // It may be anybody's name that stands there.
    if (target?.origin !== origin) throw new RotatorError('other', `${at} names a URL that is not its own.`)
    const content = body && Buffer.from(JSON.stringify(body))
    const sent = request({
      host: await io.resolve(host, port),
      port,
      method,
      path: target.pathname + target.search,
      agent: false,
      headers: {
        host: target.host,
        'user-agent': 'strongroom',
        'accept-encoding': 'identity',
        ...(content && { 'content-type': 'application/jose+json', 'content-length': content.length }),
      },
      ...verifiedTls({ host }, io),
    })
    const answer = await exchange(sent, content, { io, at, tls: true, bytesMax: ANSWER_BYTES_MAX })
    const nonce = answer.headers['replay-nonce']
    if (typeof nonce === 'string' && /^[A-Za-z0-9_-]{1,1024}$/.test(nonce)) nonces.push(nonce)
    const after = Number(answer.headers['retry-after'])
    retryAfterMs = after >= 0 ? Math.min(Math.max(after * 1_000, WAIT_MS_MIN), WAIT_MS_MAX) : undefined
    return answer
  }

  const directory = json(mustSucceed(await send('GET', directoryUrl.href), at), at)

  const takeNonce = async (): Promise<string> => {
    if (nonces.length === 0) mustSucceed(await send('HEAD', directory.newNonce), at)
    const nonce = nonces.shift()
    if (nonce === undefined) throw new RotatorError('other', `${at} gives no nonce.`)
    return nonce
  }

  const post = async (url: unknown, payload: object | ''): Promise<HttpAnswer> => {
    for (let tried = 1; ; tried++) {
      const header = { nonce: await takeNonce(), url, ...(kid === undefined ? { jwk } : { kid }) }
      const answer = await send('POST', url, signed(account.key, header, payload))
      if (tried === NONCES_TRIED_MAX || !isProblem(answer, 'badNonce')) return answer
    }
  }
  const ask = async (url: unknown, payload: object | '' = ''): Promise<HttpAnswer> =>
    mustSucceed(await post(url, payload), at)

  return {
    at,
    bindingRequired: (directory.meta as Json | undefined)?.externalAccountRequired === true,

    async enter({ existing = false } = {}) {
      const { contact, termsOfServiceAgreed, binding } = account
      const answer = await post(directory.newAccount, {
        ...(existing && { onlyReturnExisting: true }),
        ...(contact.length > 0 && { contact }),
        termsOfServiceAgreed,
        ...(binding && { externalAccountBinding: bound(binding, String(directory.newAccount), jwk) }),
      })
      if (existing && isProblem(answer, 'accountDoesNotExist')) return false
      kid = mustSucceed(answer, at).headers.location
      if (kid === undefined) throw new RotatorError('other', `${at} does not name the account.`)
      return true
    },

    async newOrder(domains) {
      const identifiers = domains.map((value) => ({ type: 'dns', value }))
      const { location } = (await ask(directory.newOrder, { identifiers })).headers
      if (location === undefined || URL.parse(location)?.origin !== origin) {
        throw new RotatorError('other', `${at} does not name the order.`)
      }
      return location
    },

    async order(url) {
      const answer = await post(url, '')
      if (answer.status === 404 || answer.status === 410) return undefined
      const { status, authorizations, finalize, certificate, error } = json(mustSucceed(answer, at), at)
      const urls = Array.isArray(authorizations) ? authorizations.map(String) : []
      return {
        status: String(status),
        authorizations: urls,
        finalize: String(finalize),
        ...(typeof certificate === 'string' && { certificate }),
        ...withProblem(error),
      }
    },

    async authorization(url, kind) {
      const { status, identifier, challenges } = json(await ask(url), at)
      const domain = tellable((identifier as Json | undefined)?.value)
      const challenge = (Array.isArray(challenges) ? challenges : []).find((one: Json) => one?.type === kind)
      if (challenge === undefined) return { status: String(status), domain }
      const { token } = challenge
      if (typeof token !== 'string' || !TOKEN.test(token))
        throw new RotatorError('other', `${at} gives no usable token.`)
      const usable = {
        url: String(challenge.url),
        token,
        status: String(challenge.status),
        ...withProblem(challenge.error),
      }
      return { status: String(status), domain, challenge: usable }
    },

    keyAuthorization: (token) => `${token}.${createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')}`,

    async respond(url) {
      await ask(url, {})
    },

    async finalize(url, csr) {
      await ask(url, { csr: csr.toString('base64url') })
    },

    certificate: async (url) => (await ask(url)).body,

    async wait() {
      const ms = retryAfterMs ?? WAIT_MS
      waited += ms
      if (waited > WAITED_MS_MAX)
        throw new RotatorError('unreachable', `${at} has not decided within ${WAITED_MS_MAX} ms.`)
      await sleep(ms, undefined, { signal: io.signal }).catch((cause: unknown) => {
        throw new RotatorError('unreachable', `No answer from ${at}: the rotation was ended.`, { cause })
      })
    },
  }
}

/** With its members in the order of RFC 7638, so that it hashes to the thumbprint. */
function publicJwk(key: KeyObject): Json {
  const { crv, e, kty, n, x, y } = createPublicKey(key).export({ format: 'jwk' })
  return kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }
}

const encoded = (value: object | ''): string =>
  Buffer.from(value === '' ? '' : JSON.stringify(value)).toString('base64url')

function signed(key: KeyObject, header: object, payload: object | ''): object {
  const isLarge = key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : isLarge ? 'ES384' : 'ES256'
  const body = { protected: encoded({ alg, ...header }), payload: encoded(payload) }
  const data = Buffer.from(`${body.protected}.${body.payload}`)
  const signature = sign(isLarge ? 'sha384' : 'sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  return { ...body, signature: signature.toString('base64url') }
}

function bound({ keyId, hmacKey }: NonNullable<AcmeAccount['binding']>, url: string, jwk: Json): object {
  const body = { protected: encoded({ alg: 'HS256', kid: keyId, url }), payload: encoded(jwk) }
  const mac = createHmac('sha256', hmacKey).update(`${body.protected}.${body.payload}`)
  return { ...body, signature: mac.digest('base64url') }
}

function json({ body }: HttpAnswer, at: string): Json {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {}
  if (typeof value === 'object' && value !== null) return value as Json
  throw new RotatorError('other', `${at} does not answer with JSON.`)
}

const PROBLEM = 'urn:ietf:params:acme:error:'

function problemOf(value: unknown): { readonly type: string; readonly told: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { type, detail, subproblems } = value as Json
  if (typeof type !== 'string' || !type.startsWith(PROBLEM)) return undefined
  const first = Array.isArray(subproblems) ? problemOf(subproblems[0])?.told : undefined
  const name = type.slice(PROBLEM.length)
  return { type: name, told: `${tellable(name)}: ${tellable(detail)}${first ? ` (${first})` : ''}` }
}

/** The other side's own words: it is given no secret that they could hold. */
const tellable = (text: unknown): string =>
  typeof text === 'string' ? text.slice(0, TOLD_MAX).replace(/[^\x20-\x7e]/g, '?') : ''

const withProblem = (error: unknown): { readonly problem?: string } => {
  const told = problemOf(error)?.told
  return told === undefined ? {} : { problem: told }
}

function parsedProblem({ status, body }: HttpAnswer): ReturnType<typeof problemOf> {
  if (status < 400) return undefined
  try {
    return problemOf(JSON.parse(body))
  } catch {
    return undefined
  }
}

const isProblem = (answer: HttpAnswer, type: string): boolean => parsedProblem(answer)?.type === type

/** What the server refuses it refuses again, and counts: only what is its own fault is tried once more. */
function mustSucceed(answer: HttpAnswer, at: string): HttpAnswer {
  const { status } = answer
  if (status >= 200 && status < 300) return answer
  const kind: RotatorErrorKind = status >= 500 ? 'unreachable' : status >= 400 ? 'permission' : 'other'
  const told = parsedProblem(answer)?.told ?? `status ${status}`
  throw new RotatorError(kind, `${at} refuses: ${told}.`)
}
