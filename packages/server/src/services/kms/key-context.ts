// Condition keys of KMS: what a key gives and what a request gives.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

import type { Call } from '../../call.ts'
import type { Context } from '../../policy/engine.ts'
import { aliasesOf, isReplica, type KmsKey } from './model.ts'
import type { EncryptionContext } from './port.ts'

const known = new WeakMap<KmsKey, Context>()

/** What is so of a key, whoever asks. */
export function keyContext(key: KmsKey): Context {
  let context = known.get(key)
  if (context === undefined) {
    const { keySpec, keyUsage, origin, multiRegion, tags = [] } = key
    context = {
      ...specContext({ keySpec, keyUsage, origin, multiRegion: multiRegion !== undefined }),
      'kms:MultiRegionKeyType': multiRegion && (isReplica(key) ? 'REPLICA' : 'PRIMARY'),
      'kms:PrimaryRegion': multiRegion?.primaryRegion,
      'kms:ResourceAliases': aliasesOf(key),
      ...Object.fromEntries(tags.map(({ key: name, value }) => [`aws:ResourceTag/${name}`, value])),
    }
    known.set(key, context)
  }
  return context
}

/** Of a key, or of one that is to be made. */
export const specContext = (of: {
  readonly keySpec: string
  readonly keyUsage: string
  readonly origin: string
  readonly multiRegion: boolean
}): Context => ({
  'kms:KeySpec': of.keySpec,
  'kms:KeyUsage': of.keyUsage,
  'kms:KeyOrigin': of.origin,
  'kms:CustomerMasterKeySpec': of.keySpec,
  'kms:CustomerMasterKeyUsage': of.keyUsage,
  'kms:MultiRegion': String(of.multiRegion),
})

/** An encryption context, pair by pair and as the list of its keys. */
export const encryptionContextKeys = (context: EncryptionContext | undefined): Context =>
  context === undefined
    ? {}
    : {
        ...Object.fromEntries(Object.entries(context).map(([key, value]) => [`kms:EncryptionContext:${key}`, value])),
        'kms:EncryptionContextKeys': Object.keys(context),
      }

/** The members of inputs that are condition keys of the same meaning in every operation that has them. */
const MEMBERS: { readonly [member: string]: string } = {
  BypassPolicyLockoutSafetyCheck: 'kms:BypassPolicyLockoutSafetyCheck',
  EncryptionAlgorithm: 'kms:EncryptionAlgorithm',
  ExpirationModel: 'kms:ExpirationModel',
  GranteePrincipal: 'kms:GranteePrincipal',
  KeyAgreementAlgorithm: 'kms:KeyAgreementAlgorithm',
  KeyPairSpec: 'kms:DataKeyPairSpec',
  MacAlgorithm: 'kms:MacAlgorithm',
  MessageType: 'kms:MessageType',
  Operations: 'kms:GrantOperations',
  PendingWindowInDays: 'kms:ScheduleKeyDeletionPendingWindowInDays',
  PrimaryRegion: 'kms:PrimaryRegion',
  ReplicaRegion: 'kms:ReplicaRegion',
  RetiringPrincipal: 'kms:RetiringPrincipal',
  RotationPeriodInDays: 'kms:RotationPeriodInDays',
  SigningAlgorithm: 'kms:SigningAlgorithm',
  WrappingAlgorithm: 'kms:WrappingAlgorithm',
  WrappingKeySpec: 'kms:WrappingKeySpec',
}

/** What a request gives: who calls, and whatever of its members policies may ask for. */
export function requestContext({ account, input }: Pick<Call, 'account' | 'input'>): Context {
  const given = input as { readonly [member: string]: unknown }
  const context: Record<string, string | readonly string[] | undefined> = {
    'kms:CallerAccount': account,
    ...encryptionContextKeys(given.EncryptionContext as EncryptionContext | undefined),
  }
  for (const [member, key] of Object.entries(MEMBERS)) {
    const value = given[member]
    if (value !== undefined) context[key] = Array.isArray(value) ? value : String(value)
  }
  if (typeof given.ValidTo === 'number') context['kms:ValidTo'] = new Date(given.ValidTo).toISOString()
  return context
}
