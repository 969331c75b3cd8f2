// PutResourcePolicy, GetResourcePolicies and DeleteResourcePolicy; and what another account may do with a parameter that is shared with it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { call as callKms } from '../../kms/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { call, codeOf, outcome, put, read } from '../testing.ts'

test('an advanced parameter is shared with another account, by its full ARN, for as long as the policy stands', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const arnOf = (name: string) => `arn:aws:ssm:eu-central-1:${accountId}:parameter${name}`
  const all = [{ Effect: 'Allow', Action: ['ssm:*', 'kms:*', 'cloudtrail:*'], Resource: '*' }]
  const other = await createCaller(server, 'other', all, 'new')
  const who = { credentials: other.credentials }
  const { KeyMetadata: key } = await callKms(server, 'CreateKey', {
    Policy: policyDocument(
      { Effect: 'Allow', Principal: { AWS: accountId }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Allow', Principal: { AWS: other.account }, Action: 'kms:Decrypt', Resource: '*' },
    ),
  })
  await put(server, '/shared/text', 'text', { Tier: 'Advanced', Tags: [{ Key: 'Team', Value: 'blue' }] })
  await put(server, '/shared/secure', 'secret', { Type: 'SecureString', Tier: 'Advanced', KeyId: key.Arn })
  await put(server, '/shared/managed', 'secret', { Type: 'SecureString', Tier: 'Advanced' })
  await put(server, '/small', 'x')

  const share = (name: string, more: object = {}) => ({
    ResourceArn: arnOf(name),
    Policy: policyDocument({
      Effect: 'Allow',
      Principal: { AWS: other.account },
      Action: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParameterHistory', 'ssm:DescribeParameters'],
      Resource: arnOf(name),
      ...more,
    }),
  })
  const denied = await outcome(server, 'GetParameter', { Name: arnOf('/shared/text') }, who)
  assert.equal(
    denied,
    `AccessDeniedException: User: ${other.arn} is not authorized to perform: ssm:GetParameter on resource: ${arnOf('/shared/text')} because no resource-based policy allows the ssm:GetParameter action`,
  )
  const { PolicyId, PolicyHash } = await call(server, 'PutResourcePolicy', share('/shared/text'))
  for (const name of ['/shared/secure', '/shared/managed']) await call(server, 'PutResourcePolicy', share(name))

  assert.equal((await read(server, arnOf('/shared/text'), {}, who)).Value, 'text')
  assert.equal((await read(server, `${arnOf('/shared/text')}:1`, {}, who)).Selector, ':1')
  const decrypted = { WithDecryption: true }
  assert.equal((await read(server, arnOf('/shared/secure'), decrypted, who)).Value, 'secret')
  assert.match(
    await outcome(server, 'GetParameter', { Name: arnOf('/shared/managed'), ...decrypted }, who),
    /^AccessDeniedException: The ciphertext refers to a customer master key that does not exist.* \(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: /,
  )
  const several = await call(server, 'GetParameters', { Names: [arnOf('/shared/text'), arnOf('/shared/secure')] }, who)
  assert.equal(several.Parameters.length, 2)
  assert.equal((await call(server, 'GetParameterHistory', { Name: arnOf('/shared/text') }, who)).Parameters.length, 1)
  // Names are of the caller's own account, and nothing else is shared.
  assert.equal(await codeOf(server, 'GetParameter', { Name: '/shared/text' }, who), 'ParameterNotFound')
  assert.deepEqual((await call(server, 'GetParametersByPath', { Path: '/shared' }, who)).Parameters, [])
  assert.equal(await codeOf(server, 'GetParameter', { Name: arnOf('/small') }, who), 'AccessDeniedException')
  assert.equal(await codeOf(server, 'PutResourcePolicy', share('/shared/text'), who), 'AccessDeniedException')

  // Both trails have it.
  for (const [credentials, account] of [
    [server.credentials, accountId],
    [other.credentials, other.account],
  ] as const) {
    const found = await events(server, 'GetParameter', { credentials })
    assert.ok(
      found.some(
        (event) => event.recipientAccountId === account && event.resources?.[0]?.ARN === arnOf('/shared/text'),
      ),
    )
    const many = await events(server, 'GetParameters', { credentials })
    assert.ok(many.some((event) => event.resources?.[0]?.ARN === arnOf('/shared/secure')))
  }

  const shown = await call(server, 'GetResourcePolicies', { ResourceArn: arnOf('/shared/text') })
  assert.deepEqual(shown, { Policies: [{ PolicyId, PolicyHash, Policy: share('/shared/text').Policy }] })
  // Changed under the hash that was read, and no other.
  const narrowed = share('/shared/text', { Condition: { StringEquals: { 'ssm:resourceTag/Team': 'red' } } })
  const refused = (operation: string, more: object) => outcome(server, operation, { ...narrowed, ...more })
  assert.match(await refused('PutResourcePolicy', {}), /^ResourcePolicyLimitExceededException: Only one policy/)
  assert.match(await refused('PutResourcePolicy', { PolicyId }), /^ResourcePolicyInvalidParameterException/)
  const stale = "ResourcePolicyConflictException: The hash provided in the call doesn't match the stored hash."
  assert.equal(await refused('PutResourcePolicy', { PolicyId, PolicyHash: 'x' }), stale)
  assert.match(await refused('PutResourcePolicy', { PolicyId: 'x', PolicyHash }), /^ResourcePolicyNotFoundException/)
  const next = await call(server, 'PutResourcePolicy', { ...narrowed, PolicyId, PolicyHash })
  assert.equal(next.PolicyId, PolicyId)
  assert.notEqual(next.PolicyHash, PolicyHash)
  assert.equal(await codeOf(server, 'GetParameter', { Name: arnOf('/shared/text') }, who), 'AccessDeniedException')
  assert.equal(await refused('DeleteResourcePolicy', { PolicyId, PolicyHash }), stale)
  await call(server, 'DeleteResourcePolicy', { ResourceArn: arnOf('/shared/text'), ...next })
  assert.match(await refused('DeleteResourcePolicy', next), /^ResourcePolicyNotFoundException/)
  assert.deepEqual(await call(server, 'GetResourcePolicies', { ResourceArn: arnOf('/shared/text') }), { Policies: [] })
  assert.equal(await codeOf(server, 'GetParameter', { Name: arnOf('/shared/text') }, who), 'AccessDeniedException')

  for (const [input, expected] of [
    [share('/none'), 'ResourceNotFoundException: The specified parameter to be shared could not be found.'],
    [share('/small'), /^ResourcePolicyInvalidParameterException: To share a parameter, it must be in the advanced/],
    [
      { ...share('/small'), ResourceArn: `arn:aws:ssm:eu-central-1:${accountId}:opsitemgroup/default` },
      /^ResourcePolicyInvalid/,
    ],
    [{ ...share('/small'), ResourceArn: '/shared/text-not-an-arn' }, /^ResourcePolicyInvalidParameterException/],
    [share('/shared/text', { Principal: '*' }), /^MalformedResourcePolicyDocumentException: .*not with everyone\.$/],
    [
      share('/shared/text', { Principal: { AWS: '999999999999' } }),
      /^MalformedResourcePolicyDocumentException: .*principal/,
    ],
    [
      share('/shared/text', { Action: 's3:*' }),
      /^MalformedResourcePolicyDocumentException: .*unsupported action: s3:\*/,
    ],
    [{ ...share('/shared/text'), Policy: '{' }, /^MalformedResourcePolicyDocumentException/],
    [{ ...share('/shared/text'), Policy: ' ' }, /^ValidationException/],
    [
      share('/shared/text', { Sid: 'a'.repeat(1_000) }),
      /^ResourcePolicyLimitExceededException: A policy can't be greater than 1024 b/,
    ],
    [
      share('/shared/text', { Effect: 'Deny', Principal: { AWS: accountId }, Action: 'ssm:*' }),
      /^ResourcePolicyInvalidParameterException: .*would not allow you to change it/,
    ],
    [{ ...share('/shared/text'), ...next }, /^ResourcePolicyNotFoundException/],
  ] as const) {
    const told = await outcome(server, 'PutResourcePolicy', input)
    if (typeof expected === 'string') assert.equal(told, expected)
    else assert.match(told, expected, JSON.stringify(input).slice(0, 200))
  }
  assert.match(
    await outcome(server, 'GetResourcePolicies', { ResourceArn: arnOf('/shared/text'), NextToken: 'x' }),
    /^ResourcePolicyInvalidParameterException/,
  )
})
