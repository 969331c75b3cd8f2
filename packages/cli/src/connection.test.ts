// Which server, Region and keys a command takes, from every place that may name them. In this process, so that each case is cheap: the
// environment is this file's own.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { findConnection } from './connection.ts'
import { callError, sdkConfigOf } from './sdk.ts'
import { assertRefused, run, serve, temporaryDirectory } from './testing.ts'
import { UsageError } from './usage-error.ts'

/** Nothing is set but what the test sets. */
function environment(t: TestContext, variables: { readonly [name: string]: string } = {}): string {
  const home = temporaryDirectory(t)
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, { HOME: home, ...variables })
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  })
  return home
}

const keys = (id: string, profile = 'default') =>
  `[${profile}]\naws_access_key_id = ${id}\naws_secret_access_key = of-${id}\n`

function dataDirOf(t: TestContext): string {
  const dataDir = temporaryDirectory(t)
  writeFileSync(join(dataDir, 'credentials'), keys('OWN'))
  return dataDir
}

function inHome(home: string, name: 'config' | 'credentials', text: string): void {
  mkdirSync(join(home, '.aws'), { recursive: true })
  writeFileSync(join(home, '.aws', name), text)
}

const idOf = async (endpoint: string | undefined, dataDir: string) =>
  (await findConnection(endpoint, dataDir)).credentials.accessKeyId

test('on the machine of the server its own keys sign, by any name of the loopback, though ~/.aws has others', async (t) => {
  const home = environment(t)
  inHome(home, 'credentials', keys('HOME'))
  const dataDir = dataDirOf(t)
  for (const endpoint of ['http://127.0.0.1:4650', 'http://localhost:1', 'https://127.0.0.2', 'http://[::1]:4650']) {
    assert.equal(await idOf(endpoint, dataDir), 'OWN', endpoint)
    assert.equal(sdkConfigOf({ dataDir, endpointUrl: endpoint }).credentials?.accessKeyId, 'OWN')
  }
  assert.equal(await idOf('http://[::2]:4650', dataDir), 'HOME')
  assert.equal(sdkConfigOf({ dataDir, endpointUrl: 'https://vault.example' }).credentials, undefined)
})

test('keys that the environment has or names go before those of the data directory', async (t) => {
  const home = environment(t)
  inHome(home, 'credentials', `${keys('HOME')}${keys('TEAM', 'team')}`)
  const file = join(home, 'other')
  writeFileSync(file, `${keys('FILE')}${keys('FILETEAM', 'team')}`)
  const dataDir = dataDirOf(t)
  const cases: readonly (readonly [{ readonly [name: string]: string }, string])[] = [
    [{ AWS_PROFILE: 'team' }, 'TEAM'],
    [{ AWS_SHARED_CREDENTIALS_FILE: file }, 'FILE'],
    [{ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'team' }, 'FILETEAM'],
    [{ AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' }, 'ENV'],
  ]
  for (const [variables, expected] of cases) {
    await t.test(expected, async (t) => {
      environment(t, { HOME: home, ...variables })
      assert.equal(await idOf(undefined, dataDir), expected)
      assert.equal(sdkConfigOf({ dataDir }).credentials, undefined, 'the SDK finds them')
    })
  }
})

test('without keys anywhere the mend is told', async (t) => {
  environment(t, { AWS_EC2_METADATA_DISABLED: 'true' })
  const nowhere = join(temporaryDirectory(t), 'absent')
  await assert.rejects(findConnection(undefined, nowhere), /credentials cannot be read \(ENOENT\): name the data dir/)
  assert.throws(() => sdkConfigOf({ dataDir: nowhere }), UsageError)
  await assert.rejects(findConnection('https://vault.example', nowhere), /^UsageError: no credentials \(.*--data-dir$/)
})

test('the Region is that of the environment, else of the profile, else us-east-1', async (t) => {
  const home = environment(t)
  const dataDir = dataDirOf(t)
  assert.equal(sdkConfigOf({ dataDir }).region, 'us-east-1')
  inHome(home, 'config', '[default]\nregion=eu-west-1\n[profile team]\n  region = no\nregion = eu-central-1 \n')
  assert.equal(sdkConfigOf({ dataDir }).region, 'eu-west-1')
  process.env.AWS_PROFILE = 'team'
  assert.equal(sdkConfigOf({ dataDir }).region, 'eu-central-1')
  process.env.AWS_DEFAULT_REGION = 'us-west-2'
  assert.equal(sdkConfigOf({ dataDir }).region, 'us-west-2')
})

test('--endpoint-url aws is AWS itself, whatever AWS_ENDPOINT_URL says', async (t) => {
  environment(t, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' })
  const config = {
    ...sdkConfigOf({ endpointUrl: 'aws' }),
    requestHandler: {
      handle: ({ hostname }: { readonly hostname: string }) => Promise.reject(new Error(`asked ${hostname}`)),
    } as never,
    maxAttempts: 1,
  }
  await assert.rejects(
    new SSMClient(config).send(new GetParameterCommand({ Name: 'x' })),
    /asked ssm\.us-east-1\.amazonaws\.com/,
  )
  const secrets = new SecretsManagerClient(config)
  await assert.rejects(
    secrets.send(new GetSecretValueCommand({ SecretId: 'x' })),
    /asked secretsmanager\.us-east-1\.amazonaws/,
  )
})

test('a bundle that holds no certificate is refused, and a server that is not trusted is told as such', (t) => {
  const home = environment(t, { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' })
  for (const [path, why] of [
    [join(home, 'absent'), 'ENOENT'],
    [import.meta.filename, 'it holds no certificate'],
  ] as const) {
    process.env.AWS_CA_BUNDLE = path
    assert.throws(
      () => sdkConfigOf({ endpointUrl: 'https://127.0.0.1' }),
      (error: Error) => error instanceof UsageError && error.message.includes(`${path} is not used (${why})`),
    )
  }
  const error = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  assert.match(
    callError(error, { endpoint: 'https://a.example/' }).message,
    /^the certificate of https:\/\/a\.example is/,
  )
})

test('a server that takes too long is not said to be none', () => {
  for (const error of [
    Object.assign(new Error('Request did not complete within 20000 ms'), { name: 'TimeoutError' }),
    AbortSignal.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')).reason,
  ]) {
    assert.equal(
      callError(error, { endpoint: 'http://a.example:4650/' }).message,
      'http://a.example:4650 does not answer in time: see strongroom doctor',
    )
  }
})

test('a server is trusted by AWS_CA_BUNDLE, by the SDK and by calls of our own', async (t) => {
  const directory = temporaryDirectory(t)
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const { url, dataDir } = await serve(t, join(directory, 'data'), ['--tls-cert', cert, '--tls-key', key])
  const variables = { HOME: directory, AWS_ENDPOINT_URL: url, STRONGROOM_DATA_DIR: dataDir }
  assertRefused(await run(['secret', 'list'], variables), /^strongroom: the certificate of https:\S+ is not trusted \(/)
  const trusting = { ...variables, AWS_CA_BUNDLE: cert }
  assert.deepEqual(await run(['secret', 'list'], trusting), { code: 0, stdout: '', stderr: '' })
  assertRefused(await run(['rotation', 'history', 'absent'], trusting), /can't find the specified secret/)
})
