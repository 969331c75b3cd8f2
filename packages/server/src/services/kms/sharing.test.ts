// Keys used from other accounts: by ARN and where AWS lets it, by policy or grant; and a stranger learns nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeleteAccessKeyCommand, DeleteUserCommand } from '@aws-sdk/client-iam'
import { startTestServer } from '../../testing.ts'
import { setAccountStatus } from '../iam/accounts.ts'
import { iamClient, policyDocument } from '../iam/testing.ts'
import { createCaller, events } from '../secretsmanager/testing.ts'
import { allow, base64, call, codeOf, newKey, outcome } from './testing.ts'

const EVERYTHING = { Effect: 'Allow', Action: 'kms:*', Resource: '*' }
const TRAIL = { Effect: 'Allow', Action: 'cloudtrail:LookupEvents', Resource: '*' }
const x = base64('x')

test('a key of another account is used by ARN, for what AWS lets it be used, while its account is open', async (t) => {
  const server = await startTestServer(t)
  const owner = await createCaller(server, 'owner', [EVERYTHING, TRAIL], 'new')
  const guest = await createCaller(server, 'guest', [EVERYTHING, TRAIL], 'new')
  const bare = await createCaller(server, 'bare', [], guest.account)
  const Policy = policyDocument(
    allow(`arn:aws:iam::${owner.account}:root`),
    allow(`arn:aws:iam::${guest.account}:root`),
  )
  const { id, arn } = await newKey(server, { Policy }, owner)
  await call(server, 'CreateAlias', { AliasName: 'alias/shared', TargetKeyId: id }, owner)
  const aliasArn = arn.replace(/key\/.*/, 'alias/shared')

  for (const KeyId of [arn, aliasArn])
    assert.equal(await outcome(server, 'Encrypt', { KeyId, Plaintext: x }, guest), 'ok')
  assert.equal(await codeOf(server, 'Encrypt', { KeyId: id, Plaintext: x }, guest), 'NotFoundException')
  assert.match(await outcome(server, 'Encrypt', { KeyId: arn, Plaintext: x }, bare), /no identity-based policy allows/)
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId: id, Plaintext: x }, owner)
  assert.equal(await outcome(server, 'Decrypt', { CiphertextBlob }, guest), 'ok') // the ciphertext says which key
  const own = await newKey(server, {}, guest)
  assert.equal(await outcome(server, 'ReEncrypt', { CiphertextBlob, DestinationKeyId: own.id }, guest), 'ok')
  for (const operation of ['DescribeKey', 'ListGrants', 'GetKeyRotationStatus'])
    assert.equal(await codeOf(server, operation, { KeyId: arn }, guest), 'ok', operation)
  for (const [operation, more] of [
    ['CancelKeyDeletion', {}],
    ['DisableKey', {}],
    ['EnableKey', {}],
    ['EnableKeyRotation', {}],
    ['GetKeyLastUsage', {}],
    ['GetKeyPolicy', {}],
    ['ListKeyPolicies', {}],
    ['ListKeyRotations', {}],
    ['ListResourceTags', {}],
    ['PutKeyPolicy', { Policy }],
    ['RotateKeyOnDemand', {}],
    ['ScheduleKeyDeletion', {}],
    ['TagResource', { Tags: [{ TagKey: 'a', TagValue: '' }] }],
    ['UpdateKeyDescription', { Description: '' }],
  ] as const)
    assert.equal(await codeOf(server, operation, { KeyId: arn, ...more }, guest), 'AccessDeniedException', operation)
  // Both trails have it.
  const inTrails = (who: typeof owner) => events(server, 'Decrypt', who)
  assert.ok((await inTrails(owner)).some(({ sharedEventID }) => sharedEventID !== undefined))
  assert.ok((await inTrails(guest)).some(({ sharedEventID }) => sharedEventID !== undefined))

  await server.app.database.transaction('write', (tx) => setAccountStatus(server.app, tx, owner.account, 'SUSPENDED'))
  assert.match(await outcome(server, 'Encrypt', { KeyId: arn, Plaintext: x }, guest), /no resource-based policy allows/)
  assert.match(
    await outcome(server, 'Decrypt', { CiphertextBlob }, guest),
    /^AccessDeniedException: The ciphertext refers to/,
  )
})

