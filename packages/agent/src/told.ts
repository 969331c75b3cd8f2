// What a failed call was, and what may be told of it.

import { failureKindOf } from '@strongroom/cache'

export type Told = {
  readonly name: string
  /** Of a connection: ECONNREFUSED. */
  readonly code?: string
  /** Of an answer; of whatever is not one, undefined. */
  readonly status?: number
  readonly message?: string
}

/** Of an answer what the service said, else only names: the message of a parser's error repeats what it read. */
export function toldOf(error: unknown): Told {
  const {
    name = 'Error',
    code,
    message,
    $fault,
    $metadata,
  } = (error ?? {}) as Error & {
    readonly code?: unknown
    readonly $fault?: unknown
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  const isAnswer = $fault !== undefined && status !== undefined && status >= 400
  return {
    name,
    ...(typeof code === 'string' && { code }),
    // UnknownError is what the SDK says where the service said nothing.
    ...(isAnswer && { status, ...(message !== '' && message !== 'UnknownError' && { message }) }),
  }
}

/** What may be over soon. Without credentials nothing is. */
export function isTransient(error: unknown): boolean {
  const kind = failureKindOf(error)
  return (kind === 'outage' || kind === 'throttled') && toldOf(error).name !== 'CredentialsProviderError'
}

/** What the services say of keys that are none any more. */
const SESSION_OVER = ['UnrecognizedClientException', 'InvalidClientTokenId', 'ExpiredTokenException', 'ExpiredToken']

export const isSessionOver = (error: unknown): boolean => SESSION_OVER.includes(toldOf(error).name)
