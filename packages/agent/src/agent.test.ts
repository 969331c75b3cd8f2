// The agent against the real server: what it answers, to whom, and what it asks the server for that.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, Agent as KeptAlive } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { SSM } from '@aws-sdk/client-ssm'
import { iamClient, policyDocument, trusting } from '../../server/src/services/iam/testing.ts'
import { createCaller } from '../../server/src/services/secretsmanager/testing.ts'
import { startTestServer, type TestServer } from '../../server/src/testing.ts'
import { METRICS_PATH } from './handle.ts'
import { startGate, startTestAgent, type TestAgent, TOKEN, until, WITH_TOKEN } from './testing.ts'

let server: TestServer
const scope = new AsyncDisposableStack()
before(async () => {
  server = await startTestServer({
    after: (end: () => unknown) => scope.defer(async () => void (await end())),
  } as never)
})
after(() => scope.disposeAsync())

let made = 0
async function create(value: { SecretString: string } | { SecretBinary: Uint8Array }, more: object = {}) {
  const Name = `app/secret-${made++}`
  const { ARN } = await server.secretsManager.send(new CreateSecretCommand({ Name, ...value, ...more }))
  return { name: Name, arn: ARN! }
}

const put = (SecretId: string, SecretString: string) =>
  server.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString }))

const got = (agent: TestAgent, id: string, more = '') =>
  agent.get(`/secretsmanager/get?secretId=${encodeURIComponent(id)}${more}`)

/** A number of the metrics. */
async function numberOf(agent: TestAgent, name: string): Promise<number> {
  const { text } = await agent.get(METRICS_PATH)
  const line = text.split('\n').find((one) => one.startsWith(`strongroom_agent_${name} `))
  return Number(line?.split(' ').at(-1))
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-agent-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

test('every check comes in its turn, with the status and the text of the agent of AWS', async (t) => {
  const agent = await startTestAgent(t, server)
  const { name } = await create({ SecretString: 'value' })
  const of = `/secretsmanager/get?secretId=${encodeURIComponent(name)}`
  const forwarded = { 'X-Forwarded-For': '10.0.0.1' }
  const table: readonly (readonly [method: string, path: string, headers: object, status: number, text: string])[] = [
    ['GET', '/ping', {}, 200, 'healthy'],
    ['GET', '/ping', forwarded, 200, 'healthy'],
    ['GET', '/ping?x=y', {}, 200, 'healthy'],
    ['POST', '/ping', {}, 405, 'Not allowed'],
    ['POST', '/nowhere', { ...WITH_TOKEN, ...forwarded }, 400, 'Forwarded'],
    ['POST', '/nowhere', {}, 403, 'Bad Token'],
    ['POST', '/nowhere', { 'X-Aws-Parameters-Secrets-Token': `${TOKEN} ` }, 405, 'Not allowed'],
    ['POST', '/nowhere', { 'X-Aws-Parameters-Secrets-Token': `${TOKEN}x` }, 403, 'Bad Token'],
    ['POST', '/nowhere', { 'X-Aws-Parameters-Secrets-Token': '' }, 403, 'Bad Token'],
    ['POST', '/nowhere', { 'X-Aws-Parameters-Secrets-Token': 'x', 'X-Vault-Token': TOKEN }, 405, 'Not allowed'],
    ['POST', of, WITH_TOKEN, 405, 'Not allowed'],
    ['HEAD', of, WITH_TOKEN, 405, ''],
    ['GET', '/nowhere', WITH_TOKEN, 404, 'Not found'],
    ['GET', '/v1', WITH_TOKEN, 404, 'Not found'],
    ['GET', '/', WITH_TOKEN, 404, 'Not found'],
    ['GET', `http://localhost${of}`, WITH_TOKEN, 404, 'Not found'],
    ['GET', METRICS_PATH, {}, 403, 'Bad Token'],
    ['GET', '/v1/', WITH_TOKEN, 400, 'missing secret ID'],
    ['GET', '/secretsmanager/get', WITH_TOKEN, 400, 'missing parameter secretId'],
    ['GET', '/secretsmanager/get?secretId=', WITH_TOKEN, 400, 'missing parameter secretId'],
    ['GET', `${of}&secretid=x`, WITH_TOKEN, 400, 'unknown parameter: secretid'],
    ['GET', `${of}&refreshNow=yes`, WITH_TOKEN, 400, 'invalid refreshNow value'],
    ['GET', '/systemsmanager/parameters/get', WITH_TOKEN, 400, 'missing parameter name'],
  ]
  for (const [method, path, headers, status, text] of table) {
    const reply = await agent.get(path, { method, headers: headers as typeof WITH_TOKEN })
    assert.deepEqual([reply.status, reply.text], [status, text], `${method} ${path}`)
    assert.equal(reply.headers['content-type'], undefined, 'AWS’s agent sets none')
  }
})

test('a secret comes as GetSecretValue has it, with its date as text', async (t) => {
  const agent = await startTestAgent(t, server)
  const { name, arn } = await create({ SecretString: '{"password":"pässword"}' })
  const { VersionId } = await put(name, '{"password":"nëxt"}')
  const { status, json } = await got(agent, name)
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(json), ['ARN', 'Name', 'VersionId', 'SecretString', 'VersionStages', 'CreatedDate'])
  assert.match(json.CreatedDate, /^\d{10}(\.\d{1,3})?$/)
  assert.deepEqual(
    { ...json, CreatedDate: '' },
    {
      ARN: arn,
      Name: name,
      VersionId,
      SecretString: '{"password":"nëxt"}',
      VersionStages: ['AWSCURRENT'],
      CreatedDate: '',
    },
  )
  assert.equal((await got(agent, arn)).json.VersionId, VersionId)
  // In a path the id is taken as it stands.
  assert.equal((await agent.get(`/v1/${name}`)).json.VersionId, VersionId)
  assert.equal((await agent.get(`/v1/${arn}`)).json.VersionId, VersionId)
  assert.equal((await agent.get(`/v1/${encodeURIComponent(name)}`)).status, 400)
  assert.equal((await got(agent, name, '&versionStage=AWSPREVIOUS')).json.SecretString, '{"password":"pässword"}')
  assert.equal((await agent.get(`/v1/${name}?versionStage=AWSPREVIOUS`)).json.SecretString, '{"password":"pässword"}')
  assert.equal((await got(agent, name, `&versionId=${VersionId}`)).json.SecretString, '{"password":"nëxt"}')

  const binary = await create({ SecretBinary: Uint8Array.of(0, 255, 1, 128) })
  assert.equal((await got(agent, binary.name)).json.SecretBinary, 'AP8BgA==')
  assert.equal((await got(agent, binary.name)).json.SecretBinary, 'AP8BgA==')
})

