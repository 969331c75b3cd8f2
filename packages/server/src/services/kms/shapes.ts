// The members that the operations share, declared once: limits and what is sensitive.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html

import {
  blob,
  boolean,
  enumeration,
  integer,
  list,
  map,
  optional,
  string,
  structure,
  timestamp,
} from '../../shape/shape.ts'
import { GRANT_OPERATIONS } from './grant.ts'

export const KeyId = string({ min: 1, max: 2048 })
export const Arn = string()
export const Description = string({ max: 8192 })
export const AliasName = string({
  min: 1,
  max: 256,
  pattern: /^[a-zA-Z0-9:/_-]+$/,
  patternText: '^[a-zA-Z0-9:/_-]+$',
})

/** A policy document, as JSON. */
export const Policy = string({
  min: 1,
  max: 32_768,
  pattern: /^[\u0009\u000A\u000D\u0020-\u00FF]+$/,
  patternText: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
})
export const PolicyName = string({ min: 1, max: 128, pattern: /^\w+$/, patternText: '[\\w]+' })

export const Tag = structure({ TagKey: string({ min: 1, max: 128 }), TagValue: string({ max: 256 }) })
export const Tags = list(Tag)
export const TagKeys = list(string({ min: 1, max: 128 }))

export const Limit = integer({ min: 1, max: 1000 })
export const Marker = string({ min: 1, max: 1024, pattern: /^[\u0020-\u00FF]*$/, patternText: '[\\u0020-\\u00FF]*' })
export const NextMarker = string()

export const EncryptionContext = map(string(), string())
export const GrantToken = string({ min: 1, max: 8192 })
export const GrantTokens = list(GrantToken, { max: 10 })

export const Plaintext = blob({ min: 1, max: 4096, sensitive: true })
export const Message = blob({ min: 1, max: 4096, sensitive: true })
export const CiphertextBlob = blob({ min: 1, max: 6144, unlogged: true })
export const Signature = blob({ min: 1, max: 6144, unlogged: true })
export const Mac = blob({ min: 1, max: 6144, unlogged: true })
export const PublicKey = blob({ min: 1, max: 8192, unlogged: true })
export const NumberOfBytes = integer({ min: 1, max: 1024 })

export const KeySpec = enumeration(
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
  'ML_KEM_512',
  'ML_KEM_768',
  'ML_KEM_1024',
)
export const KeyPairSpec = enumeration(
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SM2',
  'ECC_NIST_EDWARDS25519',
  'ML_KEM_512',
  'ML_KEM_768',
  'ML_KEM_1024',
)
export const DataKeySpec = enumeration('AES_256', 'AES_128')
export const KeyUsage = enumeration(
  'SIGN_VERIFY',
  'ENCRYPT_DECRYPT',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
  'ENCAPSULATE_DECAPSULATE',
)
export const Origin = enumeration('AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE')
export const EncryptionAlgorithm = enumeration('SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE')
export const SigningAlgorithm = enumeration(
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'SM2DSA',
  'ML_DSA_SHAKE_256',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
)
export const MessageType = enumeration('RAW', 'DIGEST', 'EXTERNAL_MU')
export const MacAlgorithm = enumeration('HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512')
export const KeyAgreementAlgorithm = enumeration('ECDH')
export const EncapsulationAlgorithm = enumeration('ML_KEM')
export const WrappingAlgorithm = enumeration(
  'RSAES_PKCS1_V1_5',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
  'SM2PKE',
)
export const WrappingKeySpec = enumeration('RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2')
export const ExpirationModel = enumeration('KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE')
export const ImportType = enumeration('NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL')
export const KeyMaterialId = string({ min: 64, max: 64, pattern: /^[a-f0-9]+$/, patternText: '^[a-f0-9]+$' })
export const KeyMaterialDescription = string({ max: 256 })
export const DryRunModifiers = list(enumeration('IGNORE_CIPHERTEXT'), { max: 1 })
export const Region = string({ min: 1, max: 32, pattern: /^([a-z]+-){2,3}\d+$/, patternText: '^([a-z]+-){2,3}\\d+$' })
export const RotationPeriodInDays = integer({ min: 90, max: 2560 })
export const PendingWindowInDays = integer({ min: 7, max: 30 })

