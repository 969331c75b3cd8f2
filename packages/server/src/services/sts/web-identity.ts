// Tokens of identity providers, checked: who issued one, for whom, about whom, and until when. The keys of an issuer are fetched by its
// discovery document through the guarded client, remembered for a while, and fetched again for a key id that is not among them, at most once
// a minute; of a provider that keys were uploaded for, nothing is fetched. What a token's header says of keys (jku, jwk, x5c) is never followed.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

import type { createLocalJWKSet, JSONWebKeySet, JWTPayload } from 'jose'
import type { App } from '../../app.ts'
import { ServiceError } from '../../errors.ts'
import { OutboundError } from '../../http/outbound.ts'
import { Lru } from '../../storage/cache.ts'
import type { OidcProvider } from '../iam/port.ts'
import * as errors from './errors.ts'

/** A token that holds. */
export type WebIdentityToken = {
  readonly issuer: string
  readonly subject: string
  /** The client that it was issued to: `azp` where there is one, else `aud`. */
  readonly audience: string
  readonly claims: JWTPayload
}

export type WebIdentities = {
  /**
   * The token, once it holds for a provider; `findProvider` is asked with its issuer. `wallNow` in milliseconds.
   * @throws ServiceError InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim, IDPCommunicationError
   */
  verify(
    token: string,
    findProvider: (issuer: string) => Promise<OidcProvider | undefined>,
    wallNow: number,
  ): Promise<{ readonly provider: OidcProvider; readonly token: WebIdentityToken }>
}

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']
const CLOCK_TOLERANCE_SECONDS = 60

const KEYS_KEPT_MS = 60 * 60_000
const REFETCH_AFTER_MS = 60_000
const RETRY_AFTER_MS = 10_000
const ISSUERS_REMEMBERED_MAX = 256
const DOCUMENT_BYTES_MAX = 64 * 1_024
const KEYS_BYTES_MAX = 256 * 1_024
const KEYS_MAX = 200

/** Loaded with the first token: most servers see none, and a start takes as long as what it loads. */
const loadJose = () => import('jose')
type Jose = Awaited<ReturnType<typeof loadJose>>

type KeySet = ReturnType<typeof createLocalJWKSet>
/** `keys` rejects where the fetch failed. */
type Fetched = { readonly at: number; readonly keys: Promise<KeySet>; failed: boolean }

/** One per process. */
export function createWebIdentities({ outbound }: Pick<App, 'outbound'>): WebIdentities {
  const remembered = new Lru<string, Fetched>(ISSUERS_REMEMBERED_MAX)

  /** Fetches of one issuer never overlap; those that failed are tried again after 10 seconds. */
  const keysOf = async (provider: OidcProvider, wallNow: number, olderThanMs: number): Promise<KeySet> => {
    if (provider.keys !== undefined) return (await loadJose()).createLocalJWKSet({ keys: [...provider.keys] })
    // Whom one account trusts by a thumbprint, another need not.
    const name = [provider.url, ...provider.thumbprints].join(' ')
    const known = remembered.get(name)
    const age = known === undefined ? Number.POSITIVE_INFINITY : wallNow - known.at
    if (known !== undefined && age >= 0 && age < (known.failed ? RETRY_AFTER_MS : olderThanMs)) return known.keys
    const fetched: Fetched = { at: wallNow, keys: fetchKeys(provider), failed: false }
    fetched.keys.catch(() => (fetched.failed = true))
    remembered.set(name, fetched)
    return fetched.keys
  }

  const fetchKeys = async ({ url, thumbprints }: OidcProvider): Promise<KeySet> => {
    const issuer = `https://${url}`
    const get = async (address: string, bytesMax: number) =>
      parseObject(await outbound.get(address, { bytesMax, thumbprints }))
    try {
      const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
      const document = await get(address, DOCUMENT_BYTES_MAX)
      if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') throw errors.noVerificationKey()
      const set = await get(document.jwks_uri, KEYS_BYTES_MAX)
      if (!Array.isArray(set.keys) || set.keys.length > KEYS_MAX) throw errors.noVerificationKey()
      return (await loadJose()).createLocalJWKSet(set as unknown as JSONWebKeySet)
    } catch (error) {
      if (error instanceof OutboundError && error.kind === 'unreachable') throw errors.providerUnreachable(error)
      throw error instanceof ServiceError ? error : errors.noVerificationKey(error)
    }
  }

  const check = async (
    { jwtVerify, errors: { JWKSNoMatchingKey } }: Jose,
    token: string,
    provider: OidcProvider,
    wallNow: number,
  ): Promise<JWTPayload> => {
    const options = {
      algorithms: ALGORITHMS,
      issuer: `https://${provider.url}`,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(wallNow),
    }
    try {
      return (await jwtVerify(token, await keysOf(provider, wallNow, KEYS_KEPT_MS), options)).payload
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey)) throw error
      return (await jwtVerify(token, await keysOf(provider, wallNow, REFETCH_AFTER_MS), options)).payload
    }
  }

  return {
    verify: async (token, findProvider, wallNow) => {
      const jose = await loadJose()
      const { iss } = decode(jose, token)
      if (typeof iss !== 'string') throw errors.claimMissing('iss')
      const provider = await findProvider(iss)
      if (provider === undefined) throw errors.noProvider(iss)
      const claims = await check(jose, token, provider, wallNow).catch((error: unknown) => {
        throw refusal(jose, error, wallNow)
      })
      return { provider, token: { issuer: iss, ...mustBeFor(provider, claims, wallNow), claims } }
    },
  }
}