test('a stranger is told the same of a key, an alias and a ciphertext, whether they exist or not', async (t) => {
  const server = await startTestServer(t)
  const stranger = await createCaller(server, 'stranger', [EVERYTHING], 'new')
  const { id, arn } = await newKey(server)
  await call(server, 'CreateAlias', { AliasName: 'alias/there', TargetKeyId: id })
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId: id, Plaintext: x })
  const told = async (KeyId: string, operation = 'Encrypt') =>
    (await outcome(server, operation, { KeyId, Plaintext: x, CiphertextBlob: x }, stranger)).replaceAll(KeyId, 'KEY')
  const alias = (name: string) => arn.replace(/key\/.*/, `alias/${name}`)
  for (const operation of ['Encrypt', 'Decrypt', 'DescribeKey']) {
    assert.equal(await told(arn, operation), await told(`${arn.slice(0, -4)}0000`, operation))
    assert.equal(await told(alias('there'), operation), await told(alias('gone'), operation))
  }
  assert.match(
    await told(arn),
    /^AccessDeniedException: User: .* is not authorized to perform: kms:Encrypt on resource: KEY because no resource-based policy allows/,
  )
  const unknown = Buffer.from(CiphertextBlob, 'base64')
  unknown[10]! ^= 1
  const open = (blob: string) => outcome(server, 'Decrypt', { CiphertextBlob: blob }, stranger)
  assert.equal(await open(CiphertextBlob), await open(base64(unknown)))
  // An explicit Deny in the key's policy is no more told.
  const Policy = policyDocument(allow(`arn:aws:iam::${server.accountId}:root`), {
    ...allow('*', 'kms:Encrypt'),
    Effect: 'Deny',
  })
  const before = await told(arn)
  await call(server, 'PutKeyPolicy', { KeyId: id, Policy, BypassPolicyLockoutSafetyCheck: true })
  assert.equal(await told(arn), before)
})

test('a grant reaches into another account, and names who was there when it was made', async (t) => {
  const server = await startTestServer(t)
  const guest = await createCaller(server, 'guest', [], 'new')
  const { arn } = await newKey(server)
  await call(server, 'CreateGrant', { KeyId: arn, GranteePrincipal: guest.arn, Operations: ['Encrypt'] })
  assert.equal(await outcome(server, 'Encrypt', { KeyId: arn, Plaintext: x }, guest), 'ok')
  const Policy = policyDocument(allow(`arn:aws:iam::${server.accountId}:root`), {
    ...allow('*', 'kms:Encrypt'),
    Effect: 'Deny',
  })
  await call(server, 'PutKeyPolicy', { KeyId: arn, Policy, BypassPolicyLockoutSafetyCheck: true })
  assert.match(await outcome(server, 'Encrypt', { KeyId: arn, Plaintext: x }, guest), /^AccessDeniedException/)

  const gone = await createCaller(server, 'worker', [])
  const { id: KeyId } = await newKey(server)
  await call(server, 'CreateGrant', { KeyId, GranteePrincipal: gone.arn, Operations: ['Encrypt'] })
  assert.equal(await outcome(server, 'Encrypt', { KeyId, Plaintext: x }, gone), 'ok')
  const iam = iamClient(t, server)
  const UserName = 'worker'
  await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: gone.credentials.accessKeyId }))
  await iam.send(new DeleteUserCommand({ UserName }))
  const again = await createCaller(server, 'worker', [])
  assert.equal(again.arn, gone.arn)
  assert.match(await outcome(server, 'Encrypt', { KeyId, Plaintext: x }, again), /^AccessDeniedException/)
})
