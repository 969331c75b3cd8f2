// The server as a process: start, ready line, files, refusals, stop, crash at any moment of the first start.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { assertRefused, clientOptions, launch, run, serve, temporaryDirectory } from './testing.ts'

test('the first start makes private files, prints the ready line and the exports, and SIGTERM ends it with 0', async (t) => {
  const parent = temporaryDirectory(t)
  const dataDir = join(parent, "it's data")
  const server = await serve(t, dataDir)
  const mode = (name: string) => statSync(join(dataDir, name)).mode & 0o777
  assert.equal(mode('.'), 0o700)
  for (const name of ['strongroom.db', 'root.key', 'credentials', 'admin.sock']) assert.equal(mode(name), 0o600, name)
  const credentials = join(dataDir, 'credentials')
  assert.deepEqual(server.lines().slice(0, 5), [
    `Strongroom ready on ${server.url}`,
    `export AWS_ENDPOINT_URL=${server.url}`,
    `export AWS_SHARED_CREDENTIALS_FILE='${credentials.replaceAll("'", "'\\''")}'`,
    'export AWS_REGION=us-east-1',
    'export AWS_DEFAULT_REGION=us-east-1',
  ])
  const content = readFileSync(credentials, 'utf8')
  assert.match(content, /^\[default\]\naws_access_key_id = AKIA[A-Z2-7]{16}\naws_secret_access_key = \S{40}\n$/)
  const secretAccessKey = /secret_access_key = (\S+)/.exec(content)![1]!
  assert.ok(!server.lines().join('\n').includes(secretAccessKey))

  const client = new SecretsManagerClient(clientOptions(server))
  await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'kept' }))
  assert.equal((await fetch(`${server.url}/_strongroom/health`)).status, 200)
  assert.equal(await server.end(), 0)
  for (const line of server.stderr().split('\n').slice(0, -1)) assert.doesNotThrow(() => JSON.parse(line), line)
  assert.ok(!server.stderr().includes(secretAccessKey))

  const again = await serve(t, dataDir)
  assert.ok(!again.lines().some((line) => line.startsWith('#')), 'only a first start says where the files are')
  assert.equal(readFileSync(credentials, 'utf8'), content)
  const reader = new SecretsManagerClient(clientOptions(again))
  assert.equal((await reader.send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')
})

test('what cannot start says why in one line and exits 1', async (t) => {
  const server = await serve(t)
  const { dataDir } = server
  const taken = new URL(server.url).port
  const other = temporaryDirectory(t)
  const on = (...args: string[]) => run(['serve', '--data-dir', other, ...args])
  assertRefused(
    await run(['serve', '--data-dir', dataDir, '--port', '0']),
    /^strongroom: --data-dir .* is in use by another server: /,
  )
  assertRefused(await on('--port', taken), new RegExp(`^strongroom: --port ${taken} is in use on 127.0.0.1: `))
  assertRefused(await on('--port', 'x'), /^strongroom: --port x is not allowed: /)
  assertRefused(await on('--prot', '1'), /^strongroom: unknown option '--prot'/)
  assertRefused(
    await on('--host', '192.0.2.1', '--insecure-http'),
    /^strongroom: --host 192\.0\.2\.1 is no address of this machine: /,
  )
  assertRefused(
    await on('--tls-cert', '/nowhere', '--tls-key', '/nowhere'),
    /^strongroom: --tls-cert \/nowhere cannot be read \(ENOENT\): /,
  )
  assertRefused(
    await run(['serve', '--data-dir', '/dev/null/x']),
    /^strongroom: --data-dir \/dev\/null\/x cannot be used \(ENOTDIR\): /,
  )
  assertRefused(
    await run(['serve', '--data-dir', '/proc', '--port', '0']),
    /^strongroom: --data-dir \/proc cannot be used \(.*\): give a directory that can be written/,
  )
  assertRefused(
    await run(['serve', '--data-dir', '/proc/there/is/none', '--port', '0']),
    /^strongroom: --data-dir \/proc\/there\/is\/none cannot be used \(ENOENT\): /,
  )
  assertRefused(
    await run(['serve'], { NODE_OPTIONS: '--tls-keylog=/tmp/x' }),
    /^strongroom: NODE_OPTIONS=--tls-keylog=\/tmp\/x would expose secrets: /,
  )
  assertRefused(await run(['backup', 'x', '--data-dir', other]), /^strongroom: no server runs on /)
  assertRefused(await run(['nonsense']), /^strongroom: unknown command 'nonsense'/)
})

