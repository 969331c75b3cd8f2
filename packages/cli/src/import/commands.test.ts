// The commands as processes between two servers as processes: what docs/import.md shows, kills at any moment, and no value in anything they say.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { SOAK } from '@strongroom/server/testing-sample.ts'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { exportTo } from '../export/export.ts'
import { assertRefused, BIN, clientOptions, run, type ServerProcess, serve, temporaryDirectory } from '../testing.ts'
import type { Target } from './carry.ts'
import { sourceConfigOf } from './clients.ts'
import { mappingOf } from './mapping.ts'
import { selectionOf } from './selection.ts'
import { ALL, versionsOf } from './testing.ts'
import { startVault, VAULT_TOKEN } from './testing-vault.ts'

const PAGE = new URL('../../../../docs/import.md', import.meta.url)

type Ends = {
  readonly old: ServerProcess & Target
  readonly fresh: ServerProcess & Target
  /** Of the commands: the target, and the keys of both. */
  readonly variables: { readonly [name: string]: string }
  readonly directory: string
}

async function startEnds(t: TestContext): Promise<Ends> {
  const [old, fresh] = await Promise.all([serve(t), serve(t)])
  const clientsOf = (server: ServerProcess) => {
    const clients = {
      secrets: new SecretsManagerClient(clientOptions(server)),
      ssm: new SSMClient(clientOptions(server)),
    }
    t.after(() => {
      clients.secrets.destroy()
      clients.ssm.destroy()
    })
    return { ...server, ...clients }
  }
  const directory = temporaryDirectory(t)
  const keys = ([profile, { credentials }]: readonly [string, ReturnType<typeof clientOptions>]) =>
    `[${profile}]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\n`
  const file = join(directory, 'credentials')
  const profiles = [['default', clientOptions(fresh)] as const, ['old', clientOptions(old)] as const]
  writeFileSync(file, profiles.map(keys).join(''))
  const variables = {
    HOME: directory,
    AWS_SHARED_CREDENTIALS_FILE: file,
    AWS_ENDPOINT_URL: fresh.url,
    AWS_REGION: 'us-east-1',
  }
  return { old: clientsOf(old), fresh: clientsOf(fresh), variables, directory }
}

async function newAlias(server: ServerProcess, AliasName: string): Promise<void> {
  const kms = new KMSClient(clientOptions(server))
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata!.KeyId! }))
  kms.destroy()
}

/** The commands that the page shows, each with what it shows of their output. */
function shown(): readonly { readonly command: string; readonly output: string }[] {
  const blocks = readFileSync(PAGE, 'utf8').matchAll(/^```\n(\$ [\s\S]*?)^```$/gm)
  return [...blocks].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...output] = part.split('\n')
        return { command, output: output.join('\n') }
      }),
  )
}

test('the commands between two servers', async (t) => {
  const ends = await startEnds(t)
  await t.test('docs/import.md shows what they do, as they do it on a terminal', (t) => followThePage(t, ends))
  await t.test('killed at any moment, the same command goes on and ends in the same state', (t) => killAndGoOn(t, ends))
  await t.test('no value is in anything they say or write, but for an export in plain text', () => lookForValues(ends))
  await t.test('a bar tells on a terminal how far they are', (t) => watchTheBar(t, ends))
  await t.test('what a server answers moves no cursor', (t) => showNoControls(t, ends))
  await t.test('what does not go together is refused in one line, before anything is done', () => refuse(ends))
})

