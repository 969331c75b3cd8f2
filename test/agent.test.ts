// The command `strongroom agent` as machines have it: programs written for the agent of AWS and for its Lambda extension, curl, signals, a kill, and
// what is in its log. The documentation shows these very programs and files.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { loadConfig } from '../packages/agent/src/config.ts'
import { METRICS_PATH } from '../packages/agent/src/handle.ts'
import { send, until } from '../packages/agent/src/testing.ts'
import { assertRefused, BIN, run as runCommand, serve } from '../packages/cli/src/testing.ts'
import { startTestServer, type TestServer } from '../packages/server/src/testing.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '..')
const EXAMPLES = join(ROOT, 'packages/agent/examples')
const PAGE = join(ROOT, 'docs/agent.md')
const EXTENSION = 'PARAMETERS_SECRETS_EXTENSION_'
const TOKEN = 'token-of-this-test'

let server: TestServer
let directory: string
const scope = new AsyncDisposableStack()
before(async () => {
  server = await startTestServer({
    after: (end: () => unknown) => scope.defer(async () => void (await end())),
  } as never)
  directory = mkdtempSync(join(tmpdir(), 'strongroom-agent-'))
  scope.defer(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'token'), `${TOKEN}\n`)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 'the first value' }))
  await server.secretsManager.send(new PutSecretValueCommand({ SecretId: 'app/db', SecretString: 'the second value' }))
  await server.call('ssm', 'PutParameter', { Name: '/app/key', Type: 'SecureString', Value: 'a parameter' })
})
after(() => scope.disposeAsync())

const environment = () => ({
  PATH: process.env.PATH!,
  AWS_ENDPOINT_URL: server.url,
  AWS_REGION: server.region,
  AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  AWS_TOKEN: `file://${join(directory, 'token')}`,
})

type Running = {
  readonly child: ChildProcess
  readonly port: number
  readonly log: () => string
  /** The exit code, or the signal. */
  readonly ended: Promise<number | string>
}

