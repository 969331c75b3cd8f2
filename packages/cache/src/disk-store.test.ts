import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDisk } from './disk-store.ts'
import type { DiskOptions } from './options.ts'
import { type TestAbout, testTime } from './testing.ts'
import type { Loaded } from './value-cache.ts'

const KEY = randomBytes(32)
const PLACE = ['secretsmanager', 'https:', 'secrets.example.com', '', '/', 'eu-central-1']
const HOUR = 3_600_000

function makeWorld(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'strongroom-cache-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const directory = join(parent, 'values')
  const [time, errors] = [testTime(), [] as string[]]
  const open = (options: Partial<DiskOptions> = {}, place: readonly string[] = PLACE) =>
    openDisk<TestAbout>({
      options: { directory, key: KEY, accountId: '111122223333', ...options },
      surroundings: time,
      place: async () => place,
      report: (error) => {
        errors.push((error as Error).message)
        if ((error as Error).message === ALTERED) assert.equal((error as Error).name, 'DiskFileAlteredError')
      },
    })
  const files = () => readdirSync(directory).map((name) => join(directory, name))
  return { directory, parent, time, errors, open, files }
}

const value = (text: string): Loaded<TestAbout> => ({
  about: { VersionId: 'v1' },
  isText: true,
  bytes: Buffer.from(text),
})

const ALTERED = 'A file of the disk cache is not what was written: it is left alone.'

test('what was saved is loaded by another process with the same key, for 24 hours', async (t) => {
  const { open, time, errors } = makeWorld(t)
  const disk = open()
  const kept = value('hunter2')
  disk.save('app/db', 'AWSCURRENT', kept)
  kept.bytes.fill(0)
  await disk.settled()
  for (const key of [KEY, createSecretKey(KEY)]) {
    const found = await open({ key }).load('app/db', 'AWSCURRENT')
    assert.deepEqual([found?.loaded.about, found?.loaded.isText], [{ VersionId: 'v1' }, true])
    assert.deepEqual([found?.loaded.bytes.toString(), found?.staleForMs], ['hunter2', 24 * HOUR])
  }
  time.pass(24 * HOUR - 1)
  assert.equal((await open().load('app/db', 'AWSCURRENT'))?.staleForMs, 1)
  time.pass(1)
  assert.equal(await open().load('app/db', 'AWSCURRENT'), undefined)
  assert.ok(await open({ maxAgeMs: 48 * HOUR }).load('app/db', 'AWSCURRENT'))
  time.pass(-25 * HOUR)
  assert.equal(await open().load('app/db', 'AWSCURRENT'), undefined, 'it is from the future')
  disk.remove('app/db', 'AWSCURRENT')
  disk.remove('app/db', 'AWSCURRENT')
  await disk.settled()
  assert.equal(await open({ maxAgeMs: 48 * HOUR }).load('app/db', 'AWSCURRENT'), undefined)
  assert.deepEqual(errors, [])
})

test('files are of their owner alone, and hold neither value, name nor metadata in clear', async (t) => {
  const { open, directory, files } = makeWorld(t)
  const disk = open()
  for (let round = 0; round < 3; round++) disk.save('app/db', 'AWSCURRENT', value('hunter2'))
  await disk.settled()
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  assert.equal(files().length, 1)
  assert.equal(statSync(files()[0]!).mode & 0o777, 0o600)
  assert.match(files()[0]!, /\/[0-9a-f]{64}$/)
  const file = readFileSync(files()[0]!)
  for (const clear of ['hunter2', 'VersionId', 'app/db', 'AWSCURRENT']) assert.equal(file.indexOf(clear), -1, clear)
})

test('a value is bound to its account, endpoint, Region, id and stage, also where its file is moved there', async (t) => {
  const { open, errors, files, parent } = makeWorld(t)
  const disk = open()
  disk.save('app/db', 'AWSCURRENT', value('hunter2'))
  await disk.settled()
  const kept = files()[0]!
  const strangers = [
    { disk: open({ accountId: '999999999999' }) },
    { disk: open({}, PLACE.with(2, 'other.example.com')) },
    { disk: open({}, PLACE.with(5, 'eu-west-1')) },
    { disk, id: 'app/other' },
    { disk, slot: 'AWSPREVIOUS' },
    { disk: open({ key: randomBytes(32) }) },
  ]
  for (const { disk: stranger, id = 'app/db', slot = 'AWSCURRENT' } of strangers) {
    assert.equal(await stranger.load(id, slot), undefined)
    // Its own file shows where it looks.
    stranger.save(id, slot, value('another'))
    await stranger.settled()
    const own = files().find((file) => file !== kept)!
    renameSync(own, join(parent, 'aside'))
    writeFileSync(own, readFileSync(kept))
    assert.equal(await stranger.load(id, slot), undefined)
    rmSync(own)
  }
  assert.deepEqual(errors, Array(strangers.length).fill(ALTERED))
})

