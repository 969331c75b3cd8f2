// Secrets that an AWS service owns: which names are a service's, and which operations it keeps from the users of the account.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html

import * as errors from './errors.ts'
import type { Secret, Tag } from './model.ts'

/** What a service may keep to itself. Everything else is for users: to read, to tag, to set policies, to rotate where that is managed. */
export type OwnersOperation =
  | 'PutSecretValue'
  | 'UpdateSecret'
  | 'UpdateSecretVersionStage'
  /** Whether with a recovery window or without. */
  | 'DeleteSecret'
  /** With ForceDeleteWithoutRecovery: what the service depends on would be gone at once. */
  | 'DeleteSecret without recovery'
  | 'CancelRotateSecret'
  /** With RotationLambdaARN: what rotates the secret is the service's. */
  | 'RotateSecret by a function'

type Denied = ReadonlySet<OwnersOperation>

const CHANGES = ['PutSecretValue', 'UpdateSecret', 'UpdateSecretVersionStage'] as const
/** The common rule: users change neither value nor metadata, and delete with a recovery window only. */
const COMMON: Denied = new Set([...CHANGES, 'DeleteSecret without recovery', 'RotateSecret by a function'])
/** Of a service that rotates the secret and deletes it together with what it belongs to. */
const MANAGED: Denied = new Set([...COMMON, 'DeleteSecret', 'CancelRotateSecret'])

/** Every service that owns secrets, by the id that stands before `!` in their names, and what it denies to users. */
export const OWNERS = {
  appflow: COMMON,
  databrew: COMMON,
  datasync: COMMON,
  directconnect: COMMON,
  'ecs-sc': MANAGED,
  events: COMMON,
  'marketplace-deployment': COMMON,
  'opsworks-cm': COMMON,
  pcs: COMMON,
  rds: MANAGED,
  redshift: MANAGED,
  sqlworkbench: COMMON,
} as const satisfies { readonly [service: string]: Denied }

/** `rds` */
export type Owner = keyof typeof OWNERS

/** The tag that every owned secret has, and that only its service can set. */
export const OWNING_SERVICE_TAG = 'aws:secretsmanager:owningService'

export const owningServiceTag = (owner: Owner): Tag => ({ key: OWNING_SERVICE_TAG, value: owner })

/** What the names of a service's secrets begin with. */
export const ownersPrefix = (owner: Owner): string => `${owner}!`

/** @throws InvalidRequestException for a name that only a service may give. */
export function checkNewName(name: string): void {
  const owner = (Object.keys(OWNERS) as readonly Owner[]).find((owner) => name.startsWith(ownersPrefix(owner)))
  if (owner !== undefined) throw errors.reservedName(ownersPrefix(owner))
}

/** @throws InvalidRequestException where the secret's owner keeps the operation to itself. A service that is not in the table keeps all. */
export function checkOwner({ owningService }: Secret, operation: OwnersOperation): void {
  if (owningService === undefined) return
  const denied: Denied = OWNERS[owningService as Owner] ?? MANAGED
  if (denied.has(operation)) throw errors.ownedByService(owningService)
}
