// The cache as it is published: packed, unpacked beside the SDK, checked by the compiler as its users have it, and its examples run under the
// oldest Node.js that is to be had here. The documentation shows these very examples.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, delimiter, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer, type TestServer } from '../packages/server/src/testing.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '..')
const PACKAGE = join(ROOT, 'packages/cache')
const EXAMPLES = globSync('*.mjs', { cwd: join(PACKAGE, 'examples') }).sort()

const scope = new AsyncDisposableStack()
let server: TestServer
let directory: string
let node: string

before(async () => {
  server = await startTestServer({
    after: (end: () => unknown) => scope.defer(async () => void (await end())),
  } as never)
  for (const [Name, SecretString] of [
    ['app/session-key', 'x'.repeat(32)],
    ['app/db', '{"username":"app","password":"first"}'],
  ])
    await server.secretsManager.send(new CreateSecretCommand({ Name, SecretString }))
  directory = mkdtempSync(join(tmpdir(), 'strongroom-package-'))
  scope.defer(() => rmSync(directory, { recursive: true }))
  const built = join(directory, 'built')
  await run(process.execPath, [join(PACKAGE, 'build.ts'), built])
  const npm = ['pack', built, '--pack-destination', directory, '--silent']
  const { stdout } = await run('npm', npm, { cwd: directory })
  const installed = join(directory, 'node_modules/@strongroom/cache')
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', join(directory, stdout.trim()), '--strip-components=1', '-C', installed])
  for (const name of ['@aws-sdk', '@types', 'undici-types'])
    if (existsSync(join(ROOT, 'node_modules', name)))
      symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name))
  node = await oldestNode()
})
after(() => scope.disposeAsync())

/** Of those on the path that the package is for; this one where there is no other. */
async function oldestNode(): Promise<string> {
  const found: { readonly path: string; readonly major: number }[] = [
    { path: process.execPath, major: Number(process.versions.node.split('.')[0]) },
  ]
  for (const path of (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))) {
    if (!existsSync(path) || path.includes('node_modules')) continue
    const { stdout } = await run(path, ['--print', 'process.versions.node'])
    found.push({ path, major: Number(stdout.split('.')[0]) })
  }
  return found.filter(({ major }) => major >= 20).sort((a, b) => a.major - b.major)[0]!.path
}

const environment = (more: object = {}) => ({
  PATH: process.env.PATH,
  // The SDK warns of Node.js versions that it will not know for long.
  NODE_NO_WARNINGS: '1',
  AWS_ENDPOINT_URL: server.url,
  AWS_REGION: server.region,
  AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  ...more,
})

/** @returns what it printed */
async function example(name: string, more: object = {}): Promise<string> {
  const file = join(directory, name)
  writeFileSync(file, readFileSync(join(PACKAGE, 'examples', name)))
  const { stdout, stderr } = await run(node, [file], { env: environment(more), timeout: 60_000 })
  assert.equal(stderr, '')
  return stdout
}

test('it runs under an old Node.js: text, JSON and stages', async (t) => {
  t.diagnostic((await run(node, ['--version'])).stdout.trim())
  assert.equal(await example('read.mjs'), '32 app undefined\n')
})

test('a listener is told of a rotation', async () => {
  const file = join(directory, 'rotate.mjs')
  writeFileSync(file, readFileSync(join(PACKAGE, 'examples/rotate.mjs')))
  const child = spawn(node, [file], { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  for await (const chunk of child.stdout) {
    printed += chunk
    if (String(chunk) !== 'ready\n') continue
    const SecretString = 'y'.repeat(16)
    await server.secretsManager.send(new PutSecretValueCommand({ SecretId: 'app/session-key', SecretString }))
  }
  assert.equal(printed, 'ready\nrotated to a version of 36 characters\n')
})

test('it starts from its disk while nothing answers', async () => {
  const [cache, key] = [join(directory, 'cache'), join(directory, 'cache.key')]
  writeFileSync(key, randomBytes(32), { mode: 0o600 })
  const own = { APP_ACCOUNT: server.accountId, APP_CACHE: cache, APP_CACHE_KEY: key }
  assert.match(await example('disk.mjs', own), /^(32|16) 0\n$/)
  await server.close()
  assert.match(await example('disk.mjs', own), /^(32|16) 1\n$/)
})

test('parameters are an import of their own', async () => {
  const service = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end('{"Parameter":{"Name":"/app/log-level","Type":"String","Value":"debug","Version":1}}')
  })
  await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening))
  const { port } = service.address() as AddressInfo
  try {
    assert.equal(await example('parameters.mjs', { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }), 'debug\n')
  } finally {
    service.close()
  }
})

test('its types are those that a strict compiler wants, libraries checked', async () => {
  const program = `
    import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
    import { databaseCredential, SecretCache, type DatabaseCredential } from '@strongroom/cache'
    import { ParameterCache } from '@strongroom/cache/parameters'
    import { pgPool } from '@strongroom/cache/pg'
    import { mysqlPool } from '@strongroom/cache/mysql2'
    const cache = new SecretCache(new SecretsManagerClient({}), { maxCacheSize: 10 })
    const credential: DatabaseCredential = await cache.getSecretJson('x', databaseCredential)
    const length: number = await cache.getSecretJson('x', (value) => String(value).length)
    const unknown = await cache.getSecretJson('x')
    // @ts-expect-error: nothing is known of it without a schema
    unknown.length
    const connected: string = await cache.authenticate('x', databaseCredential, ({ username }) => username)
    export { ParameterCache, connected, credential, length, mysqlPool, pgPool }
  `
  writeFileSync(join(directory, 'program.mts'), program)
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--types', 'node']
  const files = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable', join(directory, 'program.mts')]
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const { stdout } = await run(tsc, [...options, ...files], { cwd: directory }).catch((error) => error)
  const ours = String(stdout ?? '')
    .split('\n')
    .filter((line) => /program\.mts|@strongroom/.test(line))
  assert.deepEqual(ours, [])
})

test('the documentation shows the examples as they are', () => {
  const shown = [...readFileSync(join(ROOT, 'docs/caching.md'), 'utf8').matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(
    ([, code]) => code!,
  )
  const examples = EXAMPLES.map((name) => readFileSync(join(PACKAGE, 'examples', basename(name)), 'utf8'))
  assert.deepEqual(shown.toSorted(), examples.toSorted())
})
