// What an operation sees of one request. Built in handle.ts, plain data, never changed afterwards.

import type { App } from './app.ts'
import type { AuditResource } from './audit/event.ts'
import type { Service } from './operation.ts'
import type {
  AuthorizationRequest,
  Context,
  Decision,
  Grant,
  NamedPolicy,
  Permission,
  PolicyPrincipal,
  ResourcePolicy,
} from './policy/engine.ts'
import type { Transaction } from './storage/database.ts'

/** Who signed the request, as far as the signature tells: the access key and its owner. Policies are read in the transaction. */
export type Identity = {
  readonly accessKeyId: string
  readonly account: string
  readonly kind: 'root' | 'user' | 'role-session' | 'federated-user' | 'federated'
  /** AIDA... of a user, the account id of a root user, AROA...:session of a role session, account:name of a federated user. */
  readonly userId: string
  readonly arn: string
  readonly userName?: string
  /** Of temporary credentials: what their session token says. */
  readonly session?: SessionFacts
  /** Of who comes with a token of an identity provider and has no identity here yet. */
  readonly federated?: FederatedFacts
}

/** What a token of an identity provider says. The identity's account is the one whose provider it is. */
export type FederatedFacts = {
  /** The ARN of the provider. */
  readonly provider: string
  readonly subject: string
  /** The AWS service that speaks for the caller (`pods.eks.amazonaws.com`): policies see it as their principal, in the place of the provider. */
  readonly service?: string
  /** Condition keys: `<issuer without https://>:aud` and the like. */
  readonly context: Context
}

/** What a session token says besides whose it is. Permissions are never in it. */
export type SessionFacts = {
  /** Milliseconds since the epoch, by the wall clock. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** The role that was assumed, as it was then. */
  readonly role?: { readonly arn: string; readonly roleId: string; readonly roleName: string }
  /** Documents of session policies passed with the call; those passed by ARN are read again at each call. */
  readonly policies?: readonly string[]
  readonly policyArns?: readonly string[]
  /** Whose session it is, or who is behind a federated user, as it was then; absent: the root user, or a session of a role. */
  readonly user?: { readonly arn: string; readonly userId: string; readonly userName: string }
  /** When who asked for the session showed a code of an MFA device, in milliseconds. */
  readonly mfaAt?: number
  readonly tags: { readonly [key: string]: string }
  readonly transitiveTagKeys: readonly string[]
  /** Stays the same from role to role. */
  readonly sourceIdentity?: string
  /** How many roles were assumed one from the other to get here: 1 for the first. */
  readonly chain: number
  /** Condition keys that the session gives: aws:TokenIssueTime, aws:SourceIdentity, aws:MultiFactorAuthPresent and the like. */
  readonly context: Context
}

/** The identity with the policies that hold for it now. */
export type Principal = PolicyPrincipal & {
  readonly identity: Identity
  readonly policies: readonly NamedPolicy[]
  /** The permissions boundary of the user or role. */
  readonly boundary?: NamedPolicy
  /** Together they say what the session may at most; absent where none was passed. */
  readonly sessionPolicies?: readonly NamedPolicy[]
  /** Of the user or role, and of the session, whose tags win. */
  readonly tags: { readonly [key: string]: string }
}

/** What no two calls share. */
export type Moment = {
  readonly requestId: string
  /** Of the call's own event in the trail of its caller. */
  readonly eventId: string
  /** The service clock, in milliseconds: schedules, windows, expiry, deletion. The test clock may advance it. */
  readonly now: number
}

export type CallBase<I> = Moment & {
  readonly app: App
  readonly partition: string
  /** From the credential scope. */
  readonly region: string
  /** The caller's account. Names resolve here. */
  readonly account: string
  readonly identity: Identity
  /** When the caller showed a code of an MFA device with this call, in milliseconds by the wall clock; absent: not at all. */
  readonly mfaAt?: number
  /** The VersionId that must be AWSCURRENT, or the Version that must be the latest, for a conditional write to happen. Only where the operation is `conditional`. */
  readonly ifVersion?: string
  readonly input: I
}

/** What an operation that takes no signature has to find out who asks. */
export type Unsigned<I> = Pick<CallBase<I>, 'app' | 'partition' | 'now' | 'input'>

/** What happens outside of any transaction. */
export type Preparation<I> = CallBase<I>

export type Call<I = unknown> = CallBase<I> & {
  readonly tx: Transaction
  readonly principal: Principal
  /** What `prepare` returned. */
  readonly prepared: unknown
  /** What policies say of a permission, with what is `concealed`; for who words the refusal itself, or only wants to know. */
  readonly decide: (permission: Permission, concealed?: Concealed) => Decision
  /**
   * Asks for one more permission and throws AccessDeniedException; for per-item results and calls made on the caller's behalf. The refusal
   * reads as though nothing was `concealed`.
   */
  readonly authorize: (permission: Permission, concealed?: Concealed) => void
  /** The same request as though another made it, for who asks what would be decided. Absent where no request is behind the call. */
  readonly suppose?: (supposed: Supposed) => Supposition
  /** The event of something else that this call did, such as each GetSecretValue of a BatchGetSecretValue. Recorded with the call's own. */
  readonly also: (event: AlsoEvent) => void
}

export type Supposed = {
  readonly principal: Principal
  readonly region: string
  readonly service: Pick<Service, 'protocol' | 'global'>
}

export type Supposition = {
  /** To find targets with. Nothing may be done by it. */
  readonly call: Call
  /** What the engine is asked about a permission, with what is `concealed`. */
  readonly question: (permission: Permission, concealed?: Concealed) => AuthorizationRequest
}

/** What `prepare`, and an answer that goes on, see of the request: they look at the data in reads of their own. */
export type Following<I = unknown> = CallBase<I> & {
  /**
   * A read under the rights that the caller has by now: the access key or session must still hold, and the operation still be allowed. What it
   * told `also` is in the trail when it returns.
   * @throws ServiceError where it does not, or the storage failed
   */
  readonly asOfNow: <T>(work: (call: Call<I>) => Promise<T>) => Promise<T>
}

/** Condition keys and the policy of a resource that the caller may not know to exist. */
export type Concealed = {
  readonly context: Context
  readonly resourcePolicy?: ResourcePolicy
  readonly grant?: Grant
  /** The resource itself, where the caller named it by what only leads to it: the alias of a key. */
  readonly resource?: string
}

export type AlsoEvent = {
  /** The service that the event is of, where it is not the call's own. */
  readonly service?: string
  /** Where the event was named already, because something else carries its name. */
  readonly eventId?: string
  readonly eventName: string
  readonly readOnly: boolean
  /** Set on an event of the service itself (AwsServiceEvent), such as SecretVersionDeletion; absent on one of the caller (AwsApiCall). */
  readonly ofService?: true
  /**
   * The account whose resource the event is about, once the caller was let through to it: an event of the caller stands in its trail too, one
   * of the service only there. Absent: the caller's own.
   */
  readonly owner?: string
  readonly requestParameters?: { readonly [key: string]: unknown } | null
  readonly additionalEventData?: { readonly [key: string]: unknown }
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly resources?: readonly AuditResource[]
}
