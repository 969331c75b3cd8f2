// What an operation sees of one request. Built in handle.ts, plain data, never changed afterwards.

import type { App } from './app.ts'
import type { AuditResource } from './audit/event.ts'
import type { NamedPolicy, Permission, PolicyPrincipal } from './policy/engine.ts'
import type { Transaction } from './storage/database.ts'

/** Who signed the request, as far as the signature tells: the access key and its owner. Policies are read in the transaction. */
export type Identity = {
  readonly accessKeyId: string
  readonly account: string
  readonly kind: 'root' | 'user'
  /** AIDA... of a user, the account id of a root user. */
  readonly userId: string
  readonly arn: string
  readonly userName?: string
}

/** The identity with the policies that hold for it now. */
export type Principal = PolicyPrincipal & {
  readonly identity: Identity
  readonly policies: readonly NamedPolicy[]
}

export type CallBase<I> = {
  readonly app: App
  readonly requestId: string
  /** The service clock, in milliseconds: schedules, windows, expiry, deletion. The test clock may advance it. */
  readonly now: number
  readonly partition: string
  /** From the credential scope. */
  readonly region: string
  /** The caller's account. Names resolve here. */
  readonly account: string
  readonly identity: Identity
  readonly input: I
}

/** `prepare` has no transaction. */
export type Preparation<I> = CallBase<I>

export type Call<I = unknown> = CallBase<I> & {
  readonly tx: Transaction
  readonly principal: Principal
  /** What `prepare` returned. */
  readonly prepared: unknown
  /** Asks for one more permission and throws AccessDeniedException; for per-item results and calls made on the caller's behalf. */
  readonly authorize: (permission: Permission) => void
  /** The event of something else that this call did, such as each GetSecretValue of a BatchGetSecretValue. Recorded with the call's own. */
  readonly also: (event: AlsoEvent) => void
}

export type AlsoEvent = {
  readonly eventName: string
  readonly readOnly: boolean
  /** Set on an event of the service itself (AwsServiceEvent), such as SecretVersionDeletion; absent on one of the caller (AwsApiCall). */
  readonly ofService?: true
  readonly requestParameters?: { readonly [key: string]: unknown } | null
  readonly additionalEventData?: { readonly [key: string]: unknown }
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly resources?: readonly AuditResource[]
}