test('a value is fetched once, and again with refreshNow', async (t) => {
  const agent = await startTestAgent(t, server, { file: { strongroom: { events: false } } })
  const { name } = await create({ SecretString: 'one' })
  await Promise.all(Array.from({ length: 20 }, () => got(agent, name)))
  assert.equal(await numberOf(agent, 'fetches_total{cache="secrets"}'), 1)
  await put(name, 'two')
  for (const refreshNow of ['false', 'FALSE', '0'])
    assert.equal((await got(agent, name, `&refreshNow=${refreshNow}`)).json.SecretString, 'one')
  assert.equal((await got(agent, name, '&refreshNow=True')).json.SecretString, 'two')
  await put(name, 'three')
  assert.equal((await agent.get(`/v1/${name}?refreshNow=1`)).json.SecretString, 'three')
  assert.equal((await got(agent, name)).json.SecretString, 'three')
  assert.equal(await numberOf(agent, 'fetches_total{cache="secrets"}'), 3)
})

test('where nothing is cached each request is a call', async (t) => {
  for (const settings of [
    { file: { ttl_seconds: 0 } },
    { environment: { PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED: 'FALSE' } },
    { environment: { PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE: '0' } },
  ]) {
    const agent = await startTestAgent(t, server, settings)
    const { name } = await create({ SecretString: 'one' })
    assert.equal((await got(agent, name)).json.SecretString, 'one')
    await put(name, 'two')
    assert.equal((await got(agent, name)).json.SecretString, 'two')
    assert.equal(await numberOf(agent, 'fetches_total{cache="secrets"}'), 2)
  }
})

