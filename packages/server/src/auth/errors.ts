// Why a signature is refused, in AWS's words, and what each protocol calls it.
// A refusal never repeats the canonical request or the string to sign unless the operator asked for that.

import { hash } from 'node:crypto'
import { ServiceError } from '../errors.ts'
import type { Protocol } from '../operation.ts'

/** One case of refusal. Several share an AWS code: see REFUSALS. */
export type SignatureErrorKind =
  /** Neither an Authorization header nor a presigned query. */
  | 'missing'
  /** Something the signature needs is absent, repeated or malformed. */
  | 'incomplete'
  /** A header that may stand only once stands twice. */
  | 'duplicateHeader'
  /** An Authorization header and a presigned query. */
  | 'twice'
  /** The credential scope names another date, region, service or terminator. */
  | 'scope'
  /** A header that must be signed is not. */
  | 'unsignedHeader'
  | 'expired'
  | 'notYetCurrent'
  | 'mismatch'
  /** Unknown or inactive access key, or a session token that is not of this key. */
  | 'unrecognized'
  | 'expiredToken'

/** Thrown by everything in auth/; authenticate.ts turns it into the ServiceError of the protocol. */
export class SignatureError extends Error {
  readonly kind: SignatureErrorKind

  constructor(kind: SignatureErrorKind, message: string) {
    super(message)
    this.name = 'SignatureError'
    this.kind = kind
  }
}

type Refusal = {
  /** JSON 1.1 services answer 400 to all of these. */
  readonly json: string
  readonly query: string
  readonly queryStatus: number
}

const INCOMPLETE: Refusal = { json: 'IncompleteSignatureException', query: 'IncompleteSignature', queryStatus: 400 }
const INVALID: Refusal = { json: 'InvalidSignatureException', query: 'SignatureDoesNotMatch', queryStatus: 403 }

/** https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html */
const REFUSALS: { readonly [kind in SignatureErrorKind]: Refusal } = {
  missing: { json: 'MissingAuthenticationTokenException', query: 'MissingAuthenticationToken', queryStatus: 403 },
  incomplete: INCOMPLETE,
  duplicateHeader: INCOMPLETE,
  twice: INVALID,
  scope: INVALID,
  unsignedHeader: INVALID,
  expired: INVALID,
  notYetCurrent: INVALID,
  mismatch: INVALID,
  unrecognized: { json: 'UnrecognizedClientException', query: 'InvalidClientTokenId', queryStatus: 403 },
  expiredToken: { json: 'ExpiredTokenException', query: 'ExpiredToken', queryStatus: 403 },
}

/** The answer in the protocol of the request. The front end says `message`, in lower case. */
export function signatureRefused(error: SignatureError, protocol: Protocol): ServiceError {
  const refusal = REFUSALS[error.kind]
  const message =
    error.kind === 'missing' && protocol === 'query' ? 'Request is missing Authentication Token' : error.message
  return protocol === 'query'
    ? new ServiceError(refusal.query, refusal.queryStatus, message, { messageKey: 'message' })
    : new ServiceError(refusal.json, protocol === 'json' ? 400 : 403, message, { messageKey: 'message' })
}

export const MISMATCH =
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

export const missing = () => new SignatureError('missing', 'Missing Authentication Token')

export const incomplete = (message: string) => new SignatureError('incomplete', message)

export const duplicateHeader = (name: string) =>
  new SignatureError('duplicateHeader', `Found more than one '${name}' HTTP header.`)

export const twice = () =>
  new SignatureError(
    'twice',
    "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  )

export const wrongScope = (faults: readonly string[]) => new SignatureError('scope', faults.join(' '))

/** `header` as the text spells it: `X-Amz-Target`. */
export const unsignedHeader = (header: string) =>
  new SignatureError(
    'unsignedHeader',
    `'${header}'${header === 'Host' ? " or ':authority'" : ''} must be a 'SignedHeader' in the AWS Authorization.`,
  )

export const headerInQuery = (header: string) =>
  incomplete(`'${header}' must be an HTTP header, not a query-string parameter.`)

/** Times in basic format; `span` as `5 min.`. */
export const expired = (signed: string, limit: string, now: string, span: string) =>
  new SignatureError('expired', `Signature expired: ${signed} is now earlier than ${limit} (${now} - ${span})`)

export const notYetCurrent = (signed: string, limit: string, now: string, span: string) =>
  new SignatureError(
    'notYetCurrent',
    `Signature not yet current: ${signed} is still later than ${limit} (${now} + ${span})`,
  )

export const mismatch = (explanation = '') => new SignatureError('mismatch', MISMATCH + explanation)

export const unrecognized = () =>
  new SignatureError('unrecognized', 'The security token included in the request is invalid.')

export const expiredToken = () =>
  new SignatureError('expiredToken', 'The security token included in the request is expired')

/** What a client sent, as an error may repeat it: short, and in characters that every encoding can carry. */
export const echo = (text: string, lengthMax = 64): string => text.slice(0, lengthMax).replace(/[^ -~]/g, '?')

/** How AWS refers to an Authorization header it will not repeat. */
export const hashedHeader = (value: string): string => hash('sha256', Buffer.from(value, 'latin1'), 'base64')
