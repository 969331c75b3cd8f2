import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type AgentConfig, type GivenOptions, loadConfig } from './config.ts'

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-agent-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

type Variables = { readonly [name: string]: string }

/** What comes of a configuration file, the command line and the environment. */
async function load(t: TestContext, toml: string, given: GivenOptions = {}, variables: Variables = { AWS_TOKEN: 'x' }) {
  const config = join(directoryOf(t), 'config.toml')
  writeFileSync(config, toml)
  return loadConfig({ config, ...given }, variables)
}

const refused = (message: string | RegExp) => ({ name: 'StartError', message })

test('without a file the defaults are those of the agent of AWS', async () => {
  const { prefetch, ...config } = await loadConfig({}, { AWS_SESSION_TOKEN: 'session' })
  assert.deepEqual(prefetch, { secrets: [], tags: [], bufferRatio: 0.8, jitterMs: 0 })
  const expected: Omit<AgentConfig, 'prefetch'> = {
    logLevel: 'info',
    logToFile: false,
    port: 2773,
    socket: undefined,
    connectionsMax: 800,
    tokenHeaders: ['x-aws-parameters-secrets-token', 'x-vault-token'],
    token: 'session',
    pathPrefix: '/v1/',
    region: undefined,
    validateCredentials: true,
    credentialsFile: undefined,
    profile: undefined,
    cacheSize: 1000,
    secretTtlMs: 300_000,
    parameterTtlMs: 300_000,
    secretTimeoutMs: 5_000,
    parameterTimeoutMs: 5_000,
    staleIfErrorMs: 3_600_000,
    ignoreTransientErrors: true,
    events: true,
    upstreamConnectionsMax: undefined,
    rolesMax: 20,
    allowedRoles: undefined,
    disk: undefined,
  }
  assert.deepEqual(config, expected)
})

test('keys may stand at the top or in the tables of the Workload Credentials Provider, numbers as text too', async (t) => {
  const flat = await load(
    t,
    `log_level = "DEBUG"\nlog_to_file = true\nhttp_port = "65535"\nregion = "eu-west-1"\npath_prefix = "/secrets/"\nmax_conn = 10
max_roles = 5\nttl_seconds = 1\ncache_size = "2"\nssrf_headers = ["X-Mine"]\nssrf_env_variables = ["MINE", "AWS_TOKEN"]
ignore_transient_errors = false\nvalidate_credentials = false\ncredentials_file_path = "/c"\n`,
  )
  const nested = await load(
    t,
    `[logging]\nlog_level = "debug"\nlog_to_file = true\n[capabilities.acm]\nenabled = false
[capabilities.secrets_manager]\nenabled = true\nhttp_port = 65535\nregion = "eu-west-1"\npath_prefix = "/secrets/"\nmax_conn = 10\nmax_roles = 5
ignore_transient_errors = false\nvalidate_credentials = false\ncredentials_file_path = "/c"
[capabilities.secrets_manager.cache]\nttl_seconds = 1\ncache_size = 2
[capabilities.secrets_manager.security]\nssrf_headers = ["X-Mine"]\nssrf_env_variables = ["MINE", "AWS_TOKEN"]\n`,
  )
  assert.deepEqual(nested, flat)
  const { port, secretTtlMs, cacheSize, staleIfErrorMs, tokenHeaders, token, logToFile } = flat
  assert.deepEqual(
    { port, secretTtlMs, cacheSize, staleIfErrorMs, tokenHeaders, token, logToFile },
    {
      port: 65535,
      secretTtlMs: 1_000,
      cacheSize: 2,
      staleIfErrorMs: 0,
      tokenHeaders: ['x-mine'],
      token: 'x',
      logToFile: true,
    },
  )
})

test('what is to be fetched ahead is written as for the Workload Credentials Provider', async (t) => {
  const { prefetch } = await load(
    t,
    `[capabilities.secrets_manager.prefetch]\nmax_jitter_seconds = 5\ncache_buffer_ratio = 0.9
secrets = [{ secret_id = "a" }, { secret_id = "b", role_arn = "arn:aws:iam::123456789012:role/r" }]
[[capabilities.secrets_manager.prefetch.filter_tags]]\nkey = "Team"\n`,
  )
  assert.deepEqual(prefetch, {
    secrets: [
      { secretId: 'a', roleArn: undefined },
      { secretId: 'b', roleArn: 'arn:aws:iam::123456789012:role/r' },
    ],
    tags: [{ key: 'Team', roleArn: undefined }],
    bufferRatio: 0.9,
    jitterMs: 5_000,
  })
})

