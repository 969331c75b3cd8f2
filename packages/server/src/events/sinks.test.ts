// Sinks against the real server: a file and HTTP endpoints that take events, fail, hang, vanish and come back.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCertificate } from '../../../rotators/src/testing/certificates.ts'
import { call } from '../services/secretsmanager/testing.ts'
import { temporaryDirectory } from '../storage/testing.ts'
import { startTestServer } from '../testing.ts'
import { parseSigningSecret, postEvent, signatureHeaders } from './https-sink.ts'

type Post = { readonly headers: IncomingHttpHeaders; readonly body: string }

/** An endpoint that answers what `status` says by then; 0 does not answer. */
async function endpoint(t: TestContext, port = 0) {
  const posts: Post[] = []
  const state = { status: 204 }
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      posts.push({ headers: request.headers, body })
      if (state.status !== 0) response.writeHead(state.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  t.after(close)
  const { port: taken } = server.address() as { readonly port: number }
  return { posts, state, url: `http://127.0.0.1:${taken}/hook`, port: taken, close }
}

async function until<T>(what: () => T | undefined | false | Promise<T | undefined | false>, ms = 60_000): Promise<T> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
    const found = await what()
    if (found) return found
  }
  throw new Error('it did not come to pass')
}

const namesOf = (lines: readonly string[]): readonly string[] => lines.map((line) => JSON.parse(line).detail.name)
const linesOf = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []

const DOCUMENT = readFileSync(new URL('../../../../docs/events.md', import.meta.url), 'utf8')
const example = (language: string): string => new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(DOCUMENT)![1]!

test('events go to each sink in order; one that fails is tried again and holds up no other, also over a restart', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'events.jsonl')
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const secretFile = join(directory, 'secret')
  writeFileSync(secretFile, `${secret}\n`)
  const hook = await endpoint(t)
  const hanging = await endpoint(t)
  hanging.state.status = 0
  const server = await startTestServer(t, {
    eventSink: [`ops=${hook.url}`, `slow=${hanging.url}`, `log=file:${path}`],
    eventSinkSecret: [`ops=file:${secretFile}`, `slow=file:${secretFile}`],
  })
  const create = (on: typeof server, ...names: readonly string[]) =>
    Promise.all(names.map((Name) => call(on, 'CreateSecret', { Name })))
  for (const name of ['a', 'b', 'c']) await create(server, name)
  await until(() => linesOf(path).length === 3 && hook.posts.length === 3)
  assert.deepEqual(namesOf(linesOf(path)), ['a', 'b', 'c'])
  assert.deepEqual(namesOf(hook.posts.map(({ body }) => body)), ['a', 'b', 'c'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(hanging.posts.length, 1, 'one in flight')

  // What the page tells receivers to run.
  const script = join(directory, 'verify.mjs')
  writeFileSync(script, example('js'))
  const { verify } = await import(script)
  const [{ headers, body }] = hook.posts as [Post]
  assert.deepEqual(verify(secret, headers, body), JSON.parse(body))
  assert.equal(headers['webhook-id'], JSON.parse(body).id)
  assert.equal(verify(secret, headers, `${body} `), undefined)
  assert.equal(verify(secret, headers, body, Date.now() + 301_000), undefined)
  assert.equal(verify(secret, { ...headers, 'webhook-id': randomUUID() }, body), undefined)
  assert.equal(verify(`whsec_${randomBytes(32).toString('base64')}`, headers, body), undefined)
  const python = (given: string): string => {
    const program = `${example('python')}\nimport sys\nsecret, headers, body = json.loads(sys.argv[1])\nprint(verify(secret, headers, body.encode()) is not None)`
    return execFileSync('python3', ['-c', program, JSON.stringify([secret, headers, given])], {
      encoding: 'utf8',
    }).trim()
  }
  assert.deepEqual([python(body), python(`${body} `)], ['True', 'False'])

  // The file is moved away, and a line was cut off by a crash.
  renameSync(path, `${path}.1`)
  appendFileSync(path, '{"version":"0","id"')
  hook.state.status = 500
  await create(server, 'd')
  await until(() => hook.posts.length >= 5)
  assert.deepEqual(namesOf(hook.posts.slice(3).map(({ body }) => body)), ['d', 'd'], 'again, and nothing before it')
  assert.deepEqual(namesOf(await until(() => linesOf(path).length === 2 && linesOf(path).slice(1))), ['d'])
  const metrics = await until(async () => {
    const text = await (await fetch(`${server.url}/_strongroom/metrics`)).text()
    return /^strongroom_event_sink_lag_events\{sink="ops"\} 1$/m.test(text) && text
  })
  assert.match(metrics, /^strongroom_event_sink_lag_events\{sink="log"\} 0$/m)
  assert.match(metrics, /^strongroom_event_sink_deliveries_total\{sink="ops",outcome="failed"\} [1-9]/m)

  hook.close()
  await create(server, 'e')
  const again = await server.restart()
  await create(again, 'f')
  const back = await endpoint(t, hook.port)
  again.clock.advance(600_000)
  await until(() => back.posts.length >= 3)
  assert.deepEqual(namesOf(back.posts.map(({ body }) => body)), ['d', 'e', 'f'])
  await until(() => linesOf(path).length === 4)
  assert.deepEqual(namesOf(linesOf(path).slice(1)), ['d', 'e', 'f'])
})

test('a sink that stayed away for too long is told that events were lost, and goes on', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'missing', 'events.jsonl')
  const server = await startTestServer(t, { eventSink: [`log=file:${path}`], eventRetentionCount: '100' })
  for (let count = 0; count < 120; count++) await call(server, 'CreateSecret', { Name: `n${count}` })
  await until(async () => (await server.app.events.look()).last === 120)
  await server.app.events.look()
  await server.app.events.prune()
  const again = await server.restart()
  execFileSync('mkdir', [join(directory, 'missing')])
  again.clock.advance(600_000)
  await again.jobs.runDue()
  const [notice, ...others] = linesOf(path).map((line) => JSON.parse(line))
  assert.deepEqual([notice['detail-type'], notice.detail.count, notice.resources], ['Events Lost', 20, []])
  assert.equal(others.length, 100)
})

test('the signature is that of Standard Webhooks, and the secret must be one', () => {
  // The example of the specification's libraries.
  const signing = parseSigningSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n')!
  const headers = signatureHeaders(signing, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_000)
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  for (const wrong of [
    '',
    'whsec_',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_c2hvcnQ=',
    'whsec_not base64 at all not base64 at all',
  ]) {
    assert.equal(parseSigningSecret(wrong), undefined, wrong)
  }
})

test('over TLS an event goes to whom the authority vouches for, by the name that was given', async (t) => {
  const { authority, certificateFile, keyFile } = await makeCertificate(temporaryDirectory(t), ['DNS:localhost'])
  const taken: string[] = []
  const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) }
  const server = createTlsServer(tls, async (request, response) => {
    taken.push(Buffer.concat(await request.toArray()).toString())
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { readonly port: number }
  const signing = parseSigningSecret(`whsec_${randomBytes(32).toString('base64')}`)!
  const post = (host: string, ca: readonly string[] | undefined) =>
    postEvent(`https://${host}:${port}/`, signing, ca, { id: '1', body: '{}' }, Date.now(), AbortSignal.timeout(20_000))
  assert.equal(await post('localhost', undefined), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal(await post('127.0.0.1', [authority]), 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.deepEqual(taken, [])
  assert.equal(await post('localhost', [authority]), undefined)
  assert.deepEqual(taken, ['{}'])
})
