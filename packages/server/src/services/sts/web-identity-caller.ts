// Who comes with a token of an identity provider: what policies see of the token, and what it asks of the session.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif

import type { App } from '../../app.ts'
import type { Identity } from '../../call.ts'
import type { Context } from '../../policy/engine.ts'
import { optional } from '../../shape/shape.ts'
import { validate } from '../../shape/validate.ts'
import { findOidcProvider, requestTagContext } from '../iam/port.ts'
import * as errors from './errors.ts'
import { type SessionRequest, sessionRequest } from './session-request.ts'
import { SourceIdentity, TagKeys, Tags } from './shapes.ts'
import { ROLE_ARN } from './target.ts'
import type { WebIdentityToken } from './web-identity.ts'

/** Claims that stand for session tags and a source identity. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html */
const TAGS_CLAIM = 'https://aws.amazon.com/tags'
const SOURCE_IDENTITY_CLAIM = 'https://aws.amazon.com/source_identity'

const CLAIMS_MAX = 100
const CLAIM_CHARACTERS_MAX = 2_048

/** What the facts of an identity do not hold; by the identity, which lives as long as its request. */
const tokens = new WeakMap<Identity, WebIdentityToken>()

/**
 * The token must be one of a provider of the role's account; whether the role is there is not told.
 * @throws ServiceError
 */
export async function webIdentity(app: App, partition: string, roleArn: string, text: string): Promise<Identity> {
  const [, arnPartition, account] = ROLE_ARN.exec(roleArn) ?? []
  if (account === undefined || arnPartition !== partition) throw errors.notARoleArn()
  const findProvider = (issuer: string) =>
    app.database.transaction('read', (tx) => findOidcProvider(app, tx, account, issuer))
  const { provider, token } = await app.webIdentities.verify(text, findProvider, app.wallNow())
  const { subject, audience } = token
  const identity: Identity = {
    accessKeyId: '',
    account,
    kind: 'federated',
    userId: `${provider.arn}:${audience}:${subject}`,
    arn: provider.arn,
    federated: {
      provider: provider.arn,
      subject,
      context: { 'aws:FederatedProvider': provider.arn, ...claimContext(provider.url, token) },
    },
  }
  tokens.set(identity, token)
  return identity
}

/** `aud` is the client that the token was issued to; where `azp` says which, what the token has as `aud` is `oaud`. */
function claimContext(url: string, { claims, audience }: WebIdentityToken): Context {
  const context: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(claims).slice(0, CLAIMS_MAX)) {
    const texts = (Array.isArray(value) ? value.slice(0, CLAIMS_MAX) : [value]).flatMap(textOf)
    if (texts.length > 0) context[`${url}:${name}`] = Array.isArray(value) ? texts : texts[0]!
  }
  const { azp, aud } = claims
  return {
    ...context,
    [`${url}:aud`]: audience,
    ...(azp !== undefined && aud !== undefined && { [`${url}:oaud`]: aud }),
  }
}

function textOf(value: unknown): readonly string[] {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return []
  const text = String(value)
  return text.length > CLAIM_CHARACTERS_MAX ? [] : [text]
}

export type ClaimedSession = SessionRequest & {
  readonly issuer: string
  readonly audience: string
  readonly context: Context
}

/** @throws ServiceError InvalidIdentityToken where the claims are not of their form. */
export function sessionOfClaims(identity: Identity): ClaimedSession {
  const { claims, issuer, audience } = tokens.get(identity)!
  const input = { ...claimedTags(claims[TAGS_CLAIM]), ...claimedSource(claims[SOURCE_IDENTITY_CLAIM]) }
  try {
    validate(CLAIMED, input, 'ValidationError')
  } catch {
    throw errors.claimInvalid(TAGS_CLAIM)
  }
  const request = sessionRequest({ ...identity }, input)
  const context = {
    ...requestTagContext(input.Tags),
    'sts:TransitiveTagKeys': request.transitiveTagKeys,
    'sts:SourceIdentity': request.sourceIdentity,
  }
  return { ...request, issuer, audience, context }
}

const CLAIMED = {
  Tags: optional(Tags),
  TransitiveTagKeys: optional(TagKeys),
  SourceIdentity: optional(SourceIdentity),
}

function claimedTags(claim: unknown) {
  if (claim === undefined) return {}
  const { principal_tags: tags = {}, transitive_tag_keys: TransitiveTagKeys = [] } = (claim ?? {}) as {
    readonly principal_tags?: unknown
    readonly transitive_tag_keys?: unknown
  }
  if (typeof tags !== 'object' || tags === null || !isTexts(TransitiveTagKeys)) throw errors.claimInvalid(TAGS_CLAIM)
  const Tags = Object.entries(tags).map(([Key, value]) => {
    const values: unknown = typeof value === 'string' ? [value] : value
    if (!isTexts(values) || values.length !== 1) throw errors.claimInvalid(TAGS_CLAIM)
    return { Key, Value: values[0]! }
  })
  return { Tags, TransitiveTagKeys }
}

function claimedSource(claim: unknown) {
  if (claim === undefined) return {}
  if (typeof claim !== 'string') throw errors.claimInvalid(SOURCE_IDENTITY_CLAIM)
  return { SourceIdentity: claim }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
