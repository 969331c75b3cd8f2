// What a failed call says of the value that is cached. Only where the service cannot answer is an old value better than none; where it
// answers and refuses, the right to the value has ended.

export type FailureKind =
  /** It cannot be reached, or something in it is broken. */
  | 'outage'
  /** It wants to be asked less. */
  | 'throttled'
  /** There is no such secret, parameter or version. */
  | 'not-found'
  /** Anything else that it answered: no permission, no valid credentials, marked for deletion, the key disabled, a bad name. */
  | 'refused'

const NOT_FOUND = new Set(['ResourceNotFoundException', 'ParameterNotFound', 'ParameterVersionNotFound'])
const THROTTLED =
  /^(Throttling(Exception)?|ThrottledException|RequestThrottled(Exception)?|TooManyRequestsException|RequestLimitExceeded|LimitExceededException|SlowDown|ProvisionedThroughputExceededException|PriorRequestNotComplete)$/

/** Of whatever a client of the SDK threw. */
export function kindOf(error: unknown): FailureKind {
  const {
    name = '',
    $metadata,
    $retryable,
  } = (error ?? {}) as {
    readonly name?: string
    readonly $metadata?: { readonly httpStatusCode?: number }
    readonly $retryable?: { readonly throttling?: boolean }
  }
  const status = $metadata?.httpStatusCode
  if (NOT_FOUND.has(name)) return 'not-found'
  if (THROTTLED.test(name) || status === 429 || $retryable?.throttling === true) return 'throttled'
  if (name === 'SecretFormatError') return 'refused'
  // Without a status nobody answered: no connection, no name, no time left, or no credentials to ask with. A success that is an error is somebody else's page.
  if (status === undefined || status < 400 || status >= 500 || status === 408) return 'outage'
  return 'refused'
}

/** Whether a value that is there may be given in its stead, for a limited time. */
export const mayServeStale = (kind: FailureKind): boolean => kind === 'outage' || kind === 'throttled'
