// The policy engine's interface: pure, synchronous, no I/O. What is compiled once is asked many times.

/** Condition keys of a request, in AWS's spelling, to their values. An undefined value is an absent key. */
export type Context = { readonly [key: string]: string | readonly string[] | undefined }

/** One (action, resource, context) that a call asks for. */
export type Permission = {
  readonly action: string
  readonly resource: string
  /** What the refusal names after `on resource:`; absent where AWS names nothing. */
  readonly shown?: string
  readonly resourceAccount: string
  readonly context?: Context
}

/** Which elements a policy may have. */
export type PolicyGrammar = 'identity' | 'resource' | 'trust' | 'key' | 'session'

/** Opaque to everyone but policy/. */
export type CompiledPolicy = {
  readonly grammar: PolicyGrammar
  readonly statements: readonly CompiledStatement[]
}

export type CompiledStatement = {
  readonly sid: string | undefined
  readonly effect: 'Allow' | 'Deny'
  readonly matchesAction: (action: string) => boolean
  readonly matchesResource: (resource: string) => boolean
}

/** A policy and the name under which a decision reports it. */
export type NamedPolicy = { readonly name: string; readonly policy: CompiledPolicy }

/** Who asks, as policies see it. Everything about the caller that a decision can depend on. */
export type PolicyPrincipal = {
  readonly kind: 'root' | 'user' | 'role-session' | 'federated-user' | 'service'
  readonly arn: string
  readonly account: string
  readonly userId: string
}

export type Layer = 'identity' | 'boundary' | 'session' | 'resource' | 'scp' | 'rcp' | 'none'

export type AuthorizationRequest = {
  readonly principal: PolicyPrincipal
  readonly permission: Permission
  readonly context: Context
  readonly layers: {
    readonly identity: readonly NamedPolicy[]
    readonly boundary?: NamedPolicy
    readonly session?: readonly NamedPolicy[]
    readonly resource?: { readonly kind: 'normal' | 'trust' | 'key'; readonly policy: NamedPolicy }
  }
}

export type Decision = {
  readonly allow: boolean
  readonly reason: 'allow' | 'explicit-deny' | 'implicit-deny'
  /** The layer that decided. */
  readonly layer: Layer
  /** The statements that decided: policy name and index. */
  readonly statements: readonly { readonly policy: string; readonly index: number; readonly sid: string | undefined }[]
}