async function followThePage(t: TestContext, { old, fresh, variables, directory }: Ends): Promise<void> {
  const value = { username: 'app', password: 'correct-horse' }
  const create = (Name: string, SecretString: string, given: object = {}) =>
    old.secrets.send(new CreateSecretCommand({ Name, SecretString, ...given }))
  await Promise.all([newAlias(old, 'alias/app'), newAlias(fresh, 'alias/new-app')])
  await create('app/db', 'before')
  await old.secrets.send(new PutSecretValueCommand({ SecretId: 'app/db', SecretString: JSON.stringify(value) }))
  await create('app/session-key', 'hunter2', { KmsKeyId: 'alias/app' })
  for (const Value of ['db1', 'db2']) {
    const parameter = { Name: '/app/db/host', Type: 'String', Value, Overwrite: Value !== 'db1' } as const
    await old.ssm.send(new PutParameterCommand(parameter))
  }
  writeFileSync(join(directory, '.env'), 'DB_HOST=db.example.com\nDB_PASSWORD="hunter2"\n')
  const identity = await generateX25519Identity()
  writeFileSync(join(directory, 'backup.key'), `${identity}\n`)
  const vault = await startVault(t, {
    mount: 'secret',
    version: '2',
    secrets: {
      'app/db': { versions: [{ json: '{"password":"1"}' }, {}, { json: '{"password":"3"}' }], custom: { team: 'a' } },
      'app/old': { versions: [{ json: '{"password":"1"}' }, {}] },
    },
  })

  const recipient = await identityToRecipient(identity)
  const env = { PATH: '/usr/bin:/bin', ...variables, VAULT_ADDR: vault, VAULT_TOKEN }
  const examples = shown()
  let real = ''
  for (const { command } of examples) {
    const text = command
      .replace('http://old.example.com:4650', old.url)
      .replace('$(age-keygen -y backup.key)', recipient)
    const [, region = variables.AWS_REGION!, rest = ''] = /^(?:AWS_REGION=(\S+) )?strongroom (.*)$/.exec(text) ?? []
    const args = rest.split(' ')
    const format = command.includes(' - ') ? [] : ['--output', 'table']
    const said = await promisify(execFile)(process.execPath, [BIN, ...args, ...format], {
      cwd: directory,
      env: { ...env, AWS_REGION: region },
    }).catch((error: { stdout: string; stderr: string }) => error)
    real += `$ ${command}\n${said.stdout}${said.stderr}`
  }
  assert.equal(real, examples.map(({ command, output }) => `$ ${command}\n${output}`).join(''), real)
  assert.ok(examples.length >= 9)
}

async function killAndGoOn(t: TestContext, { old, fresh, variables }: Ends): Promise<void> {
  const names = Array.from({ length: 10 }, (_, at) => `kill/${at}`)
  for (const Name of names) {
    await old.secrets.send(new CreateSecretCommand({ Name, SecretString: `${Name} 1` }))
    for (const [version, VersionStages] of [['2'], ['3', ['blue']], ['4']] as const) {
      const SecretString = `${Name} ${version}`
      await old.secrets.send(
        new PutSecretValueCommand({ SecretId: Name, SecretString, VersionStages: VersionStages && [...VersionStages] }),
      )
    }
  }
  await old.ssm.send(new PutParameterCommand({ Name: '/kill/n', Type: 'String', Value: '1' }))
  const wanted = await Promise.all(names.map((name) => versionsOf(old, name)))

  const rounds = SOAK ? 20 : 2
  for (let round = 0; round < rounds; round++) {
    // Each Region of a server is empty at first.
    const region = `eu-west-${round + 1}`
    const from = ['--source-endpoint-url', old.url, '--source-profile', 'old', '--source-region', 'us-east-1']
    const args = [...from, '--prefix', 'kill/', '--parameters', '/kill', '--all-versions', '--concurrency', '2']
    const env = { PATH: '/usr/bin:/bin', ...variables, AWS_REGION: region }
    const start = () =>
      spawn(process.execPath, [BIN, 'import', 'aws', ...args], { stdio: ['ignore', 'pipe', 'ignore'], env })
    let kills = 0
    while (kills < 2 && (await killedAtAnyMoment(start(), names.length)) === 'SIGKILL') kills++
    const last = start()
    const said = last.stdout.setEncoding('utf8').toArray()
    assert.deepEqual(await once(last, 'close'), [0, null], (await said).join(''))

    const secrets = new SecretsManagerClient({ ...clientOptions(fresh), region })
    t.after(() => secrets.destroy())
    const state = await Promise.all(names.map((name) => versionsOf({ ...fresh, secrets }, name)))
    assert.deepEqual(state, wanted, `round ${round} after ${kills} kills`)
  }
}

/** Kills it at its start, or after one of its lines and a moment more; what it ended with. */
async function killedAtAnyMoment(child: ChildProcess, lines: number): Promise<number | string | null> {
  const ended = once(child, 'close')
  let left = Math.floor(Math.random() * lines)
  const killSoon = async (withinMs: number): Promise<void> => {
    await sleep(Math.random() * withinMs)
    child.kill('SIGKILL')
  }
  if (left === 0) void killSoon(2_000)
  child.stdout!.on('data', (text: Buffer) => {
    const before = left
    left -= text.toString().split('\n').length - 1
    if (before > 0 && left <= 0) void killSoon(50)
  })
  const [code, signal] = await ended
  return code ?? signal
}

