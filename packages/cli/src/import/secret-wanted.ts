// What a secret of the source is to be at the target, apart from its versions: its keys, accounts and functions are called as they are there. Pure.

import type { SecretItem, Tag } from './item.ts'
import { mapFunction, mapKey, placeOf, RefusedError } from './mapping.ts'
import type { CarryOptions } from './outcome.ts'
import { type MappedPolicy, mapPolicy } from './policy-mapping.ts'

export const DEFAULT_KEY = 'alias/aws/secretsmanager'

export type Wanted = {
  readonly Description: string
  readonly Type: string
  readonly KmsKeyId: string
  readonly tags: readonly Tag[]
  /** As it stands at the secret of this ARN. */
  readonly policy?: (targetArn: string) => MappedPolicy
  /** The ARN of the function, for the secret of this ARN. Absent: rotation is not turned on. */
  readonly rotation?: (targetArn: string) => string
  /** What is not carried over, and what somebody should look at. */
  readonly told: readonly string[]
}

/** @throws RefusedError where something is not mapped */
export function wantedOf(item: SecretItem, options: CarryOptions, targetArn = placeholderArn(item)): Wanted {
  const policy = options.policies ? policyOf(item, options) : undefined
  const rotation = options.rotation ? rotationOf(item, options) : undefined
  // What cannot be mapped is found now, before anything is written.
  const mapped = policy?.(targetArn)
  rotation?.(targetArn)
  return {
    Description: item.description ?? '',
    Type: item.type ?? '',
    KmsKeyId: mapKey(options.mapping, item.kmsKeyId, DEFAULT_KEY) ?? DEFAULT_KEY,
    tags: item.tags,
    ...(policy && { policy }),
    ...(rotation && { rotation }),
    told: [...item.notes, ...(mapped?.notes ?? []), ...leftBehind(item, options)],
  }
}

/** Where the secret will be, as far as mapping needs to know. */
const placeholderArn = ({ name }: SecretItem): string => `arn:aws:secretsmanager:region:000000000000:secret:${name}`

function policyOf({ arn, policy }: SecretItem, { mapping }: CarryOptions): Wanted['policy'] {
  if (policy === undefined || arn === undefined) return undefined
  return (targetArn) =>
    mapPolicy(policy, mapping, { sourceArn: arn, source: placeOf(arn), targetArn, target: placeOf(targetArn) })
}

function rotationOf({ arn, rotation }: SecretItem, { mapping }: CarryOptions): Wanted['rotation'] {
  if (rotation === undefined || arn === undefined) return undefined
  const { functionArn } = rotation
  if (functionArn === undefined) throw new RefusedError('its partner rotates it at the source: leave --rotation out')
  return (targetArn) => mapFunction(mapping, functionArn, placeOf(arn), placeOf(targetArn))
}

function leftBehind({ policy, rotation }: SecretItem, options: CarryOptions): readonly string[] {
  return [
    ...(policy !== undefined && !options.policies ? ['not copied: its resource policy'] : []),
    ...(rotation !== undefined && !options.rotation
      ? ['not copied: its rotation, which goes on at the source; --rotation turns it on at the target']
      : []),
  ]
}
