// `strongroom run` on a real server: what the command gets and nobody else does, that nothing starts by halves, signals and terminals, rotations.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startPostgresql } from '../../../rotators/src/testing/postgresql.ts'
import { assertRefused, BIN, clientOptions, run, type ServerProcess, serve } from '../testing.ts'
import { UsageError } from '../usage-error.ts'
import { startChild, stopChild } from './child.ts'
import { type PlanOptions, readPlan } from './plan.ts'
import { Reader } from './reader.ts'
import { resolve } from './values.ts'

const SHM = '/dev/shm'
const TMPFS = 0x01021994
const noMemory = existsSync(SHM) && statfsSync(SHM).type === TMPFS ? false : 'NOT RUN: /dev/shm is no tmpfs here'
/** Far more than any of it takes under load: what does not come fails, with what came. */
const SAYS_MS_MAX = 120_000
const noTerminal = existsSync('/usr/bin/script') ? false : 'NOT RUN: there is no script(1) here'

type World = {
  readonly server: ServerProcess
  readonly client: SecretsManagerClient
  readonly ssm: SSMClient
  readonly shell: { readonly [name: string]: string }
}

async function makeWorld(t: TestContext, ...args: readonly string[]): Promise<World> {
  const server = await serve(t, undefined, args)
  const client = new SecretsManagerClient(clientOptions(server))
  const ssm = new SSMClient(clientOptions(server))
  const credentials = join(server.dataDir, 'credentials')
  const shell = { AWS_ENDPOINT_URL: server.url, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_REGION: 'us-east-1' }
  return { server, client, ssm, shell }
}

const create = (client: SecretsManagerClient, Name: string, value: string | Uint8Array) =>
  client.send(
    new CreateSecretCommand({
      Name,
      ...(typeof value === 'string' ? { SecretString: value } : { SecretBinary: value }),
    }),
  )
const put = (client: SecretsManagerClient, SecretId: string, SecretString: string) =>
  client.send(new PutSecretValueCommand({ SecretId, SecretString }))

type Started = {
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves with the first match. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
  /** The exit code. */
  readonly ended: Promise<number | null>
}

/** The command in the background. With `terminal`, in one of its own, whose keyboard is standard input. */
function begin(t: TestContext, { shell }: World, args: readonly string[], terminal = false): Started {
  const line = [process.execPath, BIN, 'run', ...args]
  const quoted = line.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const [command, ...rest] = terminal ? ['script', '-qec', `exec ${quoted}`, '/dev/null'] : line
  const env = { PATH: process.env.PATH, ...shell }
  const child = spawn(command!, rest, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  const more = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of more) look()
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  t.after(() => child.kill('SIGTERM'))
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const fail = (why: string) => (): void => reject(new Error(`${why} without ${pattern}: ${output}`))
      const timer = setTimeout(fail('no end'), SAYS_MS_MAX)
      const look = (): void => {
        const match = pattern.exec(output)
        if (match === null) return
        clearTimeout(timer)
        more.delete(look)
        resolve(match)
      }
      more.add(look)
      ended.then(fail('ended'))
      look()
    })
  return { child, output: () => output, says, ended }
}

