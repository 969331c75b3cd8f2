// Events of reads written to the trail by 64 callers at once: rows of blocks in SQLite and PostgreSQL, beside the same blocks appended
// to a preallocated file, in turns. Usage: node bench/audit-trail.ts [seconds per turn]

import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { fdatasync, mkdtempSync, openSync, rmSync, write } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { draftBlocks, forge, type Line, ORIGIN, type Tip } from '../packages/server/src/audit/block.ts'
import { encodeEvent } from '../packages/server/src/audit/encode.ts'
import type { AuditEvent } from '../packages/server/src/audit/event.ts'
import { createTrail } from '../packages/server/src/audit/trail.ts'
import { createLogger } from '../packages/server/src/observe/log.ts'
import { createKeyring, KEY_FAMILIES } from '../packages/server/src/seal/keyring.ts'
import type { Database } from '../packages/server/src/storage/database.ts'
import { migrate } from '../packages/server/src/storage/migrate.ts'
import { openPostgres } from '../packages/server/src/storage/postgres.ts'
import { openSqlite } from '../packages/server/src/storage/sqlite.ts'
import { startPostgres } from '../packages/server/src/storage/testing.ts'

const SECONDS = Number(process.argv[2] ?? 3)
const TURNS = 3
const CALLERS = 64

type Writer = { append(events: readonly AuditEvent[]): Promise<void>; close(): Promise<void> }

const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const wallNow = Date.now
const keys = KEY_FAMILIES.map((family) => ({
  family,
  version: 1,
  key: createSecretKey(randomBytes(32)),
  createdAt: 0,
  activeFrom: 0,
}))
const keyring = createKeyring('bench', keys, { wallNow, randomBytes })
const log = createLogger('warn')

async function onDatabase(main: Database, audit: Database): Promise<Writer> {
  await migrate(main, ['main', 'audit'])
  if (audit !== main) await migrate(audit, ['audit'])
  const trail = await createTrail({ database: main, auditDatabase: audit, keyring, log, wallNow, randomBytes })
  return {
    append: trail.append,
    close: async () => {
      await trail.close()
      await audit.close()
      if (audit !== main) await main.close()
    },
  }
}

const sqlite = (durability: 'interval' | 'commit') => async (): Promise<Writer> => {
  const main = await openSqlite({ path: join(folder, `${randomUUID()}.db`), durability: 'commit' })
  return onDatabase(main, await openSqlite({ path: join(folder, `${randomUUID()}.db`), durability }))
}

/** The least that keeps the same promise: the same lines, the same chain, written and, with `sync`, synced before the callers go on. */
const file = (sync: boolean) => async (): Promise<Writer> => {
  const path = join(folder, randomUUID())
  const space = await open(path, 'w')
  const zeroes = Buffer.alloc(1_048_576)
  for (let at = 0; at < SPACE_BYTES; at += zeroes.length) await space.write(zeroes, 0, zeroes.length, at)
  await space.sync()
  await space.close()
  const handle = openSync(path, 'r+')
  let tip: Tip = ORIGIN
  let at = 0
  let lines: Line[] = []
  let written = Promise.withResolvers<void>()
  let writing = false
  const timer = sync ? undefined : setInterval(() => fdatasync(handle, () => {}), 20)
  const writeGroups = async (): Promise<void> => {
    while (lines.length > 0) {
      const [group, done] = [lines, written]
      lines = []
      written = Promise.withResolvers()
      for (const draft of draftBlocks(group)) {
        const block = forge(keyring, 'bench', tip, draft)
        tip = block
        const bytes = Buffer.concat([block.mac, block.body])
        if (at + bytes.length > SPACE_BYTES) at = 0
        await writeAt(handle, bytes, 0, bytes.length, at)
        at += bytes.length
      }
      if (sync) await syncFile(handle)
      done.resolve()
    }
    writing = false
  }
  return {
    append: (events) => {
      for (const event of events) lines.push({ time: event.time, told: encodeEvent(event), uses: [] })
      if (!writing) {
        writing = true
        setImmediate(writeGroups)
      }
      return written.promise
    },
    close: async () => clearInterval(timer),
  }
}
const SPACE_BYTES = 268_435_456
const writeAt = promisify(write)
const syncFile = promisify(fdatasync)