test('a data directory of a newer version is refused in one line', async (t) => {
  const server = await serve(t)
  await server.end()
  const database = new DatabaseSync(join(server.dataDir, 'strongroom.db'))
  database.exec("INSERT INTO schema_migration SELECT set_name, 9999, 'x' FROM schema_migration LIMIT 1")
  database.close()
  assertRefused(await run(['serve', '--data-dir', server.dataDir, '--port', '0']), /^strongroom: .*newer/)
})

test('bootstrap variables set the first administrator', async (t) => {
  const variables = {
    STRONGROOM_BOOTSTRAP_ACCOUNT_ID: '111122223333',
    STRONGROOM_BOOTSTRAP_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  const server = await serve(t, temporaryDirectory(t), [], variables)
  const credentials = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  }
  assert.deepEqual(clientOptions(server).credentials, credentials)
  const client = new SecretsManagerClient({ ...clientOptions(server), credentials })
  const { ARN } = await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'b' }))
  assert.match(ARN!, /^arn:aws:secretsmanager:us-east-1:111122223333:secret:a-/)
})

test('a first start that is killed at any of its steps is completed by the next', async (t) => {
  for (const step of ['strongroom.db', 'root.key', 'credentials']) {
    const dataDir = temporaryDirectory(t)
    const killed = launch(t, dataDir)
    while (!existsSync(join(dataDir, step)) && !existsSync(join(dataDir, 'admin.sock'))) await sleep(1)
    await killed.end('SIGKILL')
    const server = await serve(t, dataDir)
    const client = new SecretsManagerClient(clientOptions(server))
    await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'b' }))
    await server.end('SIGKILL')
  }
})

test('SIGTERM finishes the request in flight and accepts no more', async (t) => {
  const server = await serve(t)
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  await once(socket, 'connect')
  const headers = ['Host: x', 'X-Amz-Target: secretsmanager.ListSecrets', 'Content-Length: 2', 'Expect: 100-continue']
  socket.write(`POST / HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n{`)
  // The server says so when it has begun with the request.
  while (!answer.endsWith('\r\n\r\n')) await sleep(20)
  server.child.kill('SIGTERM')
  for (;;) {
    const refused = await fetch(`${server.url}/_strongroom/health`).then(
      () => false,
      () => true,
    )
    if (refused) break
    await sleep(20)
  }
  assert.equal(answer, 'HTTP/1.1 100 Continue\r\n\r\n')
  socket.write('}')
  await once(socket, 'close')
  assert.match(answer, /\r\n\r\nHTTP\/1\.1 400 [\s\S]*MissingAuthenticationToken/)
  assert.equal(await server.ended, 0)
  assert.ok(!existsSync(join(server.dataDir, 'admin.sock')), 'the admin socket is gone')
})

test('a data directory with a long path has its admin socket too', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const dataDir = join(temporaryDirectory(t), 'd'.repeat(120))
  mkdirSync(dataDir, { mode: 0o700 })
  await serve(t, dataDir)
  const { code, stdout } = await run(['root-key', '--data-dir', dataDir])
  assert.equal(code, 0)
  assert.equal(JSON.parse(stdout).slots.length, 1)
})

test('a port that another program holds is named', async (t) => {
  const blocker = createServer()
  blocker.listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  t.after(() => blocker.close())
  const { port } = blocker.address() as { port: number }
  const outcome = await run(['serve', '--data-dir', temporaryDirectory(t), '--port', String(port), '--workers', '2'])
  assertRefused(outcome, new RegExp(`^strongroom: --port ${port} is in use on 127.0.0.1: `))
})
