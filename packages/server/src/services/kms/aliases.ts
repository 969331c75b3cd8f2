// Aliases: names for keys that can be moved to others. Creating, moving and deleting one asks for the action on the alias and on each key.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html

import type { Call } from '../../call.ts'
import type { AskedPermission, Target } from '../../operation.ts'
import * as errors from './errors.ts'
import { requestContext } from './key-context.ts'
import { aliasArn, aliasesOf, type KmsAlias, type KmsKey } from './model.ts'
import { findAlias, findKey, type StoredKey, updateKey } from './store.ts'
import { type KeyTarget, permissionOn, resolveKey, targetOf } from './target.ts'

export const ALIASES_MAX = 50
const NAME = /^alias\/[a-zA-Z0-9/_-]{1,250}$/

export type AliasTarget = Target & {
  readonly aliasArn: string
  readonly alias: KmsAlias | undefined
  /** The keys that are asked about: the one that the alias has, and the one that it is to have. */
  readonly current: KeyTarget | undefined
  readonly next: KeyTarget | undefined
}

type Input = { readonly AliasName: string; readonly TargetKeyId?: string }

/** @throws ServiceError InvalidAliasNameException, NotAuthorizedException */
export async function aliasTarget(call: Call<Input>): Promise<AliasTarget> {
  const { input, account, region } = call
  if (!NAME.test(input.AliasName)) throw errors.invalidAliasName()
  if (input.AliasName.startsWith('alias/aws/')) throw errors.reservedAlias()
  const arn = aliasArn(call, input.AliasName)
  const context = requestContext(call)
  const alias = await findAlias(call, account, region, input.AliasName)
  const current = alias && (await findKey(call, account, region, alias.targetKeyId))
  const next =
    input.TargetKeyId === undefined
      ? undefined
      : await resolveKey(call, input.TargetKeyId, { names: 'key', crossAccount: false }, context)
  return {
    resource: arn,
    shown: arn,
    account,
    resourceType: 'AWS::KMS::Alias',
    context: { ...context, 'kms:RequestAlias': input.AliasName },
    aliasArn: arn,
    alias,
    current: current && (await targetOf(call, current, current.key.keyId, context, {})),
    next,
  }
}

/** On the alias by the caller's own policies, on each key by its policy too. */
export const aliasPermissions = (
  action: string,
  { resource, aliasArn: arn, account, context, current, next }: AliasTarget,
  which: readonly ('current' | 'next')[],
): readonly AskedPermission[] => [
  { action, resource, shown: arn, resourceAccount: account, ...(context && { context }) },
  ...which.flatMap((one) => (one === 'current' ? current : next) ?? []).map((target) => permissionOn(target, action)),
]

/** @throws ServiceError LimitExceededException */
export async function addAlias(call: Call, stored: StoredKey, aliasName: string): Promise<void> {
  const aliases = [...aliasesOf(stored.key), aliasName]
  if (aliases.length > ALIASES_MAX) throw errors.limitExceeded(`A KMS key has at most ${ALIASES_MAX} aliases.`)
  await updateKey(call, stored, { ...stored.key, aliases })
}

export async function dropAlias(call: Call, stored: StoredKey, aliasName: string): Promise<void> {
  await updateKey(call, stored, {
    ...stored.key,
    aliases: aliasesOf(stored.key).filter((name) => name !== aliasName),
  })
}

/** An alias moves among keys of one type and usage only. @throws ServiceError ValidationException */
export function mustBeAlike(one: KmsKey, other: KmsKey): void {
  const type = ({ keySpec }: KmsKey): string =>
    keySpec === 'SYMMETRIC_DEFAULT' ? 'sym' : keySpec.startsWith('HMAC') ? 'hmac' : 'asym'
  if (type(one) !== type(other)) throw errors.aliasTargetDiffers('key type')
  if (one.keyUsage !== other.keyUsage) throw errors.aliasTargetDiffers('key usage')
}
