import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lockDataDirectory } from './lock.ts'
import { temporaryDirectory } from './testing.ts'

/** Another process that holds the lock until it is killed. */
async function holdElsewhere(t: TestContext, directory: string, name: string): Promise<ChildProcess> {
  const script = `
    import { lockDataDirectory } from '${new URL('./lock.ts', import.meta.url)}'
    await lockDataDirectory(${JSON.stringify(directory)}, { name: '${name}' })
    process.stdout.write('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

test('a data directory is refused while this process holds it, and free again after release', async (t) => {
  const directory = temporaryDirectory(t)
  const lock = await lockDataDirectory(directory)
  await assert.rejects(lockDataDirectory(directory), {
    name: 'DirectoryLockedError',
    message: `the data directory ${directory} is in use by another process`,
  })
  lock.release()
  lock.release()
  const again = await lockDataDirectory(directory)
  again.release()
  assert.equal(statSync(join(directory, '.server.lock')).mode & 0o777, 0o600)
})

test('the kernel releases the lock of a process that was killed', async (t) => {
  const directory = temporaryDirectory(t)
  const child = await holdElsewhere(t, directory, 'server')
  await assert.rejects(lockDataDirectory(directory), { name: 'DirectoryLockedError' })
  child.kill('SIGKILL')
  const lock = await lockDataDirectory(directory, { waitMs: 5_000 })
  lock.release()
})

test('whoever holds a lock next has the name of who held it before; other locks, and copies, have others', {
  skip: process.platform !== 'linux' && 'no other system tells one start from another',
}, async (t) => {
  const [directory, copy] = [temporaryDirectory(t), temporaryDirectory(t)]
  const holderOf = async (of: string, name: string): Promise<string> => {
    const lock = await lockDataDirectory(of, { name })
    lock.release()
    return lock.holder
  }
  const first = await holderOf(directory, 'server')
  assert.match(first, /^[0-9a-f]{32}$/)
  assert.equal(await holderOf(directory, 'server'), first)
  assert.notEqual(await holderOf(directory, 'worker-0'), first)
  cpSync(directory, copy, { recursive: true })
  assert.notEqual(await holderOf(copy, 'server'), first)
})

test('locks of different names are different locks', async (t) => {
  const directory = temporaryDirectory(t)
  await holdElsewhere(t, directory, 'supervisor')
  const lock = await lockDataDirectory(directory, { name: 'worker-1' })
  await assert.rejects(lockDataDirectory(directory, { name: 'supervisor' }), { name: 'DirectoryLockedError' })
  lock.release()
})

test('waiting for a lock ends when it is released, or when the time is over', async (t) => {
  const directory = temporaryDirectory(t)
  const lock = await lockDataDirectory(directory)
  await assert.rejects(lockDataDirectory(directory, { waitMs: 60 }), { name: 'DirectoryLockedError' })
  setTimeout(() => lock.release(), 40)
  const next = await lockDataDirectory(directory, { waitMs: 5_000 })
  next.release()
})
