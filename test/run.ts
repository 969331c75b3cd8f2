// Runs every test: the whole suite on SQLite, then again on PostgreSQL what touches a database, and ends in one plain line.
// Arguments are parts of file names; only files that hold one of them are run.

import { globSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { startPostgres } from '../packages/server/src/storage/testing.ts'

type Totals = { passed: number; failed: number; skipped: number }

/** What opens the databases of tests: a test that imports it, however far away, runs on PostgreSQL too. */
const DATABASES = resolve('packages/server/src/storage/testing.ts')

const TOGETHER = 'test/together.ts'
const TOGETHER_MAX = 12
const isOperation = (file: string): boolean => dirname(file).endsWith('/operations')

const wanted = process.argv.slice(2)
const files = globSync(['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
const totals: Totals = { passed: 0, failed: 0, skipped: 0 }

heading('SQLite')
await runFiles(files, {})

/** Whole stories of the AWS CLI and boto3 tell much of the wire and little of the database: one of them is enough there. */
const isStory = (file: string): boolean => file.startsWith('test/clients-')
const soak = process.env.STRONGROOM_TEST_SOAK !== undefined

const onPostgres = files.filter((file) => reaches(resolve(file), DATABASES) && (soak || !isStory(file)))
if (onPostgres.length > 0) {
  const postgres = await startPostgres()
  if ('reason' in postgres) {
    heading(`PostgreSQL: skipped, ${postgres.reason}`)
    totals.skipped += onPostgres.length
  } else {
    heading('PostgreSQL')
    await runFiles(onPostgres, { TEST_DATABASE: postgres.url, TEST_DATABASE_TEMPLATE: await postgres.createTemplate() })
    await postgres.stop()
  }
}

process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0

function reaches(file: string, target: string, seen = new Set<string>()): boolean {
  if (file === target) return true
  if (seen.has(file)) return false
  seen.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^']*'(\.[^']+\.ts)'/gm)
  return [...imports].some(([, specifier]) => reaches(resolve(dirname(file), specifier!), target, seen))
}

function heading(text: string): void {
  process.stdout.write(`\n== ${text}\n`)
}

/** Two at a time. The tests of operations are many and small: a process of its own for each file would take longer than they do. */
async function runFiles(paths: readonly string[], environment: { readonly [name: string]: string }): Promise<void> {
  const processes: (readonly string[])[] = []
  for (const file of paths) {
    const last = processes.at(-1)
    const joins =
      isOperation(file) && last !== undefined && last.length < TOGETHER_MAX && dirname(last[0]!) === dirname(file)
    if (joins) processes[processes.length - 1] = [...last, file]
    else processes.push([file])
  }
  await Promise.all(
    [1, 2].map(async () => {
      for (let together = processes.shift(); together !== undefined; together = processes.shift()) {
        await runTogether(together, environment)
      }
    }),
  )
}

async function runTogether(files: readonly string[], environment: { readonly [name: string]: string }): Promise<void> {
  const [first, ...others] = files
  const env = { ...process.env, ...environment, TEST_FILES: files.map((file) => resolve(file)).join(',') }
  const stream = run({ files: [others.length === 0 ? first! : TOGETHER], concurrency: 1, env })
  stream.on('test:pass', ({ details, skip, todo }) => {
    if (details.type === 'suite') return
    if (skip !== undefined || todo !== undefined) totals.skipped++
    else totals.passed++
  })
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') totals.failed++
  })
  for await (const text of stream.compose(spec)) process.stdout.write(text)
}
