// What a strategy asks of a kind of server: about nine short methods, each over a real connection. An engine says nothing of when they are called.

import type { Described, Finding, Io, Run, SecretValue, Strategy } from './rotator.ts'

/** Where and as whom to log in. */
export type Login = {
  /** As the secret says it: the name that TLS verifies. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly dbname?: string
  /** False only where the secret says `"ssl": false`. Otherwise TLS with a verified certificate, and nothing less. */
  readonly tls: boolean
  /** The whole value, for members that only this engine knows. */
  readonly value: SecretValue
}

export type PasswordRules = {
  /** Characters, from 16. */
  readonly length: number
  /** Characters that no generated password has, for the sake of the clients that will be given it. */
  readonly excluded: string
}

export type NewPassword = {
  readonly username: string
  readonly password: string
  /** Whether the connection is the user's own. */
  readonly self: boolean
  /** Stays valid beside the new one: only where the engine has the strategy `dual`. */
  readonly keep?: string
}

export type Plan = {
  readonly strategy: Strategy
  readonly username: string
  readonly alternate?: string
  readonly self: boolean
  /** Those of the engine among what was given to RotateSecret. */
  readonly options: Run['options']
}

export type Clone = {
  readonly from: string
  readonly to: string
  readonly password: string
  readonly options: Run['options']
  /** Whether `to` was not there: then it is made, and whoever has the name by now is not touched, where the server can tell in one step. */
  readonly fresh?: boolean
}

/** Of `foreign` no login shows enough: the server knows more of the name than a login comes to. */
export type Relation = 'absent' | 'related' | 'foreign' | 'unknown'

export type Engine<C> = {
  /** `postgresql` */
  readonly id: string
  /** For titles: `PostgreSQL`. */
  readonly title: string
  /** What `engine` of a secret may be. */
  readonly names: readonly string[]
  readonly verified: boolean
  readonly strategies: readonly Strategy[]
  readonly defaults: { readonly port: number; readonly dbname?: string }
  /** Of a username, in the engine's own unit. */
  readonly usernameMax: number
  readonly passwords: PasswordRules
  /**
   * Whether a user may change its own password; where not, `single` and `dual` need a master secret. `without-master`: some may, and where the
   * secret names a master secret, the master does it; of `dual` that is so in any case.
   */
  readonly selfChange: boolean | 'without-master'
  /** Where secrets of this kind have members of other names, or more of them. */
  readonly members?: {
    readonly described: readonly Described[]
    /** Those of them that say where, or how, a credential is sent. */
    readonly ways?: readonly string[]
    /** The same in the usual members, with everything else as it is. Of what it gave itself it changes nothing. */
    read(value: SecretValue): SecretValue
    /** The value with this password, wherever it has it. */
    withPassword(value: SecretValue, password: string): SecretValue
  }
  /** What RotateSecret may give beside the options that every engine has. */
  readonly options?: readonly Described[]

  /** Its driver, `name@version`, where that is not installed with the rest: see `drivers.ts`. */
  readonly install?: string

  /**
   * Logs in. `user` is whom a master then acts for, where a user is more than a name: of one database among several, say.
   * @throws RotatorError `unreachable`, `tls`, `authentication`, `permission`
   */
  connect(login: Login, io: Io, user?: Login): Promise<C>
  /** Never throws. */
  close(connection: C): Promise<void>
  /** Names the server whatever address it was reached by; undefined where it does not tell. */
  serverId(connection: C): Promise<string | undefined>
  /** Whether the plan would work, as far as can be seen without changing anything. */
  preflight(connection: C, plan: Plan): Promise<readonly Finding[]>
  /** Never sends what the server would write into its log in clear, where the server knows another way. @throws RotatorError `permission`, `policy`, `other` */
  setPassword(connection: C, change: NewPassword): Promise<void>
  /**
   * For `alternating`, as the master: whether `to` is there, and whether the server itself shows that somebody who may administer both has made
   * it for `from`. A name that fits shows nothing. `known` are the passwords that the secret has for `to`: where the server shows that they open
   * all of it, it is related too.
   */
  relation?(
    connection: C,
    users: Pick<Clone, 'from' | 'to' | 'options'> & { readonly known: readonly string[] },
  ): Promise<Relation>
  /**
   * For `alternating`: makes `to`, or brings it up to date, so that it may do what `from` may, and gives it the password. May be called again
   * after any interruption.
   */
  clone?(connection: C, user: Clone): Promise<void>
  /** A trivial statement of the user's own. */
  probe(connection: C): Promise<void>
}
