// What a KMS key is, how it is named, and the policy of the AWS managed key. Pure.

import { lengthPrefixed } from '../../crypto/length-prefix.ts'
import { invalidKeyId, otherRegion } from './errors.ts'

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** The key as a container: what is in row `kms_key`. */
export type KmsKey = {
  readonly partition: string
  readonly accountId: string
  readonly region: string
  readonly keyId: string
  /** Milliseconds since the epoch, service clock. */
  readonly createdAt: number
  readonly description: string
  readonly keyManager: 'AWS' | 'CUSTOMER'
  /** The service whose managed key it is: `secretsmanager`. */
  readonly managedFor?: string
  readonly keySpec: 'SYMMETRIC_DEFAULT'
  readonly keyUsage: 'ENCRYPT_DECRYPT'
  readonly origin: 'AWS_KMS'
  readonly keyState: KeyState
  /** The document's text, as GetKeyPolicy will return it. */
  readonly policy: string
  /** What encrypts now, in hexadecimal; older material only decrypts. */
  readonly currentMaterialId: string
}

export type KmsAlias = { readonly aliasName: string; readonly targetKeyId: string; readonly createdAt: number }

/** One version of a key's material, wrapped: what is in row `kms_material`. */
export type KmsMaterial = {
  readonly materialId: string
  readonly partition: string
  readonly accountId: string
  readonly region: string
  readonly keyId: string
  readonly keySpec: KmsKey['keySpec']
  readonly keyUsage: KmsKey['keyUsage']
  readonly origin: KmsKey['origin']
  readonly createdAt: number
  /** base64 of what `keyring.seal` gave. */
  readonly wrapped: string
}

/** Where names resolve. */
export type KeyScope = { readonly partition: string; readonly region: string; readonly account: string }

export const keyArn = ({ partition, region, account }: KeyScope, keyId: string): string =>
  `arn:${partition}:kms:${region}:${account}:key/${keyId}`

export const aliasArn = ({ partition, region, account }: KeyScope, aliasName: string): string =>
  `arn:${partition}:kms:${region}:${account}:${aliasName}`

export const arnOf = (key: KmsKey): string =>
  keyArn({ partition: key.partition, region: key.region, account: key.accountId }, key.keyId)

export const managedAlias = (service: string): string => `alias/aws/${service}`

export type KeyName =
  | { readonly kind: 'key'; readonly account: string; readonly keyId: string }
  | { readonly kind: 'alias'; readonly account: string; readonly aliasName: string }

const KEY_ID = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/
const ALIAS_NAME = /^alias\/[a-zA-Z0-9/_-]{1,250}$/

/**
 * The four forms of a KeyId: key id, key ARN, alias name, alias ARN. Ids and names belong to the caller's account.
 * @throws ServiceError NotFoundException where it is none of them or names another region
 */
export function parseKeyName(text: string, scope: KeyScope): KeyName {
  if (ALIAS_NAME.test(text)) return { kind: 'alias', account: scope.account, aliasName: text }
  if (KEY_ID.test(text)) return { kind: 'key', account: scope.account, keyId: text }

  const [arn, partition, service, region, account, name, ...rest] = text.split(':')
  if (arn !== 'arn' || partition !== scope.partition || service !== 'kms' || rest.length > 0) throw invalidKeyId(text)
  if (name === undefined || account === undefined || !/^\d{12}$/.test(account)) throw invalidKeyId(text)
  if (region !== scope.region) throw otherRegion(region ?? '')
  if (ALIAS_NAME.test(name)) return { kind: 'alias', account, aliasName: name }
  const keyId = name.slice('key/'.length)
  if (name.startsWith('key/') && KEY_ID.test(keyId)) return { kind: 'key', account, keyId }
  throw invalidKeyId(text)
}

/**
 * The policy of an AWS managed key: every principal of the account, through the service.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-policies
 */
export const managedKeyPolicy = (service: 'secretsmanager', { partition, region, account }: KeyScope): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: 'Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncrypt*',
          'kms:GenerateDataKey*',
          'kms:CreateGrant',
          'kms:DescribeKey',
        ],
        Resource: '*',
        Condition: {
          StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com`, 'kms:CallerAccount': account },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'],
        Resource: '*',
      },
    ],
  })

/** Wrapped material opens only as what it was wrapped as. The domain key's version is bound by the keyring itself. */
export const materialAad = (material: Omit<KmsMaterial, 'wrapped' | 'createdAt'>): readonly Uint8Array[] => [
  lengthPrefixed([
    'ekt/1',
    material.partition,
    material.accountId,
    material.region,
    material.keyId,
    material.materialId,
    material.keySpec,
    material.keyUsage,
    material.origin,
  ]),
]
