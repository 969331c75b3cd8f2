// Hostile archives, made byte by byte: each is refused, none is unpacked, and nothing ever lies outside the folder.

import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { temporaryDirectory } from '../../../storage/testing.ts'
import { type ZipEntry, zip } from '../testing.ts'
import { readArchive } from './archive.ts'
import { createCodeDirectories } from './directory.ts'
import { inspectPackage } from './package.ts'

const FILE = 0o100644
const LINK = 0o120777
const UNREADABLE = /^Could not unzip uploaded file/
const file = (name: string | Buffer, content = 'x', more: Partial<ZipEntry> = {}): ZipEntry => ({
  name,
  content,
  mode: FILE,
  ...more,
})
const link = (name: string, target: string): ZipEntry => ({ name, content: target, mode: LINK })

const hostile: readonly (readonly [what: string, archive: Buffer, message: RegExp])[] = [
  ['a name that goes up', zip(file('../up')), UNREADABLE],
  ['a name that goes up in its middle', zip(file('a/../../up')), UNREADABLE],
  ['an absolute name', zip(file('/etc/passwd')), UNREADABLE],
  ['the name of a drive', zip(file('C:/x')), UNREADABLE],
  ['a name with a backslash', zip(file('a\\..\\..\\b')), UNREADABLE],
  ['a name with NUL', zip(file('a\0b')), /control characters/],
  ['a name with a line feed', zip(file('a\nb')), /control characters/],
  ['a name of 256 bytes', zip(file('x'.repeat(256))), /too long/],
  ['a path of 1,025 bytes', zip(file(`${'ab/'.repeat(341)}cd`)), /too long/],
  ['65 folders in each other', zip(file(`${'a/'.repeat(65)}b`)), /too long/],
  ['the same name twice', zip(file('a'), file('a')), /an entry twice/],
  ['the same name in two spellings', zip(file('a/b'), file('a/./b')), /an entry twice/],
  ['a file where a folder is', zip(file('a/b'), file('a')), /an entry twice/],
  ['a folder where a file is', zip(file('a'), file('a/b')), /below a file/],
  ['something below a link', zip(link('a', '.'), file('a/b')), /below a file/],
  ['a link where something is below it', zip(file('a/b'), link('a', '.')), /an entry twice/],
  ['a link to an absolute path', zip(link('a', '/etc/passwd')), /leaves the folder/],
  ['a link up', zip(link('a', '..')), /leaves the folder/],
  ['a link further up than it is deep', zip(link('a/b/c', '../../../x')), /leaves the folder/],
  ['a link that goes down and then up', zip(link('a', '.'), link('b', 'a/../../x')), /leaves the folder/],
  ['a link with NUL', zip(link('a', 'b\0c')), /leaves the folder/],
  ['a link to nowhere', zip(link('a', '')), /leaves the folder/],
  ['a link whose target is long', zip(link('a', 'x'.repeat(1_025))), /target is too long/],
  ['a device', zip({ name: 'a', mode: 0o020644 }), /a device, a pipe or a socket/],
  ['a pipe', zip({ name: 'a', mode: 0o010644 }), /a device, a pipe or a socket/],
  ['a socket', zip({ name: 'a', mode: 0o140755 }), /a device, a pipe or a socket/],
  ['a folder whose name is that of a file', zip({ name: 'a', mode: 0o040755 }), /a folder that is none/],
  ['a file whose name is that of a folder', zip(file('a/')), /a folder that is none/],
  ['a folder with content', zip({ name: 'a/', content: 'x', mode: 0o040755 }), /a folder with content/],
  ['an encrypted entry', zip(file('a', 'x', { says: { flags: 0x0801 } })), /encrypted/],
  ['an entry compressed in another way', zip(file('a', 'x', { method: 14 })), /neither stored nor deflated/],
  ['a wrong checksum', zip(file('a', 'x', { says: { crc: 1 } })), UNREADABLE],
  ['less than it says', zip(file('a', 'x', { says: { size: 2 } })), UNREADABLE],
  ['more than it says', zip(file('a', 'xxx', { says: { size: 2 } })), UNREADABLE],
  ['a stored entry of another size', zip(file('a', 'xxx', { method: 0, says: { size: 2 } })), UNREADABLE],
  [
    'what is not deflated though it says so',
    zip(file('a', 'x', { says: { compressed: Buffer.from('zzzzzz') } })),
    UNREADABLE,
  ],
  ['half of an archive', zip(file('a'), file('b')).subarray(40), UNREADABLE],
  ['an archive without its end', zip(file('a')).subarray(0, -22), UNREADABLE],
  ['no archive', Buffer.from('PK\x03\x04'), UNREADABLE],
  ['nothing', Buffer.alloc(0), UNREADABLE],
  [
    'too many entries',
    zip(...Array.from({ length: 20_001 }, (_, at) => file(`f${at}`, '', { method: 0 }))),
    /20000 entries/,
  ],
  ['a bomb', zip(file('a', '\0'.repeat(60_000_000))), /more than 200 times its size/],
  [
    'a bomb in many parts',
    zip(...Array.from({ length: 60 }, (_, at) => file(`f${at}`, '\0'.repeat(1_000_000)))),
    /200 times/,
  ],
  [
    'more than 250 MiB, as it says',
    zip(file('a', 'x', { says: { size: 262_144_001 } })),
    /^Unzipped size must be smaller than 262144000 bytes$/,
  ],
]