/** Whom a token is about and for. */
function mustBeFor(provider: OidcProvider, claims: JWTPayload, wallNow: number) {
  const { sub, aud, azp, exp, iat } = claims
  if (typeof sub !== 'string' || sub === '') throw errors.claimMissing('sub')
  if (exp === undefined) throw errors.claimMissing('exp')
  if (iat === undefined) throw errors.claimMissing('iat')
  if (iat * 1_000 > wallNow + CLOCK_TOLERANCE_SECONDS * 1_000) throw errors.claimRejected('iat')
  if (aud === undefined || aud.length === 0) throw errors.claimMissing('aud')
  if (azp !== undefined && typeof azp !== 'string') throw errors.wrongAudience()
  // Of several audiences one must be the client's, and only `azp` says which.
  const audience = azp ?? (typeof aud === 'string' ? aud : aud.length === 1 ? aud[0] : undefined)
  if (typeof audience !== 'string' || !provider.clientIds.includes(audience)) throw errors.wrongAudience()
  return { subject: sub, audience }
}

function decode({ decodeJwt }: Jose, token: string): JWTPayload {
  try {
    return decodeJwt(token)
  } catch {
    throw errors.notAToken()
  }
}

function refusal({ errors: jose }: Jose, error: unknown, wallNow: number): unknown {
  if (error instanceof jose.JWTExpired) return errors.tokenExpired(wallNow, Number(error.payload.exp))
  if (error instanceof jose.JWTClaimValidationFailed) {
    return error.claim === 'nbf' ? errors.claimRejected('nbf') : errors.claimInvalid(error.claim)
  }
  if (error instanceof jose.JWKSNoMatchingKey || error instanceof jose.JWKSMultipleMatchingKeys) {
    return errors.noVerificationKey()
  }
  if (error instanceof jose.JOSEAlgNotAllowed || error instanceof jose.JOSENotSupported) return errors.badAlgorithm()
  if (error instanceof jose.JWSSignatureVerificationFailed) return errors.badSignature()
  if (error instanceof jose.JWSInvalid || error instanceof jose.JWTInvalid) return errors.notAToken()
  // Keys of the issuer that are none: too short, malformed, of another kind.
  return error instanceof ServiceError ? error : errors.noVerificationKey(error)
}

function parseObject(body: Buffer): { readonly [name: string]: unknown } {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    value = undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw errors.noVerificationKey()
  return value as { readonly [name: string]: unknown }
}