test('strongroom run', async (t) => {
  const world = await makeWorld(t)
  const { client, ssm, server, shell } = world
  await create(client, 'app/db', '{"username":"app","password":"hunter2","port":5432,"tls":true}')
  await create(client, 'app/key', Uint8Array.of(0, 1, 255))
  await create(client, 'app/text', 'no JSON: hunter2')
  const parameters = { '/app/prod/log-level': 'debug', '/app/prod/feature/x': 'on', '/app/nul': 'a\u0000b' }
  for (const [Name, Value] of Object.entries(parameters)) {
    if (Name !== '/app/nul') await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }))
  }
  await create(client, 'app/nul', '{"a":"a\\u0000b"}')
  await create(client, 'app/loader', '{"ld-preload":"/tmp/evil.so"}')
  await create(client, 'app/hooks', '{"config-file":"a","startup-hooks":"/tmp/evil.dll"}')
  await create(
    client,
    'app/digits',
    '{"account":12345678901234567890,"far":1e400,"price":1.10,"deep":[10000000000000001]}',
  )
  await create(client, 'app/digit', '{"1st":"x"}')
  await create(client, 'app/twice', '{"Password":"x","password":"y"}')
  const reader = new Reader(clientOptions(server), false)
  t.after(() => reader.close())

  await t.test(
    'values reach the command as variables and files, and no other process',
    { skip: noMemory },
    async () => {
      const script = `env; cat "$CONF"; od -An -tx1 "$KEY"; stat -c "mode %a %F" "$KEY" "$(dirname "$KEY")"
      tr '\\0' '\\n' < /proc/$PPID/environ | sed 's/^/parent: /'; tr '\\0' '\\n' < /proc/$PPID/cmdline | sed 's/^/parent: /'`
      const options = ['--env', 'PASSWORD=app/db#password', '--env', 'TLS=app/db#tls', '--env-from', 'app/db']
      const paths = ['--env-from', 'ssm:/app/prod/', '--prefix', 'P_', '--env', 'LEVEL=ssm:/app/prod/log-level']
      const files = ['--file', 'CONF=app/db', '--file', 'KEY=app/key', '--no-aws-credentials']
      const variables = { ...shell, REFERRED: 'strongroom://app/db#port', PLAIN: 'app/db' }
      const { code, stdout, stderr } = await run(
        ['run', ...options, ...paths, ...files, '--', 'sh', '-c', script],
        variables,
      )
      assert.equal(stderr, '')
      assert.equal(code, 0)
      const told = Object.entries({
        ...{ PASSWORD: 'hunter2', TLS: 'true', LEVEL: 'debug', REFERRED: '5432', PLAIN: 'app/db' },
        ...{ P_USERNAME: 'app', P_PASSWORD: 'hunter2', P_PORT: '5432', P_TLS: 'true' },
        ...{ P_LOG_LEVEL: 'debug', P_FEATURE_X: 'on', AWS_REGION: 'us-east-1' },
      })
      for (const [name, value] of told) assert.match(stdout, new RegExp(`^${name}=${value}$`, 'm'))
      assert.doesNotMatch(stdout, /^AWS_SHARED_CREDENTIALS_FILE=/m)
      assert.match(stdout, /^\{"username":"app","password":"hunter2","port":5432,"tls":true\} 00 01 ff\n/m)
      assert.match(stdout, /^mode 600 regular file\nmode 700 directory$/m)
      const parent = stdout.split('\n').filter((line) => line.startsWith('parent: '))
      assert.ok(
        parent.some((line) => line.endsWith('REFERRED=strongroom://app/db#port')),
        stdout,
      )
      assert.deepEqual(
        parent.filter((line) => line.includes('hunter2')),
        [],
      )
      const directory = /^KEY=(.*)\/KEY$/m.exec(stdout)![1]!
      assert.ok(directory.startsWith(SHM) && !existsSync(directory))
    },
  )

  await t.test('where one value is not to be had nothing starts, and one line says which', async () => {
    const args = ['--env', 'A=app/db#password', '--env', 'B=app/none', '--', 'sh', '-c', 'echo started']
    assertRefused(
      await run(['run', ...args], shell),
      /^strongroom: app\/none: Secrets Manager can't find the specified secret\. \(ResourceNotFoundException\)\n$/,
    )
    const refused: readonly (readonly [PlanOptions, RegExp])[] = [
      [{ env: ['A=ssm:/app/none'] }, /^ssm:\/app\/none: there is no such parameter \(ParameterNotFound\)$/],
      [{ envFrom: ['ssm:/app/none/'] }, /^no parameters are under \/app\/none\/$/],
      [{ envFrom: ['ssm:app/'] }, /^ssm:app\/: .*\(ValidationException\)$/],
      [{ env: ['A=app/db#none'] }, /^app\/db has no member none$/],
      [{ env: ['A=app/db#constructor'] }, /^app\/db has no member constructor$/],
      [{ env: ['A=app/text#x'] }, /^app\/text is no JSON object, so that it has no members$/],
      [{ envFrom: ['app/text'] }, /^app\/text is no JSON object/],
      [{ envFrom: ['app/key'] }, /^app\/key is no JSON object/],
      [{ env: ['A=app/key'] }, /^app\/key is binary: give it by --file A=…$/],
      [{ env: ['A=app/nul#a'] }, /^A, of app\/nul, holds a NUL, which no variable can: give it by --file$/],
      [{ envFrom: ['app/nul'] }, /^A, of app\/nul, holds a NUL/],
      [{ envFrom: ['app/loader'] }, /^app\/loader would set LD_PRELOAD, which changes what runs/],
      [{ envFrom: ['app/hooks'], prefix: 'AWS_' }, /^app\/hooks would set AWS_CONFIG_FILE, which changes what runs/],
      [{ envFrom: ['app/hooks'], prefix: 'DOTNET_' }, /^app\/hooks would set DOTNET_STARTUP_HOOKS, which changes/],
      [{ envFrom: ['app/digit'] }, /^app\/digit has a member whose name begins with no letter/],
      [{ envFrom: ['app/twice'] }, /^--env-from gives PASSWORD twice, the second time from app\/twice$/],
      [{ envFrom: ['app/db', 'app/twice'], prefix: 'X_' }, /^--env-from gives X_PASSWORD twice/],
    ]
    for (const [options, line] of refused) {
      await assert.rejects(
        resolve(readPlan(options, {}), reader),
        (error: Error) =>
          error instanceof UsageError && line.test(error.message) && !/hunter2|evil/.test(error.message),
        `${JSON.stringify(options)} ${line}`,
      )
    }
    const { environment } = await resolve(readPlan({ envFrom: ['app/loader'], prefix: 'X_' }, {}), reader)
    assert.deepEqual(environment, { X_LD_PRELOAD: '/tmp/evil.so' })
  })

  await t.test('what is named by --env comes before what is grouped, and that before the environment', async () => {
    const options = { env: ['PASSWORD=ssm:/app/prod/log-level'], envFrom: ['app/db'] }
    const given = { PORT: '1', PASSWORD: '2', USERNAME: 'strongroom://app/db#tls', OTHER: 'strongroom://app/db#tls' }
    const { environment } = await resolve(readPlan(options, given), reader)
    assert.deepEqual(environment, { PORT: '5432', PASSWORD: 'debug', USERNAME: 'app', TLS: 'true', OTHER: 'true' })
  })

  await t.test('numbers of JSON are given as they were written', async () => {
    const { environment } = await resolve(readPlan({ envFrom: ['app/digits'], env: ['A=app/digits#far'] }, {}), reader)
    const numbers = { ACCOUNT: '12345678901234567890', FAR: '1e400', PRICE: '1.10', DEEP: '[10000000000000001]' }
    assert.deepEqual(environment, { ...numbers, A: '1e400' })
  })

  await t.test('a server that does not answer is told in one line', async () => {
    const closed = { ...shell, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
    const args = ['run', '--env', 'A=app/db', '--', 'sh', '-c', 'echo started']
    assertRefused(await run(args, closed), /^strongroom: app\/db: no server answers at http:\/\/127\.0\.0\.1:1 \(\w+\)/)
  })

  await t.test('options that cannot be meant are refused before anything is asked', async () => {
    const args = ['--on-rotation', 'restart', '--env', 'A=ssm:/app/prod/log-level', '--', 'true']
    assertRefused(
      await run(['run', ...args], shell),
      /^strongroom: --on-rotation watches secrets, and none is named\n$/,
    )
  })

  await t.test('what follows the command is its own, also where it is called as an option of ours', async () => {
    const { stdout } = await run(['run', '--env', 'A=app/text', 'echo', '--env', 'B=none', '--', '--file'], shell)
    assert.equal(stdout, '--env B=none -- --file\n')
  })

  await t.test('signals that reach us alone are passed on, and the exit code is that of the command', async () => {
    const script = `for s in INT USR1 USR2 HUP; do trap "echo got $s" $s; done; trap 'echo got TERM; exit 3' TERM
      echo ready; while :; do sleep 0.05; done`
    const { child, says, ended, output } = begin(t, world, ['--env', 'A=app/db', '--', 'sh', '-c', script])
    await says(/ready\n/)
    // A SIGUSR1 that comes before it is caught opens a debugger, of which other users must not learn the address.
    if (existsSync('/proc/self/cmdline'))
      assert.match(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'), /\0--inspect-publish-uid=stderr\0/)
    for (const signal of ['SIGINT', 'SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGTERM'] as const) {
      child.kill(signal)
      await says(new RegExp(`got ${signal.slice(3)}\n`))
    }
    assert.equal(await ended, 3)
    assert.equal(output(), 'ready\ngot INT\ngot USR1\ngot USR2\ngot HUP\ngot TERM\n')
  })

  await t.test(
    'a key of the terminal interrupts the command once, and what it prints is shown',
    { skip: noTerminal },
    async () => {
      const script = `trap 'echo interrupted' INT; test -t 0 && test -t 1 && echo ready; while read l; do echo "line $l"; done; exit 9`
      const { child, says, ended, output } = begin(t, world, ['--env', 'A=app/db', '--', 'bash', '-c', script], true)
      await says(/ready/)
      child.stdin!.write('one\n')
      await says(/line one/)
      child.stdin!.write('\x03')
      await says(/interrupted/)
      child.stdin!.write('two\n')
      await says(/line two/)
      child.stdin!.write('\x04')
      assert.equal(await ended, 9)
      assert.equal(output().match(/interrupted/g)?.length, 1)
    },
  )

  await t.test('on a rotation the files are replaced and the command gets the signal', { skip: noMemory }, async () => {
    await create(client, 'app/signalled', 'first')
    const script = `trap 'echo "now $(cat "$CONF") $A"' HUP; echo "pid $$ $CONF"; while :; do sleep 0.05; done`
    const options = ['--file', 'CONF=app/signalled', '--env', 'A=app/signalled', '--on-rotation', 'signal=HUP']
    const { child, says, ended, output } = begin(t, world, [...options, '--', 'sh', '-c', script])
    const [, , path] = await says(/pid (\d+) (\S+)\n/)
    await put(client, 'app/signalled', 'second')
    await says(/now second first\n/)
    assert.deepEqual(readdirSync(join(path!, '..')), ['CONF'])
    child.kill('SIGTERM')
    assert.equal(await ended, 143)
    assert.ok(!existsSync(join(path!, '..')))
    assert.equal(output().match(/now/g)?.length, 1)
  })

  await t.test('on a rotation the command is restarted with new values; one that does not end is killed', async () => {
    await create(client, 'app/restarted', 'first')
    const script = `trap '' TERM; echo "pid $$ has $A"; while :; do sleep 0.05; done`
    const options = ['--env', 'A=app/restarted', '--on-rotation', 'restart', '--kill-after', '0.3', '--jitter', '0.2']
    const { child, says, ended } = begin(t, world, [...options, '--', 'sh', '-c', script])
    const [, first] = await says(/pid (\d+) has first\n/)
    await put(client, 'app/restarted', 'second')
    const [, second] = await says(/pid (\d+) has second\n/)
    assert.notEqual(first, second)
    assert.throws(() => process.kill(Number(first), 0), { code: 'ESRCH' })
    process.kill(Number(second), 'SIGKILL')
    assert.equal(await ended, 137)
    assert.equal(child.exitCode, 137)
  })

  await t.test('a command that is ending by a SIGTERM of ours is not started again by a rotation', async () => {
    await create(client, 'app/ending', 'first')
    const script = `trap 'echo ending; sleep 2; exit 3' TERM; echo "has $A"; while :; do sleep 0.05; done`
    const options = ['--env', 'A=app/ending', '--on-rotation', 'restart']
    const { child, says, ended, output } = begin(t, world, [...options, '--', 'sh', '-c', script])
    await says(/has first\n/)
    child.kill('SIGTERM')
    await says(/ending\n/)
    await put(client, 'app/ending', 'second')
    assert.equal(await ended, 3)
    assert.equal(output(), 'has first\nending\n')
  })

  await t.test('what is left behind by kill -9 is removed by the next run', { skip: noMemory }, async () => {
    const script = 'echo "pid $$ $CONF"; exec sleep 60'
    const { child, says, ended } = begin(t, world, ['--file', 'CONF=app/text', '--', 'sh', '-c', script])
    const [, pid, path] = await says(/pid (\d+) (\S+)\n/)
    child.kill('SIGKILL')
    process.kill(Number(pid), 'SIGKILL')
    await ended
    assert.equal(readFileSync(path!, 'utf8'), 'no JSON: hunter2')
    const next = await run(['run', '--file', 'CONF=app/text', '--', 'sh', '-c', `test ! -e '${path}'`], shell)
    assert.deepEqual(next, { code: 0, stdout: '', stderr: '' })
  })
})

