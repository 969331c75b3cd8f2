// Secrets by their names below /aws/reference/secretsmanager/: with the caller's own rights to the secret and its key.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { call as kms } from '../kms/testing.ts'
import { call as callSecrets, createCaller, events, token } from '../secretsmanager/testing.ts'
import { call, outcome, read } from './testing.ts'

const PREFIX = '/aws/reference/secretsmanager/'

test('a secret is read by reference, by version and by stage, in two operations and no others', async (t) => {
  const server = await startTestServer(t)
  const [one, two] = [token(), token()]
  const { ARN } = await callSecrets(server, 'CreateSecret', {
    Name: 'prod/db+1',
    SecretString: 'first',
    ClientRequestToken: one,
  })
  await callSecrets(server, 'PutSecretValue', { SecretId: ARN, SecretString: 'second', ClientRequestToken: two })
  const Name = `${PREFIX}prod/db+1`
  const found = await read(server, Name, { WithDecryption: true })
  const { SourceResult, LastModifiedDate, ...rest } = found
  assert.deepEqual(rest, { Name, Type: 'SecureString', Value: 'second', Version: 0, ARN, DataType: 'text' })
  const source = JSON.parse(SourceResult)
  assert.deepEqual(source, {
    ARN,
    Name: 'prod/db+1',
    VersionId: two,
    SecretString: 'second',
    VersionStages: ['AWSCURRENT'],
    CreatedDate: LastModifiedDate,
  })
  for (const [selector, value] of [
    [`:${one}`, 'first'],
    [':AWSPREVIOUS', 'first'],
    [':AWSCURRENT', 'second'],
  ] as const) {
    const { Value, Selector } = await read(server, Name + selector, { WithDecryption: true })
    assert.deepEqual([Value, Selector], [value, selector])
  }
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter${Name}`
  assert.equal((await read(server, arn, { WithDecryption: true })).Value, 'second')
  // A secret of the same name in the Region of the call is another one.
  assert.match(
    await outcome(server, 'GetParameter', { Name: arn.replace('eu-central-1', 'us-east-1'), WithDecryption: true }),
    /^ParameterNotFound: .*referencing Secrets Manager/,
  )
  const several = await call(server, 'GetParameters', {
    Names: [Name, `${PREFIX}none`, `${Name}:none`],
    WithDecryption: true,
  })
  assert.deepEqual([several.Parameters.length, several.InvalidParameters], [1, [`${PREFIX}none`, `${Name}:none`]])

  await callSecrets(server, 'CreateSecret', { Name: 'binary', SecretBinary: 'AAEC', ClientRequestToken: token() })
  await callSecrets(server, 'CreateSecret', { Name: 'gone', SecretString: 'x', ClientRequestToken: token() })
  await callSecrets(server, 'DeleteSecret', { SecretId: 'gone' })
  const told = (operation: string, input: object) => outcome(server, operation, { WithDecryption: true, ...input })
  const notFound = (name: string) =>
    `ParameterNotFound: An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret ${name} not found.`
  for (const name of [`${PREFIX}none`, `${PREFIX}gone`])
    assert.equal(await told('GetParameter', { Name: name }), notFound(name))
  assert.match(await told('GetParameter', { Name: `${PREFIX}binary` }), /^ValidationException: .* is binary/)
  for (const WithDecryption of [false, undefined]) {
    assert.equal(
      await outcome(server, 'GetParameter', { Name, WithDecryption }),
      'ValidationException: WithDecryption flag must be True for retrieving a Secret Manager secret.',
    )
  }
  assert.match(
    await told('PutParameter', { Name: `${PREFIX}x`, Value: 'x', Type: 'String' }),
    /^AccessDeniedException: No acc/,
  )
  assert.equal(await told('GetParameterHistory', { Name }), 'ParameterNotFound: ')
  for (const operation of ['DeleteParameter', 'LabelParameterVersion']) {
    assert.match(await told(operation, { Name: `${PREFIX}gone`, Labels: ['x'] }), /^ParameterNotFound/)
  }
  assert.deepEqual((await call(server, 'GetParametersByPath', { Path: PREFIX, Recursive: true })).Parameters, [])
})

test('who reads a secret by reference needs ssm, secretsmanager and kms, each as for the call itself', async (t) => {
  const server = await startTestServer(t)
  const { KeyMetadata: key } = await kms(server, 'CreateKey', {})
  const { ARN } = await callSecrets(server, 'CreateSecret', {
    Name: 's',
    SecretString: 'x',
    KmsKeyId: key.Arn,
    ClientRequestToken: token(),
  })
  const allow = (Action: string, Resource = '*', more: object = {}) => ({ Effect: 'Allow', Action, Resource, ...more })
  const parameter = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter${PREFIX}s`
  const through = { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-central-1.amazonaws.com' } }
  const [ssm, secrets, opens, staged] = [
    allow('ssm:GetParameter', parameter),
    allow('secretsmanager:GetSecretValue', ARN),
    allow('kms:Decrypt', key.Arn, { Condition: through }),
    allow('secretsmanager:GetSecretValue', ARN, {
      Condition: { StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
    }),
  ]
  for (const [at, [statements, name, expected]] of (
    [
      [[ssm, secrets, opens], 's', /^ok$/],
      [
        [secrets, opens],
        's',
        /^AccessDeniedException: User: .* perform: ssm:GetParameter on resource: .*\/aws\/reference\/secretsmanager\/s /,
      ],
      [
        [ssm, opens],
        's',
        /^AccessDeniedException: User: .* perform: secretsmanager:GetSecretValue on resource: .*:secret:s-/,
      ],
      [[ssm, secrets], 's', /^AccessDeniedException: Access to KMS is not allowed/],
      [[ssm, staged, opens], 's', /^AccessDeniedException: .*secretsmanager:GetSecretValue/],
      [[allow('ssm:GetParameter'), staged, opens], 's:AWSCURRENT', /^ok$/],
      // What is not there is refused as what is.
      [
        [allow('ssm:GetParameter')],
        'none',
        /^AccessDeniedException: .*secretsmanager:GetSecretValue on resource: none /,
      ],
    ] as const
  ).entries()) {
    const caller = await createCaller(server, `caller-${at}`, statements)
    const told = await outcome(server, 'GetParameter', { Name: PREFIX + name, WithDecryption: true }, caller)
    assert.match(told, expected, String(at))
  }
  // The trail has what was read, as a call of Secrets Manager.
  const [event] = await events(server, 'GetSecretValue')
  assert.deepEqual(
    [event?.eventSource, event?.requestParameters, event?.resources?.[0]?.ARN],
    ['secretsmanager.amazonaws.com', { secretId: 's', versionStage: 'AWSCURRENT' }, ARN],
  )
})
