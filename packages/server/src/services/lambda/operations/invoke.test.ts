// Invoke against functions that really run: answers, errors, logs, later, not at all; bounds; and what a function may do as its role.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { iamClient } from '../../iam/testing.ts'
import { events } from '../../secretsmanager/testing.ts'
import { invokeForRotation } from '../port.ts'
import { lambdaClient, nodeZip, refusal, startLambda, zip } from '../testing.ts'

const throttled = refusal('TooManyRequestsException', 429, 'Rate Exceeded.')
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** Reads a secret with the SDK that functions find without packing it. */
const READ_SECRET = nodeZip(`
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
  const client = new SecretsManagerClient({})
  const out = []
  for (const SecretId of event.secrets) {
    out.push(await client.send(new GetSecretValueCommand({ SecretId })).then((it) => it.SecretString, (error) => error.name))
  }
  return out
`)

test('an answer, an error, a log, and the version that ran', async (t) => {
  const { create, call } = await startLambda(t)
  await create({
    Code: {
      ZipFile: nodeZip(
        'console.log("hello log"); if (event.fail) throw new TypeError("no good"); return { event, arn: context.invokedFunctionArn, client: context.clientContext, variable: process.env.VARIABLE }',
      ),
    },
    Environment: { Variables: { VARIABLE: 'set' } },
    Publish: true,
  })
  const invoke = (input: object) => call('Invoke', { FunctionName: 'fn', ...input })
  const { Payload, LogResult, StatusCode, ExecutedVersion, FunctionError } = await invoke({
    Payload: '{"a":"ä"}',
    LogType: 'Tail',
    Qualifier: '1',
    ClientContext: Buffer.from('{"custom":{"b":1}}').toString('base64'),
  })
  assert.deepEqual([StatusCode, ExecutedVersion, FunctionError], [200, '1', undefined])
  const { arn, ...answer } = JSON.parse(text(Payload))
  assert.deepEqual(answer, { event: { a: 'ä' }, client: { custom: { b: 1 } }, variable: 'set' })
  assert.match(arn, /:function:fn:1$/)
  assert.match(text(Buffer.from(LogResult, 'base64')), /^START [\s\S]*hello log[\s\S]*REPORT RequestId: /)

  const failed = await invoke({ Payload: '{"fail":true}' })
  assert.deepEqual([failed.StatusCode, failed.FunctionError, failed.LogResult], [200, 'Unhandled', undefined])
  const { errorType, errorMessage } = JSON.parse(text(failed.Payload))
  assert.deepEqual([errorType, errorMessage], ['TypeError', 'no good'])
  assert.deepEqual(JSON.parse(text((await invoke({})).Payload)).event, {})

  const dry = await invoke({ InvocationType: 'DryRun', Payload: '{"fail":true}' })
  assert.deepEqual([dry.StatusCode, text(dry.Payload)], [204, ''])
  const content = (message: RegExp) => refusal('InvalidRequestContentException', 400, message)
  await assert.rejects(invoke({ Payload: 'no json' }), content(/not valid JSON/))
  await assert.rejects(invoke({ Payload: Buffer.from([0x22, 0xff, 0x22]) }), content(/UTF-8/))
  await assert.rejects(invoke({ ClientContext: 'x' }), content(/Client context/))
  await assert.rejects(invoke({ Qualifier: 'none' }), refusal('ResourceNotFoundException', 404, /:fn:none$/))
  await assert.rejects(
    invoke({ InvocationType: 'Event', Payload: JSON.stringify('x'.repeat(1_048_576)) }),
    refusal('RequestTooLargeException', 413, /^1048578 byte payload is too large for the Event invocation type/),
  )
})

test('a large payload goes in and comes out, and one that is too large does not', async (t) => {
  const { create, invoke, call } = await startLambda(t)
  await create({ MemorySize: 512 })
  const large = 'x'.repeat(5_000_000)
  assert.equal(await invoke('fn', large), large)
  await assert.rejects(call('Invoke', { FunctionName: 'fn', Payload: JSON.stringify('x'.repeat(6_400_000)) }), {
    name: /TooLarge/,
  })
})

test('an event is accepted at once, survives a restart, and a function that fails for it runs three times in all', async (t) => {
  const { server, create, call } = await startLambda(t)
  const ran = join(server.dataDir, 'ran')
  await create({
    Code: {
      ZipFile: nodeZip(
        'const fs = await import("node:fs"); fs.appendFileSync(event.to, context.awsRequestId + "\\n"); if (event.fail) throw new Error("no")',
      ),
    },
  })
  const lines = () => (existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : [])
  const send = (event: object) =>
    call('Invoke', { FunctionName: 'fn', InvocationType: 'Event', Payload: JSON.stringify({ to: ran, ...event }) })
  const { StatusCode, Payload } = await send({})
  assert.deepEqual([StatusCode, text(Payload)], [202, ''])
  const again = await server.restart()
  await again.jobs.runDue()
  await until(() => lines().length === 1)
  rmSync(ran)

  const client = lambdaClient(t, again)
  const Event = JSON.stringify({ to: ran, fail: true })
  await client.invoke({ FunctionName: 'fn', InvocationType: 'Event', Payload: Event })
  await again.jobs.runDue()
  await until(() => lines().length === 1)
  again.clock.advance(59_000)
  await again.jobs.runDue()
  assert.equal(lines().length, 1)
  again.clock.advance(2_000)
  await again.jobs.runDue()
  await until(() => lines().length === 2)
  again.clock.advance(121_000)
  await again.jobs.runDue()
  await until(() => lines().length === 3)
  again.clock.advance(7 * 3_600_000)
  await again.jobs.runDue()
  assert.equal(lines().length, 3)
  const rows = await again.app.database.transaction('read', (tx) => tx.all('SELECT event_id FROM lambda_event'))
  assert.deepEqual(rows, [])
})

