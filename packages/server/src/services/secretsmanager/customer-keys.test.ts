// Secrets under customer KMS keys: every form of KmsKeyId, every reason why a key does not serve, what happens when the key changes, and secrets
// of other accounts.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { allow, call as kms, newKey } from '../kms/testing.ts'
import { call, createCaller, token, versions } from './testing.ts'

type Who = Parameters<TestServer['call']>[3]

const create = (server: TestServer, Name: string, KmsKeyId: string, more: object = {}, who?: Who) =>
  server.call(
    'secretsmanager',
    'CreateSecret',
    { Name, KmsKeyId, SecretString: Name, ClientRequestToken: token(), ...more },
    who,
  )

/** `ok`, or the refusal without the request id. */
async function outcome(server: TestServer, operation: string, input: object, who?: Who): Promise<string> {
  const { status, body } = await server.call('secretsmanager', operation, input, who)
  return status === 200 ? 'ok' : `${body.__type}: ${body.Message.replace(/; Request ID: [0-9a-f-]{36}\)$/, ')')}`
}

const put = (server: TestServer, SecretId: string, who?: Who) =>
  outcome(server, 'PutSecretValue', { SecretId, SecretString: 'new', ClientRequestToken: token() }, who)
const get = (server: TestServer, SecretId: string, who?: Who) => outcome(server, 'GetSecretValue', { SecretId }, who)

test('a key is named in all four ways, described as it was named, and followed by its alias', async (t) => {
  const server = await startTestServer(t)
  const [key, next] = [await newKey(server), await newKey(server)]
  await kms(server, 'CreateAlias', { AliasName: 'alias/mine', TargetKeyId: key.id })
  const aliasArn = key.arn.replace(/key\/.*/, 'alias/mine')
  for (const [at, KmsKeyId] of [key.id, key.arn, 'alias/mine', aliasArn].entries()) {
    const { status, body } = await create(server, `secret-${at}`, KmsKeyId)
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await call(server, 'DescribeSecret', { SecretId: body.ARN })).KmsKeyId, KmsKeyId)
    assert.equal((await call(server, 'GetSecretValue', { SecretId: body.ARN })).SecretString, `secret-${at}`)
    assert.deepEqual((await versions(server, body.ARN))[0]!.KmsKeyIds, [key.arn])
  }
  await kms(server, 'UpdateAlias', { AliasName: 'alias/mine', TargetKeyId: next.id })
  assert.equal(await put(server, 'secret-2'), 'ok')
  const keys = (await versions(server, 'secret-2')).flatMap(({ KmsKeyIds }) => KmsKeyIds!)
  assert.deepEqual(keys.toSorted(), [key.arn, next.arn].toSorted())
})

