// What is carried over: secrets and parameters, as every source gives them and every target takes them. Names of members are AWS's.

import type { RotationRulesType } from '@aws-sdk/client-secrets-manager'

export type Value = { readonly SecretString: string } | { readonly SecretBinary: Uint8Array }

export type Tag = { readonly Key: string; readonly Value: string }

export type Version = {
  /** The id that it keeps at the target; absent where the source has no ids. */
  readonly id?: string
  /** Its staging labels but AWSPENDING; none: deprecated. */
  readonly stages: readonly string[]
  /** Read when it is needed, and kept nowhere. Undefined: the source has it no more. */
  readonly value: () => Promise<Value | undefined>
}

export type Rotation = { readonly functionArn?: string; readonly rules?: RotationRulesType }

export type SecretItem = {
  readonly kind: 'secret'
  readonly name: string
  /** At the source; absent where it has no ARNs. */
  readonly arn?: string
  readonly description?: string
  readonly type?: string
  /** As the source names it; absent: the default key, aws/secretsmanager. */
  readonly kmsKeyId?: string
  readonly tags: readonly Tag[]
  readonly policy?: string
  /** Present where rotation is on. */
  readonly rotation?: Rotation
  /** Those to carry over, oldest first. */
  readonly versions: readonly Version[]
  /** The ids of all versions that the source has: a secret whose labels stand on none but these is a copy. */
  readonly knownIds: ReadonlySet<string>
  /** What is not carried over. */
  readonly notes: readonly string[]
}

export type ParameterVersion = {
  readonly value: string
  readonly labels: readonly string[]
  readonly description?: string
  /** Of a SecureString, as the source names it; absent: the default key, aws/ssm. */
  readonly keyId?: string
  readonly allowedPattern?: string
  readonly advanced: boolean
  readonly dataType?: string
  /** As PutParameter takes them, of the latest version alone. */
  readonly policies?: string
}

export type ParameterItem = {
  readonly kind: 'parameter'
  readonly name: string
  readonly type: 'String' | 'StringList' | 'SecureString'
  readonly tags: readonly Tag[]
  /** Oldest first. */
  readonly versions: readonly ParameterVersion[]
  readonly notes: readonly string[]
}

/** What the source has and does not give, and why. `refused`: somebody has to mend something. */
export type LeftOut = { readonly leftOut: string; readonly refused?: true }

export type Item = SecretItem | ParameterItem

/** One secret or parameter of a source. */
export type Reference = {
  readonly kind: Item['kind']
  readonly name: string
  readonly read: () => Promise<Item | LeftOut>
}

export type Source = {
  /** How many references there are. */
  readonly total: number
  readonly references: Iterable<Reference> | AsyncIterable<Reference>
}
