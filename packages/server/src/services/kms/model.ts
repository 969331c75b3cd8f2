// What a KMS key is, how it is named, and the policies that keys begin with. Pure.

import {
  type EncryptionAlgorithm,
  encryptionAlgorithmsOf,
  type KeySpec,
  type KeyUsage,
  macAlgorithmsOf,
  signingAlgorithmsOf,
} from '../../crypto/kms/spec.ts'
import { lengthPrefixed } from '../../crypto/length-prefix.ts'
import type { PrincipalIds } from '../../policy/engine.ts'
import { aliasNotTaken, invalidArn, invalidKeyId, otherRegion } from './errors.ts'

/** Creating, Updating and Unavailable never show here: what makes them on AWS is done in one transaction. */
export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingReplicaDeletion' | 'PendingImport'

export type Origin = 'AWS_KMS' | 'EXTERNAL'

export type Tag = { readonly key: string; readonly value: string }

/** The key as a container: what is in row `kms_key`. Times are milliseconds since the epoch, service clock. */
export type KmsKey = {
  readonly partition: string
  readonly accountId: string
  readonly region: string
  readonly keyId: string
  readonly createdAt: number
  readonly description: string
  readonly keyManager: 'AWS' | 'CUSTOMER'
  /** The service whose managed key it is. */
  readonly managedFor?: ManagedService
  readonly keySpec: KeySpec
  readonly keyUsage: KeyUsage
  readonly origin: Origin
  readonly keyState: KeyState
  /** The document's text as it was put; `principalIds` tells whom it names, as they were then. */
  readonly policy: string
  readonly principalIds?: PrincipalIds
  /** What encrypts now, in hexadecimal; older material only decrypts. Absent until material was imported. */
  readonly currentMaterialId?: string
  /** All material that the key ever had, oldest first. Absent: the current one, since the key was made. */
  readonly materials?: readonly MaterialEntry[]
  /** SubjectPublicKeyInfo of an asymmetric key, base64. */
  readonly publicKey?: string
  /** In the order in which they were made. Absent: of a managed key its own, of others none. */
  readonly aliases?: readonly string[]
  readonly tags?: readonly Tag[]
  /** Absent: automatic rotation is off. */
  readonly rotation?: { readonly periodDays: number; readonly nextAt: number }
  /** From ScheduleKeyDeletion on. `date` is absent while replicas hold up the deletion of their primary. */
  readonly deletion?: { readonly windowDays: number; readonly date?: number }
  /** Digests of the rows of grants, by bucket: no other row holds. */
  readonly grants?: { readonly [bucket: string]: string }
  readonly grantCount?: number
  readonly multiRegion?: { readonly primaryRegion: string; readonly replicaRegions: readonly string[] }
}

export type MaterialEntry = {
  readonly materialId: string
  readonly createdAt: number
  /** Absent for the first material, and for what was imported and not rotated to yet. */
  readonly rotation?: { readonly type: 'AUTOMATIC' | 'ON_DEMAND'; readonly date: number }
  /** Imported, and awaiting RotateKeyOnDemand. */
  readonly pending?: true
  /** It was imported and is gone again: deleted or expired. */
  readonly absent?: true
  readonly description?: string
  /** When imported material expires. */
  readonly validTo?: number
}

export type KmsAlias = {
  readonly aliasName: string
  readonly targetKeyId: string
  readonly createdAt: number
  readonly updatedAt?: number
}