test('reserved concurrency is a bound, and 0 lets nothing begin', async (t) => {
  const { create, call, invoke } = await startLambda(t)
  await create({
    Code: { ZipFile: nodeZip('await new Promise((done) => setTimeout(done, event.ms ?? 0)); return "done"') },
    Timeout: 20,
  })
  assert.equal((await call('GetFunctionConcurrency', { FunctionName: 'fn' })).ReservedConcurrentExecutions, undefined)
  await call('PutFunctionConcurrency', { FunctionName: 'fn', ReservedConcurrentExecutions: 1 })
  assert.equal((await call('GetFunctionConcurrency', { FunctionName: 'fn' })).ReservedConcurrentExecutions, 1)
  assert.deepEqual((await call('GetFunction', { FunctionName: 'fn' })).Concurrency, { ReservedConcurrentExecutions: 1 })
  await invoke('fn')
  // Whichever comes first holds the only place.
  const together = await Promise.allSettled([1, 2].map(() => invoke('fn', { ms: 4_000 })))
  const [refused] = together.filter((one) => one.status === 'rejected')
  assert.throws(() => {
    throw refused!.reason
  }, throttled)
  assert.deepEqual(
    together.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    ['done'],
  )
  assert.equal(await invoke('fn'), 'done')
  await call('PutFunctionConcurrency', { FunctionName: 'fn', ReservedConcurrentExecutions: 0 })
  await assert.rejects(invoke('fn'), throttled)
  const { $metadata } = await call('DeleteFunctionConcurrency', { FunctionName: 'fn' })
  assert.equal($metadata.httpStatusCode, 204)
  assert.equal(await invoke('fn'), 'done')
})

test('a function is its role, and for a rotation only as far as the secret goes', async (t) => {
  const statements = [{ Effect: 'Allow', Action: ['secretsmanager:*', 'kms:*'], Resource: '*' }]
  const { server, create, invoke } = await startLambda(t, { statements })
  const make = async (Name: string): Promise<string> =>
    (
      await server.call('secretsmanager', 'CreateSecret', {
        Name,
        SecretString: `value of ${Name}`,
        ClientRequestToken: Name.padEnd(32, '-'),
      })
    ).body.ARN
  const secrets = [await make('one'), await make('two')]
  const { FunctionArn: functionArn = '' } = await create({
    Code: { ZipFile: READ_SECRET },
    Timeout: 30,
    MemorySize: 512,
  })
  assert.deepEqual(await invoke('fn', { secrets }), ['value of one', 'value of two'])
  const [event] = await events(server, 'GetSecretValue')
  assert.equal(event!.userIdentity.arn, `arn:aws:sts::${server.accountId}:assumed-role/execution/fn`)

  await create({
    FunctionName: 'rotate',
    Timeout: 30,
    MemorySize: 512,
    Code: {
      ZipFile: nodeZip(`
      const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
      const client = new SecretsManagerClient({})
      const read = (SecretId) => client.send(new GetSecretValueCommand({ SecretId }))
      const { SecretString } = await read(event.secrets[0])
      const refused = await read(event.secrets[1]).then(() => 'read', (error) => error.name)
      throw new RangeError(SecretString + ' and ' + refused)
    `),
    },
  })
  const { log = '', ...answer } = await invokeForRotation(server.app, {
    functionArn: functionArn.replace(/fn$/, 'rotate'),
    payload: Buffer.from(JSON.stringify({ secrets })),
    instanceKey: 'rotation',
    secretArn: secrets[0]!,
    redact: ['value of one'],
  })
  assert.deepEqual(answer, { functionError: 'Unhandled', errorType: 'RangeError' })
  assert.match(log, /\*\*\* and AccessDeniedException/)
  assert.ok(!log.includes('value of one'))
})

test('code lies on disk once, as it was uploaded, and is made again where it was altered or is gone', async (t) => {
  const { server, create, invoke } = await startLambda(t)
  await create({
    Code: {
      ZipFile: zip(
        { name: 'lib/a.mjs', content: 'export default 1', mode: 0o100600 },
        { name: 'index.mjs', content: 'import a from "./lib/a.mjs"; export const handler = () => a' },
      ),
    },
  })
  assert.equal(await invoke('fn'), 1)
  const folder = join(server.dataDir, 'functions', 'code')
  const [name] = readdirSync(folder)
  assert.match(name!, /^[0-9a-f]{64}$/)
  const changed = join(folder, name!, 'lib', 'a.mjs')
  rmSync(changed)
  writeFileSync(changed, 'export default 2')
  const again = await server.restart()
  const client = lambdaClient(t, again)
  const answer = async () => JSON.parse(text((await client.invoke({ FunctionName: 'fn' })).Payload))
  assert.equal(await answer(), 1)
  rmSync(folder, { recursive: true })
  assert.equal(await answer(), 1)
  assert.deepEqual(readdirSync(folder), [name])
})

test('a function whose role is gone, or is no longer Lambda’s, is not invoked', async (t) => {
  const { server, create, invoke } = await startLambda(t)
  await create()
  assert.equal(await invoke('fn', 1), 1)
  await iamClient(t, server).deleteRole({ RoleName: 'execution' })
  await assert.rejects(invoke('fn'), refusal('InvalidParameterValueException', 400, /cannot be assumed by Lambda/))
})

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 2_400) assert.fail('it did not happen')
    await sleep(50)
  }
}
