// Keys as such: made, described, listed, tagged, given policies; and who may.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateKeyCommand, DescribeKeyCommand, paginateListKeys } from '@aws-sdk/client-kms'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { allow, call, codeOf, kmsClient, newKey, outcome } from '../testing.ts'

const MISSING = '1234abcd-12ab-34cd-56ef-1234567890ab'

test('a key is what CreateKey was asked for, and every name of it means it', async (t) => {
  const server = await startTestServer(t)
  const { accountId, region } = server
  const client = kmsClient(t, server)
  const { KeyMetadata: made } = await client.send(
    new CreateKeyCommand({ Description: 'mine', Tags: [{ TagKey: 'team', TagValue: 'blue' }] }),
  )
  assert.deepEqual(made, {
    AWSAccountId: accountId,
    KeyId: made!.KeyId,
    Arn: `arn:aws:kms:${region}:${accountId}:key/${made!.KeyId}`,
    CreationDate: made!.CreationDate,
    Enabled: true,
    Description: 'mine',
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: 'Enabled',
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
    CurrentKeyMaterialId: made!.CurrentKeyMaterialId,
  })
  assert.match(made!.CurrentKeyMaterialId!, /^[0-9a-f]{64}$/)
  await call(server, 'CreateAlias', { AliasName: 'alias/a/b', TargetKeyId: made!.KeyId })
  for (const KeyId of [made!.KeyId, made!.Arn, 'alias/a/b', `arn:aws:kms:${region}:${accountId}:alias/a/b`]) {
    assert.deepEqual((await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata, made)
  }
  const [event] = await events(server, 'CreateKey')
  assert.deepEqual((event!.responseElements as { keyMetadata: { keyId: string } }).keyMetadata.keyId, made!.KeyId)

  for (const [KeyId, refusal] of [
    [MISSING, `NotFoundException: Key 'arn:aws:kms:${region}:${accountId}:key/${MISSING}' does not exist`],
    ['alias/none', `NotFoundException: Alias arn:aws:kms:${region}:${accountId}:alias/none is not found.`],
    ['none', "NotFoundException: Invalid keyId 'none'"],
    [`arn:aws:kms:us-west-1:${accountId}:key/${MISSING}`, 'NotFoundException: Invalid arn us-west-1'],
  ] as const) {
    assert.equal(await outcome(server, 'DescribeKey', { KeyId }), refusal)
  }
  // Operations on the key itself take no alias.
  assert.equal(await codeOf(server, 'DisableKey', { KeyId: 'alias/a/b' }), 'NotFoundException')
  assert.equal(await codeOf(server, 'DisableKey', { KeyId: 'arn:a:b' }), 'InvalidArnException')
})

test('CreateKey refuses what does not go together', async (t) => {
  const server = await startTestServer(t)
  for (const [input, code] of [
    [{ KeySpec: 'RSA_2048' }, 'ValidationException'],
    [{ KeySpec: 'RSA_2048', KeyUsage: 'GENERATE_VERIFY_MAC' }, 'ValidationException'],
    [{ KeyUsage: 'SIGN_VERIFY' }, 'ValidationException'],
    [{ KeySpec: 'HMAC_256', CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' }, 'ValidationException'],
    [{ KeySpec: 'nonsense' }, 'ValidationException'],
    [{ KeySpec: 'SM2', KeyUsage: 'SIGN_VERIFY' }, 'UnsupportedOperationException'],
    [{ KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' }, 'UnsupportedOperationException'],
    [{ Origin: 'AWS_CLOUDHSM' }, 'UnsupportedOperationException'],
    [{ Origin: 'EXTERNAL_KEY_STORE' }, 'UnsupportedOperationException'],
    [{ CustomKeyStoreId: 'cks-1234567890abcdef0' }, 'CustomKeyStoreNotFoundException'],
    [{ Policy: 'x' }, 'MalformedPolicyDocumentException'],
    [{ Policy: policyDocument(allow('arn:aws:iam::111122223333:user/nobody')) }, 'MalformedPolicyDocumentException'],
    [{ Tags: [{ TagKey: 'aws:x', TagValue: '' }] }, 'TagException'],
    [
      {
        Tags: [
          { TagKey: 'x', TagValue: '' },
          { TagKey: 'x', TagValue: '1' },
        ],
      },
      'TagException',
    ],
  ] as const) {
    assert.equal(await codeOf(server, 'CreateKey', input), code, JSON.stringify(input))
  }
  assert.deepEqual((await call(server, 'ListKeys')).Keys, [])
  for (const operation of [
    'ConnectCustomKeyStore',
    'CreateCustomKeyStore',
    'DeleteCustomKeyStore',
    'DisconnectCustomKeyStore',
    'UpdateCustomKeyStore',
  ]) {
    const input = { CustomKeyStoreId: 'cks-1234567890abcdef0', CustomKeyStoreName: 'x' }
    assert.equal(await codeOf(server, operation, input), 'UnsupportedOperationException')
  }
  assert.deepEqual(await call(server, 'DescribeCustomKeyStores'), { CustomKeyStores: [], Truncated: false })
  const named = { CustomKeyStoreName: 'x' }
  assert.equal(await codeOf(server, 'DescribeCustomKeyStores', named), 'CustomKeyStoreNotFoundException')
})

test('keys and their tags are listed page by page, and a marker is of one list only', async (t) => {
  const server = await startTestServer(t)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.push((await newKey(server)).id)
  const listed: string[] = []
  for await (const { Keys } of paginateListKeys({ client: kmsClient(t, server), pageSize: 2 }, {}))
    listed.push(...Keys!.map(({ KeyId }) => KeyId!))
  assert.deepEqual(listed, ids.toSorted())
  assert.deepEqual((await call(server, 'ListKeys', {}, { region: 'us-west-1' })).Keys, [])

  const { NextMarker: Marker, Truncated } = await call(server, 'ListKeys', { Limit: 2 })
  assert.equal(Truncated, true)
  assert.equal(await codeOf(server, 'ListAliases', { Marker }), 'InvalidMarkerException')
  assert.equal(await codeOf(server, 'ListKeys', { Marker: 'x' }), 'InvalidMarkerException')
  assert.equal(await codeOf(server, 'ListKeys', { Marker }, { region: 'us-west-1' }), 'InvalidMarkerException')

  const KeyId = ids[0]!
  const tag = (TagKey: string, TagValue = 'v') => ({ TagKey, TagValue })
  await call(server, 'TagResource', { KeyId, Tags: [tag('b'), tag('a'), tag('c')] })
  await call(server, 'TagResource', { KeyId, Tags: [tag('a', 'new')] })
  await call(server, 'UntagResource', { KeyId, TagKeys: ['c', 'none'] })
  assert.deepEqual(await call(server, 'ListResourceTags', { KeyId }), {
    Tags: [tag('a', 'new'), tag('b')],
    Truncated: false,
  })
  const many = Array.from({ length: 49 }, (_, n) => tag(`t${n}`))
  assert.equal(await outcome(server, 'TagResource', { KeyId, Tags: many }), 'TagException: Too many tags')
  await call(server, 'UpdateKeyDescription', { KeyId, Description: 'other' })
  assert.equal((await call(server, 'DescribeKey', { KeyId })).KeyMetadata.Description, 'other')
})

test('a key policy is a gate, and nobody locks themselves out unless they say so', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const root = `arn:aws:iam::${accountId}:root`
  const everything = [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }]
  const admin = await createCaller(server, 'admin', everything)
  const named = await createCaller(server, 'named', [])
  const { id: KeyId } = await newKey(server)
  assert.deepEqual(await call(server, 'ListKeyPolicies', { KeyId }), { PolicyNames: ['default'], Truncated: false })
  const { Policy } = await call(server, 'GetKeyPolicy', { KeyId })
  assert.deepEqual(JSON.parse(Policy), {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: root },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  })
  assert.equal(await codeOf(server, 'GetKeyPolicy', { KeyId, PolicyName: 'other' }), 'NotFoundException')
  const put = (Policy: string, more: object = {}, who = {}) =>
    outcome(server, 'PutKeyPolicy', { KeyId, Policy, ...more }, who)
  const describe = (who = {}) => outcome(server, 'DescribeKey', { KeyId }, who)

  // By the account: what its own policies say.
  assert.equal(await describe(admin), 'ok')
  assert.match(await describe(named), /no identity-based policy allows/)
  // By name: enough by itself, and for nobody else.
  const own = policyDocument(
    allow(named.arn, 'kms:DescribeKey'),
    allow(admin.arn, ['kms:PutKeyPolicy', 'kms:GetKeyPolicy']),
  )
  assert.match(
    await put(policyDocument(allow(named.arn))),
    /^MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future\.$/,
  )
  assert.equal(await put(own, {}, admin), 'ok')
  assert.equal(await describe(named), 'ok')
  assert.match(await describe(admin), /no resource-based policy allows the kms:DescribeKey action/)
  assert.match(await describe(), /no resource-based policy allows/) // the administrator of the account
  assert.equal(await put(policyDocument(allow(named.arn)), { BypassPolicyLockoutSafetyCheck: true }, admin), 'ok')
  assert.match(await put(own, {}, admin), /no resource-based policy allows the kms:PutKeyPolicy action/)
  assert.equal(
    await put(own, {}, named),
    'MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.',
  )
  // An explicit Deny of the policy holds for whom it names.
  const denied = policyDocument(allow(root), { ...allow(admin.arn, 'kms:DescribeKey'), Effect: 'Deny' })
  assert.equal(await put(denied, { BypassPolicyLockoutSafetyCheck: true }, named), 'ok')
  assert.match(await describe(admin), /with an explicit deny in a resource-based policy/)
  assert.equal(await describe(), 'ok')
  assert.deepEqual(JSON.parse((await call(server, 'GetKeyPolicy', { KeyId })).Policy), JSON.parse(denied))
})