async function lookForValues({ old, fresh, variables, directory }: Ends): Promise<void> {
  const canary = `canary-${randomBytes(24).toString('hex')}`
  const bytes = Buffer.from(canary)
  const create = (end: Target, Name: string, given: object) =>
    end.secrets.send(new CreateSecretCommand({ Name, ...given }))
  const putParameter = (end: Target, Value: string, given: object = {}) =>
    end.ssm.send(new PutParameterCommand({ Name: '/canary/p', Type: 'SecureString', Value, ...given }))
  await create(old, 'canary/text', { SecretString: JSON.stringify({ CANARY: canary }) })
  await create(old, 'canary/bytes', { SecretBinary: bytes })
  await putParameter(old, canary)
  // What is there already, of another value and of a pattern that refuses the new one.
  await create(fresh, 'canary/text', { SecretString: `${canary} too` })
  await putParameter(fresh, 'digits', { AllowedPattern: '^digits$' })
  writeFileSync(join(directory, 'canary.env'), `A=${canary}\nB="${canary}\n${canary}\n`)

  const file = (name: string) => join(directory, name)
  const selection = ['--prefix', 'canary/', '--parameters', '/canary', '--endpoint-url', old.url]
  const recipient = await identityToRecipient(readFileSync(file('backup.key'), 'utf8').trim())
  const asOld = { ...variables, AWS_PROFILE: 'old' }
  const from = ['--source-endpoint-url', old.url, '--source-profile', 'old']
  const imported = ['import', 'aws', ...from, '--prefix', 'canary/', '--parameters', '/canary']
  const outcomes = [
    await run([...imported, '--output', 'json'], variables),
    await run([...imported, '--overwrite', '--output', 'table'], variables),
    await run(['import', 'dotenv', file('canary.env'), '--secret', 'canary/env'], variables),
    await run(['export', file('canary.age'), ...selection, '--recipient', recipient], asOld),
    await run(['import', 'archive', file('canary.age'), '--identity-file', file('backup.key')], {
      ...variables,
      AWS_REGION: 'eu-north-1',
    }),
  ]
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0, 0, 0, 0],
    JSON.stringify(outcomes),
  )
  const { Summary, Items } = JSON.parse(outcomes[0]!.stdout)
  assert.deepEqual(Summary, { created: 1, updated: 0, 'left alone': 2, 'left out': 0, refused: 0, failed: 0 })
  assert.deepEqual(Items[0], { Action: 'created', Kind: 'secret', Name: 'canary/bytes', Details: ['1 version'] })
  const said = outcomes.map(({ stdout, stderr }) => stdout + stderr).join()
  const written = readFileSync(file('canary.age'), 'latin1')
  for (const form of [canary, bytes.toString('base64').slice(0, -4), bytes.toString('hex')]) {
    assert.ok(!said.includes(form), said)
    assert.ok(!written.includes(form))
  }
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith('canary')),
    ['canary.age', 'canary.env'],
  )

  const plain = await run(['export', file('canary.json'), ...selection, '--plaintext', 'json'], asOld)
  assert.equal(plain.code, 0, plain.stderr)
  assert.equal(statSync(file('canary.json')).mode & 0o777, 0o600)
  const [, text] = JSON.parse(readFileSync(file('canary.json'), 'utf8'))
  assert.deepEqual(JSON.parse(text.secret.versions[0].text), { CANARY: canary })
  assert.ok(!plain.stdout.includes(canary))
}

