// Runs every test on SQLite, and on PostgreSQL what touches a database, and ends in one plain line. Arguments are parts of file names: only
// files that hold one of them are run. What takes long is sampled by a seed, which is told; STRONGROOM_TEST_SOAK has all of it run.
// With --slowest it tells what took longest.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { inspect, parseArgs } from 'node:util'
import { createSqliteTemplate, startPostgres } from '../packages/server/src/storage/testing.ts'
import { SOAK, sampleOf, seed } from '../packages/server/src/testing-sample.ts'

type Part = {
  readonly database: 'SQLite' | 'PostgreSQL'
  readonly files: readonly string[]
  readonly environment: { readonly [name: string]: string }
}
type Cost = { readonly what: string; readonly wallMs: number; readonly processorMs: number }

/** What opens the databases of tests: a test that imports it, however far away, runs on PostgreSQL too. */
const DATABASES = resolve('packages/server/src/storage/testing.ts')
/** What is about storage, which each plain run has on PostgreSQL too. Of the rest it has samples there, more of what speaks of PostgreSQL. */
const STORAGE =
  /^packages\/server\/src\/(storage|jobs|audit|seal|events)\/|\/(store|purge|quotas|if-version)\.test|crash/
const isOfStorage = (file: string): boolean => STORAGE.test(file)
const isOfPostgres = (file: string): boolean => /postgres/i.test(readFileSync(file, 'utf8'))
const POSTGRES_ONE_IN = 6
const REST_ONE_IN = 12
/** Whole stories of the AWS CLI and boto3 tell much of the wire and little of the database: one of them is enough there. */
const isStory = (file: string): boolean => file.startsWith('test/clients-')

const TOGETHER = 'test/together.ts'
/** A process of its own for each small file would take longer than the tests in it. What starts processes itself has one. */
const TOGETHER_BYTES = 80_000
const sharesProcess = (file: string): boolean => /^packages\/(server|cache)\//.test(file)
/** What takes long begins first, so that no processor is idle in the end. */
const FIRST = ['test/', 'packages/cli/', 'packages/functions/']
/** Many tests wait for processes and clocks: one more than there are processors. */
const AT_ONCE = availableParallelism() + 1
const SLOWEST = 40
/** Far more than any process takes: what hangs fails, and does not keep the others from being told. */
const timeout = SOAK ? Number.POSITIVE_INFINITY : 1_200_000

const { positionals: wanted, values } = parseArgs({ allowPositionals: true, options: { slowest: { type: 'boolean' } } })
process.env.TEST_SEED ??= String(randomInt(1_000_000))
// Types are stripped once and not by each process anew.
process.env.NODE_COMPILE_CACHE ??= resolve('node_modules/.cache/strongroom-tests')
// Where pyenv is, `python3` and what is installed beside it are scripts that take longer than most of what they start.
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout?.trim()
if (python) process.env.PATH = `${dirname(python)}${delimiter}${process.env.PATH}`
const folder = mkdtempSync(join(tmpdir(), 'strongroom-run-'))
process.env.TEST_SQLITE_TEMPLATE = join(folder, 'template')
await createSqliteTemplate(process.env.TEST_SQLITE_TEMPLATE)
const begun = performance.now()

const files = globSync(['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
const onPostgres = files.filter((file) => reaches(resolve(file), DATABASES))
const always = onPostgres.filter((file) => SOAK || wanted.length > 0 || isOfStorage(file))
const sampled = onPostgres.filter((file) => !always.includes(file) && !isStory(file))
const ofPostgres = sampled.filter(isOfPostgres)
const rest = sampled.filter((file) => !ofPostgres.includes(file))
const chosen = [...always, ...sampleOf(ofPostgres, POSTGRES_ONE_IN), ...sampleOf(rest, REST_ONE_IN)]

const totals = { passed: 0, failed: 0, skipped: 0 }
const costs: Cost[] = []
const failures: string[] = []
const notes = [`seed ${seed()}: TEST_SEED=${seed()} samples the same again`]
const postgres = chosen.length === 0 ? undefined : await startPostgres()
const parts = partsOf(files, 'SQLite', {})
if (postgres !== undefined && 'reason' in postgres) {
  notes.push(`PostgreSQL: ${chosen.length} files skipped: ${postgres.reason}`)
  totals.skipped += chosen.length
} else if (postgres !== undefined) {
  const environment = { TEST_DATABASE: postgres.url, TEST_DATABASE_TEMPLATE: await postgres.createTemplate() }
  parts.push(...partsOf(chosen, 'PostgreSQL', environment))
  const of =
    chosen.length === onPostgres.length ? '' : `, a sample of ${onPostgres.length}, which npm run soak has all of`
  notes.push(`PostgreSQL: ${chosen.length} files${of}`)
}

const ended = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort())
parts.sort((a, b) => rank(a) - rank(b))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (parts.length > 0 && !ended.signal.aborted) await runPart(parts.shift()!)
  }),
)
if (postgres !== undefined && 'stop' in postgres) await postgres.stop()
rmSync(folder, { recursive: true })
if (ended.signal.aborted) failures.push('== Failed: it was ended')

