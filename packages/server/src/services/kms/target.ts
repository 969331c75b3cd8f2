// Which key a KeyId means, and what policies and refusals may see of it.
// https://docs.aws.amazon.com/kms/latest/developerguide/find-cmk-id-arn.html

import type { Call } from '../../call.ts'
import type { KeyUsage } from '../../crypto/kms/spec.ts'
import type { ServiceError } from '../../errors.ts'
import { IntegrityError } from '../../errors.ts'
import type { AskedPermission, Target } from '../../operation.ts'
import type { Context } from '../../policy/engine.ts'
import { isOpenAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import type { Grant, GrantOperation } from './grant.ts'
import { checkGrantTokens, findGrant } from './grants.ts'
import { keyContext, requestContext } from './key-context.ts'
import { keyPolicyOf } from './key-policy.ts'
import { mustBeFit, type StateRow } from './key-states.ts'
import {
  aliasArn,
  aliasesOf,
  arnOf,
  type KeyName,
  type KmsKey,
  keyArn,
  parseKeyIdOrArn,
  parseKeyName,
} from './model.ts'
import type { EncryptionContext } from './port.ts'
import { findAlias, findKey, type Store, type StoredKey } from './store.ts'

export const RESOURCE_TYPE = 'AWS::KMS::Key'

export type KeyTarget = Target & {
  /** Undefined where there is none: known to `run`, but not told before authorization. */
  readonly stored: StoredKey | undefined
  /** What is told of that then. */
  readonly missing: ServiceError
}

export type Wants = {
  /** `any`: all four forms of a name. `key`: key id and key ARN only, as operations on the key itself take it. */
  readonly names: 'any' | 'key'
  /** Whether AWS lets another account's key be named. */
  readonly crossAccount: boolean
  /** What a grant must allow; absent where no grant can. */
  readonly grant?: GrantOperation
  readonly encryptionContext?: EncryptionContext | undefined
  readonly fits?: (grant: Grant) => boolean
}

type Caller = Store & Pick<Call, 'partition' | 'region' | 'account' | 'principal'>

/** The target of an operation on the key that KeyId names. */
export const keyTarget =
  (wants: Wants) =>
  (call: Call<{ readonly KeyId: string }>): Promise<KeyTarget> => {
    const input = call.input as {
      readonly EncryptionContext?: EncryptionContext
      readonly GrantTokens?: readonly string[]
    }
    checkGrantTokens(call, input.GrantTokens)
    const encryptionContext = wants.encryptionContext ?? input.EncryptionContext
    return resolveKey(call, call.input.KeyId, { ...wants, encryptionContext }, requestContext(call))
  }

/** What operations take that use a key: any name, of other accounts too, and a grant of the operation's own name. */
export const useTarget = (grant: GrantOperation) => keyTarget({ names: 'any', crossAccount: true, grant })

/** What operations take that manage a key of the caller's own account. */
export const ownKeyTarget = keyTarget({ names: 'key', crossAccount: false })

/**
 * What a KeyId means to a caller. Of a key of another account nothing shows: neither its policy, tags and grants, nor whether it exists.
 * @param request the condition keys that the request gives
 * @throws ServiceError NotFoundException, InvalidArnException for what names no key at all
 */
export async function resolveKey(caller: Caller, keyId: string, wants: Wants, request: Context): Promise<KeyTarget> {
  const name = wants.names === 'key' ? parseKeyIdOrArn(keyId, caller) : parseKeyName(keyId, caller)
  const context: Context = {
    ...request,
    ...(name.kind === 'alias' && { 'kms:RequestAlias': name.aliasName }),
  }
  const foreign = name.account !== caller.account
  const reachable = !foreign || (wants.crossAccount && (await isOpenAccount(caller.app, caller.tx, name.account)))
  const stored = reachable ? await findNamed(caller, name) : undefined
  if (stored === undefined) return missingKey(caller, name, keyId, context)
  return targetOf(caller, stored, keyId, context, wants)
}

/** What a key is to a caller who named it, or whose ciphertext does. */
export async function targetOf(
  caller: Caller,
  stored: StoredKey,
  named: string,
  request: Context,
  { grant: operation, encryptionContext, fits }: Pick<Wants, 'grant' | 'encryptionContext' | 'fits'>,
): Promise<KeyTarget> {
  const { key } = stored
  const granted =
    operation &&
    (await findGrant(caller, caller.principal, key, {
      operation,
      context: encryptionContext ?? (HAS_CONTEXT.has(operation) ? {} : undefined),
      ...(fits && { fits }),
    }))
  const of = { resourcePolicy: keyPolicyOf(key), ...(granted && { grant: granted }) }
  const arn = arnOf(key)
  const bare = { account: key.accountId, resourceType: RESOURCE_TYPE, stored, missing: errors.keyNotFound(arn) }
  return key.accountId === caller.account
    ? { ...bare, ...of, resource: arn, shown: arn, context: { ...keyContext(key), ...request } }
    : {
        ...bare,
        resource: named,
        shown: named,
        context: request,
        concealed: { ...of, resource: arn, context: keyContext(key) },
      }
}

/** Operations whose grants may have constraints: a call without an encryption context has an empty one. */
const HAS_CONTEXT: ReadonlySet<GrantOperation> = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
])

