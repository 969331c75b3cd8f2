// What a quiet account notices of a noisy one, without and with AWS's request rates: the latency of a few reads and writes a second beside 64
// connections of another account that each send the next call as soon as the last one is answered.
// Usage: node bench/noisy-neighbour.ts [seconds per turn]

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadOptions, load, type Result, type Signer, signedCall } from './load.ts'
import { REGION, signerOf, startStrongroom } from './servers.ts'

const SERVER_CORE = '0'
const QUIET = { connections: 4, pauseMs: 50 }
const NOISY_CONNECTIONS = 64
const SECRETS = 1_000
const VALUE = 'x'.repeat(700)

type Call = readonly [operation: string, input: () => object]

const READ: Call = ['GetSecretValue', () => ({ SecretId: 'bench/0' })]
// Not PutSecretValue: a secret takes a hundred versions a day.
const WRITE: Call = ['TagResource', () => ({ SecretId: 'bench/0', Tags: [{ Key: 'a', Value: String(Math.random()) }] })]
const NOISES: { readonly [name: string]: Call } = {
  'tags written': WRITE,
  'pages of 100': ['ListSecrets', () => ({ MaxResults: 100 })],
}

const [mode, ...rest] = process.argv.slice(2)
if (mode === 'noise') {
  // In a process of its own, which the quiet one does not wait for.
  const [kind, port, seconds, accessKeyId, secretAccessKey] = rest as [string, string, string, string, string]
  const signer = { accessKeyId, secretAccessKey, region: REGION, host: `127.0.0.1:${port}` }
  const next = toBytes(signer, NOISES[kind]!)
  const result = await load({ port: Number(port), connections: NOISY_CONNECTIONS, seconds: Number(seconds), next })
  process.stdout.write(JSON.stringify(result))
} else await measure(Number(mode ?? 8))

async function measure(seconds: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  console.log(
    `quiet: ${QUIET.connections} connections, one call each, then ${QUIET.pauseMs} ms of rest; turns of ${seconds} s`,
  )
  console.log(
    '| noise of another account, 64 connections | rates | reads p50 ms | p99 ms | writes p50 ms | p99 ms | noisy calls/s | of them refused |',
  )
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  let noisy: Signer | undefined
  for (const rates of ['off', 'on'] as const) {
    const server = await startStrongroom(SERVER_CORE, dataDir, '--rates', rates)
    const quiet = signerOf(dataDir, server.port)
    if (noisy === undefined) {
      noisy = createAccount(dataDir, server.port)
      await fill({ ...quiet, host: `127.0.0.1:${server.port}` }, server.port, 1)
      await fill({ ...noisy, host: `127.0.0.1:${server.port}` }, server.port, SECRETS)
    }
    for (const kind of [undefined, ...Object.keys(NOISES)]) {
      const noise = kind === undefined ? undefined : startNoise(kind, server.port, seconds + 3, noisy)
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      const options = { ...QUIET, port: server.port, seconds }
      const half: Omit<LoadOptions, 'next'> = { ...options, connections: QUIET.connections / 2 }
      const [reads, writes] = await Promise.all([
        load({ ...half, next: toBytes(quiet, READ) }),
        load({ ...half, next: toBytes(quiet, WRITE) }),
      ])
      if (reads.failures + writes.failures > 0)
        throw new Error(`${reads.failures} reads and ${writes.failures} writes failed`)
      const made = await noise
      const figures = [reads, writes].map(({ p50Ms, p99Ms }) => `${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)}`).join(' | ')
      const refused = made === undefined ? '' : `${((100 * made.failures) / made.requests).toFixed(0)} %`
      console.log(`| ${kind ?? 'none'} | ${rates} | ${figures} | ${made?.perSecond.toFixed(0) ?? ''} | ${refused} |`)
    }
    await server.stop()
  }
  rmSync(dataDir, { recursive: true, force: true })
}

function toBytes(signer: Signer, [operation, input]: Call): () => Buffer {
  return () => signedCall(signer, `secretsmanager.${operation}`, input())
}

async function startNoise(kind: string, port: number, seconds: number, signer: Signer): Promise<Result> {
  const { accessKeyId, secretAccessKey } = signer
  const args = ['noise', kind, String(port), String(seconds), accessKeyId, secretAccessKey]
  const child = spawn('nice', ['-n', '19', process.execPath, import.meta.filename, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await once(child, 'close')
  return JSON.parse(output) as Result
}

function createAccount(dataDir: string, port: number): Signer {
  const command = join(import.meta.dirname, '../packages/cli/bin/strongroom.js')
  const endpoint = ['--endpoint-url', `http://127.0.0.1:${port}`, '--data-dir', dataDir]
  const output = execFileSync(process.execPath, [command, 'account', 'create', 'noisy', ...endpoint], {
    encoding: 'utf8',
    env: { ...process.env, AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'credentials'), AWS_REGION: REGION },
  })
  const { AccessKeyId, SecretAccessKey } = JSON.parse(output) as { AccessKeyId: string; SecretAccessKey: string }
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, region: REGION, host: `127.0.0.1:${port}` }
}

async function fill(signer: Signer, port: number, count: number): Promise<void> {
  let at = 0
  const input = () => ({ Name: `bench/${at++}`, SecretString: VALUE, ClientRequestToken: crypto.randomUUID() })
  while (at < count) {
    const { failures } = await load({
      port,
      connections: 1,
      seconds: 0,
      next: toBytes(signer, ['CreateSecret', input]),
    })
    if (failures > 0) throw new Error('CreateSecret failed')
  }
}