test('the command line wins over the file, and the file over the variables of the Lambda extension', async (t) => {
  const variables = {
    AWS_TOKEN: 'x',
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: '80',
    PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL: 'WARN',
    PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE: '7',
    PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS: '3',
    SECRETS_MANAGER_TTL: '100',
    SSM_PARAMETER_STORE_TTL: '200',
    SECRETS_MANAGER_TIMEOUT_MILLIS: '1500',
    SSM_PARAMETER_STORE_TIMEOUT_MILLIS: '0',
  }
  const shown = (config: AgentConfig) => [
    config.port,
    config.logLevel,
    config.cacheSize,
    config.upstreamConnectionsMax,
    config.secretTtlMs,
    config.parameterTtlMs,
    config.secretTimeoutMs,
    config.parameterTimeoutMs,
  ]
  assert.deepEqual(shown(await loadConfig({}, variables)), [80, 'warn', 7, 3, 100_000, 200_000, 1_500, 600_000])
  const toml = 'http_port = 3000\nlog_level = "none"\ncache_size = 9\nttl_seconds = 50\n'
  assert.deepEqual(shown(await load(t, toml, {}, variables)), [3000, 'none', 9, 3, 50_000, 200_000, 1_500, 600_000])
  assert.equal((await load(t, toml, { port: '0' }, variables)).port, 0)
  assert.equal((await load(t, 'ttl_seconds = 50')).parameterTtlMs, 50_000)
  for (const off of [
    { PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED: 'FALSE' },
    { PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE: '0' },
  ]) {
    const { secretTtlMs, parameterTtlMs } = await loadConfig({}, { AWS_TOKEN: 'x', ...off })
    assert.deepEqual([secretTtlMs, parameterTtlMs], [0, 0])
  }
})

test('the token is that of the first variable that is set, or of the file that it names', async (t) => {
  const file = join(directoryOf(t), 'token')
  writeFileSync(file, ' tökén\n')
  const of = async (variables: Variables) => (await loadConfig({}, variables)).token
  const all = { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'c', AWS_SESSION_TOKEN: 'b', AWS_TOKEN: `file://${file}` }
  assert.equal(await of(all), 'tökén')
  assert.equal(await of({ ...all, AWS_TOKEN: ' a ' }), ' a ')
  await assert.rejects(
    of({}),
    refused(/^no token: set AWS_TOKEN or AWS_SESSION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN, /),
  )
  await assert.rejects(of({ ...all, AWS_TOKEN: '' }), refused('AWS_TOKEN must hold a token of 1 to 8192 characters'))
  await assert.rejects(
    of({ AWS_TOKEN: 'file:///no/such' }),
    refused('the file that AWS_TOKEN names cannot be read (ENOENT)'),
  )
})

test('a socket that the token guards needs one; one that its permissions guard does not', async (t) => {
  const own = '[strongroom]\nloopback = false\nsocket = "/run/a.sock"\n'
  await assert.rejects(load(t, own, {}, {}), refused(/^no token/))
  const { port, token, socket } = await load(t, `${own}socket_mode = "0660"\nsocket_token = false\n`, {}, {})
  assert.deepEqual(
    [port, token, socket],
    [undefined, undefined, { path: '/run/a.sock', mode: 0o660, needsToken: false }],
  )
  assert.deepEqual((await load(t, '', { socket: '/b' })).socket, { path: '/b', mode: 0o600, needsToken: true })
  await assert.rejects(
    load(t, '[strongroom]\nsocket = "/a"\nsocket_token = false\n', {}, {}),
    refused(/^no token/),
    'for loopback',
  )
})