test('no byte of a file can be changed, and none be missing or added', async (t) => {
  const { open, errors, files } = makeWorld(t)
  const disk = open()
  disk.save('app/db', 'AWSCURRENT', value('hunter2'))
  await disk.settled()
  const [path] = files() as [string]
  const file = readFileSync(path)
  const others = [
    ...Array.from(file, (byte, at) => {
      const other = Buffer.from(file)
      other[at] = byte ^ (1 << (at % 8))
      return other
    }),
    ...[0, 3, 31, file.length - 1].map((length) => file.subarray(0, length)),
    Buffer.concat([file, Buffer.of(0)]),
    Buffer.alloc(300 * 1024),
  ]
  for (const other of others) {
    writeFileSync(path, other)
    assert.equal(await disk.load('app/db', 'AWSCURRENT'), undefined)
  }
  assert.deepEqual(errors, Array(others.length).fill(ALTERED))
  writeFileSync(path, file)
  assert.ok(await disk.load('app/db', 'AWSCURRENT'))
})

test('a link in the place of a file is not followed, and what cannot be written is reported and leaves nothing', async (t) => {
  const { open, errors, files, parent, directory } = makeWorld(t)
  const disk = open()
  disk.save('app/db', 'AWSCURRENT', value('hunter2'))
  await disk.settled()
  const [path] = files() as [string]
  const elsewhere = join(parent, 'elsewhere')
  renameSync(path, elsewhere)
  symlinkSync(elsewhere, path)
  assert.equal(await disk.load('app/db', 'AWSCURRENT'), undefined)
  assert.match(errors[0] ?? '', /^ELOOP/)
  disk.save('app/db', 'AWSCURRENT', value('hunter3'))
  await disk.settled()
  assert.equal((await disk.load('app/db', 'AWSCURRENT'))?.loaded.bytes.toString(), 'hunter3')
  assert.ok(existsSync(elsewhere))

  rmSync(path)
  mkdirSync(join(path, 'full'), { recursive: true })
  disk.save('app/db', 'AWSCURRENT', value('hunter4'))
  await disk.settled()
  assert.equal(errors.length, 2)
  assert.deepEqual(readdirSync(directory).length, 1, 'no half-written file')
  chmodSync(path, 0o700)
})

test('what is older than any cache may give out is removed, and nothing else is', async (t) => {
  const { open, errors, directory, time } = makeWorld(t)
  const day = 24 * HOUR
  const begin = open()
  begin.save('gone', 'AWSCURRENT', value('of a secret that is no more'))
  await begin.settled()
  const [name] = readdirSync(directory) as [string]
  const cutOff = `${'0'.repeat(64)}.0123456789ab`
  const strangers = ['notes.txt', 'a'.repeat(63), `${name}.bak`]
  for (const other of [cutOff, ...strangers]) writeFileSync(join(directory, other), 'x')
  const age = (days: number): void => {
    const at = (time.wallNow() - days * day) / 1_000
    for (const other of [name, cutOff, ...strangers]) utimesSync(join(directory, other), at, at)
  }
  const left = async (): Promise<readonly string[]> => {
    const disk = open()
    for (const text of ['one', 'two']) disk.save('app/db', 'AWSCURRENT', value(text))
    await disk.settled()
    return readdirSync(directory).filter((each) => each === name || each === cutOff)
  }
  age(29)
  assert.equal((await left()).length, 2)
  age(31)
  assert.deepEqual(await left(), [])
  assert.equal((await open().load('app/db', 'AWSCURRENT'))?.loaded.bytes.toString(), 'two')
  for (const other of strangers) assert.ok(existsSync(join(directory, other)), other)
  assert.deepEqual(errors, [])
})

test('a pipe in the place of a file holds nothing up', async (t) => {
  const { open, errors, files } = makeWorld(t)
  const disk = open()
  disk.save('app/db', 'AWSCURRENT', value('hunter2'))
  await disk.settled()
  const [path] = files() as [string]
  rmSync(path)
  execFileSync('mkfifo', [path])
  assert.equal(await disk.load('app/db', 'AWSCURRENT'), undefined)
  assert.deepEqual(errors, [ALTERED])
})

test('options that do not do are refused by name', (t) => {
  const { open } = makeWorld(t)
  const { privateKey } = generateKeyPairSync('ed25519')
  for (const key of [randomBytes(16), 'text' as never, privateKey])
    assert.throws(() => open({ key }), /^TypeError: disk\.key must/)
  assert.throws(() => open({ accountId: '1' }), /^TypeError: disk\.accountId must be 12 digits/)
  assert.throws(() => open({ directory: '' }), /^TypeError: disk\.directory must/)
  assert.throws(() => open({ maxAgeMs: 0 }), /^RangeError: disk\.maxAgeMs must/)
})