for (const [what, archive, message] of hostile) {
  test(`${what} is refused`, async () => {
    await assert.rejects(inspectPackage(archive), { code: 'InvalidParameterValueException', status: 400, message })
  })
}

test('entries that overlap are no way around the bounds', async () => {
  const compressed = deflateRawSync(Buffer.alloc(20_000_000))
  const one = zip(file('a', '', { says: { size: 20_000_000, compressed } }))
  // A hundred entries of the directory point at the one body.
  const directoryAt = one.readUInt32LE(one.length - 6)
  const entry = one.subarray(directoryAt, one.length - 22)
  const entries = Array.from({ length: 26 }, (_, at) => {
    const copy = Buffer.from(entry)
    copy[46] = 97 + at
    return copy
  })
  const end = Buffer.from(one.subarray(-22))
  end.writeUInt16LE(26, 8)
  end.writeUInt16LE(26, 10)
  end.writeUInt32LE(entry.length * 26, 12)
  const archive = Buffer.concat([one.subarray(0, directoryAt), ...entries, end])
  await assert.rejects(inspectPackage(archive), { code: 'InvalidParameterValueException' })
})

test('more than 50 MiB are not even looked at', async () => {
  await assert.rejects(inspectPackage(Buffer.alloc(52_428_801)), { message: /at most 52428800 bytes/ })
})

const GOOD: readonly ZipEntry[] = [
  { name: 'lib/', mode: 0o040777 },
  { name: 'lib/a.mjs', content: 'a', mode: 0o100600 },
  { name: 'lib/deep/b.mjs', content: 'b'.repeat(100_000), mode: 0o100666 },
  { name: 'bootstrap', content: '#!/bin/sh\n', mode: 0o106711, method: 0 },
  { name: './dos.txt', content: 'dos' },
  { name: 'lib/deep/up', content: '../a.mjs', mode: LINK },
  { name: 'down', content: 'lib/deep', mode: LINK },
  { name: 'empty', mode: FILE },
]

test('an archive is unpacked as it is: files of 0644 or 0755 that nobody writes, folders, and links that stay inside', async (t) => {
  const directory = temporaryDirectory(t)
  const archive = zip(...GOOD)
  const { codeSha256, treeDigest } = await inspectPackage(archive)
  const path = await createCodeDirectories(directory, Date.now).unpacked(codeSha256, treeDigest, async () => archive)
  const mode = (name: string) => (lstatSync(join(path, name)).mode & 0o7777).toString(8)
  assert.deepEqual(['lib/a.mjs', 'lib/deep/b.mjs', 'bootstrap', 'dos.txt', 'empty'].map(mode), [
    '444',
    '444',
    '555',
    '444',
    '444',
  ])
  assert.deepEqual(['', 'lib', 'lib/deep'].map(mode), ['755', '755', '755'])
  assert.equal(readFileSync(join(path, 'down', 'up'), 'utf8'), 'a')
  assert.equal(readlinkSync(join(path, 'lib/deep/up')), '../a.mjs')
  assert.equal(readFileSync(join(path, 'lib/deep/b.mjs'), 'utf8').length, 100_000)
  assert.deepEqual(readdirSync(directory), [Buffer.from(codeSha256, 'base64').toString('hex')])
})

test('what is unpacked must be what was uploaded, and a change on disk is found by the next process', async (t) => {
  const directory = temporaryDirectory(t)
  const archive = zip(...GOOD)
  const { codeSha256, treeDigest } = await inspectPackage(archive)
  let reads = 0
  const unpack = (bytes = archive) =>
    createCodeDirectories(directory, Date.now).unpacked(codeSha256, treeDigest, async () => {
      reads++
      return bytes
    })
  await assert.rejects(unpack(zip(file('other'))), /not what it was/)
  assert.deepEqual(readdirSync(directory), [])
  const path = await unpack()
  await unpack()
  assert.equal(reads, 2)
  writeFileSync(join(path, 'lib', 'more.mjs'), 'more')
  await unpack()
  assert.equal(reads, 3)
  assert.deepEqual(readdirSync(join(path, 'lib')), ['a.mjs', 'deep'])
})

test('two that ask at once get the same folder, made once; one that nobody uses for a week goes when another is made', async (t) => {
  const directory = temporaryDirectory(t)
  let now = Date.now()
  const directories = createCodeDirectories(directory, () => now)
  let reads = 0
  const make = async (archive: Buffer) => {
    const { codeSha256, treeDigest } = await inspectPackage(archive)
    return directories.unpacked(codeSha256, treeDigest, async () => {
      reads++
      return archive
    })
  }
  const archive = zip(file('a'))
  const [one, two] = await Promise.all([make(archive), make(archive)])
  assert.deepEqual([one, reads], [two, 1])
  now += 6 * 86_400_000
  await make(archive)
  now += 6 * 86_400_000
  const other = await make(zip(file('b')))
  assert.equal(readdirSync(directory).length, 2)
  now += 3 * 86_400_000
  await make(zip(file('c')))
  assert.deepEqual(readdirSync(directory).length, 2)
  assert.ok(lstatSync(other).isDirectory())
})

test('an archive is read entry by entry, and who reads may stop', async () => {
  const seen: string[] = []
  const reading = readArchive(zip(file('a'), file('b')), async (entry) => {
    seen.push(entry.path)
    throw new Error('enough')
  })
  await assert.rejects(reading, /enough/)
  assert.deepEqual(seen, ['a'])
})
