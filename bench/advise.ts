// A report over many secrets: how long it takes, and the longest turn of the event loop meanwhile, in which no other request is let in. Turns are in
// processor time, which a busy machine does not stretch; the client's reading of the answer is one of them.
// Usage: node bench/advise.ts [SECRETS] [DATABASE_URL]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Goes round with the event loop, until it is told to end with what each turn took. */
function watchTurns(): () => readonly number[] {
  const turns: number[] = []
  let before = threadMs()
  let ended = false
  const turn = (): void => {
    const now = threadMs()
    turns.push(now - before)
    before = now
    if (!ended) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    ended = true
    return turns.sort((a, b) => b - a)
  }
}

for (const round of [1, 2, 3]) {
  const asked = round === 3 ? { MaxResults: 500 } : {}
  const started = performance.now()
  const cpu = process.cpuUsage()
  const end = watchTurns()
  const { status, body } = await signedCall(
    `${server.url}/_strongroom/advise`,
    'secretsmanager',
    undefined,
    asked,
    options,
  )
  const turns = end()
  if (status !== 200) throw new Error(JSON.stringify(body))
  const used = process.cpuUsage(cpu)
  process.stdout.write(
    `${JSON.stringify({
      round,
      secrets: body.SecretCount,
      findings: body.Summary.reduce((sum: number, { Count }: { readonly Count: number }) => sum + Count, 0),
      seconds: Math.round(performance.now() - started) / 1000,
      cpuSeconds: Math.round((used.user + used.system) / 1000) / 1000,
      longestTurnsMs: turns.slice(0, 5).map((ms) => Math.round(ms * 10) / 10),
      answerBytes: JSON.stringify(body).length,
    })}\n`,
  )
}
await server.close(1_000)
rmSync(dataDir, { recursive: true, force: true })
