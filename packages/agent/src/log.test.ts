import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLog } from './log.ts'

const now = () => new Date(0)

function fileOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-agent-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return join(directory, 'logs', 'agent.log')
}

test('a line is JSON that moves no cursor, of the level that is wanted', (t) => {
  const file = fileOf(t)
  const log = openLog({ level: 'warn', file, now })
  log.info({}, 'not told')
  log.warn({ path: '/v1/\u001b[2J\u009b2J\u2028\n' }, 'told')
  const line =
    '{"level":"warn","time":"1970-01-01T00:00:00.000Z","path":"/v1/\\u001b[2J\\u009b2J\\u2028\\n","msg":"told"}\n'
  assert.equal(readFileSync(file, 'utf8'), line)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  openLog({ level: 'none', file, now }).error({}, 'not told')
  assert.equal(readFileSync(file, 'utf8'), line)
})

test('files are five at most, each as long as it may be', (t) => {
  const file = fileOf(t)
  const lineBytes = 71
  for (let start = 0; start < 2; start++) {
    const log = openLog({ level: 'info', file, now, fileBytesMax: 2 * lineBytes })
    for (let count = 0; count < 11; count++) log.info({}, `line ${String(start * 11 + count).padStart(2, '0')}`)
  }
  const directory = join(file, '..')
  assert.deepEqual(readdirSync(directory).sort(), [
    'agent.log',
    'agent.log.1',
    'agent.log.2',
    'agent.log.3',
    'agent.log.4',
  ])
  const told = ['.4', '.3', '.2', '.1', ''].flatMap((end) =>
    readFileSync(`${file}${end}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg as string),
  )
  assert.deepEqual(
    told,
    Array.from({ length: 10 }, (_, at) => `line ${String(12 + at).padStart(2, '0')}`),
  )
})

test('a log that cannot be written is told at the start', () => {
  assert.throws(() => openLog({ level: 'info', file: '/dev/null/agent.log', now }), {
    name: 'StartError',
    message: /^the log file \/dev\/null\/agent\.log cannot be written \(E\w+\)$/,
  })
})