/** The command in a process of its own, when it listens. */
async function startAgent(t: TestContext, args: readonly string[], more: object = {}): Promise<Running> {
  const child = spawn(process.execPath, [BIN, 'agent', ...args], {
    cwd: directory,
    env: { ...environment(), ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const line = () => log.split('\n').find((one) => one.includes('"msg":"listening"'))
  await until(
    () => (child.exitCode === null ? line() : assert.fail(log)),
    (found) => found !== undefined,
  )
  const { url } = JSON.parse(line()!)
  return { child, port: Number(new URL(url).port), log: () => log, ended }
}

test('programs written for the agent of AWS and for its Lambda extension get their values, and no value is in the log', async (t) => {
  const { child, port, log, ended } = await startAgent(t, ['--port', '0'], {
    PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL: 'debug',
  })

  const python = { ...environment(), AGENT_PORT: String(port), AGENT_TOKEN: join(directory, 'token') }
  const { stdout } = await run('python3', [join(EXAMPLES, 'client.py')], { env: python, timeout: 60_000 })
  assert.equal(stdout, 'the second value\nthe second value\nthe first value\n')

  const extension = { ...environment(), AWS_SESSION_TOKEN: TOKEN, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String(port) }
  const node = await run(process.execPath, [join(EXAMPLES, 'extension.mjs')], { env: extension, timeout: 60_000 })
  assert.equal(node.stdout, 'the second value a parameter\n')

  // As AWS's documentation has it, but for the port and the place of the token.
  const curl = `curl -s -H "X-Aws-Parameters-Secrets-Token: $(<${directory}/token)" 'http://localhost:${port}/secretsmanager/get?secretId=app/db&refreshNow=true'`
  const { stdout: answer } = await run('bash', ['-c', curl], { timeout: 60_000 })
  assert.equal(JSON.parse(answer).SecretString, 'the second value')

  const headers = { 'X-Vault-Token': 'a wrong token' }
  assert.equal((await send({ port, path: '/v1/app/db', headers })).status, 403)
  assert.equal((await send({ port, path: '/ping' })).text, 'healthy')
  child.kill('SIGTERM')
  assert.equal(await ended, 0, log())
  const told = log()
  assert.match(told, /"path":"\/secretsmanager\/get","status":200,"msg":"answered"/)
  assert.match(told, /"path":"\/v1\/app\/db","status":403,"reason":"Bad Token"/)
  for (const line of told.trim().split('\n')) assert.equal(typeof JSON.parse(line).msg, 'string')
  for (const secret of [
    'first value',
    'second value',
    'a parameter',
    TOKEN,
    'wrong token',
    server.credentials.secretAccessKey,
  ])
    assert.ok(!told.includes(secret), secret)
})

test('a socket that a killed agent left is taken over, one of an agent that runs is not', async (t) => {
  const socket = join(directory, 'agent.sock')
  const first = await startAgent(t, ['--port', '0', '--socket', socket])
  assertRefused(
    await runCommand(['agent', '--port', '0', '--socket', socket], environment()),
    /^strongroom: \S+agent\.sock is the socket of an agent that runs\n$/,
  )
  const ask = { socketPath: socket, path: '/v1/app/db', headers: { 'X-Vault-Token': TOKEN } }
  assert.equal((await send(ask)).json.SecretString, 'the second value')
  first.child.kill('SIGKILL')
  await first.ended
  assert.ok(existsSync(socket))
  const second = await startAgent(t, ['--port', '0', '--socket', socket])
  assert.equal((await send(ask)).json.SecretString, 'the second value')
  second.child.kill('SIGINT')
  assert.equal(await second.ended, 0)
  assert.ok(!existsSync(socket))
})

test('a log in files is where the agent of AWS has it, and the metrics tell what was done', async (t) => {
  const config = join(directory, 'own.toml')
  writeFileSync(config, 'log_to_file = true\nlog_level = "WARN"\n')
  const child = spawn(process.execPath, [BIN, 'agent', '--config', config, '--port', '0', '--socket', 'own.sock'], {
    cwd: directory,
    env: environment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const headers = { 'X-Vault-Token': TOKEN }
  const socketPath = join(directory, 'own.sock')
  await until(
    () => send({ socketPath, path: '/v1/no/such', headers }).catch((error: NodeJS.ErrnoException) => error.code),
    (reply) => typeof reply === 'object' && reply.status === 400,
  )
  const { text } = await send({ socketPath, path: METRICS_PATH, headers })
  assert.match(text, /^strongroom_agent_answers_total\{status="400"\} 1$/m)
  const line = JSON.parse(readFileSync(join(directory, 'logs/secrets_manager_agent.log'), 'utf8'))
  assert.deepEqual([line.level, line.path, line.error.name], ['warn', '/v1/no/such', 'ResourceNotFoundException'])
})

test('the agent trusts a server by AWS_CA_BUNDLE, as every command does', async (t) => {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  await run('openssl', [...request, ...subject, '-keyout', key, '-out', cert])
  const { url, dataDir } = await serve(t, join(directory, 'tls'), ['--tls-cert', cert, '--tls-key', key])
  const more = {
    AWS_ENDPOINT_URL: url,
    AWS_CA_BUNDLE: cert,
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'credentials'),
  }
  const { port } = await startAgent(t, ['--port', '0'], more)
  const headers = { 'x-aws-parameters-secrets-token': TOKEN }
  const { status, json } = await send({ port, path: '/v1/none', headers })
  assert.deepEqual([status, json?.__type], [400, 'ResourceNotFoundException'])
  const none = { ...environment(), ...more, AWS_CA_BUNDLE: join(directory, 'absent') }
  assertRefused(
    await runCommand(['agent', '--port', '0'], none),
    /^strongroom: AWS_CA_BUNDLE \S+ is not used \(ENOENT\)/,
  )
})

test('what is wrong with a start is one line', async () => {
  const { AWS_TOKEN: _, ...without } = environment()
  const { AWS_REGION: __, ...nowhere } = environment()
  for (const [args, variables, line] of [
    [['--port', '0'], without, /^strongroom: no token: set AWS_TOKEN or AWS_SESSION_TOKEN or [^\n]+\n$/],
    [['--port', '0'], nowhere, /^strongroom: no Region: set region in the configuration file, or AWS_REGION\n$/],
    [['--prot', '0'], environment(), /^strongroom: unknown option '--prot'\n$/],
    // What stands behind it may be something that nobody else should see.
    [['--token=hunter2'], environment(), /^strongroom: unknown option '--token'\n$/],
  ] as const)
    assertRefused(await runCommand(['agent', ...args], variables), line)
})

test('the documentation shows the examples as they are, and names every setting', async () => {
  const page = readFileSync(PAGE, 'utf8')
  for (const name of globSync('*', { cwd: EXAMPLES })) {
    const text = readFileSync(join(EXAMPLES, name), 'utf8')
    assert.ok(page.includes(`\n${text}\`\`\`\n`), `docs/agent.md does not show ${name} as it is`)
  }
  const { rolesMax, prefetch, socket } = await loadConfig({ config: join(EXAMPLES, 'agent.toml') }, { AWS_TOKEN: 'x' })
  assert.deepEqual([rolesMax, prefetch.secrets.length, socket?.mode], [5, 2, 0o660])
  const source = readFileSync(join(ROOT, 'packages/agent/src/config.ts'), 'utf8').replace(/\$\{EXTENSION\}/g, EXTENSION)
  const keys = [...source.matchAll(/\b(?:take|ours|required)\((?:\w+, )?'([a-z_]+)'/g)].map(([, key]) => key!)
  const variables = source.match(/\b(PARAMETERS_SECRETS_EXTENSION_|SECRETS_MANAGER_T|SSM_PARAMETER_STORE_T)[A-Z_]+/g)!
  assert.deepEqual([keys.length > 25, new Set(variables).size], [true, 9])
  for (const name of [...keys, ...variables]) assert.match(page, new RegExp(`\\b${name}\\b`), name)
})

test('the commands of the documentation answer as it says', async (t) => {
  const config = join(directory, 'socket.toml')
  const socket = join(directory, 'docs.sock')
  writeFileSync(config, `[strongroom]\nsocket = "${socket}"\nsocket_token = false\nevents = false\n`)
  // Without events it is certain how often the service is asked.
  const { port } = await startAgent(t, ['--port', '0', '--config', config])
  const lines = readFileSync(PAGE, 'utf8').split('\n')
  let commands = 0
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('$ curl')) continue
    const shown = lines.slice(at + 1)
    const end = shown.findIndex((one) => one.startsWith('$') || one === '```')
    const command = line.slice(2).replaceAll('2773', String(port)).replace('/run/strongroom-agent/agent.sock', socket)
    const { stdout } = await run('bash', ['-c', command], { cwd: directory, timeout: 60_000 })
    assert.equal(alike(stdout.trimEnd()), alike(shown.slice(0, end).join('\n')), line)
    commands++
  }
  assert.equal(commands, 8)
})

/** Without what is different each time. */
const alike = (text: string): string =>
  text
    .replace(/\b\d{12}\b/g, 'ACCOUNT')
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'VERSION')
    .replace(/app\/db-\w{6}\b/g, 'app/db-RANDOM')
    .replace(/"\d{10}(\.\d+)?"|"\d{4}-\d\d-\d\dT[^"]+Z"/g, 'DATE')
