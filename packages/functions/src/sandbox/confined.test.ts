import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { findInterpreters, runtimes } from '../interpreters.ts'
import type { LaunchPlan, Sandbox } from '../launch.ts'
import type { ConfinedLevel } from './confined.ts'
import { probeSandbox } from './probe.ts'
import { DEVICES, findSystemFiles, isBelow } from './system-files.ts'
import { machineLacks } from './testing.ts'

const LEVELS = ['A', 'B', 'B-'] as const satisfies readonly ConfinedLevel[]

function planOf(t: TestContext, script: string, more: Partial<LaunchPlan> = {}): LaunchPlan {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const [taskDirectory, runtimeDirectory, scratchDirectory] = ['task', 'runtime', 'scratch'].map((name) => {
    mkdirSync(join(folder, name), { mode: 0o755 })
    return join(folder, name)
  }) as [string, string, string]
  return {
    command: ['/bin/sh', '-c', script],
    environment: { PATH: '/usr/bin:/bin' },
    taskDirectory,
    runtimeDirectory,
    scratchDirectory,
    scratchBytesMax: 1_048_576,
    readable: [],
    engine: 'other',
    memoryMb: 128,
    tcpPorts: [],
    ...more,
  }
}

async function run(sandbox: Sandbox, plan: LaunchPlan) {
  const { child } = sandbox.launch(plan)
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  )
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  return { stdout, stderr, status: await ended }
}

for (const level of LEVELS) {
  describe(`level ${level}`, { skip: machineLacks(level) }, () => {
    const ready = probeSandbox({ levels: [level] }).catch(() => undefined)
    const sandbox = async () => (await ready)!

    it('runs a program with its environment and nothing else', async (t) => {
      const plan = planOf(t, 'exec env', {
        environment: { PATH: '/usr/bin:/bin', NODE_OPTIONS: '--require=/x', A: 'é=1' },
      })
      const { stdout, stderr, status } = await run(await sandbox(), plan)
      assert.deepEqual({ stderr, status }, { stderr: '', status: 0 })
      const variables = stdout
        .trim()
        .split('\n')
        .filter((line) => !/^(PWD|TMPDIR|_|SHLVL|OLDPWD)=/.test(line))
        .sort()
      assert.deepEqual(variables, ['A=é=1', 'NODE_OPTIONS=--require=/x', 'PATH=/usr/bin:/bin'])
    })

    it('tells of exit codes, and ends with what a signal ends', async (t) => {
      assert.equal((await run(await sandbox(), planOf(t, 'exit 7'))).status, 7)
      const { child, kill } = (await sandbox()).launch(planOf(t, 'echo ready; sleep 60'))
      child.stdout!.once('data', kill)
      assert.deepEqual(await new Promise((resolve) => child.once('close', (...how) => resolve(how))), [null, 'SIGKILL'])
    })

    it('fails closed: what it cannot confine does not run', async (t) => {
      const plan = planOf(t, 'echo ran', { readable: ['/nowhere/to/be/found'] })
      const { stdout, stderr, status } = await run(await sandbox(), plan)
      assert.equal(stdout, '')
      assert.match(stderr, /\/nowhere\/to\/be\/found/)
      assert.notEqual(status, 0)
    })

    it('says when a program cannot be run', async (t) => {
      for (const memoryMb of [128, 1024]) {
        const plan = planOf(t, '', { command: ['/usr/bin/no-such-program'], memoryMb })
        const [stderr, status] =
          level === 'A'
            ? ['bwrap: execvp /usr/bin/no-such-program: No such file or directory\n', 1]
            : ['strongroom sandbox: /usr/bin/no-such-program cannot be run\n', 127]
        assert.deepEqual(await run(await sandbox(), plan), { stdout: '', stderr, status })
      }
    })

    it('lets a program do in its scratch folder what it likes', async (t) => {
      const work = 'cd "$SCRATCH" && mkdir -p a/b && echo x > a/b/c && mv a/b/c d && ln d e && rm -r a && cat e'
      const plan = planOf(t, work)
      const { stdout, stderr } = await run(await sandbox(), {
        ...plan,
        environment: { ...plan.environment, SCRATCH: plan.scratchDirectory },
      })
      assert.deepEqual({ stdout, stderr }, { stdout: 'x\n', stderr: '' })
      // At A the folder is /tmp: where this project lies below the machine's /tmp, what is mounted in it leaves its folders here.
      const entries = readdirSync(plan.scratchDirectory, { withFileTypes: true })
      assert.deepEqual(entries.flatMap((entry) => (entry.isFile() ? entry.name : [])).sort(), ['d', 'e'])
      assert.ok(!entries.some(({ name }) => name === 'a'))
    })

    it('has functions end before the server where memory is short', async (t) => {
      const { stdout } = await run(await sandbox(), planOf(t, 'read score </proc/self/oom_score_adj; echo $score'))
      assert.equal(stdout, '1000\n')
    })

    it('refuses a variable that holds a NUL, whatever would follow', async (t) => {
      const environment = { PATH: '/usr/bin:/bin', A: 'b\0--bind\0/\0/tmp' }
      const { stdout, stderr, status } = await run(await sandbox(), planOf(t, 'echo ran', { environment }))
      assert.deepEqual({ stdout, status }, { stdout: '', status: 125 })
      assert.match(stderr, /that holds a NUL was refused/)
    })

    it('shows no variable of a function to who may list processes', async (t) => {
      const plan = planOf(t, 'cd "$SCRATCH"; mkfifo never; echo ready; read _ <never', {
        environment: { PATH: '/usr/bin:/bin', TOKEN: 'a-token-of-this-test' },
      })
      const environment = { ...plan.environment, SCRATCH: plan.scratchDirectory }
      const { child, kill } = (await sandbox()).launch({ ...plan, environment })
      await new Promise((resolve) => child.stdout!.once('data', resolve))
      const seen = readdirSync('/proc').filter((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('a-token-of-this-test')
        } catch {
          return false
        }
      })
      kill()
      assert.deepEqual(seen, [])
    })

    it('has one launcher wait that knows nothing, and begins with it', async (t) => {
      const own = await probeSandbox({ levels: [level] })
      const launchers = (): readonly number[] =>
        readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
          .split(' ')
          .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('launcher.mjs'))
          .map(Number)
      const before = launchers()
      own.prepare()
      own.prepare()
      const waiting = launchers().filter((pid) => !before.includes(pid))
      assert.equal(waiting.length, 1)
      assert.equal(readFileSync(`/proc/${waiting[0]}/environ`, 'latin1'), '')
      const begun = own.launch(planOf(t, 'echo ready'))
      assert.equal(begun.child.pid, waiting[0])
      assert.equal(await text(begun.child.stdout!), 'ready\n')
      while (launchers().length === before.length) await sleep(20) // the next one
      own.close()
      while (launchers().length > before.length) await sleep(20)
    })

    it('gives each instance a user of its own where the server is root', {
      skip: process.getuid?.() !== 0 && 'not root',
    }, async (t) => {
      const plans = [planOf(t, 'sleep 0.2'), planOf(t, 'sleep 0.2')]
      const all = plans.map((plan) => sandbox().then((one) => run(one, plan)))
      await Promise.all(all)
      const [one, other] = plans.map(({ scratchDirectory }) => statSync(scratchDirectory).uid)
      assert.ok(one! >= 1_900_000_000 && other! >= 1_900_000_000)
      assert.notEqual(one, other)
    })
  })
}

