// A registered database: an instance (`db`) or a cluster, as its sealed row has it.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html

import type { Rights } from '../secretsmanager/port.ts'

export type Kind = 'db' | 'cluster'

export type Tag = { readonly key: string; readonly value: string }

/** A master password under a KMS key, with the rights of who gave it: nobody else's are there when it is changed. */
export type SealedPassword = {
  /** Base64: `u32 length ‖ encrypted data key ‖ encrypted password`. */
  readonly bytes: string
  readonly rights: Rights
}

/** The journal of a password that is being set in the database. Until its outcome is known both passwords are kept. */
export type PasswordChange = {
  readonly id: string
  readonly password: SealedPassword
  /** Whether it was begun before: what it is to set may be set. */
  readonly begun: boolean
  /** Whether the managed secret goes when it is done. */
  readonly release: boolean
}

/** The sealed body of a row of `rds_database`. Times are ms since 1970, service clock. */
export type RegisteredDatabase = {
  readonly account: string
  readonly region: string
  readonly kind: Kind
  /** Lower case. */
  readonly identifier: string
  /** `db-` or `cluster-` and 26 characters: another database of the same name is another one. */
  readonly resourceId: string
  readonly engine: Engine
  readonly host: string
  readonly port: number
  readonly dbname?: string
  /** False only where the registrant said so. */
  readonly tls: boolean
  /** PEM. */
  readonly ca?: string
  readonly masterUsername: string
  readonly createdAt: number
  /** It is shown once CreateDBInstance or CreateDBCluster has taken it. */
  readonly awaitsCreate?: true
  /** Absent where the password is managed: then it is in the secret. */
  readonly password?: SealedPassword
  readonly secret?: {
    readonly name: string
    readonly arn: string
    readonly kmsKeyArn: string
    readonly kmsKeyId?: string
  }
  readonly change?: PasswordChange
  /** Why the latest change was given up or, while there is one, why its latest attempt failed. Never a value. */
  readonly refusal?: string
  readonly tags: readonly Tag[]
}

export const INSTANCE_ENGINES = ['mariadb', 'mysql', 'postgres'] as const
export const CLUSTER_ENGINES = ['aurora-mysql', 'aurora-postgresql', 'mysql', 'postgres'] as const
export type Engine = (typeof INSTANCE_ENGINES)[number] | (typeof CLUSTER_ENGINES)[number]

/** What every registered database says it is: the machine is not ours. */
export const DB_INSTANCE_CLASS = 'db.external'

export const RESOURCE_TYPES = { db: 'AWS::RDS::DBInstance', cluster: 'AWS::RDS::DBCluster' } as const

export const DATABASES_MAX = 1_000
export const TAGS_MAX = 50

type Place = { readonly partition: string; readonly region: string; readonly account: string }

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.ARN.Constructing.html */
export const databaseArn = ({ partition, region, account }: Place, kind: Kind, identifier: string): string =>
  `arn:${partition}:rds:${region}:${account}:${kind}:${identifier}`

const IDENTIFIER = /^[a-z](?:-?[a-z0-9])*$/

/** Lower case; undefined for what is no identifier. */
export function parseIdentifier(text: string): string | undefined {
  const identifier = text.toLowerCase()
  return identifier.length <= 63 && IDENTIFIER.test(identifier) ? identifier : undefined
}

/** An identifier, or the ARN of one in the caller's own account and Region. Undefined for what can be none there. */
export function parseReference(place: Place, kind: Kind, text: string): string | undefined {
  if (!text.startsWith('arn:')) return parseIdentifier(text)
  const prefix = databaseArn(place, kind, '')
  return text.startsWith(prefix) ? parseIdentifier(text.slice(prefix.length)) : undefined
}
