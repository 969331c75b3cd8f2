// Connections and sockets, with the real listeners and a handler that has nothing behind it.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent as KeptAlive } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentConfig } from './config.ts'
import { createHandler, type Handler } from './handle.ts'
import type { Identities } from './identities.ts'
import { type Listening, listen } from './listen.ts'
import { openLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { send, TOKEN, until, WITH_TOKEN } from './testing.ts'

const now = () => new Date(0)

/** Knows no secret: whatever is asked of it is refused as a path that is not there. */
function handler(connectionsMax: number): Handler {
  const config = { connectionsMax, tokenHeaders: ['x-aws-parameters-secrets-token'], token: TOKEN, pathPrefix: '/v1/' }
  const parts = { identities: {} as Identities, metrics: createMetrics(now), log: openLog({ level: 'none', now }) }
  return createHandler({ config, ...parts })
}

async function start(
  t: TestContext,
  options: Partial<AgentConfig>,
  handle = handler(options.connectionsMax ?? 800),
): Promise<Listening> {
  const given = { port: undefined, socket: undefined, connectionsMax: 800, ...options }
  const listening = await listen(given, handle)
  t.after(() => listening.close(0))
  return listening
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-agent-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

const opened = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })

/** What is answered on a connection that is open. */
const askOn = (socket: Socket, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      const [head, body = ''] = text.split('\r\n\r\n')
      if (body.length >= Number(/content-length: (\d+)/i.exec(head!)?.[1] ?? Number.POSITIVE_INFINITY))
        resolve(`${head!.slice(9, 12)} ${body}`)
    })
    socket.once('error', reject)
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nx-aws-parameters-secrets-token: ${TOKEN}\r\n\r\n`)
  })

test('a thousand connections are served, the next ones are told that they are too many, and /ping has two more', async (t) => {
  const { port, connections } = await start(t, { port: 0, connectionsMax: 1_000 })
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let batch = 0; batch < 10; batch++)
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => opened(port!)))))
  await until(connections, (count) => count === 1_000)
  const answers = await Promise.all(sockets.map((socket) => askOn(socket, '/none')))
  assert.deepEqual([...new Set(answers)], ['404 Not found'])
  for (let more = 1; more <= 3; more++) {
    const socket = await opened(port!)
    sockets.push(socket)
    await until(connections, (count) => count === 1_000 + more)
  }
  assert.equal(await askOn(sockets[1_000]!, '/ping'), '200 healthy')
  assert.equal(await askOn(sockets[1_002]!, '/ping'), '429 Connection limit exceeded')
  assert.equal(await askOn(sockets[1_001]!, '/none'), '429 Connection limit exceeded')
  // Whoever was told so is let go, and whoever goes makes room.
  await until(connections, (count) => count === 1_001)
  for (const socket of sockets.slice(0, 10)) socket.destroy()
  await until(connections, (count) => count === 991)
  assert.equal((await send({ port, path: '/none', headers: WITH_TOKEN })).text, 'Not found')
})

test('far beyond the limit connections are closed without a word', async (t) => {
  const { port, connections } = await start(t, { port: 0, connectionsMax: 1 })
  const sockets = await Promise.all(Array.from({ length: 200 }, () => opened(port!)))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  let closed = 0
  for (const socket of sockets) {
    socket.on('close', () => closed++)
    socket.resume()
  }
  await until(
    () => closed,
    (count) => count === 200 - 129,
  )
  assert.equal(connections(), 129)
})

test('only loopback is listened on', async (t) => {
  const { port } = await start(t, { port: 0 })
  const other = await new Promise<string>((resolve) => {
    const socket = connect(port!, '127.0.0.2')
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
  })
  assert.equal(other, 'ECONNREFUSED')
  await assert.rejects(start(t, { port: port! }), {
    name: 'StartError',
    message: `127.0.0.1:${port} cannot be listened on (EADDRINUSE): give another with --port`,
  })
})

test('a socket has its mode from the beginning, asks for the token unless told otherwise, and goes with the agent', async (t) => {
  const path = join(temporary(t), 'agent.sock')
  const mask = process.umask()
  for (const [mode, needsToken] of [
    [0o600, true],
    [0o660, false],
  ] as const) {
    const listening = await start(t, { socket: { path, mode, needsToken } })
    assert.equal(statSync(path).mode & 0o777, mode)
    const without = await send({ socketPath: path, path: '/none' })
    assert.deepEqual([without.status, without.text], needsToken ? [403, 'Bad Token'] : [404, 'Not found'])
    assert.equal((await send({ socketPath: path, path: '/none', headers: WITH_TOKEN })).status, 404)
    await listening.close(0)
    assert.equal(existsSync(path), false)
  }
  assert.equal(process.umask(), mask)
})

test('loopback asks for the token where the socket does not', async (t) => {
  const path = join(temporary(t), 'agent.sock')
  const { port } = await start(t, { port: 0, socket: { path, mode: 0o600, needsToken: false } })
  assert.equal((await send({ socketPath: path, path: '/none' })).status, 404)
  assert.equal((await send({ port, path: '/none' })).status, 403)
})

test('only a socket on which nobody listens is replaced', async (t) => {
  const directory = temporary(t)
  const at = (name: string) => ({ socket: { path: join(directory, name), mode: 0o600, needsToken: true } })
  await start(t, at('live'))
  const refusal = (path: string, why: string) => ({ name: 'StartError', message: `${join(directory, path)} ${why}` })
  await assert.rejects(start(t, at('live')), refusal('live', 'is the socket of an agent that runs'))
  assert.equal((await send({ socketPath: join(directory, 'live'), path: '/ping' })).text, 'healthy')

  writeFileSync(join(directory, 'file'), 'precious')
  await assert.rejects(start(t, at('file')), refusal('file', 'is there, and is no socket'))
  symlinkSync(join(directory, 'live'), join(directory, 'link'))
  await assert.rejects(start(t, at('link')), refusal('link', 'is there, and is no socket'))

  assert.ok(statSync(join(directory, 'file')).size > 0)
  await assert.rejects(start(t, at('none/x')), {
    name: 'StartError',
    message: `the socket ${join(directory, 'none/x')} cannot be made (ENOENT): its folder must be there, and be the agent's to write`,
  })
})

