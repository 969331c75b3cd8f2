// Grants: what they let in, within which constraints, what may be given on, and how they end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { type Caller, createCaller } from '../../secretsmanager/testing.ts'
import { EVERYTHING, newRole, sessionOf } from '../../sts/testing.ts'
import { allow, base64, call, codeOf, newKey, outcome } from '../testing.ts'

const encrypt = (server: TestServer, KeyId: string, who: object, EncryptionContext = {}) =>
  codeOf(server, 'Encrypt', { KeyId, Plaintext: base64('x'), EncryptionContext }, who)

test('a grant lets its grantee do what it lists, in its contexts, until it is revoked', async (t) => {
  const server = await startTestServer(t)
  const [user, other] = [await createCaller(server, 'user', []), await createCaller(server, 'other', [])]
  const { id: KeyId, arn } = await newKey(server)
  assert.equal(await encrypt(server, KeyId, user), 'AccessDeniedException')
  const grant = { KeyId, GranteePrincipal: user.arn, Operations: ['Encrypt', 'DescribeKey'] }
  const { GrantId, GrantToken } = await call(server, 'CreateGrant', grant)
  assert.match(GrantId, /^[0-9a-f]{64}$/)
  assert.equal(await encrypt(server, KeyId, user), 'ok')
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId }, user), 'ok')
  assert.equal(await codeOf(server, 'GenerateDataKey', { KeyId, KeySpec: 'AES_256' }, user), 'AccessDeniedException')
  assert.equal(await encrypt(server, KeyId, other), 'AccessDeniedException')
  // A token is of ours or refused; it adds nothing.
  const asked = { KeyId, Plaintext: base64('x') }
  assert.equal(await codeOf(server, 'Encrypt', { ...asked, GrantTokens: [GrantToken] }, user), 'ok')
  assert.equal(await codeOf(server, 'Encrypt', { ...asked, GrantTokens: [GrantToken] }, other), 'AccessDeniedException')
  assert.equal(await codeOf(server, 'Encrypt', { ...asked, GrantTokens: ['x'] }, user), 'InvalidGrantTokenException')

  const { Grants } = await call(server, 'ListGrants', { KeyId })
  assert.deepEqual(Grants, [
    {
      KeyId: arn,
      GrantId,
      CreationDate: Grants[0].CreationDate,
      GranteePrincipal: user.arn,
      IssuingAccount: `arn:aws:iam::${server.accountId}:root`,
      Operations: ['Encrypt', 'DescribeKey'],
    },
  ])
  const wouldDo = 'DryRunOperationException'
  assert.equal(await codeOf(server, 'RevokeGrant', { KeyId, GrantId, DryRun: true }), wouldDo)
  assert.equal(await codeOf(server, 'RevokeGrant', { KeyId, GrantId }, user), 'AccessDeniedException')
  await call(server, 'RevokeGrant', { KeyId, GrantId })
  assert.equal(await encrypt(server, KeyId, user), 'AccessDeniedException')
  assert.equal(await codeOf(server, 'RevokeGrant', { KeyId, GrantId }), 'NotFoundException')

  const constrained = async (Constraints: object) =>
    call(server, 'CreateGrant', { KeyId, GranteePrincipal: user.arn, Operations: ['Encrypt'], Constraints })
  const equals = await constrained({ EncryptionContextEquals: { a: '1' } })
  assert.deepEqual(
    [
      await encrypt(server, KeyId, user, { a: '1' }),
      await encrypt(server, KeyId, user, { a: '1', b: '2' }),
      await encrypt(server, KeyId, user),
    ],
    ['ok', 'AccessDeniedException', 'AccessDeniedException'],
  )
  await call(server, 'RevokeGrant', { KeyId, GrantId: equals.GrantId })
  await constrained({ EncryptionContextSubset: { a: '1' } })
  assert.deepEqual(
    [await encrypt(server, KeyId, user, { a: '1', b: '2' }), await encrypt(server, KeyId, user, { a: '2' })],
    ['ok', 'AccessDeniedException'],
  )
  // An explicit Deny holds all the same.
  const Policy = policyDocument(allow(`arn:aws:iam::${server.accountId}:root`), {
    ...allow(user.arn, 'kms:Encrypt'),
    Effect: 'Deny',
  })
  await call(server, 'PutKeyPolicy', { KeyId, Policy })
  assert.equal(await encrypt(server, KeyId, user, { a: '1' }), 'AccessDeniedException')
})

