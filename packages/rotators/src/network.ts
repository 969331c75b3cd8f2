// TLS as every engine has it, and what Node says of connections, as the kinds of errors that rotators know.

import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { RotatorError } from './errors.ts'

const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|EPIPE|EADDRNOTAVAIL|ABORT_ERR)$/
const TLS =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|INVALID_CA$|EPROTO$|CRL_)/

/** `unreachable` or `tls`; undefined where it is neither. `at` is where the connection was to, `host:port`. */
export function networkError(error: unknown, at: string): RotatorError | undefined {
  const code = codeOf(error)
  if (UNREACHABLE.test(code))
    return new RotatorError('unreachable', `No connection to ${at}: ${code}.`, { cause: error })
  if (TLS.test(code)) return new RotatorError('tls', `No verified TLS with ${at}: ${code}.`, { cause: error })
  return undefined
}

const contexts = new WeakMap<readonly string[], SecureContext>()

/** The system's authorities and these, in PEM. */
export const withSystem = (authorities: readonly string[]): string[] => [
  ...getCACertificates('default'),
  ...authorities,
]

/** Trusts the system's authorities and these: read once, since reading them takes longer than a handshake. */
export function trusting(authorities: readonly string[]): SecureContext {
  const known = contexts.get(authorities)
  if (known !== undefined) return known
  const context = createSecureContext({ ca: withSystem(authorities), minVersion: 'TLSv1.2' })
  contexts.set(authorities, context)
  return context
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if ('name' in error && error.name === 'AbortError') return 'ABORT_ERR'
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
