// Buckets by a clock of our own, then the real server: what is refused, how, to whom, and what the trail says.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as sdk from '@aws-sdk/client-secrets-manager'
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { ConfigurationError } from './config.ts'
import type { AnyOperation, Service } from './operation.ts'
import { createRates } from './rates.ts'
import { policyDocument } from './services/iam/testing.ts'
import { services } from './services/index.ts'
import { secretsmanager } from './services/secretsmanager/index.ts'
import { rates as groups } from './services/secretsmanager/rates.ts'
import { call, createCaller, events, token } from './services/secretsmanager/testing.ts'
import { startTestServer } from './testing.ts'

const find = (name: string): AnyOperation => secretsmanager.operations.find((operation) => operation.name === name)!
const START = 1_800_000_000_000
const on = (...rate: string[]) => createRates(services, { rates: 'on', rate })

test('a bucket lets as many through at once as a second brings, and then as many as time brings', () => {
  const rates = on()
  const take = (at: number, operation = 'CreateSecret', account = '1', region = 'eu-central-1') =>
    rates.take(find(operation), account, region, START + at) === 0
  const most = (at: number, ...rest: string[]) => {
    let count = 0
    while (count < 1_000 && take(at, ...rest)) count += 1
    return count
  }
  assert.equal(most(0), 50)
  assert.equal(most(19), 0)
  assert.equal(most(20), 1)
  assert.equal(most(120), 5)
  assert.equal(most(10_000), 50, 'no more than a second brings')
  assert.equal(most(5_000), 0, 'the clock went back')
  assert.equal(most(5_100), 5, 'and goes on from there')

  assert.equal(most(5_100, 'CreateSecret', '2'), 50, 'another account')
  assert.equal(most(5_100, 'CreateSecret', '1', 'eu-west-1'), 50, 'another Region')
  assert.equal(most(5_100, 'PutSecretValue'), 50, 'another group')
  assert.equal(most(5_100, 'UpdateSecret'), 0, 'the same group')
  assert.equal(most(5_100, 'GetSecretValue'), 1_000, 'reads are not limited')
  assert.equal(most(5_100, 'ListSecrets'), 100)
  assert.equal(most(5_100, 'ListSecretVersionIds'), 0)
})

test('figures are given by the name of a group; a name that there is not is refused', () => {
  const most = (rates: ReturnType<typeof on>, operation: string) => {
    let count = 0
    while (count < 20_000 && rates.take(find(operation), '1', 'eu-central-1', START) === 0) count += 1
    return count
  }
  const rates = on('secretsmanager.write=3', 'secretsmanager.create=off', 'secretsmanager.read=10000')
  assert.deepEqual(
    ['PutSecretValue', 'CreateSecret', 'GetSecretValue', 'DescribeSecret', 'TagResource'].map((name) =>
      most(rates, name),
    ),
    [3, 20_000, 10_000, 0, 50],
  )
  assert.equal(
    most(createRates(services, { rates: 'off', rate: ['secretsmanager.write=1'] }), 'PutSecretValue'),
    20_000,
  )
  for (const rates of ['on', 'off'] as const) {
    assert.throws(
      () => createRates(services, { rates, rate: ['secretsmanager.writes=3'] }),
      (error) =>
        error instanceof ConfigurationError &&
        /^--rate secretsmanager\.writes=3 names no group of operations: give one of .*secretsmanager\.read, /.test(
          error.message,
        ),
    )
  }
})

test('buckets are bounded in number, and busy ones stay', () => {
  const rates = on('secretsmanager.create=1')
  const create = find('CreateSecret')
  assert.equal(rates.take(create, 'busy', 'eu', START), 0)
  for (let at = 0; at < 200_000; at++) {
    assert.equal(rates.take(create, String(at), 'eu', START), 0)
    if (at % 1_000 === 0) assert.ok(rates.take(create, 'busy', 'eu', START) >= 50)
  }
  assert.equal(rates.take(create, '0', 'eu', START), 0, 'what was not asked for is forgotten')
})

test('every operation of Secrets Manager is in one group, as AWS has them', () => {
  const named = groups.flatMap(({ operations }) => operations).sort()
  const modelled = Object.keys(sdk).flatMap((name) => /^([A-Z]\w+)Command$/.exec(name)?.[1] ?? [])
  assert.deepEqual(named, modelled.sort())
})