it('lets no function read where the machine keeps private keys', async () => {
  const interpreters = await findInterpreters()
  const read = [
    ...findSystemFiles().settings,
    ...runtimes.flatMap((runtime) => {
      const found = interpreters.available(runtime)
      return 'interpreter' in found ? found.interpreter.readable : []
    }),
  ]
  for (const folder of ['/etc/ssl/private', '/etc/pki/tls/private', '/etc/letsencrypt/live'])
    assert.ok(!read.some((path) => isBelow(folder, path)), folder)
})

describe('level A', { skip: machineLacks('A') }, () => {
  it('shows a program the folders that it has on Lambda', async (t) => {
    const plan = planOf(t, '')
    writeFileSync(join(plan.taskDirectory, 'code'), 'of the function')
    writeFileSync(join(plan.runtimeDirectory, 'bootstrap'), 'ours')
    const { stdout, stderr } = await run(await probeSandbox({ levels: ['A'] }), {
      ...plan,
      command: [
        '/bin/sh',
        '-c',
        `pwd; cat code "${plan.runtimeDirectory}/bootstrap"; echo; echo $LAMBDA_TASK_ROOT:$WAYS; ls /var /`,
      ],
      environment: {
        PATH: '/usr/bin:/bin',
        LAMBDA_TASK_ROOT: plan.taskDirectory,
        WAYS: `${plan.runtimeDirectory}/node_modules:${plan.taskDirectory}-of-another:/x${plan.taskDirectory}`,
      },
    })
    assert.equal(stderr, '')
    const [cwd, files, variables, ...listed] = stdout.trim().split('\n')
    assert.deepEqual([cwd, files], ['/var/task', 'of the functionours'])
    assert.equal(
      variables,
      `/var/task:/var/runtime/node_modules:${plan.taskDirectory}-of-another:/x${plan.taskDirectory}`,
    )
    assert.deepEqual(listed.slice(0, listed.indexOf('')), ['/:', ...listed.slice(1, listed.indexOf(''))])
    for (const hidden of ['home', 'root', 'srv', 'opt', 'run', 'boot']) assert.ok(!listed.includes(hidden), hidden)
    assert.deepEqual(listed.slice(listed.indexOf('/var:')), ['/var:', 'runtime', 'task'])
  })

  it('lets a program write its scratch folder and devices that keep nothing, and nothing else', async (t) => {
    const find = 'find / -path /proc -prune -o -path /usr -prune -o ! -type l -writable -print 2>/dev/null'
    const writes =
      'for file in /proc/self/comm /proc/1/comm /usr/x; do (echo x >$file) 2>/dev/null && echo $file; done; true'
    const { stdout } = await run(await probeSandbox({ levels: ['A'] }), planOf(t, `${find}; ${writes}`))
    assert.deepEqual(stdout.trim().split('\n').sort(), [...DEVICES, '/tmp'].sort())
  })

  it('has the certificate authorities where Amazon Linux has them', {
    skip: !existsSync('/etc/ssl/certs/ca-certificates.crt') && 'other authorities',
  }, async (t) => {
    const { stdout } = await run(await probeSandbox({ levels: ['A'] }), planOf(t, 'head -n 1 /etc/pki/tls/cert.pem'))
    assert.equal(stdout, '-----BEGIN CERTIFICATE-----\n')
  })

  it('lets a program reach the ports that it was given, and its host by name', async (t) => {
    const server = createServer((socket) => socket.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as { readonly port: number }
    const script = `require('net').connect(${port}, 'localhost').on('data', (data) => console.log(String(data))).on('error', console.error)`
    const plan = planOf(t, '', {
      engine: 'node',
      command: [process.execPath, '-e', script],
      tcpPorts: [port],
      readable: [process.execPath],
    })
    assert.deepEqual(await run(await probeSandbox({ levels: ['A'] }), plan), {
      stdout: 'reached\n',
      stderr: '',
      status: 0,
    })
  })
})
