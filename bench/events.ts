// Change events: milliseconds from the answer of a PutSecretValue to its event at each of 100 streams, and what writing events costs
// PutSecretValue with no stream and with 100.
// Usage: node bench/events.ts [puts] [streams]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { listenTo } from '../packages/server/src/services/strongroom/testing.ts'
import { startTestServer } from '../packages/server/src/testing.ts'

const PUTS = Number(process.argv[2] ?? 60)
const STREAMS = Number(process.argv[3] ?? 100)

const ends: (() => unknown)[] = []
const scope = { after: (end: () => unknown) => ends.unshift(end) }
const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const server = await startTestServer(scope as never, { dataDir })
const client = server.secretsManager
const percentile = (sorted: readonly number[], share: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2)

let name = 0
/** Milliseconds of each of `PUTS` calls, one after another. */
async function puts(heard: (versionId: string) => Promise<unknown> = async () => undefined): Promise<string> {
  const Name = `bench-${name++}`
  await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }))
  const times: number[] = []
  for (let count = 0; count < PUTS; count++) {
    const began = performance.now()
    const { VersionId } = await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString: `${count}` }))
    times.push(performance.now() - began)
    await heard(VersionId!)
  }
  times.sort((a, b) => a - b)
  return `${percentile(times, 0.5)} | ${percentile(times, 0.99)}`
}

console.log('| PutSecretValue, one client | p50 ms | p99 ms |\n| --- | --- | --- |')
await puts()
const { emit } = server.app.events
Object.assign(server.app.events, { emit: async () => undefined })
console.log(`| without events | ${await puts()} |`)
Object.assign(server.app.events, { emit })
console.log(`| with events, no stream | ${await puts()} |`)

const streams = await Promise.all(Array.from({ length: STREAMS }, () => listenTo(server.url, server.credentials)))
const delays: number[] = []
const rows = await puts(async (versionId) => {
  const committed = performance.now()
  await Promise.all(
    streams.map(async (stream) => {
      await stream.waitFor(({ data }) => data.detail.labelUpdated !== undefined && data.detail.versionId === versionId)
      delays.push(performance.now() - committed)
    }),
  )
})
console.log(`| with events, ${STREAMS} streams | ${rows} |`)
delays.sort((a, b) => a - b)
console.log(
  `\nfrom the answer to each of ${STREAMS} streams: p50 ${percentile(delays, 0.5)} ms, p99 ${percentile(delays, 0.99)} ms`,
)
for (const stream of streams) stream.close()
for (const end of ends) await end()
rmSync(dataDir, { recursive: true, force: true })
process.exit(0)
