// The key specs and algorithms of KMS in AWS's own names, and which of them go together. Everything but SM2.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html

/** Bits of the modulus. */
export const RSA_BITS = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 } as const
/** The public exponent of every RSA key. */
export const RSA_EXPONENT = 65537n

/**
 * OpenSSL's name of the curve; bytes of a coordinate and of a scalar; the one ECDSA algorithm; whether KMS agrees keys on it.
 * `algorithmId` is the DER of id-ecPublicKey with the curve's name, in hexadecimal (RFC 5480 section 2.1.1).
 */
export const ECC = {
  ECC_NIST_P256: {
    curve: 'prime256v1',
    bytes: 32,
    ecdsa: 'ECDSA_SHA_256',
    agrees: true,
    algorithmId: '301306072a8648ce3d020106082a8648ce3d030107',
  },
  ECC_NIST_P384: {
    curve: 'secp384r1',
    bytes: 48,
    ecdsa: 'ECDSA_SHA_384',
    agrees: true,
    algorithmId: '301006072a8648ce3d020106052b81040022',
  },
  ECC_NIST_P521: {
    curve: 'secp521r1',
    bytes: 66,
    ecdsa: 'ECDSA_SHA_512',
    agrees: true,
    algorithmId: '301006072a8648ce3d020106052b81040023',
  },
  ECC_SECG_P256K1: {
    curve: 'secp256k1',
    bytes: 32,
    ecdsa: 'ECDSA_SHA_256',
    agrees: false,
    algorithmId: '301006072a8648ce3d020106052b8104000a',
  },
} as const

/** Bytes of a key, which are those of its hash, and the one MAC algorithm. */
export const HMAC = {
  HMAC_224: { bytes: 28, mac: 'HMAC_SHA_224' },
  HMAC_256: { bytes: 32, mac: 'HMAC_SHA_256' },
  HMAC_384: { bytes: 48, mac: 'HMAC_SHA_384' },
  HMAC_512: { bytes: 64, mac: 'HMAC_SHA_512' },
} as const

/** FIPS 204. Bytes of a signature and of a raw public key. */
export const ML_DSA = {
  ML_DSA_44: {
    name: 'ml-dsa-44',
    algorithmId: '300b0609608648016503040311',
    signatureBytes: 2420,
    publicKeyBytes: 1312,
  },
  ML_DSA_65: {
    name: 'ml-dsa-65',
    algorithmId: '300b0609608648016503040312',
    signatureBytes: 3309,
    publicKeyBytes: 1952,
  },
  ML_DSA_87: {
    name: 'ml-dsa-87',
    algorithmId: '300b0609608648016503040313',
    signatureBytes: 4627,
    publicKeyBytes: 2592,
  },
} as const

export type RsaSpec = keyof typeof RSA_BITS
export type EccSpec = keyof typeof ECC
export type HmacSpec = keyof typeof HMAC
export type MlDsaSpec = keyof typeof ML_DSA
export type EdwardsSpec = 'ECC_NIST_EDWARDS25519'
/** Specs of key pairs: their material is PKCS#8 DER. */
export type AsymmetricSpec = RsaSpec | EccSpec | EdwardsSpec | MlDsaSpec
/** Every KeySpec; the material of SYMMETRIC_DEFAULT and of HMAC keys is the raw key. */
export type KeySpec = 'SYMMETRIC_DEFAULT' | HmacSpec | AsymmetricSpec

export const KEY_SPECS = [
  'SYMMETRIC_DEFAULT',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'ECC_NIST_EDWARDS25519',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
] as const satisfies readonly KeySpec[]

/** Of GenerateDataKeyPair. */
export const DATA_KEY_PAIR_SPECS = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'ECC_NIST_EDWARDS25519',
] as const satisfies readonly AsymmetricSpec[]
export type DataKeyPairSpec = (typeof DATA_KEY_PAIR_SPECS)[number]

export type KeyUsage = 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY' | 'GENERATE_VERIFY_MAC' | 'KEY_AGREEMENT'

export const SIGNING_ALGORITHMS = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
  'ML_DSA_SHAKE_256',
] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

export type MessageType = 'RAW' | 'DIGEST' | 'EXTERNAL_MU'
/** Of asymmetric keys; SYMMETRIC_DEFAULT is crypto/ciphertext.ts. */
export type RsaEncryptionAlgorithm = 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256'
export type EncryptionAlgorithm = 'SYMMETRIC_DEFAULT' | RsaEncryptionAlgorithm
export type MacAlgorithm = (typeof HMAC)[HmacSpec]['mac']
export type KeyAgreementAlgorithm = 'ECDH'
/** What AWS still takes: RSAES_PKCS1_V1_5 was withdrawn on 2023-10-10. */
export type WrappingAlgorithm = RsaEncryptionAlgorithm | 'RSA_AES_KEY_WRAP_SHA_1' | 'RSA_AES_KEY_WRAP_SHA_256'
export type WrappingKeySpec = RsaSpec
export type HashName = 'sha256' | 'sha384' | 'sha512'