test('of agents that start at one moment on a socket that was left behind, one gets it', async (t) => {
  const path = join(temporary(t), 'agent.sock')
  const leave = `net.createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  for (let round = 0; round < 5; round++) {
    spawnSync(process.execPath, ['-e', leave, path])
    assert.equal(existsSync(path), true)
    const began = await Promise.allSettled(
      [0, 1, 2].map(() => start(t, { socket: { path, mode: 0o600, needsToken: true } })),
    )
    const refused = began.filter((one) => one.status === 'rejected').map(({ reason }) => (reason as Error).message)
    assert.deepEqual(refused, Array(2).fill(`${path} is the socket of an agent that runs`))
    assert.equal((await send({ socketPath: path, path: '/ping' })).text, 'healthy')
    await began.find((one) => one.status === 'fulfilled')!.value.close(0)
  }
})

test('while another process takes a socket an agent waits, and no longer once that process was killed', async (t) => {
  const path = join(temporary(t), 'agent.sock')
  const hold = `const { DatabaseSync } = require('node:sqlite')
    new DatabaseSync(process.argv[1]).exec('BEGIN EXCLUSIVE')
    console.log('held')
    setInterval(() => {}, 1000)`
  const holder = spawn(process.execPath, ['-e', hold, `${path}.lock`], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  let isTaken = false
  const starting = start(t, { socket: { path, mode: 0o600, needsToken: true } }).then(() => {
    isTaken = true
  })
  await sleep(300)
  assert.deepEqual([isTaken, existsSync(path)], [false, false])
  holder.kill('SIGKILL')
  await starting
  assert.equal((await send({ socketPath: path, path: '/ping' })).text, 'healthy')
})

test('a stop lets the requests in flight end, and accepts no more', async (t) => {
  const gate = Promise.withResolvers<void>()
  let asked = 0
  const slow: Handler = async () => {
    asked++
    await gate.promise
    return { status: 200, body: 'late' }
  }
  const listening = await start(t, { port: 0 }, slow)
  const kept = new KeptAlive({ keepAlive: true })
  t.after(() => kept.destroy())
  const reply = send({ port: listening.port, path: '/x', agent: kept })
  await until(
    () => asked,
    (count) => count === 1,
  )
  const idle = await opened(listening.port!)
  t.after(() => idle.destroy())
  const closed = listening.close(60_000)
  await assert.rejects(opened(listening.port!), { code: 'ECONNREFUSED' })
  gate.resolve()
  assert.equal((await reply).text, 'late')
  await closed
})