test('a rotation is seen within a second, over both kinds of path', async (t) => {
  const agent = await startTestAgent(t, server)
  const { name, arn } = await create({ SecretString: 'first' })
  const forms = [() => got(agent, name), () => agent.get(`/v1/${arn}`)]
  for (const form of forms) assert.equal((await form()).json.SecretString, 'first')
  await until(
    () => numberOf(agent, 'event_streams'),
    (count) => count === 1,
  )
  // What was fetched before the stream began is looked at once more; from here on events alone decide.
  for (const form of forms) await form()
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const { VersionId } = await server.secretsManager.send(
      new PutSecretValueCommand({ SecretId: name, SecretString: `pending ${round}`, VersionStages: ['AWSPENDING'] }),
    )
    const { json } = await forms[0]!()
    const began = performance.now()
    const RemoveFromVersionId = json.VersionId
    await server.secretsManager.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: VersionId!,
        RemoveFromVersionId,
      }),
    )
    for (const form of forms)
      await until(
        async () => (await form()).json.SecretString,
        (value) => value === `pending ${round}`,
      )
    times.push(performance.now() - began)
  }
  // The best of five: the machine may be busy, and the TTL is five minutes.
  assert.ok(Math.min(...times) < 1_000, `milliseconds: ${times.map(Math.round)}`)
})

test('a refusal of the service goes on with its status and its words', async (t) => {
  const agent = await startTestAgent(t, server)
  const missing = await got(agent, 'no/such')
  assert.deepEqual(
    [missing.status, missing.text],
    [400, `{"__type":"ResourceNotFoundException","message":"Secrets Manager can't find the specified secret."}`],
  )
  const { name } = await create({ SecretString: 'value' })
  const noStage = await got(agent, name, '&versionStage=NONE')
  assert.deepEqual([noStage.status, noStage.json.__type], [400, 'ResourceNotFoundException'])
  const invalid = await got(agent, name, '&versionId=short')
  assert.deepEqual([invalid.status, invalid.json.__type], [400, 'ValidationException'])

  const stranger = await createCaller(server, 'stranger', [])
  const other = await startTestAgent(t, server, { credentials: stranger.credentials })
  const denied = await got(other, name)
  assert.deepEqual([denied.status, denied.json.__type], [400, 'AccessDeniedException'])
  assert.match(denied.json.message, /is not authorized to perform: secretsmanager:GetSecretValue/)
})

