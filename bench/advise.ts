// A report over many secrets: how long it takes, the longest time for which it let no other request in, and what a read costs meanwhile.
// Usage: node bench/advise.ts [SECRETS] [DATABASE_URL]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { loadConfig } from '../packages/server/src/config.ts'
import { startServer } from '../packages/server/src/start.ts'
import { signedCall } from '../packages/server/src/testing.ts'

const SECRETS = Number(process.argv[2] ?? 10_000)
const database = process.argv[3]
const REGION = 'eu-central-1'
const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const given = { dataDir, port: '0', logLevel: 'error', rates: 'off', ...(database !== undefined && { database }) }
const server = await startServer(loadConfig(given, {}), { slot: 0 })
const options = { credentials: server.credentials(), region: REGION }
const call = (target: string, input: object) =>
  signedCall(`${server.url}/`, 'secretsmanager', `secretsmanager.${target}`, input, options)

const VALUES = [
  (at: number) => JSON.stringify({ engine: 'postgres', host: 'db', username: 'app', password: `password-${at}` }),
  (at: number) => `token_${at}_0123456789abcdef`,
  (at: number) => 'x'.repeat(500) + Math.floor(at / 8),
  () => 'https://api.example.com/v1',
]
let made = 0
await Promise.all(
  Array.from({ length: 32 }, async () => {
    while (made < SECRETS) {
      const at = made++
      const Name = `${at % 3 === 0 ? 'prod' : 'dev'}/service-${at % 97}/user-${at}`
      const input = { Name, SecretString: VALUES[at % 4]!(at), ClientRequestToken: crypto.randomUUID() }
      const { status, body } = await call('CreateSecret', input)
      if (status !== 200) throw new Error(JSON.stringify(body))
    }
  }),
)

const delays = monitorEventLoopDelay({ resolution: 1 })
for (const round of [1, 2, 3]) {
  const asked = round === 3 ? { MaxResults: 1_000 } : {}
  const started = performance.now()
  const cpu = process.cpuUsage()
  delays.reset()
  delays.enable()
  const { status, body } = await signedCall(
    `${server.url}/_strongroom/advise`,
    'secretsmanager',
    undefined,
    asked,
    options,
  )
  delays.disable()
  if (status !== 200) throw new Error(JSON.stringify(body))
  const used = process.cpuUsage(cpu)
  process.stdout.write(
    `${JSON.stringify({
      round,
      secrets: body.SecretCount,
      findings: body.Summary.reduce((sum: number, { Count }: { readonly Count: number }) => sum + Count, 0),
      seconds: Math.round(performance.now() - started) / 1000,
      cpuSeconds: Math.round((used.user + used.system) / 1000) / 1000,
      longestBlockMs: Math.round(delays.max / 1e5) / 10,
      p99BlockMs: Math.round(delays.percentile(99) / 1e5) / 10,
      answerBytes: JSON.stringify(body).length,
    })}\n`,
  )
}
await server.close(1_000)
rmSync(dataDir, { recursive: true, force: true })