test('docs/configuration.md lists the groups, their operations and their figures', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
  const documented = page.split('\n').filter((line) => /^\| `[a-z]+\.[a-z-]+` \|/.test(line))
  const rowsOf = ({ name: service, rates = [] }: Service) =>
    rates.map(({ name, operations, perSecond, optional }) => {
      const figure = optional ? `off (AWS: ${perSecond})` : perSecond
      return `| \`${service}.${name}\` | ${operations.join(', ')} | ${figure} |`
    })
  assert.deepEqual(documented, services.flatMap(rowsOf))
})

test('services that the table of another names are not there: a group holds for its own operations', () => {
  const other: Service = { ...secretsmanager, name: 'other', rates: [], operations: [{ ...find('CreateSecret') }] }
  const rates = createRates([other], { rates: 'on', rate: [] })
  for (let at = 0; at < 100; at++) assert.equal(rates.take(other.operations[0]!, '1', 'eu', START), 0)
})

test('the server refuses what is beyond a rate in AWS’s words, after the signature and before anything else', async (t) => {
  const server = await startTestServer(t, {
    rates: 'on',
    rate: ['secretsmanager.create=1', 'secretsmanager.list=1', 'secretsmanager.policy=1'],
  })
  const { ARN } = await call(server, 'CreateSecret', { Name: 'shared', ClientRequestToken: token(), SecretString: 'x' })
  const document = (account: string) =>
    policyDocument({ Effect: 'Allow', Principal: { AWS: account }, Action: 'secretsmanager:*', Resource: '*' })
  const guest = await createCaller(server, 'guest', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  await call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy: document(guest.account) })

  /** Of many calls at once the bucket lets one through, or a few more where the machine is slow. */
  const burst = async (operation: string, input: object | string, options: object = {}) => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => server.call('secretsmanager', operation, input, options)),
    )
    return answers.filter(({ body }) => body.__type === 'ThrottlingException')
  }
  const throttled = await burst('ListSecrets', {})
  assert.ok(throttled.length >= 6, String(throttled.length))
  assert.deepEqual(throttled[0]?.body, { __type: 'ThrottlingException', message: 'Rate exceeded' })
  assert.equal(throttled[0]?.status, 400)
  assert.equal(throttled[0]?.headers.get('x-amzn-errortype'), 'ThrottlingException')

  // What cannot even be read is throttled like what can; what is not signed does not count and is told nothing.
  assert.ok((await burst('CreateSecret', '{')).length >= 6)
  const stranger = { credentials: { ...server.credentials, secretAccessKey: 'x'.repeat(40) } }
  assert.equal((await burst('ListSecrets', {}, stranger)).length, 0)

  // Another Region and another account have buckets of their own; across accounts it is the caller's that counts.
  assert.equal((await server.call('secretsmanager', 'ListSecrets', {}, { region: 'eu-west-1' })).status, 200)
  assert.equal((await server.call('secretsmanager', 'ListSecrets', {}, guest)).status, 200)
  assert.ok((await burst('GetResourcePolicy', { SecretId: 'shared' })).length >= 6)
  const across = await server.call('secretsmanager', 'GetResourcePolicy', { SecretId: ARN }, guest)
  assert.equal(across.status, 200, JSON.stringify(across.body))
  assert.ok((await burst('GetResourcePolicy', { SecretId: ARN }, guest)).length >= 6)
  assert.equal((await burst('DescribeSecret', { SecretId: 'shared' })).length, 0)

  const recorded = (await events(server, 'ListSecrets')).filter(({ errorCode }) => errorCode === 'ThrottlingException')
  assert.ok(recorded.length >= throttled.length)
  assert.deepEqual([recorded[0]?.errorMessage, recorded[0]?.requestParameters], ['Rate exceeded', null])
  assert.match(await (await fetch(`${server.url}/_strongroom/metrics`)).text(), /ListSecrets[^\n]*ThrottlingException/)

  // SDKs wait and come back by themselves.
  const { url: endpoint, region, credentials } = server
  const client = new SecretsManagerClient({ endpoint, region, credentials: { ...credentials }, maxAttempts: 8 })
  await Promise.all(Array.from({ length: 2 }, () => client.send(new ListSecretsCommand({}))))
  client.destroy()
})