test('what a service answers that no agent can pass on is a failure with the words of the agent of AWS', async (t) => {
  const replies: readonly (readonly [status: number, body: string | undefined, expected: readonly unknown[]])[] = [
    [400, '{"__type":"Odd","message":"Odd words."}', [400, '{"__type":"Odd","message":"Odd words."}']],
    [503, '{"__type":"Busy","message":"Later."}', [503, '{"__type":"Busy","message":"Later."}']],
    [400, '{"__type":"Odd"}', [500, '{"__type":"InternalFailure"}']],
    [500, '{}', [500, '{"__type":"InternalFailure"}']],
    [200, 'hunter2 is no JSON', [502, '{"__type":"ConnectionError","message":"Response Error"}']],
    [200, '{"ARN":"arn","Name":"name"}', [500, '{"__type":"InternalFailure"}']],
    [0, undefined, [502, '{"__type":"ConnectionError","message":"Read Error"}']],
    [1, undefined, [504, '{"__type":"TimeoutError","message":"Timeout"}']],
  ]
  let at = 0
  const upstream = createServer((request, response) => {
    const [status, body] = replies[at]!
    request.resume()
    if (status === 1) return
    if (status === 0) return void request.socket.destroy()
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  t.after(() => upstream.close().closeAllConnections())
  const agent = await startTestAgent(t, server, {
    url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    file: { validate_credentials: false, strongroom: { events: false } },
    environment: { SECRETS_MANAGER_TIMEOUT_MILLIS: '2000' },
  })
  for (; at < replies.length; at++) {
    const { status, text } = await got(agent, `secret-${at}`)
    assert.deepEqual([status, text], replies[at]![2], `of ${replies[at]}`)
  }
})

test('while the server is down an old value is given, unless transient errors are not to be ignored', async (t) => {
  const gate = await startGate(t, server.url)
  const file = { ttl_seconds: 1 }
  const agents = [
    await startTestAgent(t, server, { url: gate.url, file }),
    await startTestAgent(t, server, { url: gate.url, file: { ...file, ignore_transient_errors: false } }),
  ]
  const { name } = await create({ SecretString: 'value' })
  for (const agent of agents) assert.equal((await got(agent, name)).json.SecretString, 'value')
  gate.shut()
  const [lenient, strict] = agents as [TestAgent, TestAgent]
  await until(
    () => got(strict, name),
    ({ status, text }) => status === 502 && text === '{"__type":"ConnectionError","message":"Read Error"}',
  )
  await until(
    async () => {
      await got(lenient, name)
      return numberOf(lenient, 'cache_stale_total{cache="secrets"}')
    },
    (count) => count > 0,
  )
  assert.equal((await got(lenient, name)).json.SecretString, 'value')
  assert.equal((await got(lenient, name, '&refreshNow=true')).status, 502)
  assert.equal((await got(lenient, name)).json.SecretString, 'value')
  assert.equal((await got(lenient, 'never/seen')).status, 502)
  gate.open()
  await put(name, 'another')
  for (const agent of agents)
    await until(
      async () => (await got(agent, name)).json?.SecretString,
      (value) => value === 'another',
    )
})

test('a right that was taken away, or a secret that was deleted, ends the value', async (t) => {
  const { name } = await create({ SecretString: 'value' })
  const agent = await startTestAgent(t, server)
  assert.equal((await got(agent, name)).status, 200)
  await server.secretsManager.send(new DeleteSecretCommand({ SecretId: name }))
  await until(
    async () => (await got(agent, name)).json.__type,
    (type) => type === 'InvalidRequestException',
  )
})

const GET_SECRET = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }

async function createRole(
  t: TestContext,
  RoleName: string,
  statements: readonly object[],
  principal = server.accountId,
) {
  const iam = iamClient(t, server)
  const { Role } = await iam.createRole({
    RoleName,
    AssumeRolePolicyDocument: trusting({ AWS: `arn:aws:iam::${principal}:root` }),
  })
  if (statements.length > 0)
    await iam.putRolePolicy({ RoleName, PolicyName: 'test', PolicyDocument: policyDocument(...statements) })
  return Role!.Arn!
}

test('each role has what it may read and nothing of another', async (t) => {
  const { name, arn } = await create({ SecretString: 'for the reader' })
  const reader = await createRole(t, 'reader', [{ ...GET_SECRET, Resource: arn }])
  const nobody = await createRole(t, 'nobody', [])
  const agent = await startTestAgent(t, server, { file: { strongroom: { events: false } } })
  const as = (role: string, more = '') => got(agent, name, `&roleArn=${encodeURIComponent(role)}${more}`)
  assert.equal((await as(reader)).json.SecretString, 'for the reader')
  for (let round = 0; round < 2; round++) {
    const refused = await as(nobody)
    assert.deepEqual([refused.status, refused.json.__type], [400, 'AccessDeniedException'])
    assert.match(refused.json.message, /assumed-role\/nobody\/strongroom-agent is not authorized/)
  }
  assert.equal((await agent.get(`/v1/${name}?roleArn=${reader}`)).json.SecretString, 'for the reader')
  assert.equal((await as(reader)).json.SecretString, 'for the reader')
  assert.equal((await got(agent, name)).json.SecretString, 'for the reader')
  // One for the reader, two for nobody at most, one for the agent itself.
  assert.ok((await numberOf(agent, 'fetches_total{cache="secrets"}')) <= 4)
  assert.equal(await numberOf(agent, 'roles'), 2)

  const untrusted = `arn:aws:iam::${server.accountId}:role/none`
  assert.deepEqual(
    [(await as(untrusted)).status, (await as(untrusted)).text],
    [403, `{"__type":"AccessDeniedException","message":"Failed to create caching client from role: ${untrusted}"}`],
  )
  for (const role of ['none', 'arn:aws:iam::1:role/x', `arn:aws:iam::${server.accountId}:user/x`, `${reader}"`]) {
    const { status, text } = await as(role)
    assert.deepEqual(
      [status, text],
      [400, 'invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>'],
    )
  }
})

test('a role that was deleted and made anew is assumed anew; what STS refuses is not asked for at each request', async (t) => {
  const { name } = await create({ SecretString: 'value' })
  const arn = await createRole(t, 'again', [GET_SECRET])
  const agent = await startTestAgent(t, server, { file: { strongroom: { events: false } } })
  const as = (role: string) => got(agent, name, `&roleArn=${encodeURIComponent(role)}&refreshNow=true`)
  assert.equal((await as(arn)).json.SecretString, 'value')
  const iam = iamClient(t, server)
  await iam.deleteRolePolicy({ RoleName: 'again', PolicyName: 'test' })
  await iam.deleteRole({ RoleName: 'again' })
  assert.equal(await createRole(t, 'again', [GET_SECRET]), arn)
  assert.equal((await as(arn)).json.__type, 'UnrecognizedClientException')
  assert.equal((await as(arn)).json.SecretString, 'value')

  const missing = `arn:aws:iam::${server.accountId}:role/missing`
  for (let request = 0; request < 20; request++) assert.equal((await as(missing)).status, 403)
  const LookupAttributes = [{ AttributeKey: 'EventName', AttributeValue: 'AssumeRole' }]
  const { body } = await server.call('cloudtrail', 'LookupEvents', { LookupAttributes, MaxResults: 50 })
  const asked = body.Events.filter(({ CloudTrailEvent: event }: { CloudTrailEvent: string }) => event.includes(missing))
  assert.ok(asked.length > 0 && asked.length < 5, `${asked.length} calls of STS`)
  await createRole(t, 'missing', [GET_SECRET])
  await until(
    async () => (await as(missing)).status,
    (status) => status === 200,
  )
})

test('the role that was not used for longest gives way, and only to a role that is to be had', async (t) => {
  const { name } = await create({ SecretString: 'value' })
  const arns: string[] = []
  for (const role of ['one', 'two', 'three']) arns.push(await createRole(t, role, [GET_SECRET]))
  const [one, two, three] = arns as [string, string, string]
  const agent = await startTestAgent(t, server, { file: { max_roles: 2, strongroom: { events: false } } })
  const as = (role: string) => got(agent, name, `&roleArn=${role}`)
  for (const role of [one, two, one]) assert.equal((await as(role)).status, 200)
  assert.equal((await as(`${one}x`)).status, 403)
  assert.deepEqual([await numberOf(agent, 'roles'), await numberOf(agent, 'role_evictions_total')], [2, 0])
  assert.equal((await as(three)).status, 200)
  assert.deepEqual([await numberOf(agent, 'roles'), await numberOf(agent, 'role_evictions_total')], [2, 1])
  const fetches = await numberOf(agent, 'fetches_total{cache="secrets"}')
  assert.equal(fetches, 3)
  assert.equal((await as(one)).status, 200)
  assert.equal(await numberOf(agent, 'fetches_total{cache="secrets"}'), 3, 'the first was used last')
  // Many at once, more roles than there is room for: nobody is cut off.
  const replies = await Promise.all(Array.from({ length: 30 }, (_, at) => as(arns[at % 3]!)))
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [200])
  assert.equal(await numberOf(agent, 'roles'), 2)
})