async function watchTheBar(t: TestContext, { old, variables, directory }: Ends): Promise<void> {
  if (!existsSync('/usr/bin/script')) return t.skip('script(1), which makes a terminal, is not installed')
  const args = [
    'import',
    'aws',
    '--source-endpoint-url',
    old.url,
    '--source-profile',
    'old',
    '--source-region',
    'us-east-1',
    '--prefix',
    'kill/',
  ]
  const command = [process.execPath, BIN, ...args].join(' ')
  const env = { PATH: '/usr/bin:/bin', TERM: 'xterm', ...variables, AWS_REGION: 'eu-south-1' }
  const { stdout } = await promisify(execFile)('/usr/bin/script', ['-qec', command, join(directory, 'log')], { env })
  assert.match(stdout, /\r\[ {30}\] 0 of 10\u001b\[K\r\[#{3} {27}\] 1 of 10\u001b\[K\r/)
  assert.match(stdout, /\[#{30}\] 10 of 10\u001b\[K\r\u001b\[K/)
  assert.match(stdout, /ACTION +KIND +NAME +DETAILS[\s\S]*created +secret +kill\/0 +3 versions\r?\n/)
}

async function showNoControls(t: TestContext, { variables }: Ends): Promise<void> {
  const secrets = { 'app/\u001b[2J\u009bx\n': { versions: [{ json: '{}' }] } }
  const vault = await startVault(t, { mount: 'secret', version: '2', secrets })
  for (const format of ['text', 'json']) {
    const args = ['import', 'vault-kv', '--address', vault, '--output', format]
    const { code, stdout } = await run(args, { ...variables, VAULT_TOKEN })
    assert.equal(code, 1)
    assert.match(stdout, /app\//)
    assert.doesNotMatch(stdout, /[\u001b\u009b]|\\u001b|\\n/)
  }
}

async function refuse({ old, variables, directory }: Ends): Promise<void> {
  const refused = async (line: RegExp, ...args: readonly string[]) => assertRefused(await run(args, variables), line)
  const stranger = ['import', 'aws', '--source-endpoint-url', old.url]
  await refused(/^strongroom: The security token included in the request is invalid\. /, ...stranger)
  await refused(
    /^strongroom: the target does not answer \(ECONNREFUSED\)\n/,
    ...stranger,
    '--endpoint-url',
    'http://127.0.0.1:1',
  )
  await refused(/^strongroom: \S+credentials is there already/, 'export', join(directory, 'credentials'))
  await refused(/^strongroom: .*--concurrency.*It is not 1 to 64\./, 'import', 'aws', '--concurrency', '0')

  const selecting = (line: RegExp, given: object, names: readonly string[] = []) =>
    assert.throws(() => selectionOf(names, { secrets: true, ...given }), { name: 'UsageError', message: line })
  selecting(/^names stand for themselves/, { prefix: 'b' }, ['a'])
  selecting(/^--no-secrets goes with --parameters alone/, { secrets: false, tag: ['a=b'] })
  selecting(/^nothing is selected/, { secrets: false })
  selecting(/^--parameters a b is not a path/, { parameters: 'a b' })
  selecting(/^--filter x is not one of name, /, { filter: ['x=y'] })
  selecting(/^--tag x is not KEY=VALUE/, { tag: ['x'] })
  assert.throws(() => mappingOf({ kmsKey: ['x'] }), /^UsageError: --kms-key x is not SOURCE=TARGET$/)
  assert.throws(() => mappingOf({ kmsKey: ['x=y', 'x=z'] }), /^UsageError: --kms-key x is given twice$/)
  assert.throws(() => mappingOf({ account: ['1=2'] }), /^UsageError: --account 1=2 is not two account ids/)

  const exporting = (file: string, options: object) => exportTo(file, ALL, { concurrency: 1, ...options })
  await assert.rejects(exporting('-', {}), /^UsageError: an archive goes to a file: give its name$/)
  const both = { plaintext: 'json', recipient: ['age1x'] }
  await assert.rejects(exporting('x', both), /^UsageError: --plaintext takes no key/)

  // AWS itself, whatever AWS_ENDPOINT_URL names as the target.
  const endpoint = (service: 'secretsmanager' | 'ssm', sourceRegion: string) =>
    sourceConfigOf({ sourceRegion }, service).endpoint
  assert.equal(endpoint('secretsmanager', 'eu-west-1'), 'https://secretsmanager.eu-west-1.amazonaws.com')
  assert.equal(endpoint('ssm', 'cn-north-1'), 'https://ssm.cn-north-1.amazonaws.com.cn')
  const { requestHandler } = sourceConfigOf({ sourceRegion: 'eu-west-1' }, 'ssm')
  assert.ok(requestHandler.throwOnRequestTimeout && requestHandler.requestTimeout <= 60_000, 'a source may hang')
  assert.throws(() => endpoint('ssm', 'x/y'), /^UsageError: --source-region x\/y is not a Region$/)
}
