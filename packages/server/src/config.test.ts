// Configuration: precedence, limits, the exact line of each refusal, and the page that documents it.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import {
  ConfigurationError,
  commandLineName,
  type Environment,
  environmentName,
  type GivenOptions,
  isLoopback,
  loadConfig,
  loadDataDir,
  optionNames,
  options,
} from './config.ts'

let directory: string
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'strongroom-config-'))
})
after(() => rmSync(directory, { recursive: true }))

const file = (content: string): string => {
  const path = join(directory, `${Math.random()}.json`)
  writeFileSync(path, content)
  return path
}

const refusal = (given: GivenOptions, environment: Environment = {}): string => {
  try {
    loadConfig(given, environment)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message
    throw error
  }
  return 'accepted'
}

test('without options the server listens on loopback port 4650 and keeps its data in ./data', () => {
  const config = loadConfig({}, {})
  assert.equal(config.port, 4650)
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.dataDir, resolve('data'))
  assert.equal(config.rootKeys[0]?.file, resolve('data/root.key'))
  assert.equal(config.testClock, false)
  assert.equal(config.dataKeyCache, 'on')
})

test('an option comes before the environment, which comes before the file, which comes before the default', () => {
  const config = file(
    JSON.stringify({ port: 1, workers: 2, skewMinutes: 3, auditSync: true, allowedHost: ['A.example', 'b'] }),
  )
  const loaded = loadConfig(
    { config, port: '3' },
    { STRONGROOM_PORT: '2', STRONGROOM_WORKERS: '4', STRONGROOM_LOG_LEVEL: '' },
  )
  assert.equal(loaded.port, 3)
  assert.equal(loaded.workers, 4)
  assert.equal(loaded.skewMinutes, 3)
  assert.equal(loaded.auditSync, true)
  assert.equal(loaded.logLevel, 'info')
  assert.deepEqual(loaded.allowedHost, ['a.example', 'b'])
  assert.equal(loadConfig({ auditSync: false }, { STRONGROOM_CONFIG: config }).auditSync, false)
  assert.deepEqual(loadConfig({}, { STRONGROOM_ALLOWED_HOST: 'x, y' }).allowedHost, ['x', 'y'])
  assert.equal(loadDataDir({ config: file('{"dataDir": "/srv/x"}') }, {}), '/srv/x')
})

test('every option can be given on the command line or the environment, and its default is within its limits', () => {
  for (const name of optionNames) {
    const option: { default: unknown; parse: (text: string) => unknown } = options[name]
    if (typeof option.default === 'number') assert.equal(option.parse(String(option.default)), option.default, name)
    assert.match(environmentName(name), /^STRONGROOM_[A-Z_]+$/)
    assert.match(commandLineName(name), /^[a-z-]+$/)
  }
})

