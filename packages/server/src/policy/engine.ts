// The policy engine's interface: pure, synchronous, no I/O. What is compiled once is asked many times.
// docs/policies.md says what policies mean here.

/** Condition keys of a request, in AWS's spelling, to their values. An undefined value or an empty list is an absent key. */
export type Context = { readonly [key: string]: string | readonly string[] | undefined }

/** One (action, resource, context) that a call asks for. */
export type Permission = {
  /** `secretsmanager:GetSecretValue`. Compared without regard to case. */
  readonly action: string
  /** An ARN, `*` for an operation that has no resource, or the words of a caller that name nothing. */
  readonly resource: string
  /** What the refusal names after `on resource:`; absent where AWS names nothing. */
  readonly shown?: string
  readonly resourceAccount: string
  /** Condition keys beyond those that the request itself gives. As a function it is asked only where a condition or a variable needs one. */
  readonly context?: Context | (() => Context)
  /** The policy that stands on the resource; absent where it has none, or can have none. */
  readonly resourcePolicy?: ResourcePolicy
  /** A KMS grant that covers this call. */
  readonly grant?: Grant
}

/** The condition keys of a permission itself. */
export const ownContext = ({ context }: Permission): Context | undefined =>
  typeof context === 'function' ? context() : context

/** `trust` (of a role) and `key` (of a KMS key) are gates: nobody passes whom they do not name. */
export type ResourcePolicy = { readonly kind: 'normal' | 'trust' | 'key'; readonly policy: NamedPolicy }

/**
 * `direct` is enough by itself. One to a role counts for its sessions within their session policies and boundary. One to an account leaves it to
 * the account's own policies, as a key policy that names the account does.
 */
export type Grant = { readonly name: string; readonly to: 'direct' | 'role' | 'account' }

/** Which elements a policy may have. */
export type PolicyGrammar = 'identity' | 'resource' | 'trust' | 'key' | 'session'

/** Unique ids of the users, roles and role sessions that a policy names, by ARN, as they were when it was stored. */
export type PrincipalIds = { readonly [arn: string]: string }

/** Opaque to everyone but policy/. */
export type CompiledPolicy = {
  readonly grammar: PolicyGrammar
  /** As it was given, for who shows its statements. */
  readonly document: string
  readonly statements: readonly CompiledStatement[]
  /** By action, in lower case: the statements whose action element covers it. Filled as actions are asked for, bounded. */
  readonly byAction: Map<string, readonly CompiledStatement[]>
}

export type CompiledStatement = {
  /** Its place in the document, from 0. */
  readonly index: number
  readonly sid: string | undefined
  readonly effect: 'Allow' | 'Deny'
  /** Absent in the grammars that have no principal element: their policies speak of whoever they are attached to. */
  readonly principals: PrincipalSet | undefined
  readonly actions: ActionSet
  /** Absent in the trust grammar: the role itself is meant. */
  readonly resources: ResourceSet | undefined
  /** All must hold. */
  readonly conditions: readonly Condition[]
}

/** What Principal lists; with `inverted`, everyone but who NotPrincipal lists. */
export type PrincipalSet = {
  readonly inverted: boolean
  /** `*` is in the list. */
  readonly everyone: boolean
  /** By their 12 digits, however they were written. */
  readonly accounts: ReadonlySet<string>
  /** Of users, roles, role sessions and federated users, as written. */
  readonly arns: ReadonlySet<string>
  /** AIDA..., AROA..., and those that PrincipalIds gave for the ARNs, of a role session AROA...:session. */
  readonly ids: ReadonlySet<string>
  /** PrincipalIds were given: users, roles and role sessions match by their ids only. */
  readonly resolved: boolean
  readonly services: ReadonlySet<string>
  readonly providers: ReadonlySet<string>
}

/** What Action lists, in lower case; with `inverted`, everything but what NotAction lists. */
export type ActionSet = { readonly inverted: boolean; readonly patterns: readonly Glob[] }

/** What Resource lists; with `inverted`, everything but what NotResource lists. */
export type ResourceSet = { readonly inverted: boolean; readonly patterns: readonly (ArnPattern | '*')[] }

/** The six segments of an ARN pattern, each matched by itself. `variable` where one of them is a template. */
export type ArnPattern = { readonly segments: readonly (Glob | Template)[]; readonly variable: boolean }