/** In the ARN that policies see of an alias that nothing has: no key has such an id. */
const NO_KEY_ID = '????????-????-????-????-????????????'

function missingKey(caller: Caller, name: KeyName, keyId: string, context: Context): KeyTarget {
  const scope = { ...caller, account: name.account }
  const arn = name.kind === 'key' ? keyArn(scope, name.keyId) : aliasArn(scope, name.aliasName)
  const own = name.kind === 'key' ? arn : keyArn(scope, NO_KEY_ID)
  const resource = name.account === caller.account ? own : keyId
  return {
    resource,
    shown: name.account === caller.account ? arn : keyId,
    account: name.account,
    resourceType: RESOURCE_TYPE,
    context,
    stored: undefined,
    missing: name.kind === 'key' ? errors.keyNotFound(arn) : errors.aliasNotFound(arn),
  }
}

/** The key behind a name. @throws IntegrityError where an alias and its key do not know each other */
export async function findNamed(store: Store & Pick<Call, 'region'>, name: KeyName): Promise<StoredKey | undefined> {
  const { region } = store
  if (name.kind === 'key') return findKey(store, name.account, region, name.keyId)
  const alias = await findAlias(store, name.account, region, name.aliasName)
  if (alias === undefined) return undefined
  const stored = await findKey(store, name.account, region, alias.targetKeyId)
  if (stored === undefined || !aliasesOf(stored.key).includes(name.aliasName))
    throw new IntegrityError(
      'kms_alias',
      [name.account, region, name.aliasName],
      'names a key that is gone, or not its own',
    )
  return stored
}

/** The key of a target. @throws ServiceError NotFoundException where there is none */
export function existingKey({ stored, missing }: KeyTarget): StoredKey {
  if (stored === undefined) throw missing
  return stored
}

/** The same in a state that is fit for what is asked. */
export function fitKey(target: KeyTarget, row: StateRow): StoredKey {
  const stored = existingKey(target)
  mustBeFit(stored.key, row)
  return stored
}

/** A key that may be used now, for what it is there for. @throws ServiceError also InvalidKeyUsageException */
export function usableKey(target: KeyTarget, usage: KeyUsage, operation: string): KmsKey {
  const { key } = fitKey(target, 'use')
  if (key.keyUsage !== usage) throw errors.wrongUsage(arnOf(key), key.keyUsage, operation)
  return key
}

/** An action on a target, for operations that ask for several. */
export const permissionOn = (target: KeyTarget, action: string, context: Context = {}): AskedPermission => ({
  action,
  resource: target.resource,
  ...(target.shown !== undefined && { shown: target.shown }),
  resourceAccount: target.account,
  context: { ...target.context, ...context },
  ...(target.resourcePolicy && { resourcePolicy: target.resourcePolicy }),
  ...(target.grant && { grant: target.grant }),
  ...(target.concealed && { concealed: target.concealed }),
})