const postgres = await startPostgres({ fsync: true })
if ('reason' in postgres) process.stderr.write(`PostgreSQL: ${postgres.reason}\n`)
const variants: readonly (readonly [string, () => Promise<Writer>])[] = [
  ['preallocated file', file(false)],
  ['SQLite rows', sqlite('interval')],
  ['preallocated file, synced before each answer', file(true)],
  ['SQLite rows, synced before each answer (--audit-sync)', sqlite('commit')],
  ...('reason' in postgres
    ? []
    : ([
        [
          'PostgreSQL rows, synced before each answer',
          async () => {
            const database = await openPostgres({ url: await postgres.createDatabase() })
            return onDatabase(database, database)
          },
        ],
      ] as const)),
]

const identity = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  account: '111122223333',
  kind: 'user' as const,
  userId: 'AIDACKCEVSQ6C2EXAMPLE',
  arn: 'arn:aws:iam::111122223333:user/alice',
  userName: 'alice',
}
const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db/password-AbCdEf'
const makeEvent = (): AuditEvent => ({
  eventId: randomUUID(),
  time: Date.now(),
  requestId: randomUUID(),
  service: 'secretsmanager',
  eventName: 'GetSecretValue',
  region: 'eu-west-1',
  readOnly: true,
  identity,
  account: identity.account,
  sourceIpAddress: '127.0.0.1',
  userAgent: 'aws-sdk-js/3.1163.0 ua/2.1 os/linux#6.18 lang/js md/nodejs#26.10.0 api/secrets-manager#3.1163.0 m/E,N',
  requestParameters: { secretId: 'prod/db/password' },
  responseElements: null,
  resources: [{ arn, accountId: identity.account, type: 'AWS::SecretsManager::Secret' }],
})

type Result = {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly loopUs: number
  readonly cpuUs: number
}

async function measure(writer: Writer): Promise<Result> {
  const latencies: number[] = []
  let running = true
  const loop = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  const started = performance.now()
  const call = async (): Promise<void> => {
    while (running) {
      const sent = performance.now()
      await writer.append([makeEvent()])
      latencies.push(performance.now() - sent)
    }
  }
  const calls = Array.from({ length: CALLERS }, call)
  setTimeout(() => {
    running = false
  }, SECONDS * 1_000)
  await Promise.all(calls)
  const seconds = (performance.now() - started) / 1_000
  const events = latencies.length
  latencies.sort((a, b) => a - b)
  const { user, system } = process.cpuUsage(cpu)
  return {
    perSecond: events / seconds,
    p50: latencies[Math.floor(events * 0.5)]!,
    p99: latencies[Math.floor(events * 0.99)]!,
    loopUs: (performance.eventLoopUtilization(loop).active * 1_000) / events,
    cpuUs: (user + system) / events,
  }
}

const results = new Map<string, Result[]>(variants.map(([name]) => [name, []]))
for (let turn = 0; turn < TURNS; turn++) {
  for (const [name, start] of variants) {
    const writer = await start()
    results.get(name)!.push(await measure(writer))
    await writer.close()
  }
}
if (!('reason' in postgres)) await postgres.stop()
rmSync(folder, { recursive: true, force: true })

const encodings = 200_000
const sample = makeEvent()
let bytes = 0
for (let i = 0; i < encodings / 4; i++) bytes += encodeEvent(sample).length
const before = performance.now()
for (let i = 0; i < encodings; i++) bytes += encodeEvent(sample).length
const encodeUs = ((performance.now() - before) * 1_000) / encodings

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
console.log(
  `${CALLERS} callers, ${TURNS} turns of ${SECONDS} s each, medians; encoding alone ${encodeUs.toFixed(2)} µs, ${Math.round(bytes / (encodings * 1.25))} bytes an event`,
)
console.log('| where | events/s | p50 ms | p99 ms | event loop µs an event | all CPU of the process µs an event |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const [name, turns] of results) {
  const of = (key: keyof Result, digits: number): string => median(turns.map((result) => result[key])).toFixed(digits)
  console.log(
    `| ${name} | ${of('perSecond', 0)} | ${of('p50', 2)} | ${of('p99', 2)} | ${of('loopUs', 1)} | ${of('cpuUs', 1)} |`,
  )
}
