// The cache library: hits per second beside calls of the service, memory of 1,000 secrets, and milliseconds from a PutSecretValue to the new
// value, against a server in this process.
// Usage: node --expose-gc bench/cache.ts [secrets] [bytes]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { databaseCredential, SecretCache } from '../packages/cache/src/index.ts'
import { startTestServer } from '../packages/server/src/testing.ts'

const SECRETS = Number(process.argv[2] ?? 1_000)
const BYTES = Number(process.argv[3] ?? 1_024)
const ROTATIONS = 50
if (gc === undefined) throw new Error('Usage: node --expose-gc bench/cache.ts [secrets] [bytes]')

const ends: (() => unknown)[] = []
const scope = { after: (end: () => unknown) => ends.unshift(end) }
const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const server = await startTestServer(scope as never, { dataDir })
const client = server.secretsManager

const credential = { username: 'app', password: 'p'.repeat(32), host: 'db.example.com', port: 5432 }
const filled = JSON.stringify({ ...credential, note: 'x'.repeat(Math.max(0, BYTES - 100)) })
const ids = Array.from({ length: SECRETS }, (_, at) => `secret-${at}`)
for (const Name of ids) await client.send(new CreateSecretCommand({ Name, SecretString: filled }))

/** Calls per second, one after another. */
async function rate(seconds: number, call: (at: number) => Promise<unknown>): Promise<string> {
  const began = performance.now()
  let count = 0
  while (performance.now() - began < seconds * 1_000) await call(count++)
  return Math.round(count / ((performance.now() - began) / 1_000)).toLocaleString('en')
}

const used = (): number => {
  gc!()
  gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const cache = new SecretCache(client, { events: false })
await cache.prefetch(ids)

const pick = (at: number): string => ids[at % SECRETS]!
console.log(`| ${SECRETS} secrets of ${filled.length} bytes, one caller | calls per second |\n| --- | --- |`)
console.log(`| getSecretString | ${await rate(3, (at) => cache.getSecretString(pick(at)))} |`)
console.log(`| getSecretJson, a schema | ${await rate(3, (at) => cache.getSecretJson(pick(at), databaseCredential))} |`)
const call = (at: number) => client.send(new GetSecretValueCommand({ SecretId: pick(at) }))
console.log(`| GetSecretValue of the SDK, server in the same process | ${await rate(3, call)} |`)
// What goes when it is closed is what it had.
const full = used()
await cache.close()
const bytes = full - used()
console.log(`\nmemory: ${(bytes / 2 ** 20).toFixed(1)} MiB, ${Math.round(bytes / SECRETS)} bytes a secret`)

const following = new SecretCache(client)
await following.getSecretString(ids[0]!)
while (following.metrics().events !== 'connected') await new Promise((resolve) => setTimeout(resolve, 5))
const times: number[] = []
for (let round = 0; round < ROTATIONS; round++) {
  const SecretString = `round ${round}`
  await client.send(new PutSecretValueCommand({ SecretId: ids[0]!, SecretString }))
  const began = performance.now()
  while ((await following.getSecretString(ids[0]!)) !== SecretString)
    await new Promise((resolve) => setTimeout(resolve, 1))
  times.push(performance.now() - began)
}
times.sort((a, b) => a - b)
const [p50, worst] = [times[ROTATIONS / 2]!, times.at(-1)!]
console.log(
  `from the answer of PutSecretValue to the new value: p50 ${p50.toFixed(0)} ms, longest ${worst.toFixed(0)} ms of ${ROTATIONS}`,
)
await following.close()

for (const end of ends) await end()
rmSync(dataDir, { recursive: true, force: true })
process.exit(0)
