// What an operation declares, and what a service is: a table of them. See services/README.md for how to add one.

import type { AuditResource } from './audit/event.ts'
import type { Call, Concealed, Following, Identity, Moment, Preparation, Unsigned } from './call.ts'
import type { ServiceError } from './errors.ts'
import type { JobHandler } from './jobs/job.ts'
import type { Context, Grant, Permission, ResourcePolicy } from './policy/engine.ts'
import type { RateGroup } from './rates.ts'
import type { Members, ValuesOf } from './shape/shape.ts'

/** What a call is about, as authorization sees it. */
export type Target = {
  /** What policies are matched against: an ARN, or `*` for an operation that has no resource. */
  readonly resource: string
  /** What a refusal names after `on resource:`; absent where AWS names nothing. */
  readonly shown?: string
  /** The account that owns the resource. */
  readonly account: string
  /** CloudFormation's name of the resource's type (`AWS::SecretsManager::Secret`), for the audit event; absent where there is no resource. */
  readonly resourceType?: string
  /** What the audit event names where the call is about several resources. */
  readonly resources?: readonly AuditResource[]
  /** Condition keys that the resource itself gives, such as `aws:ResourceTag/Team`. */
  readonly context?: Context
  /** The policy that stands on the resource. */
  readonly resourcePolicy?: ResourcePolicy
  /** The KMS grant that covers the call. */
  readonly grant?: Grant
  /** Of a resource of another account, what would tell that it exists: it decides, and no refusal is worded from it. */
  readonly concealed?: Concealed
  /** What the audit event shows among requestParameters besides the input: what the call took over from the session it was made from. */
  readonly requestParameters?: { readonly [key: string]: unknown }
}

/** Something that the caller shows with a call, besides the signature, and that is used up by it: a code of an MFA device. */
export type SecondFactor<Input> = {
  readonly isGiven: (input: Input) => boolean
  /**
   * Once, before the target and in a transaction of its own. Returns when it was shown, in milliseconds by the wall clock.
   * @throws ServiceError where it is not good
   */
  readonly accept: (call: Preparation<Input>) => Promise<number>
}

/** A permission that an operation asks for, with what is concealed of its resource where that is not the target. */
export type AskedPermission = Permission & { readonly concealed?: Concealed }

export type Operation<I extends Members = Members, O extends Members = Members, T extends Target = Target> = {
  /** AWS's name, in AWS's spelling. */
  readonly name: string
  /** Reads run in a read transaction and their events are grouped; everything else commits together with its event. */
  readonly readOnly: boolean
  /** The path of a route of our own (`/_strongroom/clock`); AWS's operations have none. */
  readonly path?: string
  /** What the header x-strongroom-if-version (`call.ifVersion`) names, where it is honoured; every other operation refuses it. */
  readonly conditional?: 'VersionId' | 'Version'
  /** How a route of our own is asked for; POST where absent. */
  readonly method?: 'GET'
  /** Where it stands in HTTP: every operation of a REST JSON service has this, and no other has. */
  readonly http?: HttpBinding<I, O>
  /** The member that is the last segment of the path; `path` then ends in a slash. */
  readonly pathMember?: keyof I & string
  /** Whether it is where SDKs get credentials from, and refusals are worded for them. */
  readonly forCredentials?: true
  /** Members that come in a header, by its lower-case name, as AWS's trait httpHeader has it. */
  readonly headers?: { readonly [member in keyof I]?: string }
  readonly input: I
  /** Absent where AWS models no output: an empty body. */
  readonly output?: O
  /**
   * Only of an operation that takes no signature: who asks, by its own means. Once, before the target and outside any transaction.
   * @throws ServiceError for who is not known.
   */
  readonly identify?: (call: Unsigned<ValuesOf<I>>) => Promise<Identity>
  /** Of an operation that takes a code of an MFA device; `call.mfaAt` and the condition keys of MFA tell that one was shown. */
  readonly secondFactor?: SecondFactor<ValuesOf<I>>
  /** Finds what the call is about. Must not tell whether it exists: authorization comes after. */
  readonly target: (call: Call<ValuesOf<I>>) => Promise<T>
  /** Condition keys that the request gives. Undefined values are absent keys. */
  readonly conditions?: (input: ValuesOf<I>) => Context
  /** Every permission asked for, where it is not just the operation's own action on the target. The first is the operation's own. */
  readonly permissions?: (input: ValuesOf<I>, target: T) => readonly AskedPermission[]
  /** Slow or outside work, run once after a first authorization and outside any transaction. */
  readonly prepare?: (call: Following<ValuesOf<I>>) => Promise<unknown>
  /** What the audit event carries as responseElements; null where absent, as for reads. */
  readonly responseElements?: (output: ValuesOf<O>) => { readonly [key: string]: unknown } | null
  /** May run again after a write conflict: touches only the transaction, the ports and its return value. */
  readonly run: (call: Call<ValuesOf<I>> & { readonly target: T }) => Promise<ValuesOf<O> | Again<ValuesOf<O>>>
  /** For an answer that goes on, as text of `contentType`: begins when the event of the call is written, with what `run` returned. */
  readonly stream?: {
    readonly contentType: string
    readonly pieces: (
      following: Following<ValuesOf<I>>,
      output: ValuesOf<O>,
      signal: AbortSignal,
    ) => AsyncIterable<string>
  }
}

