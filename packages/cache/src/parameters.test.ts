// The cache of parameters, through AWS's own client, against a double that answers GetParameter alone; where events decide, against the real server.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startTestServer } from '../../server/src/testing.ts'
import { CacheClosedError, SecretCache } from './index.ts'
import { ParameterCache, type ParameterCacheOptions } from './parameters.ts'

type Asked = { readonly Name: string; readonly WithDecryption: boolean }

async function makeWorld(t: TestContext, options: ParameterCacheOptions = {}) {
  const values = new Map([['/app/level', 'info']])
  const asked: Asked[] = []
  const service = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    assert.equal(request.headers['x-amz-target'], 'AmazonSSM.GetParameter')
    const input: Asked = JSON.parse(body)
    asked.push(input)
    const Value = values.get(input.Name)
    const headers = { 'content-type': 'application/x-amz-json-1.1' }
    response.writeHead(Value === undefined ? 400 : 200, headers)
    const ARN = `arn:aws:ssm:eu-central-1:111122223333:parameter${input.Name}`
    const Parameter = {
      Name: input.Name,
      ARN,
      Type: 'SecureString',
      Version: 3,
      DataType: 'text',
      Value,
      LastModifiedDate: 1e9,
    }
    response.end(JSON.stringify(Value === undefined ? { __type: 'ParameterNotFound' } : { Parameter }))
  })
  await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening))
  const client = new SSMClient({
    endpoint: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  })
  const cache = new ParameterCache(client, options)
  t.after(async () => {
    await cache.close()
    client.destroy()
    service.closeAllConnections()
    await new Promise((closed) => service.close(closed))
  })
  return { cache, values, asked }
}

test('parameters come decrypted unless told otherwise, once from the service', async (t) => {
  const { cache, asked, values } = await makeWorld(t)
  const all = await Promise.all(Array.from({ length: 20 }, () => cache.getParameter('/app/level')))
  assert.deepEqual(new Set(all), new Set(['info']))
  assert.deepEqual(asked, [{ Name: '/app/level', WithDecryption: true }])
  await cache.getParameter('/app/level', { withDecryption: false })
  assert.deepEqual(asked[1], { Name: '/app/level', WithDecryption: false })
  assert.deepEqual(await cache.getParameterValue('/app/level'), {
    Name: '/app/level',
    ARN: 'arn:aws:ssm:eu-central-1:111122223333:parameter/app/level',
    Type: 'SecureString',
    Version: 3,
    DataType: 'text',
    LastModifiedDate: new Date(1e12),
    Value: 'info',
  })
  values.set('/app/level', '{"level":"debug"}')
  assert.equal(await cache.getParameter('/app/level'), 'info')
  await cache.refreshNow('/app/level')
  assert.deepEqual(await cache.getParameterJson('/app/level'), { level: 'debug' })
  assert.equal(await cache.getParameterJson('/app/level', (value) => (value as { level: string }).level), 'debug')
  assert.deepEqual([asked.length, cache.metrics().entries], [3, 1])
})

test('a parameter that is not there is asked for once in five seconds; prefetch tells of it; a closed cache answers nobody', async (t) => {
  const { cache, asked } = await makeWorld(t)
  for (let count = 0; count < 3; count++)
    await assert.rejects(cache.getParameter('/none'), { name: 'ParameterNotFound' })
  const failed = await cache.prefetch(['/app/level', '/none'])
  assert.deepEqual(
    failed.map(({ id }) => id),
    ['/none'],
  )
  assert.equal(asked.length, 2)
  await assert.rejects(cache.getParameter(''), TypeError)
  await cache.close()
  await assert.rejects(cache.getParameter('/app/level'), CacheClosedError)
})

test('with the events of a cache of secrets a change is seen within a second, over one stream', async (t) => {
  const server = await startTestServer(t)
  const config = { endpoint: server.url, region: server.region, credentials: { ...server.credentials }, maxAttempts: 1 }
  const [client, secretsClient] = [new SSMClient(config), new SecretsManagerClient(config)]
  const secrets = new SecretCache(secretsClient)
  const cache = new ParameterCache(client, { events: secrets })
  t.after(async () => {
    await Promise.all([cache.close(), secrets.close()])
    client.destroy()
    secretsClient.destroy()
  })
  const Name = '/app/level'
  const put = (Value: string, of = Name) =>
    client.send(new PutParameterCommand({ Name: of, Type: 'String', Value, Overwrite: true }))
  const reference = '/aws/reference/secretsmanager/db'
  await put('one')
  await secretsClient.send(new CreateSecretCommand({ Name: 'db', SecretString: 'first' }))
  assert.equal(await cache.getParameter(Name), 'one')
  const until = async (look: () => unknown, value: unknown): Promise<number> => {
    const began = performance.now()
    while ((await look()) !== value) {
      assert.ok(performance.now() - began < 20_000, `not ${value}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return performance.now() - began
  }
  await until(() => secrets.metrics().events, 'connected')
  for (const id of [Name, `${Name}:1`, reference]) await cache.getParameter(id)
  const times: number[] = []
  for (const value of ['two', 'three', 'four']) {
    await put(value)
    times.push(await until(() => cache.getParameter(Name), value))
  }
  assert.ok(Math.min(...times) < 1_000, `milliseconds: ${times.map(Math.round)}`)
  assert.equal(await cache.getParameter(`${Name}:1`), 'one')
  await secretsClient.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: 'second' }))
  await until(() => cache.getParameter(reference), 'second')
  await assert.rejects(cache.getParameter('/app/later'), { name: 'ParameterNotFound' })
  await put('made', '/app/later')
  await until(() => cache.getParameter('/app/later').catch(() => undefined), 'made')
  await client.send(new DeleteParameterCommand({ Name }))
  await until(() => cache.getParameter(Name).catch((error: Error) => error.name), 'ParameterNotFound')
  assert.equal(secrets.metrics().fetches, 0)
})