/** Code units, and the wildcards as the negative numbers of match.ts, so that what is literal and what is not cannot be confused. */
export type Pattern = readonly number[]

/** A pattern in three parts: before its first wildcard, from there to its last, after that. The middle of a literal is empty. */
export type Glob = { readonly head: string; readonly middle: Pattern; readonly tail: string }

/** A text with policy variables, in its pieces. What it matches begins with `head`, whatever the variables are. */
export type Template = { readonly head: string; readonly pieces: readonly Piece[] }

export type Piece =
  /** The policy's own text, and the same with its `*` and `?` as wildcards; of `${*}`, `${?}` and `${$}` the character itself. */
  | { readonly kind: 'text' | 'literal'; readonly text: string; readonly pattern: Pattern }
  /** Key in lower case. */
  | { readonly kind: 'variable'; readonly key: string; readonly fallback: string | undefined }

/** The values of a context key, given in lower case. Empty where the key is absent. */
export type Lookup = (key: string) => readonly string[]

/** One key under one operator. */
export type Condition = {
  /** Without its prefix and suffix: `StringLike`. */
  readonly operator: string
  readonly negated: boolean
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined
  readonly ifExists: boolean
  /** In lower case. */
  readonly key: string
  /** As the policy has them. */
  readonly values: readonly string[]
  /** One for each value without a variable. */
  readonly matchers: readonly Matcher[]
  /** One for each value with a variable. */
  readonly resolvers: readonly Resolver[]
}

/** Whether a value of the context matches one value of the policy. */
export type Matcher = (value: string) => boolean

/** Undefined where a variable has no single value and no default. */
export type Resolver = (lookup: Lookup) => Matcher | undefined

/** A policy and the name under which a decision reports it. */
export type NamedPolicy = {
  readonly name: string
  /** Whose it is, or what it is attached to; absent where the name says it. */
  readonly holder?: PolicyHolderName
  readonly policy: CompiledPolicy
}

export type PolicyHolderName = { readonly kind: 'user' | 'group' | 'role'; readonly name: string }

/** Who asks, as policies see it. Everything about the caller that a decision can depend on. */
export type PolicyPrincipal = {
  /** `federated`: who asks with a token of an identity provider, and has no identity here yet. */
  readonly kind: 'root' | 'user' | 'role-session' | 'federated-user' | 'service' | 'federated'
  /** Of the session, where the principal is one; `secretsmanager.amazonaws.com` of a service; the provider's of `federated`. */
  readonly arn: string
  /** Empty for a service and for `federated`. */
  readonly account: string
  /** AIDA... of a user, the account id of a root user, AROA...:session of a role session, account:name of a federated user. */
  readonly userId: string
  /** The role behind a role session: what a policy that names the role matches. */
  readonly role?: { readonly arn: string; readonly roleId: string }
}

export type Layer = 'identity' | 'boundary' | 'session' | 'resource' | 'grant' | 'scp' | 'rcp'

export type AuthorizationRequest = {
  readonly principal: PolicyPrincipal
  readonly permission: Permission
  /** Asked for at most once, and only where a condition or a variable needs it. `permission.context` is laid over it. */
  readonly context: () => Context
  /** Called where the answer may depend on when it is asked for. */
  readonly onTime?: () => void
  readonly layers: {
    readonly identity: readonly NamedPolicy[]
    readonly boundary?: NamedPolicy
    /** Absent: no session policy was passed. */
    readonly session?: readonly NamedPolicy[]
    /** From the root of the organization down to the caller's account: each level must allow. */
    readonly scp?: readonly (readonly NamedPolicy[])[]
    /** The same, down to the resource's account. */
    readonly rcp?: readonly (readonly NamedPolicy[])[]
  }
}

export type Decision = {
  readonly allow: boolean
  readonly reason: 'allow' | 'explicit-deny' | 'implicit-deny'
  /** The layer that decided: the one that allowed, denied, or did not allow what had to be allowed. */
  readonly layer: Layer
  /** The statements that decided. Empty where none matched, and for a root user, who needs none. */
  readonly statements: readonly DecidingStatement[]
}

export type DecidingStatement = { readonly policy: string; readonly index: number; readonly sid: string | undefined }
