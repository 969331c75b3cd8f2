// UpdateSecret through the real server: metadata, values, retries, changes of the key, and what KMS refuses.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UpdateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { arnOf } from '../../kms/model.ts'
import { findAlias, findKey } from '../../kms/store.ts'
import { assertRefused, call, createCaller, labels, token, versions } from '../testing.ts'

/** The managed key, which can also be named by its ARN and then counts as a key of its own. */
async function managedKey(server: TestServer) {
  const { app, accountId, region } = server
  return app.database.transaction('read', async (tx) => {
    const alias = await findAlias({ app, tx }, accountId, region, 'alias/aws/secretsmanager')
    const key = (await findKey({ app, tx }, accountId, region, alias!.targetKeyId))!.key
    return { key, arn: arnOf(key) }
  })
}

test('UpdateSecret', async (t) => {
  const server = await startTestServer(t)
  const describe = (SecretId: string) => call(server, 'DescribeSecret', { SecretId })
  const create = async (name: string) => {
    const id = token(`${name}-1`)
    const { ARN } = await call(server, 'CreateSecret', { Name: name, ClientRequestToken: id, SecretString: '1' })
    return { ARN, id }
  }
  const keysOf = async (secretId: string) =>
    Object.fromEntries(
      (await versions(server, secretId)).map((version) => [version.VersionId, version.KmsKeyIds?.join()]),
    )

  await t.test('changes the description without a version, and an empty one clears it', async () => {
    const { ARN, id } = await create('text')
    assert.deepEqual(await call(server, 'UpdateSecret', { SecretId: 'text', Description: 'new' }), {
      ARN,
      Name: 'text',
    })
    assert.equal((await describe('text')).Description, 'new')
    await call(server, 'UpdateSecret', { SecretId: 'text', ClientRequestToken: token() })
    assert.equal((await describe('text')).Description, 'new')
    const sdk = await server.secretsManager.send(new UpdateSecretCommand({ SecretId: 'text', Description: '' }))
    assert.equal(sdk.VersionId, undefined)
    assert.equal((await describe('text')).Description, undefined)
    assert.deepEqual(await labels(server, 'text'), { [id]: ['AWSCURRENT'] })
  })

  await t.test('keeps a description of any characters', async () => {
    const Description = 'a\0b "\u2028" 😀\r\n'
    await call(server, 'CreateSecret', { Name: 'described' })
    await call(server, 'UpdateSecret', { SecretId: 'described', Description })
    assert.equal((await call(server, 'DescribeSecret', { SecretId: 'described' })).Description, Description)
  })

  await t.test('adds a version as the current one', async () => {
    const { ARN, id: one } = await create('value')
    const two = token('two')
    const input = { SecretId: 'value', ClientRequestToken: two, SecretBinary: 'Mg==', Description: 'both' }
    assert.deepEqual(await call(server, 'UpdateSecret', input), { ARN, Name: 'value', VersionId: two })
    assert.deepEqual(await labels(server, 'value'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'value' })).SecretBinary, 'Mg==')
    assert.equal((await describe('value')).Description, 'both')
  })

  await t.test('changes LastChangedDate only where it changes something', async () => {
    await create('dated')
    const before = await describe('dated')
    server.clock.advance(1_000)
    await call(server, 'UpdateSecret', { SecretId: 'dated', Description: '' })
    assert.deepEqual(await describe('dated'), before)
    await call(server, 'UpdateSecret', { SecretId: 'dated', Description: 'x' })
    assert.ok((await describe('dated')).LastChangedDate - before.LastChangedDate >= 1)
  })

  await t.test('answers a retry with the same value and refuses a token that has another', async () => {
    const { ARN, id: one } = await create('retry')
    const two = token('two')
    await call(server, 'UpdateSecret', { SecretId: 'retry', ClientRequestToken: two, SecretString: '2' })
    const again = { SecretId: 'retry', ClientRequestToken: one, SecretString: '1' }
    assert.equal((await call(server, 'UpdateSecret', again)).VersionId, one)
    assert.deepEqual(await labels(server, 'retry'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
    await assertRefused(
      server,
      'UpdateSecret',
      { ...again, SecretString: '2', Description: 'not kept' },
      'ResourceExistsException',
      `You can't use ClientRequestToken ${one} because that value is already in use for a version of secret ${ARN}.`,
    )
    assert.equal((await describe('retry')).Description, undefined)
  })

  await t.test('refuses what the rules of values, tokens and types forbid', async () => {
    await create('refused')
    for (const [input, code, message] of [
      [
        { SecretString: 'x' },
        'InvalidRequestException',
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      ],
      [
        { SecretString: 'x', SecretBinary: 'eA==', ClientRequestToken: token() },
        'InvalidParameterException',
        "You can't specify both a binary secret value and a string secret value in the same secret.",
      ],
      [
        { Type: 'Partner' },
        'InvalidRequestException',
        'This server does not have managed external secrets yet: Type is not supported.',
      ],
      [{ SecretId: 'none' }, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret."],
    ] as const) {
      await assertRefused(server, 'UpdateSecret', { SecretId: 'refused', ...input }, code, message)
    }
  })

  await t.test('encrypts the current, pending and previous versions under a new key, and no others', async () => {
    const { id: one } = await create('key')
    const [two, three, four, five] = [token('two'), token('three'), token('four'), token('five')]
    for (const [id, stages] of [
      [two, ['AWSCURRENT']],
      [three, ['AWSCURRENT']],
      [four, ['AWSPENDING']],
      [five, ['green']],
    ] as const) {
      const input = { SecretId: 'key', ClientRequestToken: id, SecretString: id, VersionStages: stages }
      await call(server, 'PutSecretValue', input)
    }
    const { arn } = await managedKey(server)
    const unnamed = 'DefaultEncryptionKey'
    assert.deepEqual(new Set(Object.values(await keysOf('key'))), new Set([unnamed]))

    const six = token('six')
    const change = { SecretId: 'key', KmsKeyId: arn, ClientRequestToken: six, SecretString: six }
    await call(server, 'UpdateSecret', change)
    assert.equal((await describe('key')).KmsKeyId, arn)
    const expected = { [one]: unnamed, [two]: unnamed, [three]: arn, [four]: arn, [five]: unnamed, [six]: arn }
    assert.deepEqual(await keysOf('key'), expected)
    for (const id of [two, three, four, five, six]) {
      assert.equal((await call(server, 'GetSecretValue', { SecretId: 'key', VersionId: id })).SecretString, id)
    }

    await call(server, 'UpdateSecret', { SecretId: 'key', KmsKeyId: '' })
    assert.equal((await describe('key')).KmsKeyId, undefined)
    assert.deepEqual(new Set(Object.values(await keysOf('key'))), new Set([unnamed]))
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'key' })).SecretString, six)
  })

  await t.test('leaves old versions under the old key where the caller may not encrypt under the new one', async () => {
    const { id: one } = await create('kept')
    const two = token('two')
    const { arn } = await managedKey(server)
    const allow = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
    // The managed key's own policy lets everyone encrypt through the service.
    const deny = { Effect: 'Deny', Action: 'kms:Encrypt', Resource: '*' }
    const { credentials } = await createCaller(server, 'no-encrypt', [allow, deny])
    const input = { SecretId: 'kept', KmsKeyId: arn, ClientRequestToken: two, SecretString: '2' }
    const { status } = await server.call('secretsmanager', 'UpdateSecret', input, { credentials })
    assert.equal(status, 200)
    assert.equal((await describe('kept')).KmsKeyId, arn)
    assert.deepEqual(await keysOf('kept'), { [one]: 'DefaultEncryptionKey', [two]: arn })
  })

  await t.test('refuses a key that does not exist, in the words of KMS', async () => {
    await create('no-key')
    const missing = '12345678-1234-1234-1234-123456789012'
    for (const [operation, input] of [
      ['UpdateSecret', { SecretId: 'no-key' }],
      ['CreateSecret', { Name: 'never', ClientRequestToken: token() }],
    ] as const) {
      const answer = await server.call('secretsmanager', operation, { ...input, KmsKeyId: missing })
      const { __type, Message } = answer.body
      assert.equal(__type, 'EncryptionFailure')
      const key = `arn:aws:kms:${server.region}:${server.accountId}:key/${missing}`
      const words = `Secrets Manager can't encrypt the secret value: Key '${key}' does not exist (Service: AWSKMS; Status Code: 400; Error Code: NotFoundException; Request ID: `
      assert.ok(Message.startsWith(words), Message)
      assert.match(Message, /[0-9a-f-]{36}\)$/)
    }
    const foreign = `arn:aws:kms:${server.region}:999999999999:key/${missing}`
    await assertRefused(
      server,
      'UpdateSecret',
      { SecretId: 'no-key', KmsKeyId: foreign },
      'AccessDeniedException',
      'Access to KMS is not allowed',
    )
    assert.equal((await describe('no-key')).KmsKeyId, undefined)
  })

  await t.test('fails while the key is disabled, as reading does, and changes nothing', async () => {
    const { id } = await create('disabled')
    const { key, arn } = await managedKey(server)
    const rewrite = (keyState: 'Enabled' | 'Disabled') =>
      server.app.database.transaction('write', async (tx) => {
        const place = [key.accountId, key.region, key.keyId]
        const { body, mac, rev } = server.app.rows.seal('kms_key', place, 1, { ...key, keyState })
        await tx.run('UPDATE kms_key SET body = $1, mac = $2, rev = $3 WHERE key_id = $4', body, mac, rev, key.keyId)
      })
    const refusal = async (operation: string, input: object) => {
      const { status, body } = await server.call('secretsmanager', operation, { SecretId: 'disabled', ...input })
      const { __type, Message } = body
      assert.equal(status, 400)
      return `${__type} ${Message.replace(/ \(Service.*/, '')}`
    }
    await rewrite('Disabled')
    const cannotEncrypt = `EncryptionFailure Secrets Manager can't encrypt the secret value: ${arn} is disabled.`
    const cannotDecrypt = `DecryptionFailure Secrets Manager can't decrypt the secret value: ${arn} is disabled.`
    const value = { SecretString: '1', ClientRequestToken: token() }
    assert.equal(await refusal('UpdateSecret', value), cannotEncrypt)
    assert.equal(await refusal('PutSecretValue', value), cannotEncrypt)
    assert.equal(await refusal('UpdateSecret', { KmsKeyId: arn }), cannotEncrypt)
    assert.equal(await refusal('PutSecretValue', { ...value, ClientRequestToken: id }), cannotDecrypt)
    assert.equal(await refusal('GetSecretValue', {}), cannotDecrypt)
    await call(server, 'UpdateSecret', { SecretId: 'disabled', Description: 'needs no key' })
    assert.deepEqual(await labels(server, 'disabled'), { [id]: ['AWSCURRENT'] })
    await rewrite('Enabled')
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'disabled' })).SecretString, '1')
  })
})
