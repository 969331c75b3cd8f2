// Which instance takes an invocation, how many there are, and who waits.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { environmentOf, reservedVariables } from './environment.ts'
import { findInterpreters, runtimes } from './interpreters.ts'
import { TELLS_OF_PROCESSES } from './processes.ts'
import { bodyOf, CREDENTIALS, functionOf, NODE, startFunctions } from './testing.ts'

/** Answers with its process and how many invocations that has served, after the time that the event asks for. */
const COUNTING = {
  'index.js': `let count = 0
    exports.handler = async ({ ms = 0 }) => {
      count++
      await new Promise((resolve) => setTimeout(resolve, ms))
      return { pid: process.pid, count }
    }`,
}
type Counted = { readonly pid: number; readonly count: number }
const counting = (t: TestContext) => functionOf(t, NODE, COUNTING)

test('a warm instance takes the next invocation; those at the same time have one each', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = counting(t)
  const first = await invoke(fn)
  const second = await invoke(fn)
  assert.deepEqual(bodyOf(second), { pid: (bodyOf(first) as Counted).pid, count: 2 })
  assert.ok(first.timings.initMs! > 0)
  assert.equal(second.timings.initMs, undefined)
  const together = await Promise.all([1, 2, 3].map(() => invoke(fn, { ms: 500 })))
  assert.equal(new Set(together.map((result) => (bodyOf(result) as Counted).pid)).size, 3)
})

test('one instance serves the invocations of one key, in order, and no others', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = counting(t)
  const steps = await Promise.all([1, 2, 3, 4].map(() => invoke(fn, { ms: 50 }, { instanceKey: 'rotation-1' })))
  const counted = steps.map((step) => bodyOf(step) as Counted)
  assert.deepEqual(
    counted.map(({ count }) => count),
    [1, 2, 3, 4],
  )
  assert.equal(new Set(counted.map(({ pid }) => pid)).size, 1)
  const other = bodyOf(await invoke(fn, {}, { instanceKey: 'rotation-2' })) as Counted
  const none = bodyOf(await invoke(fn)) as Counted
  assert.deepEqual([other.count, none.count], [1, 1])
  assert.equal(new Set([counted[0]!.pid, other.pid, none.pid]).size, 3)
})

test('other code, configuration or ports are another instance, and the idle one of before ends', async (t) => {
  const { invoke, directory } = await startFunctions(t)
  const fn = counting(t)
  await invoke(fn)
  for (const [changed, more] of [
    [{ ...fn, codeSha256: 'other' }, {}],
    [{ ...fn, environment: { A: 'b' } }, {}],
    [{ ...fn, memoryMb: 512 }, {}],
    [{ ...fn, role: 'arn:aws:iam::111122223333:role/other' }, {}],
    [fn, { tcpPorts: [5432] }],
  ] as const) {
    assert.equal((bodyOf(await invoke(changed, {}, more)) as Counted).count, 1)
  }
  const folders = () => readdirSync(join(directory, readdirSync(directory)[0]!)).length
  for (let tries = 0; folders() > 1 && tries < 2_400; tries++) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(folders(), 1)
})

test('no more instances than allowed run; who waits is served in order, and the queue is bounded', async (t) => {
  const { invoke } = await startFunctions(t, { concurrency: 1, queueMax: 2 })
  const [a, b] = [counting(t), counting(t)]
  const order: string[] = []
  const noted = async (name: string, fn: typeof a, ms: number) => {
    const result = await invoke(fn, { ms })
    order.push(name)
    return result
  }
  const running = [noted('a', a, 1_000), noted('b', b, 0), noted('a again', a, 0)]
  await assert.rejects(invoke(a), { name: 'FunctionsError', code: 'TooManyRequests' })
  const results = await Promise.all(running)
  assert.deepEqual(order, ['a', 'b', 'a again'])
  assert.ok(
    results.every(({ timings }) => timings.initMs !== undefined),
    'one place served both functions in turn',
  )
  assert.ok(results[1]!.timings.queuedMs > 900)
})

test('whoever waits for one instance alone holds up nobody else', async (t) => {
  const { invoke } = await startFunctions(t, { concurrency: 2 })
  const fn = counting(t)
  const long = invoke(fn, { ms: 1_500 }, { instanceKey: 'k' })
  let waiting = true
  const next = invoke(fn, {}, { instanceKey: 'k' }).finally(() => {
    waiting = false
  })
  await invoke(fn)
  assert.ok(waiting)
  await Promise.all([long, next])
})

test('who waits may leave the queue', async (t) => {
  const { invoke } = await startFunctions(t, { concurrency: 1 })
  const fn = counting(t)
  const long = invoke(fn, { ms: 500 })
  const abort = new AbortController()
  const waiting = invoke(fn, {}, { signal: abort.signal })
  abort.abort(new Error('left'))
  await assert.rejects(waiting, /left/)
  await assert.rejects(invoke(fn, {}, { signal: abort.signal }), /left/)
  assert.equal((bodyOf(await long) as Counted).count, 1)
  assert.equal((bodyOf(await invoke(fn)) as Counted).count, 2)
})

test('an instance that nobody asks for ends, and one that died by itself is replaced', async (t) => {
  const { invoke, directory } = await startFunctions(t, { idleMs: 200 })
  const fn = counting(t)
  await invoke(fn)
  await emptied(directory)

  const warm = await startFunctions(t)
  const first = bodyOf(await warm.invoke(fn)) as Counted
  process.kill(first.pid, 'SIGKILL')
  await emptied(warm.directory)
  const second = await warm.invoke(fn)
  assert.equal(second.functionError, undefined)
  assert.equal((bodyOf(second) as Counted).count, 1)
})