test('how a command ended is the exit code, as of env(1) and shells', async (t) => {
  const environment = { PATH: '/usr/bin:/bin' }
  const codes = [
    ['sh', ['-c', 'exit 7'], 7],
    ['sh', ['-c', 'kill -9 $$'], 137],
    ['sh', ['-c', 'kill -TERM $$'], 143],
    ['no-such-command', [], 127],
    ['/etc/passwd', [], 126],
    ['true', ['x'.repeat(3_000_000)], 126],
  ] as const
  const told: string[] = []
  t.mock.method(process.stderr, 'write', (text: string) => told.push(text) > 0)
  for (const [command, args, code] of codes) {
    assert.equal(await startChild(command, args, environment).ended, code, command)
  }
  assert.deepEqual(told, [
    'strongroom: no-such-command: no such command\n',
    'strongroom: /etc/passwd: may not be run\n',
    'strongroom: true: the values are too large for an environment: give large ones by --file\n',
  ])
  assert.equal(await stopChild(startChild('sleep', ['60'], environment), 60_000), 143)
})

test('psql works under run in a terminal, and goes on with a new password when it has rotated', {
  skip: noTerminal,
}, async (t) => {
  const postgresql = await startPostgresql()
  if ('reason' in postgresql) return t.skip(`NOT RUN: ${postgresql.reason}`)
  t.after(() => postgresql.stop())
  const world = await makeWorld(t, '--rotation-ca', postgresql.authorityFile)
  const { client } = world
  await postgresql.sql("CREATE ROLE app LOGIN PASSWORD 'first'")
  const place = { engine: 'postgres', host: 'localhost', port: postgresql.port, dbname: 'postgres' }
  const { ARN = '' } = await create(client, 'app/pg', JSON.stringify({ ...place, username: 'app', password: 'first' }))
  const names = { PGUSER: 'username', PGPASSWORD: 'password', PGHOST: 'host', PGPORT: 'port', PGDATABASE: 'dbname' }
  const variables = Object.entries(names).flatMap(([name, member]) => ['--env', `${name}=app/pg#${member}`])

  const { child, says, ended } = begin(t, world, [...variables, '--', 'psql', '-X', '-P', 'pager=off'], true)
  await says(/postgres=> /)
  child.stdin!.write("SELECT 'I am ' || session_user;\n")
  await says(/ I am app/)
  // What runs in the server is cancelled, and psql goes on.
  child.stdin!.write('SELECT pg_sleep(600);\n')
  while (
    (await postgresql.sql("SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'")).length === 0
  );
  child.stdin!.write('\x03')
  await says(/canceling statement due to user request/)
  child.stdin!.write('\\q\n')
  assert.equal(await ended, 0)

  const loop = 'psql -X -A -t -c "SELECT \'let in\'" && echo "password $PGPASSWORD" && exec sleep 600'
  const options = [...variables, '--on-rotation', 'restart']
  const rotated = begin(t, world, [...options, '--', 'sh', '-c', loop])
  await rotated.says(/let in\npassword first\n/)
  const RotationLambdaARN = `arn:aws:lambda:us-east-1:${ARN.split(':')[4]}:function:strongroom-postgresql-single-user`
  await client.send(
    new RotateSecretCommand({ SecretId: ARN, RotationLambdaARN, RotationRules: { AutomaticallyAfterDays: 30 } }),
  )
  const [, password] = await rotated.says(/password first\n[\s\S]*let in\npassword (\S+)\n/)
  assert.notEqual(password, 'first')
  const { LastRotatedDate } = await client.send(new DescribeSecretCommand({ SecretId: ARN }))
  assert.ok(LastRotatedDate !== undefined)
  rotated.child.kill('SIGTERM')
  assert.equal(await rotated.ended, 143)
})
