import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createInstanceLog, reportLine } from './log.ts'

test('the log keeps the last MiB', () => {
  const log = createInstanceLog()
  log.line('first')
  for (let i = 0; i < 20; i++) log.line(`${i}`.repeat(100_000))
  const kept = log.since(0)
  assert.equal(kept.length, 1_048_576)
  assert.ok(kept.toString().endsWith(`${'19'.repeat(100_000)}\n`))
  assert.doesNotMatch(kept.toString(), /first/)
})

test('a line longer than the whole log leaves its end', () => {
  const log = createInstanceLog()
  log.line('begin')
  log.line(`${'x'.repeat(2_000_000)}end`)
  assert.equal(log.since(0).toString().slice(-6), 'xxend\n')
  assert.equal(log.since(log.position).length, 0)
})

test('what is printed to both streams is kept without values', async () => {
  const log = createInstanceLog()
  const [out, err] = [new PassThrough(), new PassThrough()]
  log.follow(out)
  log.follow(err)
  log.redact(['hunter2'])
  const from = log.position
  out.write('password hun')
  err.write('hunter2 in an error\n')
  out.write('ter2\n')
  await log.drained()
  log.end()
  const kept = log.since(from).toString()
  assert.doesNotMatch(kept, /hun|ter2/)
  assert.match(kept, /password /)
  assert.match(kept, /\*\*\* in an error\n/)
})

test('a process that floods the log waits, and what it had printed by its end is kept', async (t) => {
  const log = createInstanceLog()
  const child = spawn('/bin/sh', ['-c', 'yes | head -c 3000000; echo; echo the end'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  log.follow(child.stdout)
  await new Promise((resolve) => child.stdout.once('pause', resolve))
  assert.ok(log.position < 600_000, `${log.position} bytes were read at once`)
  await once(child, 'exit')
  await log.drained()
  log.end()
  assert.ok(log.since(0).toString().endsWith('y\n\nthe end\n'))
})

test('hundreds of short lines at once are all there', async (t) => {
  const log = createInstanceLog()
  const script = 'for (let i = 0; i < 2000; i++) process.stdout.write(String(i).concat("\\n"))'
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  log.follow(child.stdout)
  await once(child, 'exit')
  await log.drained()
  log.end()
  assert.equal(log.since(0).toString(), Array.from({ length: 2000 }, (_, i) => `${i}\n`).join(''))
})

test('the report is written as Lambda writes it', () => {
  const figures = {
    requestId: 'r',
    durationMs: 3.256,
    initMs: undefined,
    memoryMb: 128,
    usedMb: 67,
    failure: undefined,
  }
  assert.equal(
    reportLine(figures),
    'REPORT RequestId: r\tDuration: 3.26 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t',
  )
  assert.equal(
    reportLine({ ...figures, initMs: 155.5, failure: { status: 'error', errorType: 'Runtime.ExitError' } }),
    'REPORT RequestId: r\tDuration: 3.26 ms\tBilled Duration: 159 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t' +
      'Init Duration: 155.50 ms\tStatus: error\tError Type: Runtime.ExitError\t',
  )
})