test('a key that does not serve is told as Secrets Manager tells it, and needs no key where no value is touched', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  await create(server, 'kept', key.id)
  const cannot = (what: string, code: string, text: string) =>
    `${what === 'encrypt' ? 'EncryptionFailure' : 'DecryptionFailure'}: Secrets Manager can't ${what} the secret value: ${text} (Service: AWSKMS; Status Code: 400; Error Code: ${code})`
  for (const [operation, undo, code, text] of [
    ['DisableKey', 'EnableKey', 'DisabledException', `${key.arn} is disabled.`],
    ['ScheduleKeyDeletion', 'CancelKeyDeletion', 'KMSInvalidStateException', `${key.arn} is pending deletion.`],
  ] as const) {
    await kms(server, operation, { KeyId: key.id })
    assert.equal(await get(server, 'kept'), cannot('decrypt', code, text))
    assert.equal(await put(server, 'kept'), cannot('encrypt', code, text))
    const { body } = await create(server, 'none', key.id)
    assert.match(body.Message, /^Secrets Manager can't encrypt the secret value: /)
    for (const operation of ['DescribeSecret', 'ListSecretVersionIds', 'DeleteSecret', 'RestoreSecret'])
      assert.equal(await outcome(server, operation, { SecretId: 'kept' }), 'ok', operation)
    await kms(server, undo, { KeyId: key.id })
  }
  await kms(server, 'EnableKey', { KeyId: key.id })
  assert.equal(await get(server, 'kept'), 'ok')

  const pair = await newKey(server, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
  const mac = await newKey(server, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
  const empty = await newKey(server, { Origin: 'EXTERNAL' })
  for (const [KmsKeyId, code, text] of [
    [pair.id, 'InvalidKeyUsageException', 'You cannot generate a data key with an asymmetric CMK'],
    [
      mac.id,
      'InvalidKeyUsageException',
      `${mac.arn} key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey.`,
    ],
    [empty.id, 'KMSInvalidStateException', `${empty.arn} is pending import.`],
  ] as const) {
    const input = { SecretId: 'kept', KmsKeyId }
    assert.equal(await outcome(server, 'UpdateSecret', input), cannot('encrypt', code, text))
  }
  assert.equal((await call(server, 'DescribeSecret', { SecretId: 'kept' })).KmsKeyId, key.id)
})

test('the caller needs the key’s permission, which may be for its service, its secret and the probe alone', async (t) => {
  const server = await startTestServer(t)
  const denied = 'AccessDeniedException: Access to KMS is not allowed'
  const secrets = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
  const key = await newKey(server)
  const { body } = await create(server, 'kept', key.id)
  const onKey = (Action: unknown, Condition?: object) => ({
    Effect: 'Allow',
    Action,
    Resource: key.arn,
    ...(Condition && { Condition }),
  })
  const ViaService = `secretsmanager.${server.region}.amazonaws.com`
  const ofSecret = { StringEquals: { 'kms:ViaService': ViaService, 'kms:EncryptionContext:SecretARN': body.ARN } }
  const cases = [
    ['nothing', [], denied, denied],
    ['reads', [onKey('kms:Decrypt')], 'ok', denied],
    ['writes', [onKey('kms:GenerateDataKey')], denied, 'ok'],
    ['this-secret', [onKey(['kms:Decrypt', 'kms:GenerateDataKey'], ofSecret)], 'ok', 'ok'],
    [
      'another-service',
      [onKey('kms:*', { StringEquals: { 'kms:ViaService': `ssm.${server.region}.amazonaws.com` } })],
      denied,
      denied,
    ],
    ['directly', [onKey('kms:*', { Null: { 'kms:ViaService': 'true' } })], denied, denied],
  ] as const
  for (const [name, statements, reads, writes] of cases) {
    const who = await createCaller(server, name, [secrets, ...statements])
    assert.deepEqual([await get(server, 'kept', who), await put(server, 'kept', who)], [reads, writes], name)
  }
  // Setting a key tries it, with a context of its own.
  const probe = { StringEquals: { 'kms:EncryptionContext:SecretVersionId': 'RequestToValidateKeyAccess' } }
  const who = await createCaller(server, 'probes', [secrets, onKey(['kms:GenerateDataKey', 'kms:Decrypt'], probe)])
  const Name = 'without-value'
  const made = await server.call('secretsmanager', 'CreateSecret', { Name, KmsKeyId: key.id }, who)
  assert.equal(made.status, 200, JSON.stringify(made.body))
  assert.equal(await put(server, 'without-value', who), denied)
  const half = await createCaller(server, 'half', [secrets, onKey('kms:GenerateDataKey')])
  const refused = await server.call('secretsmanager', 'CreateSecret', { Name: 'x', KmsKeyId: key.id }, half)
  assert.equal(`${refused.body.__type}: ${refused.body.Message}`, denied)
  // The key's own policy decides too, and a grant.
  const Policy = policyDocument(allow(`arn:aws:iam::${server.accountId}:root`), {
    ...allow('*', 'kms:Decrypt'),
    Effect: 'Deny',
  })
  await kms(server, 'PutKeyPolicy', { KeyId: key.id, Policy })
  assert.equal(await get(server, 'kept'), denied)
  await kms(server, 'PutKeyPolicy', {
    KeyId: key.id,
    Policy: policyDocument(allow(`arn:aws:iam::${server.accountId}:root`)),
  })
  const granted = await createCaller(server, 'granted', [secrets])
  const Constraints = { EncryptionContextSubset: { SecretARN: body.ARN } }
  await kms(server, 'CreateGrant', {
    KeyId: key.id,
    GranteePrincipal: granted.arn,
    Operations: ['Decrypt'],
    Constraints,
  })
  assert.equal(await get(server, 'kept', granted), 'ok')
  await kms(server, 'DisableKey', { KeyId: key.id })
  assert.match(await get(server, 'kept', granted), /^DecryptionFailure/)
})

test('changing the key encrypts the labelled versions anew, where the caller may encrypt under it', async (t) => {
  const server = await startTestServer(t)
  const secrets = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
  const [old, next] = [await newKey(server), await newKey(server)]
  const four = ['one', 'two', 'three', 'four'].map((name) => token(name))
  const fill = async (Name: string) => {
    await create(server, Name, old.id, { ClientRequestToken: four[0] })
    const add = (at: number, VersionStages?: readonly string[]) =>
      call(server, 'PutSecretValue', {
        SecretId: Name,
        SecretString: `${at}`,
        ClientRequestToken: four[at],
        VersionStages,
      })
    await add(1)
    await add(2)
    await add(3, ['AWSPENDING'])
  }
  const keysOf = async (SecretId: string) => {
    const listed = new Map((await versions(server, SecretId)).map((one) => [one.VersionId, one.KmsKeyIds!.join()]))
    return four.map((id) => (listed.get(id) === next.arn ? 'next' : 'old'))
  }
  const change = (SecretId: string, who?: Who) => outcome(server, 'UpdateSecret', { SecretId, KmsKeyId: next.id }, who)

  await fill('allowed')
  assert.equal(await change('allowed'), 'ok')
  assert.deepEqual(await keysOf('allowed'), ['old', 'next', 'next', 'next'])
  await fill('not-allowed')
  const onKeys = { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: '*' }
  const who = await createCaller(server, 'no-encrypt', [secrets, onKeys])
  assert.equal(await change('not-allowed', who), 'ok')
  assert.deepEqual(await keysOf('not-allowed'), ['old', 'old', 'old', 'old'])
  assert.equal(await put(server, 'not-allowed', who), 'ok')

  // What was encrypted anew needs the old key no more.
  await kms(server, 'DisableKey', { KeyId: old.id })
  assert.equal(await get(server, 'allowed'), 'ok')
  const previous = { SecretId: 'allowed', VersionStage: 'AWSPREVIOUS' }
  assert.equal((await call(server, 'GetSecretValue', previous)).SecretString, '1')
  assert.match(
    await outcome(server, 'GetSecretValue', { SecretId: 'allowed', VersionId: four[0] }),
    /^DecryptionFailure/,
  )
})

test('another account reads a secret where both policies let it, and never one under the managed key', async (t) => {
  const server = await startTestServer(t)
  const guest = await createCaller(
    server,
    'guest',
    [{ Effect: 'Allow', Action: ['secretsmanager:*', 'kms:*'], Resource: '*' }],
    'new',
  )
  const root = `arn:aws:iam::${server.accountId}:root`
  const key = await newKey(server, {
    Policy: policyDocument(allow(root), allow(guest.account, ['kms:Decrypt', 'kms:GenerateDataKey'])),
  })
  await kms(server, 'CreateAlias', { AliasName: 'alias/shared', TargetKeyId: key.id })
  const closed = await newKey(server)
  const share = async (Name: string, KmsKeyId?: string) => {
    const { body } = await create(server, Name, KmsKeyId as string)
    const ResourcePolicy = policyDocument(allow(guest.account, 'secretsmanager:*'))
    await call(server, 'PutResourcePolicy', { SecretId: Name, ResourcePolicy })
    return body.ARN as string
  }
  const shared = await share('shared', 'alias/shared')
  assert.equal(await get(server, shared, guest), 'ok')
  assert.equal(await put(server, shared, guest), 'ok') // the alias is of the secret's owner
  const denied = 'AccessDeniedException: Access to KMS is not allowed'
  for (const arn of [await share('closed', closed.id), await share('managed')]) {
    assert.equal(await get(server, arn, guest), denied)
    assert.equal(await put(server, arn, guest), denied)
  }
  // And its own secrets under a key of ours, by ARN only.
  const theirs = await create(server, 'theirs', key.arn, {}, guest)
  assert.equal(theirs.status, 200, JSON.stringify(theirs.body))
  assert.equal(await get(server, 'theirs', guest), 'ok')
  const byId = await create(server, 'by-id', key.id, {}, guest)
  assert.match(byId.body.Message, /Key 'arn:aws:kms:[^:]+:\d+:key\/[0-9a-f-]+' does not exist/)
  assert.ok(byId.body.Message.includes(guest.account))
  const absent = `${key.arn.slice(0, -4)}0000`
  for (const KmsKeyId of [closed.arn, absent]) {
    const { body } = await create(server, 'refused', KmsKeyId, {}, guest)
    assert.equal(`${body.__type}: ${body.Message}`, denied)
  }
  await kms(server, 'PutKeyPolicy', { KeyId: key.id, Policy: policyDocument(allow(root)) })
  assert.equal(await get(server, shared, guest), denied)
  assert.equal(await get(server, 'theirs', guest), denied)
})
