// Parameter Store as users do it: a server in its own process, and the AWS CLI, boto3, the SDK for JavaScript and Powertools for AWS Lambda.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets'
import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { paginateGetParametersByPath, SSM } from '@aws-sdk/client-ssm'
import { advanceClock } from '../packages/cli/src/clock.ts'
import { awsCli, hasAwsCli, hasBoto3, python } from './aws-tools.ts'
import { clientOf, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

/** Past what a shell, a form or a text column might change on the way. */
const AWKWARD = '{"pass":"p\\"ä\u{1F511} \'$(x)\\n"}\n line two\t'

const ssmOf = (server: ServerProcess): SSM =>
  new SSM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials }, maxAttempts: 1 })

test('the SDK for JavaScript and Powertools store, page and fetch parameters, and secrets', async (t) => {
  const server = await startProcess(await makeHome(t))
  const awsSdkV3Client = ssmOf(server)
  const secrets = clientOf(server)
  t.after(() => {
    awsSdkV3Client.destroy()
    secrets.destroy()
  })
  const provider = new SSMProvider({ awsSdkV3Client })
  assert.equal(await provider.set('/app/host', { value: AWKWARD }), 1)
  assert.equal(await provider.set('/app/host', { value: 'two', overwrite: true }), 2)
  await provider.set('/app/key', { value: 'secret', parameterType: 'SecureString' })
  await provider.set('/app/limits/rows', { value: '{"max":12}' })
  await awsSdkV3Client.labelParameterVersion({ Name: '/app/host', ParameterVersion: 1, Labels: ['live'] })

  assert.equal(await provider.get('/app/host'), 'two')
  assert.equal(await provider.get('/app/host:live'), AWKWARD)
  assert.equal(await provider.get('/app/key', { decrypt: true }), 'secret')
  assert.deepEqual(await provider.get('/app/limits/rows', { transform: 'json' }), { max: 12 })
  assert.deepEqual(await provider.getMultiple('/app', { recursive: true, decrypt: true }), {
    host: 'two',
    key: 'secret',
    'limits/rows': '{"max":12}',
  })
  assert.deepEqual(
    await provider.getParametersByName(
      { '/app/host': {}, '/app/key': { decrypt: true }, '/none': {} },
      { throwOnError: false },
    ),
    { '/app/host': 'two', '/app/key': 'secret', _errors: ['/none'] },
  )
  await assert.rejects(provider.get('/none'), { name: 'GetParameterError' })

  await secrets.send(new CreateSecretCommand({ Name: 'app/db', SecretString: '{"password":"x"}' }))
  const ofSecrets = new SecretsProvider({ awsSdkV3Client: secrets })
  assert.deepEqual(await ofSecrets.get('app/db', { transform: 'json' }), { password: 'x' })
  const referenced = await provider.get('/aws/reference/secretsmanager/app/db', { decrypt: true, transform: 'json' })
  assert.deepEqual(referenced, { password: 'x' })

  for (let at = 0; at < 12; at++) await provider.set(`/many/${at}`, { value: `${at}` })
  let pages = 0
  for await (const _ of paginateGetParametersByPath({ client: awsSdkV3Client, pageSize: 5 }, { Path: '/many' }))
    pages += 1
  assert.equal(pages, 3)
})

