// Who signed a request: parse, find the key, token, clock, signature, in this order. An access key that is unknown, inactive or without its
// token gets one and the same answer after the same work, done against a secret that opens nothing.

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Identity } from '../call.ts'
import type { Protocol } from '../operation.ts'
import type { Awaitable } from '../storage/cache.ts'
import { expiredToken, mismatch, SignatureError, signatureRefused, unrecognized } from './errors.ts'
import type { Proof } from './repeat.ts'
import type { WireRequest } from './request.ts'
import { SigningKeys } from './signing-keys.ts'
import { explainSignature, type ParsedSignature, parseSignature, verifySignature } from './sigv4.ts'
import { checkTime } from './time.ts'

/** What a valid signature tells. */
export type Authenticated = {
  readonly identity: Identity
  /** From the credential scope; of SigV4a, from the signed region set. */
  readonly region: string
  /** Lower case, ascending. */
  readonly signedHeaders: readonly string[]
  readonly proof: Proof
}

/** What the request was routed to. */
export type Expected = {
  /** The service's signing name; undefined where nothing was found that could be asked for, so that any valid signature will do. */
  readonly service: string | undefined
  readonly protocol: Protocol
}

/** A secret KeyObject of the text of the secret access key; a string costs its conversion at every request. */
export type SecretAccessKey = KeyObject | string

export type AccessKey = {
  readonly identity: Identity
  readonly secretAccessKey: SecretAccessKey
  /** An inactive key is answered like an unknown one. */
  readonly active: boolean
}

/** Where access keys are known. Asked only for well-formed ids. */
export type AccessKeys = {
  /** A long-term one. */
  readonly find: (accessKeyId: string) => Awaitable<AccessKey | undefined>
  readonly findSession: FindSession
}

/** What a session token holds. */
export type Session = {
  readonly identity: Identity
  readonly secretAccessKey: SecretAccessKey
  /** Milliseconds since the epoch, by the wall clock. */
  readonly expiresMs: number
}

/** Opens a session token: undefined where it is not ours, was revoked, or belongs to another access key. Expiry is checked by the caller. */
export type FindSession = (token: string, accessKeyId: string) => Promise<Session | undefined>

export type AuthenticatorOptions = {
  /** How far a client's clock may be off, either way. */
  readonly skewMs: number
  /** Stands in for a SigV4a region set that holds only patterns. Default us-east-1. */
  readonly ownRegion?: string
  /** Answers a mismatch with the canonical request and the string to sign, as AWS does; they repeat signed headers. Default false. */
  readonly explainMismatch?: boolean
}

/** Throws ServiceError, in the words of the protocol, where the signature is not valid. `wallNow` in milliseconds. */
export type Authenticate = (
  request: WireRequest,
  expected: Expected,
  keys: AccessKeys,
  wallNow: number,
) => Promise<Authenticated>

const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/
const TEMPORARY = 'ASIA'
/** Whoever signs with it is refused all the same. */
const NOBODY = createSecretKey(Buffer.alloc(40, 'nobody'))

/** One per process: it holds the cache of derived keys. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const signingKeys = new SigningKeys()
  const nobodysKeys = new SigningKeys(1)
  const ownRegion = options.ownRegion ?? 'us-east-1'

  return async (request, expected, keys, wallNow) => {
    try {
      const parsed = parseSignature(request, { ...expected, ownRegion })
      const found = await findCredential(parsed, keys, wallNow)
      if (found instanceof SignatureError) {
        verifySignature(parsed, request, NOBODY, nobodysKeys)
        throw found
      }
      checkTime(parsed.time, parsed.lifetimeMs, wallNow, options.skewMs)
      const verified = verifySignature(parsed, request, found.secret, signingKeys)
      if (verified === undefined) throw mismatch(options.explainMismatch ? explainSignature(parsed, request) : '')
      const { identity, expiresMs } = found
      const proof = { parsed, ...verified, expiresMs, skewMs: options.skewMs }
      return { identity, region: parsed.region, signedHeaders: parsed.signedHeaders, proof }
    } catch (error) {
      throw error instanceof SignatureError ? signatureRefused(error, expected.protocol) : error
    }
  }
}

type Credential = { readonly identity: Identity; readonly secret: KeyObject; readonly expiresMs?: number }

async function findCredential(
  { accessKeyId, sessionToken }: ParsedSignature,
  keys: AccessKeys,
  wallNow: number,
): Promise<Credential | SignatureError> {
  const temporary = accessKeyId.startsWith(TEMPORARY)
  if (!ACCESS_KEY_ID.test(accessKeyId) || temporary !== (sessionToken !== undefined)) return unrecognized()
  if (sessionToken === undefined) {
    const key = await keys.find(accessKeyId)
    return key?.active ? { identity: key.identity, secret: toKey(key.secretAccessKey) } : unrecognized()
  }
  const session = await keys.findSession(sessionToken, accessKeyId)
  if (session === undefined) return unrecognized()
  if (session.expiresMs <= wallNow) return expiredToken()
  const { identity, expiresMs } = session
  return { identity, secret: toKey(session.secretAccessKey), expiresMs }
}

const toKey = (secret: SecretAccessKey): KeyObject =>
  typeof secret === 'string' ? createSecretKey(Buffer.from(secret)) : secret
