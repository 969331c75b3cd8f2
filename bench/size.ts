// The same read at 1,000 and at 500,000 secrets; start-up time and memory at both.
// Usage: node bench/size.ts [secrets, default 500000]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, signedCall } from './load.ts'
import { anonymousMib, signerOf, startStrongroom } from './servers.ts'

const MANY = Number(process.argv[2] ?? 500_000)
const FEW = 1_000
const SECONDS = 6
const CALLS = 20_000
const WARM_SECONDS = 6

const homes = [FEW, MANY].map((count) => ({ count, dataDir: mkdtempSync(join(tmpdir(), 'strongroom-bench-')) }))
for (const { count, dataDir } of homes) await fill(dataDir, count)

console.log('| secrets | read | start ms | idle MiB | reads/s | p50 ms | p99 ms | MiB after reads | failures |')
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (let turn = 0; turn < 3; turn++) {
  for (const { count, dataDir } of homes) {
    const server = await startStrongroom('0', dataDir)
    const idle = anonymousMib(server.pid)
    const signer = signerOf(dataDir, server.port)
    const measure = async (what: string, pick: (at: number) => number) => {
      const reads = Array.from({ length: CALLS }, (_, at) =>
        signedCall(signer, 'secretsmanager.GetSecretValue', { SecretId: `fill/${pick(at)}` }),
      )
      let at = 0
      const options = { port: server.port, connections: 64, next: () => reads[at++ % reads.length]! }
      await load({ ...options, seconds: WARM_SECONDS })
      const { perSecond, p50Ms, p99Ms, failures } = await load({ ...options, seconds: SECONDS })
      console.log(
        `| ${count} | ${what} | ${server.startMs.toFixed(0)} | ${idle.toFixed(0)} | ${perSecond.toFixed(0)} ` +
          `| ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} | ${anonymousMib(server.pid).toFixed(0)} | ${failures} |`,
      )
    }
    await measure(`the same ${FEW}`, (at) => Math.floor(((at % FEW) * count) / FEW))
    if (count > FEW) await measure('any of them', () => Math.floor(Math.random() * count))
    await server.stop()
  }
}
for (const { dataDir } of homes) rmSync(dataDir, { recursive: true, force: true })

async function fill(dataDir: string, count: number): Promise<void> {
  const server = await startStrongroom('0', dataDir)
  const signer = signerOf(dataDir, server.port)
  let made = 0
  const value = 'x'.repeat(700)
  const next = (): Buffer => {
    const name = `fill/${made++}`
    return signedCall(signer, 'secretsmanager.CreateSecret', {
      Name: name,
      SecretString: value,
      ClientRequestToken: crypto.randomUUID(),
    })
  }
  while (made < count) await load({ port: server.port, connections: 64, seconds: Math.min(2, count / 10_000), next })
  await server.stop()
}