test('with allowed_roles no other role is assumed', async (t) => {
  const { name } = await create({ SecretString: 'value' })
  const allowed = await createRole(t, 'allowed', [GET_SECRET])
  const other = await createRole(t, 'other', [GET_SECRET])
  const agent = await startTestAgent(t, server, { file: { strongroom: { allowed_roles: [allowed] } } })
  assert.equal((await got(agent, name, `&roleArn=${allowed}`)).status, 200)
  const refused = await got(agent, name, `&roleArn=${other}`)
  assert.deepEqual([refused.status, refused.json.__type], [403, 'AccessDeniedException'])
  assert.match(refused.json.message, /allowed_roles/)
  assert.equal((await got(agent, name)).status, 200)
})

test('parameters come as the Lambda extension has them', async (t) => {
  const ssm = new SSM({ endpoint: server.url, region: server.region, credentials: { ...server.credentials } })
  t.after(() => ssm.destroy())
  await ssm.putParameter({ Name: '/app/level', Type: 'String', Value: 'debug' })
  await ssm.putParameter({ Name: '/app/level', Value: 'info', Overwrite: true })
  await ssm.labelParameterVersion({ Name: '/app/level', ParameterVersion: 1, Labels: ['old'] })
  await ssm.putParameter({ Name: '/app/key', Type: 'SecureString', Value: 's3cret' })
  const { name } = await create({ SecretString: 'through Parameter Store' })
  const agent = await startTestAgent(t, server)
  const parameter = async (of: string, more = '') =>
    (await agent.get(`/systemsmanager/parameters/get?name=${encodeURIComponent(of)}${more}`)).json
  const { Parameter, ...rest } = await parameter('/app/level')
  assert.deepEqual(rest, { ResultMetadata: {} })
  assert.match(Parameter.LastModifiedDate, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(Parameter, {
    ARN: `arn:aws:ssm:${server.region}:${server.accountId}:parameter/app/level`,
    DataType: 'text',
    LastModifiedDate: Parameter.LastModifiedDate,
    Name: '/app/level',
    Selector: null,
    SourceResult: null,
    Type: 'String',
    Value: 'info',
    Version: 2,
  })
  assert.equal((await parameter(Parameter.ARN)).Parameter.Value, 'info')
  const first = (await parameter('/app/level', '&version=1&label=none')).Parameter
  assert.deepEqual([first.Value, first.Selector], ['debug', ':1'])
  assert.equal((await parameter('/app/level', '&label=old&version=2')).Parameter.Value, 'debug')
  assert.equal((await parameter('/app/key', '&withDecryption=true')).Parameter.Value, 's3cret')
  for (const more of ['', '&withDecryption=false'])
    assert.notEqual((await parameter('/app/key', more)).Parameter.Value, 's3cret')
  const reference = await parameter(`/aws/reference/secretsmanager/${name}`, '&withDecryption=true')
  assert.equal(reference.Parameter.Value, 'through Parameter Store')
  assert.equal((await parameter('/none')).__type, 'ParameterNotFound')
  // What was fetched before the stream of events began is looked at once more.
  await until(
    () => numberOf(agent, 'event_streams'),
    (count) => count === 1,
  )
  await parameter('/app/level')
  const fetches = await numberOf(agent, 'fetches_total{cache="parameters"}')
  assert.equal((await parameter('/app/level')).Parameter.Value, 'info')
  assert.equal(await numberOf(agent, 'fetches_total{cache="parameters"}'), fetches)
  await ssm.putParameter({ Name: '/app/level', Value: 'warn', Overwrite: true })
  assert.equal((await parameter('/app/level', '&refreshNow=true')).Parameter.Value, 'warn')
  await ssm.putParameter({ Name: '/app/level', Value: 'error', Overwrite: true })
  await until(
    async () => (await parameter('/app/level')).Parameter.Value,
    (value) => value === 'error',
  )
})

test('secrets are fetched ahead by their names and by their tags, also as a role', async (t) => {
  const Tags = [{ Key: 'prefetch', Value: 'any' }]
  const named = await create({ SecretString: 'named' })
  const tagged = await create({ SecretString: 'tagged' }, { Tags })
  await create({ SecretString: 'of a longer key' }, { Tags: [{ Key: 'prefetch-not', Value: 'any' }] })
  const role = await createRole(t, 'ahead', [GET_SECRET])
  const file = {
    capabilities: {
      secrets_manager: {
        prefetch: {
          secrets: [{ secret_id: named.arn }, { secret_id: named.name, role_arn: role }, { secret_id: 'no/such' }],
          filter_tags: [{ key: 'prefetch' }],
        },
      },
    },
    strongroom: { events: false },
  }
  const agent = await startTestAgent(t, server, { file })
  await agent.prefetched
  assert.equal(await numberOf(agent, 'cache_entries{cache="secrets"}'), 4)
  const fetches = await numberOf(agent, 'fetches_total{cache="secrets"}')
  assert.equal((await got(agent, named.arn)).json.SecretString, 'named')
  assert.equal((await got(agent, named.name, `&roleArn=${role}`)).json.SecretString, 'named')
  assert.equal((await got(agent, tagged.name)).json.SecretString, 'tagged')
  assert.equal(await numberOf(agent, 'fetches_total{cache="secrets"}'), fetches)
})

test('an agent that starts while the server is down gives what is on the disk, to whom it belongs', async (t) => {
  const directory = temporary(t)
  const key = join(directory, 'key')
  writeFileSync(key, randomBytes(32))
  const folder = join(directory, 'values')
  const { name } = await create({ SecretString: 'kept on the disk' })
  const role = await createRole(t, 'disk', [GET_SECRET])
  const other = await createRole(t, 'disk-other', [])
  const file = { strongroom: { disk: { directory: folder, key_file: key, account_id: server.accountId } } }
  const first = await startTestAgent(t, server, { file })
  assert.equal((await got(first, name)).status, 200)
  assert.equal((await got(first, name, `&roleArn=${role}`)).status, 200)
  await first.stop()
  const never = join(directory, 'never')
  const uncached = { ttl_seconds: 0, strongroom: { disk: { ...file.strongroom.disk, directory: never } } }
  const second = await startTestAgent(t, server, { file: uncached })
  assert.equal((await got(second, name)).status, 200)
  await second.stop()
  assert.equal(existsSync(never), false)
  for (const one of readdirSync(folder)) assert.ok(!readFileSync(join(folder, one)).includes('kept'))

  const gate = await startGate(t, server.url)
  gate.shut()
  // The disk is bound to the endpoint too, so the gate takes the place of the server.
  const behind = await startTestAgent(t, server, { file: { ...file, validate_credentials: true }, url: gate.url })
  assert.equal((await got(behind, name)).status, 502)
  gate.open()
  await until(
    () => got(behind, name, '&refreshNow=true'),
    ({ status }) => status === 200,
  )
  assert.equal((await got(behind, name, `&roleArn=${role}`)).status, 200)
  await behind.stop()
  gate.shut()
  const agent = await startTestAgent(t, server, { file, url: gate.url })
  assert.equal((await got(agent, name)).json.SecretString, 'kept on the disk')
  assert.equal((await got(agent, name, `&roleArn=${role}`)).json.SecretString, 'kept on the disk')
  assert.equal((await got(agent, name, `&roleArn=${other}`)).status, 502)
  assert.equal(await numberOf(agent, 'cache_from_disk_total{cache="secrets"}'), 2)
})

test('credentials of a file count once they are there, and must be temporary', async (t) => {
  const file = join(temporary(t), 'credentials')
  const { accessKeyId, secretAccessKey } = server.credentials
  const { name } = await create({ SecretString: 'value' })
  const keys = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  writeFileSync(file, keys)
  const agent = await startTestAgent(t, server, {
    file: { credentials_file_path: file, strongroom: { events: false } },
    credentials: { accessKeyId: 'AKIANONE', secretAccessKey: 'none' },
  })
  const refused = await got(agent, name)
  assert.deepEqual([refused.status, refused.text], [500, '{"__type":"InternalFailure"}'])
  const { body } = await server.call('sts', 'GetSessionToken', {})
  assert.ok(body)
  const session = await temporaryCredentials()
  writeFileSync(
    file,
    `[default]\naws_access_key_id = ${session.AccessKeyId}\naws_secret_access_key = ${session.SecretAccessKey}\naws_session_token = ${session.SessionToken}\n`,
  )
  await until(
    () => got(agent, name),
    ({ status }) => status === 200,
  )
})

async function temporaryCredentials() {
  const { STS } = await import('@aws-sdk/client-sts')
  const sts = new STS({ endpoint: server.url, region: server.region, credentials: { ...server.credentials } })
  const { Credentials } = await sts.getSessionToken({})
  sts.destroy()
  return Credentials!
}

test('an agent does not start with credentials that STS refuses, or for a Region that nobody named', async (t) => {
  const credentials = { accessKeyId: 'AKIANONE', secretAccessKey: 'none' }
  await assert.rejects(startTestAgent(t, server, { credentials }), {
    name: 'StartError',
    message: 'STS does not take the credentials (InvalidClientTokenId): mend them, or set validate_credentials = false',
  })
  const agent = await startTestAgent(t, server, { credentials, file: { validate_credentials: false } })
  assert.equal((await got(agent, 'any')).json.__type, 'UnrecognizedClientException')
})

test('the metrics are those of Prometheus, and numbers alone', async (t) => {
  const agent = await startTestAgent(t, server, { file: { strongroom: { events: false } } })
  const { name } = await create({ SecretString: 'value' })
  const kept = new KeptAlive({ keepAlive: true })
  t.after(() => kept.destroy())
  for (let round = 0; round < 3; round++) await agent.get(`/v1/${name}`, { agent: kept, headers: WITH_TOKEN })
  await got(agent, 'no/such')
  const { text } = await agent.get(METRICS_PATH)
  for (const line of text.trimEnd().split('\n'))
    assert.match(
      line,
      /^# (HELP|TYPE) strongroom_agent_\w+ .+$|^strongroom_agent_\w+(\{[a-z_]+="[\w-]+"(,[a-z]+="[\w-]+")?\})? [\d.]+$/,
    )
  for (const line of [
    'strongroom_agent_answers_total{status="200"} 3',
    'strongroom_agent_answers_total{status="400"} 1',
    'strongroom_agent_connections 2',
    'strongroom_agent_cache_hits_total{cache="secrets"} 2',
    'strongroom_agent_cache_misses_total{cache="secrets"} 2',
    'strongroom_agent_fetch_failures_total{cache="secrets",kind="not-found"} 1',
  ])
    assert.ok(text.includes(`${line}\n`), line)
  assert.ok(!text.includes(name))
})
