// What an operation declares, and what a service is: a table of them. See services/README.md for how to add one.

import type { Call, Preparation } from './call.ts'
import type { Context, Permission } from './policy/engine.ts'
import type { Members, ValuesOf } from './shape/shape.ts'
import type { Transaction } from './storage/database.ts'

/** What a call is about, as authorization sees it. */
export type Target = {
  /** What policies are matched against: an ARN, or `*` for an operation that has no resource. */
  readonly resource: string
  /** What a refusal names after `on resource:`; absent where AWS names nothing. */
  readonly shown?: string
  /** The account that owns the resource. */
  readonly account: string
  /** Condition keys that the resource itself gives, such as `aws:ResourceTag/Team`. */
  readonly context?: Context
}

export type Operation<I extends Members = Members, O extends Members = Members, T extends Target = Target> = {
  /** AWS's name, in AWS's spelling. */
  readonly name: string
  /** Reads run in a read transaction and their events are grouped; everything else commits together with its event. */
  readonly readOnly: boolean
  readonly input: I
  /** Absent where AWS models no output: an empty body. */
  readonly output?: O
  /** Finds what the call is about. Must not tell whether it exists: authorization comes after. */
  readonly target: (call: Call<ValuesOf<I>>) => Promise<T>
  /** Condition keys that the request gives. Undefined values are absent keys. */
  readonly conditions?: (input: ValuesOf<I>) => Context
  /** Every permission asked for, where it is not just the operation's own action on the target. The first is the operation's own. */
  readonly permissions?: (input: ValuesOf<I>, target: T) => readonly Permission[]
  /** Slow or outside work, run once after a first authorization and outside any transaction. */
  readonly prepare?: (call: Preparation<ValuesOf<I>>) => Promise<unknown>
  /** What the audit event carries as responseElements; null where absent, as for reads. */
  readonly responseElements?: (output: ValuesOf<O>) => { readonly [key: string]: unknown } | null
  /** May run again after a write conflict: touches only the transaction, the ports and its return value. */
  readonly run: (call: Call<ValuesOf<I>> & { readonly target: T }) => Promise<ValuesOf<O>>
}

/** Declares an operation, with `input`, `target` and the result typed from the shapes. */
export const operation = <const I extends Members, const O extends Members, T extends Target>(
  declaration: Operation<I, O, T>,
): Operation<I, O, T> => declaration

// biome-ignore lint/suspicious/noExplicitAny: a table holds operations of every input and output; each was checked where it was declared
export type AnyOperation = Operation<any, any, any>

export type Protocol = 'json' | 'query'

export type Service = {
  /** The signing name, the prefix of IAM actions, and the left part of `eventSource`: `secretsmanager`. */
  readonly name: string
  readonly protocol: Protocol
  /** JSON: what stands before the dot in X-Amz-Target. */
  readonly targetPrefix?: string
  /** Query: the value of Version and the XML namespace of answers. */
  readonly version?: string
  readonly xmlNamespace?: string
  /** The most bytes that the body of a request may have. */
  readonly bodyBytesMax: number
  /** Regions that a credential scope may name for this service; absent: every region. */
  readonly operations: readonly AnyOperation[]
  /** What the service says for each case that the front end finds; defaults are in protocol/errors.ts. */
  readonly accessDeniedMessageKey?: 'Message' | 'message'
}

/** Recurring or due work of a service; see jobs/README.md. */
export type JobHandler = (app: import('./app.ts').App, tx: Transaction, payload: string) => Promise<void>