test('what does not do is named in one line, and its value is not repeated', async (t) => {
  const role = 'strongroom.allowed_roles[1] must be the ARN of a role'
  const table: readonly (readonly [toml: string, message: string])[] = [
    ['http_prot = 2773', '"http_prot" is no key that the agent knows'],
    ['"\\u001b[2J" = 1', '"\\u001b[2J" is no key that the agent knows'],
    ['[logging]\nlevel = "info"', '"logging.level" is no key that the agent knows'],
    ['[capabilities.other]\nx = 1', '"capabilities.other" is no key that the agent knows'],
    [
      '[capabilities.secrets_manager.cache]\nsize = 1',
      '"capabilities.secrets_manager.cache.size" is no key that the agent knows',
    ],
    [
      '[[capabilities.secrets_manager.prefetch.secrets]]\nsecret_id = "a"\nrole = "x"',
      '"capabilities.secrets_manager.prefetch.secrets[0].role" is no key that the agent knows',
    ],
    ['[strongroom]\nsokcet = "x"', '"strongroom.sokcet" is no key that the agent knows'],
    [
      'cache_size = 1\n[capabilities.secrets_manager.cache]\ncache_size = 1',
      'cache_size stands twice: as capabilities.secrets_manager.cache.cache_size too',
    ],
    ['[capabilities.acm]\nenabled = true', 'capabilities.acm: the agent manages no certificates'],
    [
      '[capabilities.secrets_manager]\nenabled = false',
      'capabilities.secrets_manager.enabled = false leaves nothing to do',
    ],
    ['http_port = 80', 'http_port must be a whole number from 1024 to 65535'],
    ['ttl_seconds = 3601', 'ttl_seconds must be a whole number from 0 to 3600'],
    ['ttl_seconds = 1.5', 'ttl_seconds must be a whole number from 0 to 3600'],
    ['cache_size = 0', 'cache_size must be a whole number from 1 to 1000'],
    ['max_conn = 1001', 'max_conn must be a whole number from 1 to 1000'],
    ['max_roles = 21', 'max_roles must be a whole number from 1 to 20'],
    ['log_level = "loud"', 'log_level must be debug, info, warn, error or none'],
    ['path_prefix = "v1/"', 'path_prefix must be a path that begins with /'],
    ['ssrf_headers = []', 'ssrf_headers must name a header'],
    ['ssrf_headers = ["a b"]', 'ssrf_headers[0] must be the name of a header'],
    ['ssrf_headers = "X"', 'ssrf_headers must be a list of at most 1000 entries'],
    ['ignore_transient_errors = 1', 'ignore_transient_errors must be true or false'],
    ['logging = 1', 'logging must be a table'],
    ['[strongroom]\nallowed_roles = ["arn:aws:iam::123456789012:role/a", "*"]', role],
    [
      '[[capabilities.secrets_manager.prefetch.filter_tags]]\nkey = "a"\nrole_arn = "arn:aws:iam::123456789012:role/a"\n[strongroom]\nallowed_roles = []',
      'what is to be fetched ahead names a role that strongroom.allowed_roles does not name',
    ],
    ['[strongroom]\nloopback = false', 'strongroom.loopback = false needs strongroom.socket'],
    [
      '[strongroom]\nsocket_mode = "0600"',
      'strongroom.socket_mode and strongroom.socket_token go with strongroom.socket',
    ],
    ['[strongroom]\nsocket = "/a"\nsocket_mode = "0666"', 'strongroom.socket_mode must be "0600" or "0660"'],
    [`[strongroom]\nsocket = "/${'a'.repeat(103)}"`, 'strongroom.socket must be a path of at most 103 bytes'],
    [
      'ignore_transient_errors = false\n[strongroom.disk]\ndirectory = "/a"',
      'strongroom.disk has old values for an outage: ignore_transient_errors = false wants none',
    ],
    ['[strongroom.disk]\ndirectory = "/a"', 'strongroom.disk.key_file must be text of 1 to 4096 characters'],
    [
      '[strongroom.disk]\ndirectory = "/a"\nkey_file = "/dev/null"',
      'strongroom.disk.key_file must hold 32 bytes: openssl rand 32 > FILE',
    ],
  ]
  for (const [toml, message] of table) await assert.rejects(load(t, toml), refused(message), toml)
  await assert.rejects(load(t, 'a = 1\nb = hunter2\n'), refused(/config\.toml is not TOML: line 2, column \d+$/))
  await assert.rejects(loadConfig({ config: '/no/such' }, {}), refused('/no/such cannot be read (ENOENT)'))
  await assert.rejects(loadConfig({ config: tmpdir() }, {}), refused(`${tmpdir()} cannot be read (EISDIR)`))
  await assert.rejects(
    loadConfig({ port: 'x' }, { AWS_TOKEN: 'x' }),
    refused('--port must be a whole number from 0 to 65535'),
  )
  for (const name of ['SECRETS_MANAGER_TTL', 'SSM_PARAMETER_STORE_TTL'])
    await assert.rejects(
      loadConfig({}, { AWS_TOKEN: 'x', [name]: '301' }),
      refused(`${name} must be a whole number from 0 to 300`),
    )
})
