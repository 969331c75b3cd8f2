// Why a rotator could not do what it was asked.

/**
 * What follows from it:
 * `secret` the value of the secret is not what the rotator needs; nothing was touched, and trying again changes nothing.
 * `unreachable` no connection, no answer in time; it is tried again.
 * `tls` the other side offers no TLS, or nobody vouches for its certificate; not tried again, and never without TLS.
 * `authentication` a credential that should work is refused; it is tried again.
 * `permission` who is logged in may not do it; not tried again.
 * `policy` the new password itself is refused, and so is surely not set; another one is made.
 * `other` the other side says something else; it is tried again.
 */
export type RotatorErrorKind = 'secret' | 'unreachable' | 'tls' | 'authentication' | 'permission' | 'policy' | 'other'

const MESSAGE_MAX = 1_000

/** A text in which the other side may have named things: bounded, and nothing in it that a terminal obeys. */
export const oneLine = (text: string): string => text.slice(0, MESSAGE_MAX).replace(/\p{Cc}/gu, '?')

/** The message is one line for the operator, and never holds a value: no password, and nothing that the other side answered with one in it. */
export class RotatorError extends Error {
  readonly kind: RotatorErrorKind

  constructor(kind: RotatorErrorKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(oneLine(message), options)
    this.name = 'RotatorError'
    this.kind = kind
  }
}
