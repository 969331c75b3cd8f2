// Which errors of drivers say that a credential is wrong. Everything else (no connection, no such database, no right) is not mended by another
// version of the secret.

type Failure = {
  readonly code?: unknown
  readonly errno?: unknown
  readonly name?: unknown
  readonly message?: unknown
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly response?: { readonly status?: unknown } | null
  readonly cause?: unknown
}

/**
 * PostgreSQL: invalid_password, invalid_authorization_specification (https://www.postgresql.org/docs/current/errcodes-appendix.html). MySQL and
 * MariaDB: ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_ACCOUNT_HAS_BEEN_LOCKED. MongoDB: AuthenticationFailed.
 */
const CODES = new Set<unknown>([
  ...['28P01', '28000'],
  ...['ER_ACCESS_DENIED_ERROR', 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR', 'ER_ACCOUNT_HAS_BEEN_LOCKED'],
])
const NAMES = new Set<unknown>(['InvalidCredentialsError'])
/** Redis; AMQP; MongoDB. */
const MESSAGES = /^(WRONGPASS|NOAUTH)\b|\bACCESS[_-]REFUSED\b|^(MongoServerError: )?Authentication failed\.?$/i

export function isAuthenticationFailure(error: unknown): boolean {
  return says(error, CAUSES_MAX)
}

/** Libraries wrap errors of drivers. */
const CAUSES_MAX = 5

function says(error: unknown, causes: number): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, name, message, status, statusCode, response, cause } = error as Failure
  return (
    CODES.has(code) ||
    NAMES.has(name) ||
    [status, statusCode, response?.status].includes(401) ||
    (typeof message === 'string' && MESSAGES.test(message)) ||
    (causes > 0 && says(cause, causes - 1))
  )
}
