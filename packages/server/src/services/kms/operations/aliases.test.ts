// Aliases: names that lead to keys, and what the key knows of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { call, codeOf, newKey, outcome } from '../testing.ts'

test('an alias is given, moved and taken, each with the permission on both of what it names', async (t) => {
  const server = await startTestServer(t)
  const { accountId, region } = server
  const [one, two] = [await newKey(server), await newKey(server)]
  const pair = await newKey(server, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const arn = (name: string) => `arn:aws:kms:${region}:${accountId}:${name}`
  const idOf = async (KeyId: string) => (await call(server, 'DescribeKey', { KeyId })).KeyMetadata.KeyId

  await call(server, 'CreateAlias', { AliasName: 'alias/b', TargetKeyId: one.arn })
  await call(server, 'CreateAlias', { AliasName: 'alias/a', TargetKeyId: one.id })
  const { Aliases } = await call(server, 'ListAliases', { KeyId: one.id })
  assert.deepEqual(
    Aliases.map(({ AliasName, AliasArn, TargetKeyId }: Record<string, string>) => [AliasName, AliasArn, TargetKeyId]),
    [
      ['alias/a', arn('alias/a'), one.id],
      ['alias/b', arn('alias/b'), one.id],
    ],
  )
  const first = await call(server, 'ListAliases', { Limit: 1 })
  assert.equal(first.Truncated, true)
  const rest = await call(server, 'ListAliases', { Limit: 1, Marker: first.NextMarker })
  assert.equal(rest.Aliases[0].AliasName, 'alias/b')

  await call(server, 'UpdateAlias', { AliasName: 'alias/b', TargetKeyId: two.id })
  assert.deepEqual([await idOf('alias/a'), await idOf('alias/b')], [one.id, two.id])
  assert.equal((await call(server, 'ListAliases', { KeyId: one.id })).Aliases.length, 1)

  for (const [operation, input, code] of [
    ['CreateAlias', { AliasName: 'alias/a', TargetKeyId: one.id }, 'AlreadyExistsException'],
    ['CreateAlias', { AliasName: 'alias/aws/mine', TargetKeyId: one.id }, 'NotAuthorizedException'],
    ['CreateAlias', { AliasName: 'mine', TargetKeyId: one.id }, 'InvalidAliasNameException'],
    ['CreateAlias', { AliasName: 'alias/c', TargetKeyId: 'alias/a' }, 'NotFoundException'],
    ['CreateAlias', { AliasName: 'alias/c', TargetKeyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }, 'NotFoundException'],
    ['UpdateAlias', { AliasName: 'alias/none', TargetKeyId: one.id }, 'NotFoundException'],
    ['UpdateAlias', { AliasName: 'alias/a', TargetKeyId: pair.id }, 'ValidationException'],
    ['DeleteAlias', { AliasName: 'alias/none' }, 'NotFoundException'],
  ] as const) {
    assert.equal(await codeOf(server, operation, input), code, `${operation} ${JSON.stringify(input)}`)
  }

  await call(server, 'DeleteAlias', { AliasName: 'alias/a' })
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId: 'alias/a' }), 'NotFoundException')
  assert.equal((await call(server, 'ListAliases', { KeyId: one.id })).Aliases.length, 0)

  const onAlias = { Effect: 'Allow', Action: 'kms:*Alias', Resource: arn('alias/*') }
  const onKey = { Effect: 'Allow', Action: 'kms:*Alias', Resource: one.arn }
  const input = { AliasName: 'alias/d', TargetKeyId: one.id }
  assert.match(
    await outcome(server, 'CreateAlias', input, await createCaller(server, 'of-aliases', [onAlias])),
    new RegExp(`kms:CreateAlias on resource: ${one.arn}`),
  )
  assert.match(
    await outcome(server, 'CreateAlias', input, await createCaller(server, 'of-keys', [onKey])),
    /kms:CreateAlias on resource: arn:aws:kms:[^:]+:\d+:alias\/d /,
  )
  const both = await createCaller(server, 'of-both', [onAlias, onKey])
  assert.equal(await outcome(server, 'CreateAlias', input, both), 'ok')
  assert.match(
    await outcome(server, 'UpdateAlias', { AliasName: 'alias/d', TargetKeyId: two.id }, both),
    new RegExp(`kms:UpdateAlias on resource: ${two.arn}`),
  )
  assert.equal(await outcome(server, 'DeleteAlias', { AliasName: 'alias/d' }, both), 'ok')
})

test('a policy asks for the alias that was used, and for those that the key has', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  for (const name of ['alias/pay', 'alias/other'])
    await call(server, 'CreateAlias', { AliasName: name, TargetKeyId: key.id })
  const statement = (operator: string, condition: string) => ({
    Effect: 'Allow',
    Action: 'kms:DescribeKey',
    Resource: '*',
    Condition: { [operator]: { [condition]: 'alias/pay' } },
  })
  const asked = await createCaller(server, 'asked', [statement('StringEquals', 'kms:RequestAlias')])
  const owned = await createCaller(server, 'owned', [statement('ForAnyValue:StringEquals', 'kms:ResourceAliases')])
  for (const [KeyId, forAsked, forOwned] of [
    ['alias/pay', 'ok', 'ok'],
    ['alias/other', 'AccessDeniedException', 'ok'],
    [key.id, 'AccessDeniedException', 'ok'],
  ] as const) {
    assert.deepEqual(
      [await codeOf(server, 'DescribeKey', { KeyId }, asked), await codeOf(server, 'DescribeKey', { KeyId }, owned)],
      [forAsked, forOwned],
      KeyId,
    )
  }
  await call(server, 'DeleteAlias', { AliasName: 'alias/pay' })
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId: key.id }, owned), 'AccessDeniedException')
})
