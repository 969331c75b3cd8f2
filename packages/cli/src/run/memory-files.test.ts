// Files in memory: on what is a tmpfs and not on what is called one, private, replaced whole, and gone afterwards, also those of a killed process.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { memoryPlaces, openMemoryFiles } from './memory-files.ts'

const TMPFS = 0x01021994
const SHM = '/dev/shm'
const hasShm = existsSync(SHM) && statfsSync(SHM).type === TMPFS
const skip = hasShm ? false : 'NOT RUN: /dev/shm is no tmpfs here'

function temporary(t: TestContext, parent: string): string {
  const directory = mkdtempSync(join(parent, 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

test('files are private, replaced whole, and gone with their folder in the end', { skip }, (t) => {
  const files = openMemoryFiles([temporary(t, SHM)], false)
  const first = files.write(new Map([['KEY', Buffer.from('one')]]))
  const opened = readFileSync(first.KEY!)
  const { ino } = statSync(first.KEY!)
  assert.equal(statSync(first.KEY!).mode & 0o777, 0o600)
  assert.equal(statSync(files.directory).mode & 0o777, 0o700)
  const second = files.write(new Map([['KEY', Uint8Array.of(0, 255)]]))
  assert.deepEqual(second, first)
  assert.deepEqual([...readFileSync(first.KEY!)], [0, 255])
  assert.notEqual(statSync(first.KEY!).ino, ino)
  assert.equal(opened.toString(), 'one')
  assert.deepEqual(readdirSync(files.directory), ['KEY'])
  files.close()
  assert.ok(!existsSync(files.directory))
})

test('a place on a disk is refused whatever it is called, unless a disk will do', (t) => {
  const disk = temporary(t, tmpdir())
  if (statfsSync(disk).type === TMPFS) return t.skip('NOT RUN: the temporary directory is a tmpfs here')
  const place = join(disk, 'shm')
  mkdirSync(place)
  assert.throws(
    () => openMemoryFiles([place], false),
    /^UsageError: there is no place in memory for --file: none of \S+shm is a tmpfs.* --allow-disk/,
  )
  assert.deepEqual(readdirSync(place), [])
  const files = openMemoryFiles([place], true)
  assert.ok(files.directory.startsWith(tmpdir()))
  files.close()
  // What is left of such a run does not wait for another that is let onto the disk. No process has been started at the moment 0.
  const left = join(tmpdir(), basename(files.directory).replace(/\.\d+(?=\.\w+$)/, '.0'))
  mkdirSync(left)
  assert.throws(() => openMemoryFiles([place], false), /^UsageError: there is no place in memory/)
  if (hasShm) openMemoryFiles([SHM], false).close()
  assert.equal(existsSync(left), !hasShm)
})

test("the user's own place comes before the one of all, and what is no path is none", () => {
  assert.deepEqual(memoryPlaces({ XDG_RUNTIME_DIR: '/run/user/1' }), ['/run/user/1', SHM])
  assert.deepEqual(memoryPlaces({ XDG_RUNTIME_DIR: 'here' }), [SHM])
  assert.deepEqual(memoryPlaces({}), [SHM])
})

test('what a killed process left is removed by the next one, and what a living one has is not', { skip }, async (t) => {
  const place = temporary(t, SHM)
  const program = `import { openMemoryFiles } from ${JSON.stringify(import.meta.resolve('./memory-files.ts'))}
    openMemoryFiles([${JSON.stringify(place)}], false).write(new Map([['KEY', Buffer.from('left')]]))
    process.stdout.write('ready')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const theirs = readdirSync(place)
  openMemoryFiles([place], false).close()
  assert.deepEqual(readdirSync(place), theirs)
  // Of another container that shares the place, and what only looks like ours.
  const foreign = ['strongroom-run.1.1.1.AAAAAA', 'strongroom-run.1', 'strongroom-running']
  for (const name of foreign) mkdirSync(join(place, name))
  child.kill('SIGKILL')
  await once(child, 'exit')
  openMemoryFiles([place], false).close()
  assert.deepEqual(readdirSync(place).sort(), foreign.sort())
})