/**
 * What `run` returns of a read that is likely to come again: the answer as a function of nothing but the moment, for this call and for each that says
 * the same before anything was committed. The second time and later it may be undefined: then all is found anew.
 */
export type Again<Output> = (moment: Moment) => Output | undefined

/** Smithy's HTTP traits of a REST JSON operation: https://smithy.io/2.0/spec/http-bindings.html. Header names are in lower case. */
export type HttpBinding<I = Members, O = Members> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Its labels are members, each one segment: `/2015-03-31/functions/{FunctionName}`. */
  readonly uri: string
  /** The status of an answer that has no `responseCode`. */
  readonly code: number
  /** Members that come in the query, by its names. `headers` of the operation are those that come in headers. */
  readonly query?: { readonly [member in keyof I]?: string }
  /** The blob that the body of the request is; else the body is the JSON of what stands nowhere else. */
  readonly payload?: keyof I & string
  /** Of the answer. */
  readonly responseHeaders?: { readonly [member in keyof O]?: string }
  readonly responsePayload?: keyof O & string
  readonly responseCode?: keyof O & string
  /** The most bytes that the body of a request may have, where it is not what the service says. */
  readonly bodyBytesMax?: number
}

/** Declares an operation, with `input`, `target` and the result typed from the shapes. */
export const operation = <const I extends Members, const O extends Members, T extends Target>(
  declaration: Operation<I, O, T>,
): Operation<I, O, T> => declaration

type Plain = { readonly [name: string]: unknown }

/** An operation in a table of them; each was checked against its shapes where it was declared. */
export type AnyOperation = Pick<
  Operation,
  'name' | 'readOnly' | 'path' | 'pathMember' | 'method' | 'conditional' | 'forCredentials'
> & {
  readonly headers?: { readonly [member: string]: string | undefined }
  // biome-ignore lint/suspicious/noExplicitAny: each was checked against its members
  readonly http?: HttpBinding<any, any>
  readonly input: Members
  readonly output?: Members
  // biome-ignore-start lint/suspicious/noExplicitAny: the pipeline passes what it decoded by `input`
  readonly identify?: (call: any) => Promise<Identity>
  readonly secondFactor?: { readonly isGiven: (input: any) => boolean; readonly accept: (call: any) => Promise<number> }
  readonly target: (call: any) => Promise<Target>
  readonly conditions?: (input: any) => Context
  readonly permissions?: (input: any, target: any) => readonly AskedPermission[]
  readonly prepare?: (call: any) => Promise<unknown>
  readonly responseElements?: (output: any) => Plain | null
  readonly run: (call: any) => Promise<Plain | Again<Plain>>
  readonly stream?: {
    readonly contentType: string
    readonly pieces: (following: any, output: any, signal: AbortSignal) => AsyncIterable<string>
  }
  // biome-ignore-end lint/suspicious/noExplicitAny: -
}

export type Protocol = 'json' | 'query' | 'rest-json'

export type Service = {
  /** The prefix of IAM actions, and the left part of `eventSource`: `secretsmanager`. */
  readonly name: string
  /** The service in the credential scope, where it is not the name. */
  readonly signingName?: string
  readonly protocol: Protocol
  /** JSON: what may stand before the dot in X-Amz-Target. */
  readonly targetPrefixes?: readonly string[]
  /** Query: the value of Version and the XML namespace of answers. */
  readonly version?: string
  readonly xmlNamespace?: string
  /** Query: what a parameter that the operation does not declare is refused with; absent: such parameters are passed over, as AWS does. */
  readonly refuseParameter?: (name: string) => ServiceError
  /** Whether it is the same in every Region, as IAM is: `aws:RequestedRegion` is us-east-1 then. */
  readonly global?: boolean
  /** The most bytes that the body of a request may have. */
  readonly bodyBytesMax: number
  /** What the service calls a fault of the server; `InternalFailure` where absent. */
  readonly faultCode?: string
  readonly operations: readonly AnyOperation[]
  /** The request rates of its operations; those that are in no group have none. */
  readonly rates?: readonly RateGroup[]
  /** Work that is due later, by kind (`secretsmanager.PurgeSecret`); see jobs/README.md. */
  readonly jobs?: { readonly [kind: string]: JobHandler }
}
