// The places of root keys: what is refused, and that nothing is ever half there.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../storage/testing.ts'
import { RootKeyError } from './errors.ts'
import { slotBinding } from './keyring-format.ts'
import { credentialRootKey, envRootKey, fileRootKey, type RootKeyProvider } from './root-key.ts'

const keyringKey = randomBytes(32)
const binding = slotBinding('instance', 1, 'slot')
const asRoot = process.geteuid?.() === 0

async function roundTrips(provider: RootKeyProvider): Promise<void> {
  const slot = await provider.wrap(keyringKey, binding)
  assert.deepEqual(await provider.unwrap(slot, binding), keyringKey)
}

const refusal = (pattern: RegExp) => (error: unknown) => error instanceof RootKeyError && pattern.test(error.message)

test('the first start makes a file of mode 0600 with a random key, and the next one keeps it', async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const provider = fileRootKey(path, randomBytes)
  const before = process.umask(0)
  await provider.create().finally(() => process.umask(before))
  const content = readFileSync(path, 'utf8')
  assert.match(content, /^[A-Za-z0-9+/]{43}=\n$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await roundTrips(provider)

  await provider.create()
  assert.equal(readFileSync(path, 'utf8'), content)
  assert.deepEqual(readdirSync(join(path, '..')), ['root.key'])
})

test('of two processes that make the key at once, one does', async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const providers = Array.from({ length: 8 }, () => fileRootKey(path, randomBytes))
  await Promise.all(providers.map((provider) => provider.create()))
  const slot = await providers[0]!.wrap(keyringKey, binding)
  for (const provider of providers) assert.deepEqual(await provider.unwrap(slot, binding), keyringKey)
  assert.deepEqual(readdirSync(join(path, '..')), ['root.key'])
})

test('a key file that others may read or write is refused, whatever the bit', async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const provider = fileRootKey(path, randomBytes)
  await provider.create()
  for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666, 0o777]) {
    chmodSync(path, mode)
    await assert.rejects(
      provider.wrap(keyringKey, binding),
      refusal(/is open to others \(mode 0\d{3}\): chmod 600 it$/),
    )
    await assert.rejects(provider.create(), RootKeyError)
  }
  for (const mode of [0o600, 0o400]) {
    chmodSync(path, mode)
    await roundTrips(provider)
  }
})

test('a key file of another user is refused', { skip: !asRoot && 'only root can give files away' }, async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const provider = fileRootKey(path, randomBytes)
  await provider.create()
  chownSync(path, 12_345, 0)
  await assert.rejects(provider.wrap(keyringKey, binding), refusal(/belongs to another user/))
})

test('a symbolic link, a folder and a missing file are each refused in one line', async (t) => {
  const folder = temporaryDirectory(t)
  const real = fileRootKey(join(folder, 'real.key'), randomBytes)
  await real.create()
  symlinkSync(join(folder, 'real.key'), join(folder, 'link.key'))
  mkdirSync(join(folder, 'folder.key'))
  const refused = (name: string, pattern: RegExp) =>
    assert.rejects(fileRootKey(join(folder, name), randomBytes).wrap(keyringKey, binding), refusal(pattern))
  await refused('link.key', /^the root key file \S+ is a symbolic link: put the file itself there$/)
  await refused('folder.key', /^the root key file \S+ is not a file$/)
  await refused('missing.key', /^the root key file \S+ is missing: put the key back$/)
  await assert.rejects(fileRootKey(join(folder, 'link.key'), randomBytes).create(), RootKeyError)
})

test('a key of a wrong length, a password and a placeholder are refused, and not one byte of them is shown', async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const provider = fileRootKey(path, randomBytes)
  const contents = {
    empty: Buffer.alloc(0),
    short: Buffer.from('c2hvcnQ=\n'),
    long: Buffer.alloc(2000, 'A'),
    password: Buffer.from('correct horse battery staple 123'),
    passwordInHex: Buffer.from(Buffer.from('correct horse battery staple 123').toString('hex')),
    zeros: Buffer.alloc(32),
    zerosInBase64: Buffer.from(Buffer.alloc(32).toString('base64')),
  }
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(path, content, { mode: 0o600 })
    await assert.rejects(provider.wrap(keyringKey, binding), (error: Error) => {
      assert.ok(error instanceof RootKeyError, name)
      assert.ok(!/horse|AAAA|c2hv|636f72/.test(error.message), error.message)
      assert.ok(!error.message.includes('\n'))
      return true
    })
  }
})

test('raw bytes, base64 and hexadecimal are the same key', async (t) => {
  const path = join(temporaryDirectory(t), 'root.key')
  const key = randomBytes(32)
  const provider = fileRootKey(path, randomBytes)
  const write = (content: string | Buffer) => writeFileSync(path, content, { mode: 0o600 })
  write(key)
  const slot = await provider.wrap(keyringKey, binding)
  for (const content of [
    key.toString('base64'),
    `${key.toString('base64')}\n`,
    key.toString('hex'),
    `${key.toString('hex').toUpperCase()}\r\n`,
  ]) {
    write(content)
    assert.deepEqual(await provider.unwrap(slot, binding), keyringKey)
  }
})

test('a slot tells another key and damage apart', async (t) => {
  const folder = temporaryDirectory(t)
  const one = fileRootKey(join(folder, 'one.key'), randomBytes)
  const other = fileRootKey(join(folder, 'other.key'), randomBytes)
  await one.create()
  await other.create()
  const slot = await one.wrap(keyringKey, binding)
  assert.equal(await other.unwrap(slot, binding), 'other-key')
  assert.equal(await one.unwrap(slot, slotBinding('instance', 2, 'slot')), 'other-key')
  for (let bit = 0; bit < slot.wrapped.length * 8; bit++) {
    const wrapped = Buffer.from(slot.wrapped)
    wrapped[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(await one.unwrap({ ...slot, wrapped }, binding), 'damaged')
  }
})

test('a credential may be linked and grouped as systemd and Kubernetes do, but not written by others', async (t) => {
  const folder = temporaryDirectory(t)
  writeFileSync(join(folder, 'data'), randomBytes(32), { mode: 0o444 })
  symlinkSync('data', join(folder, 'root-key'))
  const provider = credentialRootKey(join(folder, 'root-key'))
  await roundTrips(provider)
  for (const mode of [0o464, 0o446]) {
    chmodSync(join(folder, 'data'), mode)
    await assert.rejects(provider.wrap(keyringKey, binding), refusal(/can be written by others/))
  }
})

test('a key from the environment is taken once, and works from then on', async () => {
  const environment = new Map([['KEY', randomBytes(32).toString('base64')]])
  const take = () => {
    const value = environment.get('KEY')
    environment.delete('KEY')
    return value
  }
  const provider = envRootKey('KEY', take)
  assert.equal(environment.size, 0)
  await roundTrips(provider)
  await roundTrips(provider)
  assert.throws(() => envRootKey('KEY', take), refusal(/^the root key is missing: KEY is not set$/))
  assert.throws(() => envRootKey('KEY', () => 'hunter2'), refusal(/^the root key in KEY is not 32 bytes/))
})
