// GetSecretValue with everything on, against a bare node:http echo with the same bodies, in turns, on one core.
// Usage: node bench/get-secret-value.ts [seconds per turn]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Result, signedCall } from './load.ts'
import { cpuMs, type Measured, signerOf, startEcho, startStrongroom } from './servers.ts'

const SECONDS = Number(process.argv[2] ?? 6)
const TURNS = 3
/** Until the compiler has seen the whole path often enough. */
const WARM_SECONDS = 12
const SECRETS = 200
const VALUE = 'x'.repeat(700)
const SERVER_CORE = '0'

const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const answerBytes = VALUE.length + 300

const filler = await startStrongroom(SERVER_CORE, dataDir)
const signer = signerOf(dataDir, filler.port)
for (let at = 0; at < SECRETS; at++) {
  const response = await fetchOnce(filler.port, {
    Name: `bench/${at}`,
    SecretString: VALUE,
    ClientRequestToken: crypto.randomUUID(),
  })
  if (response.failures > 0) throw new Error('CreateSecret failed')
}
await filler.stop()

const variants: readonly [name: string, start: () => Promise<Measured>][] = [
  ['bare node:http echo', () => startEcho(SERVER_CORE, answerBytes)],
  ['GetSecretValue', () => startStrongroom(SERVER_CORE, dataDir)],
  ['GetSecretValue --data-key-cache off', () => startStrongroom(SERVER_CORE, dataDir, '--data-key-cache', 'off')],
  ['GetSecretValue --audit-sync', () => startStrongroom(SERVER_CORE, dataDir, '--audit-sync')],
  ['GetSecretValue --workers 2, both cores', () => startStrongroom('0,1', dataDir, '--workers', '2')],
]
const results = new Map<string, (Result & { readonly cpuUs: number })[]>(variants.map(([name]) => [name, []]))
for (let turn = 0; turn < TURNS; turn++) {
  for (const [name, start] of variants) {
    const server = await start()
    const calls = Array.from({ length: SECRETS }, (_, at) =>
      signedCall({ ...signer, host: `127.0.0.1:${server.port}` }, 'secretsmanager.GetSecretValue', {
        SecretId: `bench/${at}`,
      }),
    )
    let next = 0
    const options = { port: server.port, connections: 64, next: () => calls[next++ % calls.length]! }
    await load({ ...options, seconds: WARM_SECONDS })
    const before = cpuMs(server.pid)
    const result = await load({ ...options, seconds: SECONDS })
    results.get(name)!.push({ ...result, cpuUs: (1000 * (cpuMs(server.pid) - before)) / result.requests })
    await server.stop()
  }
}
rmSync(dataDir, { recursive: true, force: true })

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
const echo = median(results.get('bare node:http echo')!.map(({ perSecond }) => perSecond))
console.log(`64 connections, ${TURNS} turns of ${SECONDS} s each, medians`)
console.log('| server | requests/s | of the echo | CPU µs each | p50 ms | p99 ms | failures |')
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const [name, runs] of results) {
  const perSecond = median(runs.map((run) => run.perSecond))
  const p50 = median(runs.map(({ p50Ms }) => p50Ms)).toFixed(2)
  const p99 = median(runs.map(({ p99Ms }) => p99Ms)).toFixed(2)
  const failures = runs.reduce((sum, run) => sum + run.failures, 0)
  const cpuUs = median(runs.map((run) => run.cpuUs)).toFixed(0)
  const share = ((100 * perSecond) / echo).toFixed(0)
  console.log(`| ${name} | ${perSecond.toFixed(0)} | ${share} % | ${cpuUs} | ${p50} | ${p99} | ${failures} |`)
}

function fetchOnce(port: number, input: object): Promise<Result> {
  const call = signedCall(signer, 'secretsmanager.CreateSecret', input)
  return load({ port, connections: 1, seconds: 0, next: () => call })
}
