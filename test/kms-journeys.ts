// Every operation of KMS, each once with success or with the refusal that it always has, and a value in every member that can hold one.

import * as crypto from 'node:crypto'
import { KMS } from '@aws-sdk/client-kms'
import { REGION, type ServerProcess } from './server-process.ts'

type Journeys = { readonly [operation: string]: () => Promise<string> }

/** What of an answer is a secret. */
const SECRET = ['Plaintext', 'PrivateKeyPlaintext', 'SharedSecret']

/**
 * By `service operation`; each resolves with what was answered, as text, but for what is a secret, which `know` gets. `bytes` gives fresh
 * secret bytes.
 */
export function kmsJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  bytes: () => Buffer,
  know: (secret: Buffer) => void,
  after: (end: () => void) => void,
): Journeys {
  const kms = new KMS({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => kms.destroy())
  const ids: Record<string, string> = {}
  const own: Record<string, Uint8Array> = {}
  const journeys: Record<string, () => Promise<string>> = {}

  /** The answer with what may be told of it; what is refused is told too. */
  const told = (answer: object): string => {
    for (const member of SECRET) {
      const value = (answer as Record<string, unknown>)[member]
      if (value instanceof Uint8Array) know(Buffer.from(value))
    }
    return JSON.stringify(answer, (key, value) => (SECRET.includes(key) ? undefined : value))
  }
  const refused = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => Promise.reject(new Error('was not refused')),
      (error: Error) => `${error.name}: ${error.message} ${JSON.stringify(error)}`,
    )
  const add = <Answer extends object>(
    name: string,
    call: () => Promise<Answer>,
    keep?: (answer: Answer) => void,
  ): void => {
    journeys[`kms ${name}`] = async () => {
      const answer = await call()
      keep?.(answer)
      return `${name} 200 ${told(answer)}`
    }
  }
  const never = (name: string, call: () => Promise<unknown>): void => {
    journeys[`kms ${name}`] = async () => `${name} 400 ${await refused(call())}`
  }
  const key = (name: string, input: object = {}) =>
    kms.createKey(input).then((answer) => {
      ids[name] = answer.KeyMetadata!.KeyId!
      return answer
    })

  add('CreateKey', async () => {
    await key('pair', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
    await key('agrees', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' })
    await key('mac', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
    await key('empty', { Origin: 'EXTERNAL' })
    await key('many', { MultiRegion: true })
    return key('one', { Tags: [{ TagKey: 'a', TagValue: 'b' }] })
  })
  const KeyId = {
    get KeyId() {
      return ids.one!
    },
  }
  add('DescribeKey', () => kms.describeKey(KeyId))
  add('ListKeys', () => kms.listKeys({}))
  add(
    'Encrypt',
    () => kms.encrypt({ ...KeyId, Plaintext: bytes() }),
    (answer) => {
      own.blob = answer.CiphertextBlob!
    },
  )
  add('Decrypt', () => kms.decrypt({ CiphertextBlob: own.blob! }))
  add('ReEncrypt', () => kms.reEncrypt({ CiphertextBlob: own.blob!, DestinationKeyId: ids.many! }))
  add('GenerateDataKey', () => kms.generateDataKey({ ...KeyId, KeySpec: 'AES_256' }))
  add('GenerateDataKeyWithoutPlaintext', () => kms.generateDataKeyWithoutPlaintext({ ...KeyId, KeySpec: 'AES_256' }))
  add('GenerateDataKeyPair', () => kms.generateDataKeyPair({ ...KeyId, KeyPairSpec: 'ECC_NIST_P256' }))
  add('GenerateDataKeyPairWithoutPlaintext', () =>
    kms.generateDataKeyPairWithoutPlaintext({ ...KeyId, KeyPairSpec: 'ECC_NIST_P256' }),
  )
  add('GenerateRandom', () => kms.generateRandom({ NumberOfBytes: 64 }))
  const signed = { SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'RAW' } as const
  add(
    'Sign',
    () => {
      own.message = bytes()
      return kms.sign({ KeyId: ids.pair!, Message: own.message, ...signed })
    },
    (answer) => {
      own.signature = answer.Signature!
    },
  )
  add('Verify', () => kms.verify({ KeyId: ids.pair!, Message: own.message!, Signature: own.signature!, ...signed }))
  add('GetPublicKey', () => kms.getPublicKey({ KeyId: ids.pair! }))
  const mac = { MacAlgorithm: 'HMAC_SHA_256' } as const
  add(
    'GenerateMac',
    () => kms.generateMac({ KeyId: ids.mac!, Message: own.message!, ...mac }),
    (answer) => {
      own.mac = answer.Mac!
    },
  )
  add('VerifyMac', () => kms.verifyMac({ KeyId: ids.mac!, Message: own.message!, Mac: own.mac!, ...mac }))
  add('DeriveSharedSecret', () => {
    const { publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const PublicKey = publicKey.export({ type: 'spki', format: 'der' })
    return kms.deriveSharedSecret({ KeyId: ids.agrees!, KeyAgreementAlgorithm: 'ECDH', PublicKey })
  })
  add(
    'GetParametersForImport',
    () =>
      kms.getParametersForImport({
        KeyId: ids.empty!,
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      }),
    ({ ImportToken, PublicKey }) => Object.assign(own, { token: ImportToken, wrapping: PublicKey }),
  )
  add('ImportKeyMaterial', () => {
    const material = bytes().subarray(0, 32)
    know(material)
    const wrapping = crypto.createPublicKey({ key: Buffer.from(own.wrapping!), format: 'der', type: 'spki' })
    const EncryptedKeyMaterial = crypto.publicEncrypt({ key: wrapping, oaepHash: 'sha256' }, material)
    const ExpirationModel = 'KEY_MATERIAL_DOES_NOT_EXPIRE'
    return kms.importKeyMaterial({ KeyId: ids.empty!, ImportToken: own.token!, EncryptedKeyMaterial, ExpirationModel })
  })
  add('DeleteImportedKeyMaterial', () => kms.deleteImportedKeyMaterial({ KeyId: ids.empty! }))
  add('CreateAlias', () => kms.createAlias({ AliasName: 'alias/a', TargetKeyId: ids.one! }))
  add('UpdateAlias', () => kms.updateAlias({ AliasName: 'alias/a', TargetKeyId: ids.many! }))
  add('ListAliases', () => kms.listAliases({}))
  add('DeleteAlias', () => kms.deleteAlias({ AliasName: 'alias/a' }))
  add('TagResource', () => kms.tagResource({ ...KeyId, Tags: [{ TagKey: 'c', TagValue: 'd' }] }))
  add('ListResourceTags', () => kms.listResourceTags(KeyId))
  add('UntagResource', () => kms.untagResource({ ...KeyId, TagKeys: ['c'] }))
  add('UpdateKeyDescription', () => kms.updateKeyDescription({ ...KeyId, Description: 'd' }))
  add(
    'GetKeyPolicy',
    () => kms.getKeyPolicy(KeyId),
    (answer) => {
      ids.policy = answer.Policy!
    },
  )
  add('PutKeyPolicy', () => kms.putKeyPolicy({ ...KeyId, Policy: ids.policy! }))
  add('ListKeyPolicies', () => kms.listKeyPolicies(KeyId))
  const grant = async () => {
    const { Arn } = (await kms.describeKey(KeyId)).KeyMetadata!
    const GranteePrincipal = Arn!.split(':')[4]!
    return kms.createGrant({ ...KeyId, GranteePrincipal, RetiringPrincipal: GranteePrincipal, Operations: ['Encrypt'] })
  }
  add('CreateGrant', grant, (answer) => {
    ids.grant = answer.GrantId!
  })
  add('ListGrants', () => kms.listGrants(KeyId))
  add('ListRetirableGrants', async () => {
    const { Grants } = await kms.listGrants(KeyId)
    return kms.listRetirableGrants({ RetiringPrincipal: Grants![0]!.RetiringPrincipal! })
  })
  add('RetireGrant', () => kms.retireGrant({ ...KeyId, GrantId: ids.grant! }))
  add('RevokeGrant', async () => kms.revokeGrant({ ...KeyId, GrantId: (await grant()).GrantId! }))
  add('EnableKeyRotation', () => kms.enableKeyRotation(KeyId))
  add('GetKeyRotationStatus', () => kms.getKeyRotationStatus(KeyId))
  add('RotateKeyOnDemand', () => kms.rotateKeyOnDemand(KeyId))
  add('ListKeyRotations', () => kms.listKeyRotations(KeyId))
  add('DisableKeyRotation', () => kms.disableKeyRotation(KeyId))
  add('GetKeyLastUsage', () => kms.getKeyLastUsage(KeyId))
  add('ReplicateKey', () => kms.replicateKey({ KeyId: ids.many!, ReplicaRegion: 'us-west-2' }))
  add('UpdatePrimaryRegion', () => kms.updatePrimaryRegion({ KeyId: ids.many!, PrimaryRegion: 'us-west-2' }))
  add('DisableKey', () => kms.disableKey(KeyId))
  add('EnableKey', () => kms.enableKey(KeyId))
  add('ScheduleKeyDeletion', () => kms.scheduleKeyDeletion(KeyId))
  add('CancelKeyDeletion', () => kms.cancelKeyDeletion(KeyId))
  const store = { CustomKeyStoreId: 'cks-1234567890abcdef0' }
  const password = () => bytes().toString('base64').slice(0, 32)
  add('DescribeCustomKeyStores', () => kms.describeCustomKeyStores({}))
  never('ConnectCustomKeyStore', () => kms.connectCustomKeyStore(store))
  never('CreateCustomKeyStore', () => {
    const KeyStorePassword = password()
    know(Buffer.from(KeyStorePassword))
    return kms.createCustomKeyStore({ CustomKeyStoreName: 'x', KeyStorePassword })
  })
  never('DeleteCustomKeyStore', () => kms.deleteCustomKeyStore(store))
  never('DisconnectCustomKeyStore', () => kms.disconnectCustomKeyStore(store))
  never('UpdateCustomKeyStore', () => kms.updateCustomKeyStore({ ...store, KeyStorePassword: password() }))
  return journeys
}