test('every mistake is one line that names the option, the value and the mend', () => {
  const missing = join(directory, 'missing.json')
  const unknown = file('{"prot": 1}')
  const array = file('[]')
  const wrongType = file('{"port": "4650"}')
  const wrongValue = file('{"port": 70000}')
  const wrongSwitch = file('{"auditSync": "yes"}')
  const wrongSecret = file('{"database": "mysql://u:hunter2@h/d"}')
  const bootstrap = file('{"bootstrapAccountId": "123456789012"}')
  const table: readonly (readonly [GivenOptions, Environment, string])[] = [
    [{ port: '65536' }, {}, '--port 65536 is not allowed: give a whole number from 0 to 65535'],
    [{ port: '0x10' }, {}, '--port 0x10 is not allowed: give a whole number from 0 to 65535'],
    [{ port: '4\n5' }, {}, '--port 4?5 is not allowed: give a whole number from 0 to 65535'],
    [{}, { STRONGROOM_PORT: 'x' }, 'STRONGROOM_PORT=x is not allowed: give a whole number from 0 to 65535'],
    [{ skewMinutes: '16' }, {}, '--skew-minutes 16 is not allowed: give a whole number from 1 to 15'],
    [{ workers: '0' }, {}, '--workers 0 is not allowed: give a whole number from 1 to 64'],
    [
      { regionEndpoint: ['eu-west-1=ftp://h'] },
      {},
      '--region-endpoint eu-west-1=ftp://h is not allowed: give a Region, =, and an http or https URL without path or user, such as eu-west-1=https://secrets.example.com:4650',
    ],
    [
      { regionEndpoint: ['eu-west-1=http://h:1'], regionCredentials: 'f' },
      {},
      '--region-endpoint eu-west-1=http://h:1 would carry secrets in the clear over a network: give an https URL',
    ],
    [
      { regionEndpoint: ['eu-west-1=https://h', 'eu-west-1=https://i'], regionCredentials: 'f' },
      {},
      '--region-endpoint eu-west-1=https://i is a second endpoint of eu-west-1: give one',
    ],
    [
      { regionEndpoint: ['eu-west-1=https://h:99999'], regionCredentials: 'f' },
      {},
      '--region-endpoint eu-west-1=https://h:99999 has no valid URL: give https://HOST:PORT',
    ],
    [
      { regionEndpoint: ['eu-west-1=http://127.0.0.1:1'] },
      {},
      '--region-endpoint eu-west-1=http://127.0.0.1:1 needs credentials: give --region-credentials a file with a profile for each account',
    ],
    [
      { lambdaEndpoint: 'http://h:1', lambdaCredentials: 'f' },
      {},
      '--lambda-endpoint http://h:1 would carry rotation tokens in the clear over a network: give an https URL',
    ],
    [
      { lambdaEndpoint: 'https://h:99999', lambdaCredentials: 'f' },
      {},
      '--lambda-endpoint https://h:99999 is no valid URL: give https://HOST:PORT',
    ],
    [
      { lambdaEndpoint: 'http://127.0.0.1:1' },
      {},
      '--lambda-endpoint http://127.0.0.1:1 needs credentials: give --lambda-credentials a file with a profile for each account',
    ],
    [{ host: '' }, {}, '--host  is not allowed: give an IP address or a host name'],
    [{ logLevel: 'loud' }, {}, '--log-level loud is not allowed: give debug, info, warn, error or silent'],
    [{ dataKeyCache: 'yes' }, {}, '--data-key-cache yes is not allowed: give on or off'],
    [{}, { STRONGROOM_AUDIT_SYNC: 'yes' }, 'STRONGROOM_AUDIT_SYNC=yes is not allowed: give true or false'],
    [
      { allowedHost: ['good.example', 'bad.example:443'] },
      {},
      '--allowed-host bad.example:443 is not allowed: give a host name without a port, or an IPv6 address in brackets',
    ],
    [
      { database: 'mysql://root:hunter2@db/x' },
      {},
      '--database (not shown) is not allowed: give postgres://USER:PASSWORD@HOST:PORT/NAME',
    ],
    [
      {},
      { STRONGROOM_DATABASE: 'mysql://root:hunter2@db/x' },
      'STRONGROOM_DATABASE is not allowed: give postgres://USER:PASSWORD@HOST:PORT/NAME',
    ],
    [
      { rootKey: 'vault' },
      {},
      '--root-key vault is not allowed: give file, file:PATH, credential, credential:NAME, env, env:VARIABLE, shamir, aws-kms:KEY?... or pkcs11:...',
    ],
    [
      {},
      { STRONGROOM_ROOT_KEY: 'c2VjcmV0' },
      'STRONGROOM_ROOT_KEY is not allowed: give file, file:PATH, credential, credential:NAME, env, env:VARIABLE, shamir, aws-kms:KEY?... or pkcs11:...; where it holds the root key itself, give --root-key env',
    ],
    [
      { rootKey: 'credential' },
      {},
      '--root-key credential needs CREDENTIALS_DIRECTORY: start under systemd with LoadCredential=, or name the file with file:PATH',
    ],
    [{ rootKey: 'env:MY_KEY' }, {}, '--root-key env:MY_KEY needs the variable MY_KEY: put the root key in it'],
    [
      { host: '0.0.0.0' },
      {},
      '--host 0.0.0.0 would carry plain HTTP over a network: give --tls-cert and --tls-key, or --insecure-http behind a proxy that ends TLS',
    ],
    [
      { host: '::', insecureHttp: true, testClock: true },
      {},
      '--test-clock true is for loopback only and --host is ::: leave one of them out',
    ],
    [{ tlsCert: 'c.pem' }, {}, '--tls-cert c.pem is not enough: give --tls-key too'],
    [{ tlsKey: 'k.pem' }, {}, '--tls-key k.pem is not enough: give --tls-cert too'],
    [
      { tlsCert: 'c', tlsKey: 'k', insecureHttp: true },
      {},
      '--insecure-http true does not go with --tls-cert: give one of them',
    ],
    [
      {},
      { STRONGROOM_BOOTSTRAP_ACCOUNT_ID: '12' },
      'STRONGROOM_BOOTSTRAP_ACCOUNT_ID=12 is not allowed: give 12 digits',
    ],
    [
      {},
      { STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY: 'short' },
      'STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY is not allowed: give 40 to 128 printable characters without spaces',
    ],
    [
      {},
      { STRONGROOM_BOOTSTRAP_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' },
      'STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY is missing: give the access key id and the secret access key together, or neither',
    ],
    [
      {},
      { NODE_OPTIONS: '--max-old-space-size=100 --inspect=0.0.0.0' },
      'NODE_OPTIONS=--max-old-space-size=100 --inspect=0.0.0.0 would expose secrets: leave out --inspect and --tls-keylog',
    ],
    [
      {},
      { NODE_OPTIONS: '--tls_keylog=/tmp/keys' },
      'NODE_OPTIONS=--tls_keylog=/tmp/keys would expose secrets: leave out --inspect and --tls-keylog',
    ],
    [{ config: missing }, {}, `--config ${missing} cannot be read (ENOENT): give the path of a readable JSON file`],
    [
      { config: unknown },
      {},
      `--config ${unknown} has the unknown key "prot": see docs/configuration.md for the keys there are`,
    ],
    [{ config: array }, {}, `--config ${array} is not one JSON object of at most 64 KiB: write {"port": 4650}`],
    [
      { config: wrongType },
      {},
      `"port": "4650" in ${wrongType} is not allowed: give a whole number from 0 to 65535 as a JSON number`,
    ],
    [{ config: wrongValue }, {}, `"port": 70000 in ${wrongValue} is not allowed: give a whole number from 0 to 65535`],
    [
      { config: wrongSwitch },
      {},
      `"auditSync": "yes" in ${wrongSwitch} is not allowed: give true or false as a JSON boolean`,
    ],
    [
      { config: wrongSecret },
      {},
      `"database": (not shown) in ${wrongSecret} is not allowed: give postgres://USER:PASSWORD@HOST:PORT/NAME`,
    ],
    [
      { config: bootstrap },
      {},
      `--config ${bootstrap} may not hold "bootstrapAccountId": give it as the variable STRONGROOM_BOOTSTRAP_ACCOUNT_ID`,
    ],
  ]
  for (const [given, environment, expected] of table) assert.equal(refusal(given, environment), expected)
})

test('a sink has one place, and where it is HTTPS a secret', () => {
  const sink = 'ops=https://hooks.example/x'
  const secret = 'ops=file:/k'
  const allowed = 'NAME=https://HOST/PATH, NAME=file:PATH, or on loopback NAME=http://HOST/PATH'
  const refused = (place: string) => `--event-sink ${place} is not allowed: give ${allowed}`
  const table: readonly (readonly [GivenOptions, string])[] = [
    [{ eventSink: [sink], eventSinkSecret: [secret] }, 'accepted'],
    [{ eventSink: ['log=file:events.jsonl'] }, 'accepted'],
    [{ eventSink: ['ops=http://127.0.0.1:1/x'], eventSinkSecret: [secret] }, 'accepted'],
    [{ eventSink: ['ops=http://hooks.example/x'], eventSinkSecret: [secret] }, refused('ops=http://hooks.example/x')],
    [{ eventSink: ['https://hooks.example/x'] }, refused('https://hooks.example/x')],
    [{ eventSink: ['ops=ftp://hooks.example/x'] }, refused('ops=ftp://hooks.example/x')],
    [{ eventSink: [sink] }, `--event-sink ${sink} needs a secret: give --event-sink-secret ops=file:PATH`],
    [{ eventSink: ['a=file:x', 'a=file:y'] }, '--event-sink a is given twice: name each once'],
    [
      { eventSinkSecret: [secret] },
      '--event-sink-secret ops belongs to no HTTPS sink: give --event-sink ops=https://…',
    ],
    [
      { eventSink: [sink], eventSinkSecret: ['ops=credential:ops'] },
      '--event-sink-secret ops=credential:ops needs CREDENTIALS_DIRECTORY: start under systemd with LoadCredential=, or give ops=file:PATH',
    ],
  ]
  for (const [given, expected] of table) assert.equal(refusal(given), expected)
})

test('what is allowed is accepted: TLS or --insecure-http off loopback, a test clock on it', () => {
  assert.equal(refusal({ host: '0.0.0.0', insecureHttp: true }), 'accepted')
  assert.equal(refusal({ host: '0.0.0.0', tlsCert: 'c', tlsKey: 'k' }), 'accepted')
  assert.equal(refusal({ host: '127.0.0.2', testClock: true }), 'accepted')
  assert.equal(refusal({}, { NODE_OPTIONS: '--max-old-space-size=100' }), 'accepted')
  assert.equal(refusal({}, { STRONGROOM_PORT: 'tcp://10.0.0.1:4650' }), 'accepted')
})

test('secrets leave the environment when they have been read', () => {
  const environment: Environment = {
    STRONGROOM_DATABASE: 'postgres://u:p@h/d',
    STRONGROOM_BOOTSTRAP_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY: 'k'.repeat(40),
    STRONGROOM_ROOT_KEY: 'root',
    STRONGROOM_PORT: '0',
  }
  const config = loadConfig({ rootKey: 'env' }, environment)
  assert.deepEqual(environment, { STRONGROOM_PORT: '0' })
  assert.equal(config.rootKeys[0]?.text, 'root')
  assert.equal(config.database, 'postgres://u:p@h/d')
  assert.equal(config.bootstrapSecretAccessKey, 'k'.repeat(40))
})

test('a credential is read from the directory that systemd names', () => {
  const environment = { CREDENTIALS_DIRECTORY: '/run/credentials/strongroom.service' }
  const rootKeyFile = (rootKey: string) => loadConfig({ rootKey }, environment).rootKeys[0]?.file
  assert.equal(rootKeyFile('credential'), '/run/credentials/strongroom.service/root-key')
  assert.equal(rootKeyFile('credential:key-2'), '/run/credentials/strongroom.service/key-2')
  assert.equal(rootKeyFile('file:/etc/key'), '/etc/key')
})

test('only addresses of this machine count as loopback', () => {
  for (const host of ['127.0.0.1', '127.255.0.3', '::1', 'localhost']) assert.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example', 'db'])
    assert.ok(!isLoopback(host), host)
})

test('docs/configuration.md lists every option with its names, its default and what it does, and no other', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
  const documented = page.split('\n').filter((line) => /^\| `(?:--|STRONGROOM_)/.test(line))
  assert.deepEqual(documented, optionNames.map(documentedRow))
})

/** The row of the page: name, variable, key of the file, default, what it does and what is allowed. */
function documentedRow(name: (typeof optionNames)[number]): string {
  const option: { value?: string; default: unknown; help: string; allowed: string; environmentOnly?: true } =
    options[name]
  const variable = `\`${environmentName(name)}\``
  const value = option.value === undefined ? '' : ` ${option.value.replaceAll('|', '\\|')}`
  const names = option.environmentOnly ? variable : `\`--${commandLineName(name)}${value}\``
  const others = option.environmentOnly ? 'only the variable' : `${variable}, \`${name}\``
  const shown = String(option.default) === '' ? '' : `\`${option.default}\``
  return `| ${names} | ${others} | ${shown} | ${option.help} | ${option.allowed} |`
}
