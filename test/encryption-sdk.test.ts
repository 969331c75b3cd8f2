// The AWS Encryption SDK, unmodified, over our KMS: envelopes under one key, under several, under multi-Region keys, and by discovery.
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/introduction.html

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  AlgorithmSuiteIdentifier,
  buildAwsKmsMrkAwareDiscoveryMultiKeyringNode,
  buildAwsKmsMrkAwareStrictMultiKeyringNode,
  buildClient,
  CommitmentPolicy,
  KmsKeyringNode,
  type KmsNodeClientSupplier,
} from '@aws-crypto/client-node'
import {
  CreateKeyCommand,
  DisableKeyCommand,
  KMS,
  ReplicateKeyCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { startTestServer, type TestServer } from '../packages/server/src/testing.ts'

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const REGIONS = ['eu-central-1', 'us-west-2'] as const
const context = { purpose: 'test', ключ: 'ä\u{1F511}' }

type Clients = { readonly of: (region: string) => KMS; readonly calls: string[] }

/** One client a region, and the operations that went through them. */
function clientsOf(t: TestContext, server: TestServer): Clients {
  const clients = new Map<string, KMS>()
  const calls: string[] = []
  t.after(() => {
    for (const client of clients.values()) client.destroy()
  })
  const of = (region: string): KMS => {
    const known = clients.get(region)
    if (known) return known
    const client = new KMS({ endpoint: server.url, region, credentials: { ...server.credentials }, maxAttempts: 1 })
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          calls.push(`${region} ${commandName}`)
          return next(args)
        },
      { step: 'initialize' },
    )
    clients.set(region, client)
    return client
  }
  return { of, calls }
}

const newKey = async (client: KMS, MultiRegion = false): Promise<string> =>
  (await client.send(new CreateKeyCommand({ MultiRegion }))).KeyMetadata!.Arn!

test('the Encryption SDK encrypts and decrypts with our keys', async (t) => {
  const server = await startTestServer(t)
  const { of, calls } = clientsOf(t, server)
  const clientProvider = of as KmsNodeClientSupplier // its types know no optional members
  const [home, away] = REGIONS.map(of) as [KMS, KMS]
  const plaintext = randomBytes(20_000)

  await t.test('under one key, and in no other context or by no other key', async () => {
    const keyId = await newKey(home)
    const keyring = new KmsKeyringNode({ clientProvider, generatorKeyId: keyId })
    for (const suiteId of [
      AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
      AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
    ]) {
      const { result } = await encrypt(keyring, plaintext, { encryptionContext: context, suiteId })
      const opened = await decrypt(keyring, result)
      assert.deepEqual(opened.plaintext, plaintext)
      for (const [name, value] of Object.entries(context))
        assert.equal(opened.messageHeader.encryptionContext[name], value)
      const other = new KmsKeyringNode({ clientProvider, keyIds: [await newKey(home)] })
      await assert.rejects(decrypt(other, result))
      const at = result.indexOf('purpose')
      assert.ok(at > 0)
      const moved = Buffer.from(result)
      moved[at]! ^= 1
      await assert.rejects(decrypt(keyring, moved))
    }
    const { result } = await encrypt(keyring, plaintext, { encryptionContext: context })
    await home.send(new RotateKeyOnDemandCommand({ KeyId: keyId }))
    assert.deepEqual((await decrypt(keyring, result)).plaintext, plaintext, 'after a rotation')
  })

  await t.test('under several keys in two Regions, any of which opens it', async () => {
    const keys = [await newKey(home), await newKey(away), await newKey(home)]
    const [generatorKeyId, ...keyIds] = keys as [string, ...string[]]
    const all = new KmsKeyringNode({ clientProvider, generatorKeyId, keyIds })
    calls.length = 0
    const { result } = await encrypt(all, plaintext, { encryptionContext: context })
    assert.deepEqual(calls, [
      'eu-central-1 GenerateDataKeyCommand',
      'us-west-2 EncryptCommand',
      'eu-central-1 EncryptCommand',
    ])
    for (const keyId of keys) {
      const alone = new KmsKeyringNode({ clientProvider, keyIds: [keyId] })
      const opened = await decrypt(alone, result)
      assert.equal(opened.messageHeader.encryptedDataKeys.length, 3)
      assert.deepEqual(opened.plaintext, plaintext)
    }
    await home.send(new DisableKeyCommand({ KeyId: keys[0] }))
    await home.send(new ScheduleKeyDeletionCommand({ KeyId: keys[2], PendingWindowInDays: 7 }))
    assert.deepEqual((await decrypt(all, result)).plaintext, plaintext, 'with the one key that is left')
    await assert.rejects(decrypt(new KmsKeyringNode({ clientProvider, keyIds: [keys[0]!, keys[2]!] }), result))
  })

  await t.test(
    'under a multi-Region key, opened by its replica in another Region, strictly and by discovery',
    async () => {
      const primary = await newKey(home, true)
      await home.send(new ReplicateKeyCommand({ KeyId: primary, ReplicaRegion: 'us-west-2' }))
      const replica = primary.replace('eu-central-1', 'us-west-2')
      const strict = (generatorKeyId: string) =>
        buildAwsKmsMrkAwareStrictMultiKeyringNode({ clientProvider, generatorKeyId })
      const { result } = await encrypt(strict(primary), plaintext, { encryptionContext: context })
      calls.length = 0
      assert.deepEqual((await decrypt(strict(replica), result)).plaintext, plaintext)
      const discovery = buildAwsKmsMrkAwareDiscoveryMultiKeyringNode({
        clientProvider,
        regions: ['us-west-2'],
        discoveryFilter: { partition: 'aws', accountIDs: [server.accountId] },
      })
      assert.deepEqual((await decrypt(discovery, result)).plaintext, plaintext)
      assert.deepEqual(calls, ['us-west-2 DecryptCommand', 'us-west-2 DecryptCommand'])
      const back = await encrypt(strict(replica), plaintext, { encryptionContext: context })
      assert.deepEqual((await decrypt(strict(primary), back.result)).plaintext, plaintext)

      const single = await newKey(home)
      const alone = await encrypt(strict(single), plaintext)
      await assert.rejects(decrypt(discovery, alone.result), 'a single-Region key has no replica')
    },
  )

  await t.test('by discovery, only in accounts that the filter names', async () => {
    const keyId = await newKey(home)
    const { result } = await encrypt(new KmsKeyringNode({ clientProvider, generatorKeyId: keyId }), plaintext)
    const discovery = (account: string) =>
      new KmsKeyringNode({
        clientProvider,
        discovery: true,
        discoveryFilter: { partition: 'aws', accountIDs: [account] },
      })
    assert.deepEqual((await decrypt(discovery(server.accountId), result)).plaintext, plaintext)
    await assert.rejects(decrypt(discovery('111122223333'), result))
  })

  await t.test('without commitment too, for messages of older clients', async () => {
    const old = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    const keyring = new KmsKeyringNode({ clientProvider, generatorKeyId: await newKey(home) })
    const { result } = await old.encrypt(keyring, plaintext, { encryptionContext: context })
    const opened = await old.decrypt(keyring, result)
    assert.equal(
      createHash('sha256').update(opened.plaintext).digest('hex'),
      createHash('sha256').update(plaintext).digest('hex'),
    )
  })
})
