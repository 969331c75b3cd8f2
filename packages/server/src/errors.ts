// What a caller is told when a call fails. One class; each service's errors.ts is a table of functions that make it.

import type { Decision } from './policy/engine.ts'

/**
 * An answer in AWS's words. `message` goes to the caller, `cause` only to the log. `messageKey` is the member that carries the text:
 * modelled errors of Secrets Manager say `Message`, the front end (signature, token, serialization) says `message`. `reason` is the
 * member `Reason` of the errors that AWS models with one. `decision` is what policies said where they refused, as far as the caller's account may
 * know it.
 */
export class ServiceError extends Error {
  readonly code: string
  readonly status: number
  readonly messageKey: 'Message' | 'message'
  readonly reason: string | undefined
  readonly decision: Decision | undefined

  constructor(
    code: string,
    status: number,
    message: string,
    options: {
      readonly cause?: unknown
      readonly messageKey?: 'Message' | 'message'
      readonly reason?: string
      readonly decision?: Decision
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.status = status
    this.messageKey = options.messageKey ?? 'Message'
    this.reason = options.reason
    this.decision = options.decision
  }
}

/** A stored row does not carry the MAC that it must, or something it vouches for is gone: it was altered outside the server. Never served, always audited. */
export class IntegrityError extends Error {
  readonly table: string
  readonly key: readonly string[]

  constructor(table: string, key: readonly string[], reason: string) {
    super(`row ${JSON.stringify(key)} of ${table} ${reason}`)
    this.name = 'IntegrityError'
    this.table = table
    this.key = key
  }
}