test('CreateGrant refuses what no grant can be, and makes one of a name once', async (t) => {
  const server = await startTestServer(t)
  const user = await createCaller(server, 'user', [])
  const key = await newKey(server)
  const pair = await newKey(server, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const good = { KeyId: key.id, GranteePrincipal: user.arn, Operations: ['Encrypt'] }
  for (const [more, code] of [
    [{ GranteePrincipal: `${user.arn}x` }, 'InvalidArnException'],
    [{ GranteePrincipal: '*' }, 'ValidationException'],
    [{ GranteePrincipal: undefined }, 'ValidationException'],
    [{ GranteePrincipal: '999999999999' }, 'InvalidArnException'],
    [{ RetiringPrincipal: `${user.arn}x` }, 'InvalidArnException'],
    [{ Operations: ['Sign'] }, 'ValidationException'],
    [{ Operations: [] }, 'ValidationException'],
    [{ GranteeServicePrincipal: 'secretsmanager.amazonaws.com' }, 'UnsupportedOperationException'],
    [
      { KeyId: pair.id, Operations: ['Sign'], Constraints: { EncryptionContextEquals: { a: '' } } },
      'ValidationException',
    ],
    [
      { Constraints: { EncryptionContextEquals: Object.fromEntries([...'123456789'].map((n) => [n, ''])) } },
      'ValidationException',
    ],
    [{ KeyId: 'alias/x' }, 'NotFoundException'],
    [{ DryRun: true }, 'DryRunOperationException'],
  ] as const) {
    assert.equal(await codeOf(server, 'CreateGrant', { ...good, ...more }), code, JSON.stringify(more))
  }
  const one = await call(server, 'CreateGrant', { ...good, Name: 'mine' })
  assert.equal((await call(server, 'CreateGrant', { ...good, Name: 'mine' })).GrantId, one.GrantId)
  const wider = { ...good, Name: 'mine', Operations: ['Encrypt', 'Decrypt'] }
  assert.notEqual((await call(server, 'CreateGrant', wider)).GrantId, one.GrantId)
  assert.notEqual((await call(server, 'CreateGrant', good)).GrantId, (await call(server, 'CreateGrant', good)).GrantId)

  const ids = new Set<string>()
  let Marker: string | undefined
  do {
    const page = await call(server, 'ListGrants', { KeyId: key.id, Limit: 2, Marker })
    for (const { GrantId } of page.Grants) ids.add(GrantId)
    Marker = page.NextMarker
  } while (Marker !== undefined)
  assert.equal(ids.size, 4)
  assert.equal((await call(server, 'ListGrants', { KeyId: key.id, GrantId: one.GrantId })).Grants.length, 1)
  assert.equal((await call(server, 'ListGrants', { KeyId: key.id, GranteePrincipal: `${user.arn}x` })).Grants.length, 0)
})

test('who may grant by a grant gives no more than that', async (t) => {
  const server = await startTestServer(t)
  const [middle, last] = [await createCaller(server, 'middle', []), await createCaller(server, 'last', [])]
  const { id: KeyId } = await newKey(server)
  const Constraints = { EncryptionContextSubset: { a: '1' } }
  const Operations = ['Encrypt', 'CreateGrant']
  await call(server, 'CreateGrant', { KeyId, GranteePrincipal: middle.arn, Operations, Constraints })
  const give = (more: object) =>
    codeOf(server, 'CreateGrant', { KeyId, GranteePrincipal: last.arn, Operations: ['Encrypt'], ...more }, middle)
  for (const [more, code] of [
    [{}, 'AccessDeniedException'],
    [{ Constraints: { EncryptionContextSubset: { a: '2' } } }, 'AccessDeniedException'],
    [{ Constraints, Operations: ['Encrypt', 'Decrypt'] }, 'AccessDeniedException'],
    [{ Constraints: { EncryptionContextEquals: { b: '1' } } }, 'AccessDeniedException'],
    [{ Constraints: { EncryptionContextSubset: { a: '1', b: '2' } } }, 'ok'],
    [{ Constraints: { EncryptionContextEquals: { a: '1' } } }, 'ok'],
  ] as const)
    assert.equal(await give(more), code, JSON.stringify(more))
  assert.equal(await encrypt(server, KeyId, last, { a: '1' }), 'ok')
  assert.equal(await encrypt(server, KeyId, last, { a: '2' }), 'AccessDeniedException')
})

test('a grant is to the role that it named, in its sessions, and not to one made again under the name', async (t) => {
  const server = await startTestServer(t)
  const role = await newRole(server, 'worker', {})
  const { id: KeyId } = await newKey(server)
  await call(server, 'CreateGrant', { KeyId, GranteePrincipal: role.arn, Operations: ['Encrypt'] })
  const credentials = await sessionOf(t, server, server.credentials, role.arn)
  assert.equal(await encrypt(server, KeyId, { credentials }), 'ok')

  const account = await createCaller(server, 'member', [{ ...EVERYTHING, Action: 'kms:Encrypt' }], 'new')
  const arn = (await call(server, 'DescribeKey', { KeyId })).KeyMetadata.Arn
  assert.equal(await encrypt(server, arn, account), 'AccessDeniedException')
  await call(server, 'CreateGrant', { KeyId, GranteePrincipal: account.account, Operations: ['Encrypt', 'Decrypt'] })
  assert.equal(await encrypt(server, arn, account), 'ok') // the account's own policies allow it
  assert.equal(
    await codeOf(server, 'Decrypt', { KeyId: arn, CiphertextBlob: base64('x') }, account),
    'AccessDeniedException',
  )
})

test('a grant is retired by whom it lets, and listed for them', async (t) => {
  const server = await startTestServer(t)
  const guest = await createCaller(
    server,
    'guest',
    [{ Effect: 'Allow', Action: 'kms:ListRetirableGrants', Resource: '*' }],
    'new',
  )
  const user = await createCaller(server, 'user', [])
  const { id: KeyId, arn } = await newKey(server)
  const make = async (more: object = {}) =>
    call(server, 'CreateGrant', { KeyId, GranteePrincipal: user.arn, Operations: ['Encrypt'], ...more })
  const retire = (who: Partial<Caller>, input: object) => outcome(server, 'RetireGrant', input, who)

  const one = await make({ RetiringPrincipal: guest.arn })
  const listed = await call(server, 'ListRetirableGrants', { RetiringPrincipal: guest.arn }, guest)
  assert.deepEqual([listed.Grants.length, listed.Grants[0].GrantId, listed.Grants[0].KeyId], [1, one.GrantId, arn])
  assert.equal(
    await codeOf(server, 'ListRetirableGrants', { RetiringPrincipal: user.arn }, guest),
    'AccessDeniedException',
  )
  assert.match(await retire(user, { GrantToken: one.GrantToken }), /^AccessDeniedException/)
  assert.match(await retire(guest, { GrantToken: one.GrantToken, DryRun: true }), /^DryRunOperationException/)
  assert.equal(await retire(guest, { GrantToken: one.GrantToken }), 'ok')
  assert.match(await retire({}, { GrantToken: one.GrantToken }), /^NotFoundException/)
  assert.deepEqual((await call(server, 'ListRetirableGrants', { RetiringPrincipal: guest.arn }, guest)).Grants, [])

  const two = await make({ Operations: ['Encrypt', 'RetireGrant'] })
  assert.equal(await retire(user, { KeyId: arn, GrantId: two.GrantId }), 'ok')
  const three = await make()
  assert.match(await retire(guest, { KeyId: arn, GrantId: three.GrantId }), /^AccessDeniedException/)
  assert.equal(await retire({}, { KeyId: arn, GrantId: three.GrantId }), 'ok') // the account that made it
  assert.match(await retire({}, { GrantToken: 'x' }), /^InvalidGrantTokenException/)
  assert.match(await retire({}, { KeyId: arn }), /^ValidationException/)
})