/** One version of a key's material, wrapped: what is in row `kms_material`. */
export type KmsMaterial = {
  readonly materialId: string
  readonly partition: string
  readonly accountId: string
  readonly region: string
  readonly keyId: string
  readonly keySpec: KeySpec
  readonly keyUsage: KeyUsage
  readonly origin: Origin
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

export const arnOf = (key: Pick<KmsKey, 'partition' | 'region' | 'accountId' | 'keyId'>): string =>
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

/** The two forms that operations on the key itself take. @throws ServiceError NotFoundException, InvalidArnException */
export function parseKeyIdOrArn(text: string, scope: KeyScope): KeyName & { readonly kind: 'key' } {
  if (text.startsWith('arn:') && text.split(':').length !== 6) throw invalidArn(text)
  const name = parseKeyName(text, scope)
  if (name.kind === 'alias') throw aliasNotTaken(text)
  return name
}

/** The key id of a multi-Region key from a uuid. */
export const multiRegionKeyId = (uuid: string): string => `mrk-${uuid.replaceAll('-', '')}`

export const materialsOf = (key: KmsKey): readonly MaterialEntry[] =>
  key.materials ??
  (key.currentMaterialId === undefined ? [] : [{ materialId: key.currentMaterialId, createdAt: key.createdAt }])

export const aliasesOf = (key: KmsKey): readonly string[] =>
  key.aliases ?? (key.managedFor === undefined ? [] : [managedAlias(key.managedFor)])

/** `true` for the primary key of a set, and for its replicas. */
export const isMultiRegion = (key: KmsKey): boolean => key.multiRegion !== undefined
export const isReplica = (key: KmsKey): boolean =>
  key.multiRegion !== undefined && key.multiRegion.primaryRegion !== key.region

/** The Regions of the other keys of its set. */
export const relatedRegions = ({ region, multiRegion }: KmsKey): readonly string[] =>
  multiRegion === undefined
    ? []
    : [multiRegion.primaryRegion, ...multiRegion.replicaRegions].filter((related) => related !== region)

/** The algorithms that a key takes; of an RSA key those of its usage. */
export const encryptionAlgorithms = ({ keySpec, keyUsage }: KmsKey): readonly EncryptionAlgorithm[] =>
  keyUsage === 'ENCRYPT_DECRYPT' ? encryptionAlgorithmsOf(keySpec) : []

/** What DescribeKey, CreateKey and ReplicateKey tell of a key. */
export function keyMetadata(key: KmsKey) {
  const { keySpec, keyUsage, deletion, multiRegion } = key
  const place = (region: string) => ({
    Arn: keyArn({ partition: key.partition, region, account: key.accountId }, key.keyId),
    Region: region,
  })
  const current = materialsOf(key).find(({ materialId }) => materialId === key.currentMaterialId)
  const imported = key.origin === 'EXTERNAL' && current !== undefined && current.absent === undefined
  const encryption = encryptionAlgorithms(key)
  const signing = keyUsage === 'SIGN_VERIFY' ? signingAlgorithmsOf(keySpec) : []
  const macs = macAlgorithmsOf(keySpec)
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: arnOf(key),
    CreationDate: key.createdAt,
    Enabled: key.keyState === 'Enabled',
    Description: key.description,
    KeyUsage: keyUsage,
    KeyState: key.keyState,
    ...(deletion?.date !== undefined && { DeletionDate: deletion.date }),
    ...(key.keyState === 'PendingReplicaDeletion' && { PendingDeletionWindowInDays: deletion!.windowDays }),
    Origin: key.origin,
    ...(imported && {
      ExpirationModel: current.validTo === undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : 'KEY_MATERIAL_EXPIRES',
      ...(current.validTo !== undefined && { ValidTo: current.validTo }),
    }),
    KeyManager: key.keyManager,
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    ...(encryption.length > 0 && { EncryptionAlgorithms: encryption }),
    ...(signing.length > 0 && { SigningAlgorithms: signing }),
    ...(keyUsage === 'KEY_AGREEMENT' && { KeyAgreementAlgorithms: ['ECDH'] }),
    ...(macs.length > 0 && { MacAlgorithms: macs }),
    MultiRegion: multiRegion !== undefined,
    ...(multiRegion !== undefined && {
      MultiRegionConfiguration: {
        MultiRegionKeyType: isReplica(key) ? 'REPLICA' : 'PRIMARY',
        PrimaryKey: place(multiRegion.primaryRegion),
        ReplicaKeys: multiRegion.replicaRegions.map(place),
      },
    }),
    ...(keySpec === 'SYMMETRIC_DEFAULT' && current !== undefined && { CurrentKeyMaterialId: current.materialId }),
  } as const
}

/**
 * The policy of a key that was made without one: its account may give access to it by policies of its own.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
export const defaultKeyPolicy = ({ partition, account }: Pick<KeyScope, 'partition' | 'account'>): string =>
  JSON.stringify(
    {
      Version: '2012-10-17',
      Id: 'key-default-1',
      Statement: [
        {
          Sid: 'Enable IAM User Permissions',
          Effect: 'Allow',
          Principal: { AWS: `arn:${partition}:iam::${account}:root` },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    },
    undefined,
    2,
  )

/** The services that have an AWS managed key. */
export const MANAGED_SERVICES = ['rds', 'secretsmanager', 'ssm'] as const
export type ManagedService = (typeof MANAGED_SERVICES)[number]
export const isManagedService = (service: string): service is ManagedService =>
  MANAGED_SERVICES.includes(service as ManagedService)

/** How AWS words what a managed key is for. */
export const MANAGED_KEYS: {
  readonly [service in ManagedService]: { readonly description: string; readonly sid: string }
} = {
  rds: {
    description: 'Default key that protects the credentials of my registered databases',
    sid: 'Allow access through RDS for all principals in the account that are authorized to use RDS',
  },
  secretsmanager: {
    description: 'Default key that protects my Secrets Manager data when no other key is defined',
    sid: 'Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager',
  },
  ssm: {
    description: 'Default key that protects my SSM data when no other key is defined',
    sid: 'Allow access through SSM for all principals in the account that are authorized to use SSM',
  },
}

/**
 * The policy of an AWS managed key: every principal of the account, through the service.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-policies
 */
export const managedKeyPolicy = (service: ManagedService, { partition, region, account }: KeyScope): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: MANAGED_KEYS[service].sid,
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