test('what was acknowledged is there after kill -9, and policies act after a restart', async (t) => {
  const home = await makeHome(t)
  const first = await startProcess(home, '--test-clock')
  const before = ssmOf(first)
  const Policies = JSON.stringify([
    {
      Type: 'Expiration',
      Version: '1.0',
      Attributes: { Timestamp: new Date(Date.now() + 3_600_000).toISOString() },
    },
  ])
  const put = { Value: 'x', Type: 'SecureString', Tier: 'Advanced' } as const
  await before.putParameter({ Name: '/kept', ...put })
  await before.putParameter({ Name: '/expiring', ...put, Policies })
  before.destroy()
  await first.kill('SIGKILL')

  const server = await startProcess(home, '--test-clock')
  const ssm = ssmOf(server)
  t.after(() => ssm.destroy())
  assert.equal((await ssm.getParameter({ Name: '/kept', WithDecryption: true })).Parameter?.Value, 'x')
  assert.ok(await ssm.getParameter({ Name: '/expiring' }))
  await advanceClock('PT2H', { endpoint: new URL(server.url), region: REGION, credentials: server.credentials })
  for (let tries = 0; tries < 200; tries++) {
    const { InvalidParameters } = await ssm.getParameters({ Names: ['/expiring'] })
    if (InvalidParameters?.length === 1) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('the parameter has not expired')
})

test('the AWS CLI puts, reads, labels, lists and deletes parameters', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const aws = awsCli(server)
  const put = (name: string, value: string, ...more: readonly string[]) =>
    aws('ssm', 'put-parameter', '--name', name, '--value', value, ...more)
  assert.deepEqual(await put('/app/key', AWKWARD, '--type', 'SecureString', '--tags', 'Key=Team,Value=blue'), {
    Version: 1,
    Tier: 'Standard',
  })
  await put('/app/key', 'second', '--overwrite')
  await aws(...['ssm', 'label-parameter-version', '--name', '/app/key', '--parameter-version', '1', '--labels', 'live'])
  const read = await aws('ssm', 'get-parameter', '--name', '/app/key:live', '--with-decryption')
  assert.equal(read.Parameter.Value, AWKWARD)
  const listed = await aws('ssm', 'describe-parameters', '--parameter-filters', 'Key=tag:Team,Values=blue')
  assert.equal(listed.Parameters[0].KeyId, 'alias/aws/ssm')
  const byPath = await aws('ssm', 'get-parameters-by-path', '--path', '/app', '--with-decryption')
  assert.equal(byPath.Parameters[0].Value, 'second')
  await assert.rejects(
    put('/app/key', 'x', '--type', 'String'),
    /An error occurred \(ParameterAlreadyExists\) when calling the PutParameter operation: The parameter already exists\. To overwrite this value, set the overwrite option in the request to true\./,
  )
  assert.deepEqual(await aws('ssm', 'delete-parameters', '--names', '/app/key', '/none'), {
    DeletedParameters: ['/app/key'],
    InvalidParameters: ['/none'],
  })
  await assert.rejects(
    aws('ssm', 'get-parameter', '--name', '/app/key'),
    /An error occurred \(ParameterNotFound\) when calling the GetParameter operation:/,
  )
})

test('boto3 pages a hierarchy and its history, and meets its own exception classes', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  const server = await startProcess(await makeHome(t))
  const script = `
import boto3, json, sys
ssm = boto3.client('ssm', endpoint_url=sys.argv[1])
for at in range(25):
    ssm.put_parameter(Name='/app/%02d' % at, Value='v%d' % at, Type='SecureString' if at % 2 else 'String')
pages = list(ssm.get_paginator('get_parameters_by_path').paginate(Path='/app', WithDecryption=True))
names = [p['Name'] for page in pages for p in page['Parameters']]
for value in ('two', 'three'):
    ssm.put_parameter(Name='/app/00', Value=value, Overwrite=True)
history = [(p['Version'], p['Value']) for page in ssm.get_paginator('get_parameter_history').paginate(
    Name='/app/00', PaginationConfig={'PageSize': 2}) for p in page['Parameters']]
refused = []
for act in (lambda: ssm.get_parameter(Name='/none'), lambda: ssm.get_parameter(Name='/app/00:9'),
            lambda: ssm.put_parameter(Name='/app/00', Value='x', Type='String'),
            lambda: ssm.put_parameter(Name='/x', Value='x', Type='String', AllowedPattern='\\\\d+')):
    try:
        act()
    except (ssm.exceptions.ParameterNotFound, ssm.exceptions.ParameterVersionNotFound,
            ssm.exceptions.ParameterAlreadyExists, ssm.exceptions.ParameterPatternMismatchException) as error:
        refused.append(type(error).__name__)
print(json.dumps([len(pages), len(names), names == sorted(names), history, refused]))
`
  assert.deepEqual(JSON.parse(await python(server, script)), [
    3,
    25,
    true,
    [
      [1, 'v0'],
      [2, 'two'],
      [3, 'three'],
    ],
    ['ParameterNotFound', 'ParameterVersionNotFound', 'ParameterAlreadyExists', 'ParameterPatternMismatchException'],
  ])
})
