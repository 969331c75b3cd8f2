// Durable PutSecretValue: calls per second at 1, 8 and 64 clients, and fsyncs per call where strace can count them.
// Usage: node bench/put-secret-value.ts [seconds per step]

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, signedCall } from './load.ts'
import { signerOf, startStrongroom } from './servers.ts'

const SECONDS = Number(process.argv[2] ?? 6)
/** Secrets take turns, so that none reaches its 100 versions: the calls of a step are spread over them. */
const PUTS_PER_SECRET = 90

const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const server = await startStrongroom('0,1', dataDir)
const signer = signerOf(dataDir, server.port)

/** Every secret is made by its first call and put by the next ones, in the order in which they are sent. */
function calls(prefix: string): () => Buffer {
  let count = 0
  const value = 'x'.repeat(700)
  return () => {
    const at = count++
    const name = `${prefix}/${Math.floor(at / (PUTS_PER_SECRET * 64))}-${at % 64}`
    const input = { SecretString: value, ClientRequestToken: crypto.randomUUID() }
    return at % (PUTS_PER_SECRET * 64) < 64
      ? signedCall(signer, 'secretsmanager.CreateSecret', { Name: name, ...input })
      : signedCall(signer, 'secretsmanager.PutSecretValue', { SecretId: name, ...input })
  }
}

console.log('| clients | calls/s | p50 ms | p99 ms | failures | fsyncs per call |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const connections of [1, 8, 64]) {
  const next = calls(`put-${connections}`)
  await load({ port: server.port, connections, seconds: 1, next })
  const { perSecond, p50Ms, p99Ms, failures } = await load({ port: server.port, connections, seconds: SECONDS, next })
  const syncs = await syncsPerCall(connections, next)
  console.log(
    `| ${connections} | ${perSecond.toFixed(0)} | ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} | ${failures} | ${syncs} |`,
  )
}
await server.stop()
rmSync(dataDir, { recursive: true, force: true })

/** In a run of its own, for strace slows what it watches. */
async function syncsPerCall(connections: number, next: () => Buffer): Promise<string> {
  const output = join(dataDir, `strace-${connections}`)
  const strace = spawn('strace', ['-f', '-c', '-e', 'trace=fsync,fdatasync', '-o', output, '-p', String(server.pid)], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => {
    strace.on('exit', () => resolve())
    strace.on('error', () => resolve())
  })
  await new Promise((resolve) => setTimeout(resolve, 500))
  const { requests } = await load({ port: server.port, connections, seconds: 3, next })
  strace.kill('SIGINT')
  await ended
  if (!existsSync(output)) return 'not counted'
  const counted = [...readFileSync(output, 'utf8').matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*f(?:data)?sync$/gm)]
  return (counted.reduce((sum, [, calls]) => sum + Number(calls), 0) / requests).toFixed(2)
}