/** Until no instance has a folder. */
async function emptied(directory: string): Promise<void> {
  const folder = join(directory, readdirSync(directory)[0]!)
  assert.equal(readdirSync(folder).length, 1)
  for (let tries = 0; readdirSync(folder).length > 0 && tries < 2_400; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.deepEqual(readdirSync(folder), [])
}

test('an instance that has many values to keep out of its log makes room for a new one', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = counting(t)
  const redact = Array.from({ length: 200 }, (_, i) => `value ${i}`)
  const counts: number[] = []
  for (let i = 0; i < 3; i++) counts.push((bodyOf(await invoke(fn, {}, { redact })) as Counted).count)
  assert.deepEqual(counts, [1, 2, 1])
})

test('credentials are those of the invocation, asked for once', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, NODE, {
    'index.js': `const get = async () => (await fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI,
        { headers: { Authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN } })).json()
      exports.handler = async () => [await get(), await get()].map(({ AccessKeyId }) => AccessKeyId)`,
  })
  for (const accessKeyId of ['ASIAONE', 'ASIATWO']) {
    let asked = 0
    const credentials = async () => {
      asked++
      return { ...CREDENTIALS, accessKeyId }
    }
    assert.deepEqual(bodyOf(await invoke(fn, {}, { credentials })), [accessKeyId, accessKeyId])
    assert.equal(asked, 1)
  }
})

test('when functions are closed, nothing runs and nothing begins', async (t) => {
  const { functions, invoke } = await startFunctions(t, { concurrency: 1 })
  const fn = counting(t)
  await invoke(fn) // so that the next begins at once
  const running = invoke(fn, { ms: 60_000 })
  const waiting = invoke(fn)
  const ended = Promise.allSettled([running, waiting])
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await functions.close()
  const [first, second] = await ended
  assert.ok(first.status === 'fulfilled' && first.value.errorType === 'Runtime.ExitError')
  assert.ok(second.status === 'rejected')
  await assert.rejects(invoke(fn), /closed/)
})

test('what a dead server left behind is ended at the next start', {
  skip: !TELLS_OF_PROCESSES && 'no /proc',
}, async (t) => {
  const { directory } = await startFunctions(t)
  const [owner, instance] = ['999999999-1', 'a'.repeat(32)]
  mkdirSync(join(directory, owner, instance), { recursive: true })
  writeFileSync(join(directory, owner, instance, 'file'), 'left behind')
  const env = { AWS_LAMBDA_LOG_STREAM_NAME: `2026/01/01/[$LATEST]${instance}` }
  const orphan = spawn('/bin/sleep', ['600'], { env, stdio: 'ignore' })
  await once(orphan, 'spawn')
  const exit = once(orphan, 'exit')
  await startFunctions(t, { directory })
  assert.deepEqual(await exit, [null, 'SIGKILL'])
  const [left, ...others] = readdirSync(directory)
  assert.deepEqual(others, [])
  assert.ok(left!.startsWith(`${process.pid}-`))
})

test('runtimes that cannot be run here say why', async (t) => {
  const { functions, invoke } = await startFunctions(t)
  assert.deepEqual(functions.available('ruby3.4'), { reason: 'The runtime ruby3.4 is not supported.' })
  await assert.rejects(invoke({ ...counting(t), runtime: 'ruby3.4' }), { code: 'RuntimeUnavailable' })
  const other = functionOf(t, NODE, { 'python.sh': `#!/bin/sh\necho '{"version":"3.8.1","boto3":"1.0","paths":[]}'` })
  const bare = functionOf(t, NODE, { 'python.sh': `#!/bin/sh\necho '{"version":"3.12.1","boto3":null,"paths":[]}'` })
  const interpreters = await findInterpreters({
    programs: {
      'nodejs20.x': '/bin/true',
      'nodejs22.x': '/no/such/node',
      'python3.9': join(other.codeDirectory, 'python.sh'),
      'python3.10': join(bare.codeDirectory, 'python.sh'),
      'python3.11': '/no/such/python',
    },
    path: ['/no/such/folder'],
  })
  const reasonOf = (runtime: string) => {
    const found = interpreters.available(runtime)
    return 'reason' in found ? found.reason : found.interpreter.engine
  }
  assert.match(reasonOf('nodejs20.x'), /^\/bin\/true is no Node\.js from 20 on/)
  assert.match(reasonOf('nodejs22.x'), /^\/no\/such\/node is no Node\.js from 20 on: .*ENOENT/)
  assert.equal(reasonOf('nodejs24.x'), 'node')
  assert.match(reasonOf('python3.9'), /is Python 3\.8\.1; functions need 3\.9/)
  assert.match(reasonOf('python3.10'), /python\.sh has no boto3 \(\S+python\.sh -m pip install boto3\)\.$/)
  assert.match(reasonOf('python3.11'), /^\/no\/such\/python does not run: /)
  assert.equal(reasonOf('python3.13'), 'No python3 was found on this machine.')
  assert.equal(reasonOf('provided.al2023'), 'other')
  assert.equal(runtimes.length, 11)
})

test('every reserved variable is ours to set or is left out', (t) => {
  const fn = functionOf(
    t,
    NODE,
    {},
    { environment: Object.fromEntries(reservedVariables.map((name) => [name, 'the owner’s'])) },
  )
  const environment = environmentOf({
    function: fn,
    runtimeDirectory: '/r',
    scratchDirectory: '/s',
    logStream: 'l',
    runtimeApi: '127.0.0.1:1',
    credentialsUrl: 'http://127.0.0.1:1/c',
    credentialsToken: 't',
    endpoint: 'http://127.0.0.1:2',
  })
  const owners = Object.entries(environment).filter(([, value]) => value === 'the owner’s')
  assert.deepEqual(owners, [])
})
