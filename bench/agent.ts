// The agent: milliseconds from its start to its first answer, memory with no secret and with many, and requests per second from the cache over
// loopback and over its Unix socket. Server and load are in this process, the agent in one of its own.
// Usage: node bench/agent.ts [secrets] [bytes] [seconds]

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../packages/server/src/testing.ts'
import { load } from './load.ts'
import { anonymousMib, cpuMs } from './servers.ts'

const SECRETS = Number(process.argv[2] ?? 1_000)
const BYTES = Number(process.argv[3] ?? 1_024)
const SECONDS = Number(process.argv[4] ?? 5)
const STARTS = 7
const TOKEN = 'token'

const ends: (() => unknown)[] = []
const directory = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const scope = { after: (end: () => unknown) => ends.unshift(end) }
const server = await startTestServer(scope as never, { dataDir: join(directory, 'data') })
const ids = Array.from({ length: SECRETS }, (_, at) => `secret-${at}`)
for (const Name of ids)
  await server.secretsManager.send(new CreateSecretCommand({ Name, SecretString: 'x'.repeat(BYTES) }))

const socketPath = join(directory, 'agent.sock')
const environment = {
  PATH: process.env.PATH!,
  AWS_ENDPOINT_URL: server.url,
  AWS_REGION: server.region,
  AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  AWS_TOKEN: TOKEN,
}
const bin = resolve(import.meta.dirname, '../packages/cli/bin/strongroom.js')

/** The command in a process of its own, and how long it took until it answered. */
async function start() {
  const began = performance.now()
  const child = spawn(process.execPath, [bin, 'agent', '--port', '0', '--socket', socketPath], {
    env: environment,
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  const port = await new Promise<number>((found) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(text) ?? []
      if (port !== undefined) found(Number(port))
    })
  })
  await get('/ping')
  const ms = performance.now() - began
  const stop = () =>
    new Promise((done) => {
      child.once('close', done)
      child.kill()
    })
  return { pid: child.pid!, port, ms, cpu: cpuMs(child.pid!), stop }
}

function get(path: string): Promise<void> {
  return new Promise((done, reject) => {
    const headers = { 'X-Aws-Parameters-Secrets-Token': TOKEN }
    request({ socketPath, path, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`))
      response.resume().on('end', done)
    })
      .on('error', reject)
      .end()
  })
}

const loadNow = (): string => loadavg()[0]!.toFixed(1)
const times: number[] = []
const cpus: number[] = []
for (let count = 0; count < STARTS; count++) {
  const agent = await start()
  times.push(agent.ms)
  cpus.push(agent.cpu)
  await agent.stop()
}
const middle = (of: number[]): string => of.sort((a, b) => a - b)[STARTS >> 1]!.toFixed(0)
console.log(`start to the first answer: ${middle(times)} ms, of a processor ${middle(cpus)} ms (load ${loadNow()})`)

const agent = await start()
const memory = (): string => `${anonymousMib(agent.pid).toFixed(0)} MiB`
await get(`/v1/${ids[0]}`)
console.log(`memory of its own with 1 secret: ${memory()}`)
for (let at = 0; at < SECRETS; at += 8) await Promise.all(ids.slice(at, at + 8).map((id) => get(`/v1/${id}`)))
console.log(`with ${SECRETS} of ${BYTES} bytes: ${memory()}`)

const requests = ids.map((id) =>
  Buffer.from(`GET /v1/${id} HTTP/1.1\r\nhost: localhost\r\nx-aws-parameters-secrets-token: ${TOKEN}\r\n\r\n`),
)
console.log(`
| from the cache, ${BYTES} bytes | connections | requests per second | p50 | p99 | processor time a request |
| --- | --- | --- | --- | --- | --- |`)
for (const [name, port] of [
  ['loopback', agent.port],
  ['Unix socket', socketPath],
] as const)
  for (const connections of [1, 16, 64]) {
    let sent = 0
    const next = () => requests[sent++ % SECRETS]!
    await load({ port, connections, seconds: 1, next })
    const cpu = cpuMs(agent.pid)
    const {
      perSecond,
      requests: count,
      p50Ms,
      p99Ms,
      failures,
    } = await load({ port, connections, seconds: SECONDS, next })
    if (failures > 0) throw new Error(`${failures} answers were not 200`)
    const each = (((cpuMs(agent.pid) - cpu) / count) * 1_000).toFixed(0)
    const rate = Math.round(perSecond).toLocaleString('en')
    console.log(`| ${name} | ${connections} | ${rate} | ${p50Ms.toFixed(2)} ms | ${p99Ms.toFixed(2)} ms | ${each} µs |`)
  }
console.log(`\nmemory after that: ${memory()} (load ${loadNow()})`)

await agent.stop()
for (const end of ends) await end()
rmSync(directory, { recursive: true, force: true })
process.exit(0)