if (values.slowest) tellSlowest()
process.stdout.write(
  `\n${[...failures, ...notes].join('\n')}\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
)
process.exitCode = totals.failed > 0 || totals.passed === 0 || ended.signal.aborted ? 1 : 0

function reaches(file: string, target: string, seen = new Set<string>()): boolean {
  if (file === target) return true
  if (seen.has(file)) return false
  seen.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^']*'(\.[^']+\.ts)'/gm)
  return [...imports].some(([, specifier]) => reaches(resolve(dirname(file), specifier!), target, seen))
}

function rank({ files: [first] }: Part): number {
  const at = FIRST.findIndex((folder) => first!.startsWith(folder))
  return at === -1 ? FIRST.length : at
}

function partsOf(paths: readonly string[], database: Part['database'], environment: Part['environment']): Part[] {
  const parts: Part[] = []
  const bytes = (all: readonly string[]): number => all.reduce((sum, file) => sum + statSync(file).size, 0)
  for (const file of paths) {
    const last = parts.at(-1)?.files
    const joins = last !== undefined && sharesProcess(file) && dirname(last[0]!) === dirname(file)
    if (joins && bytes([...last, file]) <= TOGETHER_BYTES)
      parts[parts.length - 1] = { database, files: [...last, file], environment }
    else parts.push({ database, files: [file], environment })
  }
  return parts
}

async function runPart({ database, files, environment }: Part): Promise<void> {
  const what = `${database}: ${files[0]}${files.length > 1 ? ` and ${files.length - 1} beside it` : ''}`
  const started = performance.now()
  const used = join(folder, String(started))
  const env = { ...process.env, ...environment, TEST_FILES: files.map((file) => resolve(file)).join(',') }
  const measured = process.platform === 'linux' ? { TEST_USAGE: used } : {}
  const stream = run({
    files: [TOGETHER],
    concurrency: 1,
    timeout,
    env: { ...env, ...measured },
    signal: ended.signal,
  })
  stream.on('test:pass', ({ details, skip, todo }) => {
    if (details.type === 'suite') return
    if (skip !== undefined || todo !== undefined) totals.skipped++
    else totals.passed++
  })
  stream.on('test:fail', ({ name, details }) => {
    if (details.type === 'suite') return
    totals.failed++
    failures.push(`== Failed: ${what}: ${name}\n${inspect(details.error.cause ?? details.error)}`)
  })
  let text = ''
  for await (const piece of stream.compose(spec)) text += piece
  const processorMs = existsSync(used) ? Number(readFileSync(used, 'utf8')) : Number.NaN
  costs.push({ what, wallMs: performance.now() - started, processorMs })
  process.stdout.write(`\n== ${what}\n${text}`)
}

function tellSlowest(): void {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1).padStart(8)
  const table = (title: string, all: readonly Cost[]): string => {
    const lines = all.map(({ what, wallMs, processorMs }) => `${seconds(wallMs)} ${seconds(processorMs)}  ${what}\n`)
    return `\n== ${title}, in seconds: by the clock, of the processors\n${lines.join('')}`
  }
  const sum = (what: string, of: readonly Cost[]): Cost => {
    const total = (field: 'wallMs' | 'processorMs'): number => of.reduce((ms, cost) => ms + (cost[field] || 0), 0)
    return { what: `${what}: ${of.length} processes`, wallMs: total('wallMs'), processorMs: total('processorMs') }
  }
  const databases = ['SQLite', 'PostgreSQL'].map((name) =>
    sum(
      name,
      costs.filter(({ what }) => what.startsWith(name)),
    ),
  )
  const slowest = costs.toSorted((a, b) => b.wallMs - a.wallMs).slice(0, SLOWEST)
  process.stdout.write(table('The slowest', slowest) + table('All', databases))
  process.stdout.write(`${seconds(performance.now() - begun)}           from beginning to end\n`)
}
