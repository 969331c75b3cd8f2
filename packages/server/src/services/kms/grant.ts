// What a grant is: who may do what with a key, and under which encryption contexts. Pure.
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html

import { type KeySpec, type KeyUsage, keyUsagesOf } from '../../crypto/kms/spec.ts'
import type { PolicyPrincipal } from '../../policy/engine.ts'
import type { EncryptionContext } from './port.ts'

/** What a grant may allow. */
export const GRANT_OPERATIONS = [
  'CreateGrant',
  'Decrypt',
  'DeriveSharedSecret',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'GetPublicKey',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
  'Sign',
  'Verify',
  'VerifyMac',
] as const
export type GrantOperation = (typeof GRANT_OPERATIONS)[number]

/** Who a grant is to, or who may retire it: as it was given, and as the one it was then. */
export type GrantPrincipal = {
  readonly arn: string
  /** Of a user, a role or a role session: who is made again under the ARN is another. */
  readonly id?: string
  /** Of an account: its 12 digits. */
  readonly account?: string
}

export type Constraints = { readonly equals?: EncryptionContext; readonly subset?: EncryptionContext }

/** In a row of `kms_grant`. */
export type Grant = {
  /** 64 hexadecimal digits, of which the first two name the bucket. */
  readonly grantId: string
  readonly name?: string
  readonly createdAt: number
  readonly grantee: GrantPrincipal
  readonly retiring?: GrantPrincipal
  /** The account that made it. */
  readonly issuingAccount: string
  readonly operations: readonly GrantOperation[]
  readonly constraints?: Constraints
}

/** What a key of a usage can be asked for. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html */
export function grantOperationsOf(spec: KeySpec, usage: KeyUsage): readonly GrantOperation[] {
  const always: readonly GrantOperation[] = ['CreateGrant', 'DescribeKey', 'RetireGrant']
  const encrypts: readonly GrantOperation[] = ['Decrypt', 'Encrypt', 'ReEncryptFrom', 'ReEncryptTo']
  if (spec === 'SYMMETRIC_DEFAULT') {
    const dataKeys = GRANT_OPERATIONS.filter((operation) => operation.startsWith('GenerateDataKey'))
    return [...always, ...encrypts, ...dataKeys]
  }
  if (!keyUsagesOf(spec).includes(usage)) return always
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return [...always, ...encrypts, 'GetPublicKey']
    case 'SIGN_VERIFY':
      return [...always, 'Sign', 'Verify', 'GetPublicKey']
    case 'GENERATE_VERIFY_MAC':
      return [...always, 'GenerateMac', 'VerifyMac']
    case 'KEY_AGREEMENT':
      return [...always, 'DeriveSharedSecret', 'GetPublicKey']
  }
}

/** Whether a principal of a grant is the caller, and in which of its ways. */
export function namesCaller(
  { arn, id, account }: GrantPrincipal,
  caller: PolicyPrincipal,
): 'direct' | 'role' | 'account' | undefined {
  if (account !== undefined) return account === caller.account ? 'account' : undefined
  if (id === undefined) return caller.kind === 'federated-user' && caller.arn === arn ? 'direct' : undefined
  if (caller.kind === 'user' || caller.kind === 'role-session') {
    if (caller.userId === id) return 'direct'
    if (caller.role?.roleId === id) return 'role'
  }
  return undefined
}

/** Under what a caller's grants may lie. */
export const granteeNames = (caller: PolicyPrincipal): readonly string[] => [
  ...(caller.kind === 'federated-user' ? [caller.arn] : [caller.userId]),
  ...(caller.role === undefined ? [] : [caller.role.roleId]),
  caller.account,
]

/** Under what the grants to a principal lie. */
export const granteeName = ({ arn, id, account }: GrantPrincipal): string => id ?? account ?? arn

/** The constraints hold for what has an encryption context; for the rest they say nothing. */
export function allowsContext({ constraints }: Grant, context: EncryptionContext): boolean {
  const { equals, subset } = constraints ?? {}
  if (equals !== undefined && !(holds(context, equals) && holds(equals, context))) return false
  return subset === undefined || holds(context, subset)
}

const holds = (context: EncryptionContext, pairs: EncryptionContext): boolean =>
  Object.entries(pairs).every(([key, value]) => Object.hasOwn(context, key) && context[key] === value)

/** Whether a grant made on the strength of another gives no more than that: no other operation, and constraints as strict or stricter. */
export function isWithin(child: Pick<Grant, 'operations' | 'constraints'>, parent: Grant): boolean {
  if (!child.operations.every((operation) => parent.operations.includes(operation))) return false
  const { equals, subset } = parent.constraints ?? {}
  const { equals: childEquals, subset: childSubset } = child.constraints ?? {}
  if (equals !== undefined) {
    if (childEquals === undefined || !holds(childEquals, equals) || !holds(equals, childEquals)) return false
  }
  if (subset === undefined) return true
  return (
    (childEquals !== undefined && holds(childEquals, subset)) ||
    (childSubset !== undefined && holds(childSubset, subset))
  )
}