export const GrantId = string({ min: 1, max: 128 })
export const GrantName = string({ min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/, patternText: '^[a-zA-Z0-9:/_-]+$' })
export const Principal = string({ min: 1, max: 256, pattern: /^[\w+-=,.@:/]+$/, patternText: '^[\\w+-=,.@:/]+$' })
export const ServicePrincipal = string({ min: 1, max: 128 })
export const GrantOperations = list(enumeration(...GRANT_OPERATIONS, 'Decapsulate', 'Encapsulate'))
export const GrantConstraints = structure({
  EncryptionContextSubset: optional(EncryptionContext),
  EncryptionContextEquals: optional(EncryptionContext),
  SourceArn: optional(string({ min: 1, max: 2048 })),
})
export const GrantEntry = structure({
  KeyId: optional(Arn),
  GrantId: optional(string()),
  Name: optional(string()),
  CreationDate: optional(timestamp()),
  GranteePrincipal: optional(string()),
  RetiringPrincipal: optional(string()),
  IssuingAccount: optional(string()),
  Operations: optional(list(string())),
  Constraints: optional(GrantConstraints),
  GranteeServicePrincipal: optional(string()),
  RetiringServicePrincipal: optional(string()),
})

/** The enclave that an answer is to be encrypted for. There are none here: what names one is refused. */
export const Recipient = structure({
  KeyEncryptionAlgorithm: optional(enumeration('RSAES_OAEP_SHA_256')),
  AttestationDocument: optional(blob({ min: 1, max: 262_144 })),
})

const MultiRegionKey = structure({ Arn: optional(Arn), Region: optional(string()) })

export const KeyMetadata = structure({
  AWSAccountId: optional(string()),
  KeyId: string(),
  Arn: optional(Arn),
  CreationDate: optional(timestamp()),
  Enabled: optional(boolean()),
  Description: optional(string()),
  KeyUsage: optional(string()),
  KeyState: optional(string()),
  DeletionDate: optional(timestamp()),
  ValidTo: optional(timestamp()),
  Origin: optional(string()),
  CustomKeyStoreId: optional(string()),
  CloudHsmClusterId: optional(string()),
  ExpirationModel: optional(string()),
  KeyManager: optional(string()),
  CustomerMasterKeySpec: optional(string()),
  KeySpec: optional(string()),
  EncryptionAlgorithms: optional(list(string())),
  SigningAlgorithms: optional(list(string())),
  KeyAgreementAlgorithms: optional(list(string())),
  EncapsulationAlgorithms: optional(list(string())),
  MultiRegion: optional(boolean()),
  MultiRegionConfiguration: optional(
    structure({
      MultiRegionKeyType: optional(string()),
      PrimaryKey: optional(MultiRegionKey),
      ReplicaKeys: optional(list(MultiRegionKey)),
    }),
  ),
  PendingDeletionWindowInDays: optional(integer()),
  MacAlgorithms: optional(list(string())),
  XksKeyConfiguration: optional(structure({ Id: optional(string()) })),
  CurrentKeyMaterialId: optional(string()),
})

export const AliasEntry = structure({
  AliasName: optional(string()),
  AliasArn: optional(Arn),
  TargetKeyId: optional(string()),
  CreationDate: optional(timestamp()),
  LastUpdatedDate: optional(timestamp()),
})

export const CustomKeyStoreId = string({ min: 1, max: 64 })

/** How a custom key store would be reached. */
export const KeyStoreProxy = {
  KeyStorePassword: optional(string({ min: 7, max: 32, sensitive: true })),
  CloudHsmClusterId: optional(string({ min: 19, max: 24 })),
  XksProxyUriEndpoint: optional(string({ min: 10, max: 128 })),
  XksProxyUriPath: optional(string({ min: 10, max: 128 })),
  XksProxyVpcEndpointServiceName: optional(string({ min: 20, max: 64 })),
  XksProxyVpcEndpointServiceOwner: optional(string({ min: 12, max: 12 })),
  XksProxyAuthenticationCredential: optional(
    structure({
      AccessKeyId: string({ min: 20, max: 30, sensitive: true }),
      RawSecretAccessKey: string({ min: 43, max: 64, sensitive: true }),
    }),
  ),
  XksProxyConnectivity: optional(enumeration('PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE')),
} as const