export const isRsa = (spec: KeySpec): spec is RsaSpec => spec in RSA_BITS
export const isEcc = (spec: KeySpec): spec is EccSpec => spec in ECC
export const isHmac = (spec: KeySpec): spec is HmacSpec => spec in HMAC
export const isMlDsa = (spec: KeySpec): spec is MlDsaSpec => spec in ML_DSA
export const isAsymmetric = (spec: KeySpec): spec is AsymmetricSpec => spec !== 'SYMMETRIC_DEFAULT' && !isHmac(spec)

/** What CreateKey takes with a spec. */
export function keyUsagesOf(spec: KeySpec): readonly KeyUsage[] {
  if (spec === 'SYMMETRIC_DEFAULT') return ['ENCRYPT_DECRYPT']
  if (isHmac(spec)) return ['GENERATE_VERIFY_MAC']
  if (isRsa(spec)) return ['ENCRYPT_DECRYPT', 'SIGN_VERIFY']
  if (isEcc(spec) && ECC[spec].agrees) return ['SIGN_VERIFY', 'KEY_AGREEMENT']
  return ['SIGN_VERIFY']
}

/** In the order of DescribeKey and GetPublicKey; empty for specs that do not sign. */
export function signingAlgorithmsOf(spec: KeySpec): readonly SigningAlgorithm[] {
  if (isRsa(spec)) return SIGNING_ALGORITHMS.filter((algorithm) => algorithm.startsWith('RSASSA_'))
  if (isEcc(spec)) return [ECC[spec].ecdsa]
  if (isMlDsa(spec)) return ['ML_DSA_SHAKE_256']
  if (spec === 'ECC_NIST_EDWARDS25519') return ['ED25519_SHA_512', 'ED25519_PH_SHA_512']
  return []
}

export function encryptionAlgorithmsOf(spec: KeySpec): readonly EncryptionAlgorithm[] {
  if (spec === 'SYMMETRIC_DEFAULT') return ['SYMMETRIC_DEFAULT']
  return isRsa(spec) ? ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] : []
}

export const macAlgorithmsOf = (spec: KeySpec): readonly MacAlgorithm[] => (isHmac(spec) ? [HMAC[spec].mac] : [])

/**
 * What Sign and Verify take with an algorithm.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html#KMS-Sign-request-MessageType
 */
export function messageTypesOf(algorithm: SigningAlgorithm): readonly MessageType[] {
  if (algorithm === 'ML_DSA_SHAKE_256') return ['RAW', 'EXTERNAL_MU']
  if (algorithm === 'ED25519_SHA_512') return ['RAW']
  if (algorithm === 'ED25519_PH_SHA_512') return ['DIGEST']
  return ['RAW', 'DIGEST']
}

/** How many bytes a message of type DIGEST or EXTERNAL_MU has. */
export function digestBytesOf(algorithm: SigningAlgorithm): 32 | 48 | 64 {
  if (algorithm.endsWith('SHA_256')) return 32
  return algorithm.endsWith('SHA_384') ? 48 : 64
}

export const isPss = (algorithm: SigningAlgorithm): boolean => algorithm.startsWith('RSASSA_PSS_')

/** The hash of an RSASSA or ECDSA algorithm. */
export function hashOf(algorithm: SigningAlgorithm): HashName {
  return `sha${(digestBytesOf(algorithm) * 8) as 256 | 384 | 512}`
}

/**
 * Whether a wrapping algorithm may carry the material of a spec: RSA private keys need AES key wrap, raw keys never do, and P-521 does not fit
 * directly under RSA_2048. AWS says nothing of ML-DSA: here it may come either way.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html#KMS-GetParametersForImport-request-WrappingAlgorithm
 */
export function canWrap(wrappingSpec: WrappingKeySpec, algorithm: WrappingAlgorithm, spec: KeySpec): boolean {
  const direct = algorithm === 'RSAES_OAEP_SHA_1' || algorithm === 'RSAES_OAEP_SHA_256'
  if (!direct) return isAsymmetric(spec)
  return !isRsa(spec) && !(spec === 'ECC_NIST_P521' && wrappingSpec === 'RSA_2048')
}
