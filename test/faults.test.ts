// Trouble with the disk under a running server: callers get one clear error, nothing is acknowledged that is not there, and the server works
// again without a restart as soon as the disk does.

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { COMMAND, clientOf, type Home, makeHome, type ServerProcess, startProcess } from './server-process.ts'

const DISK_BYTES = 40 << 20
/** What the log holds has to fit into the database too before the log starts over. */
const RESERVE_BYTES = 24 << 20
const VALUE = 'x'.repeat(60_000)
const FULL = 'The storage of the server is full. Nothing was changed.'
const READONLY = 'The storage of the server cannot be written. Nothing was changed.'
/** A commit that could not be synced: whether it holds will be seen. */
const UNAVAILABLE = 'The storage of the server is unavailable. Try again.'
const CREATORS = 4
const run = promisify(execFile)

test('a full disk is told to the callers, loses nothing, and is over when there is room again', async (t) => {
  const home = await onDisk(t, mountTmpfs)
  if (typeof home === 'string') return t.skip(home)
  const reserve = join(home.disk, 'reserve')
  writeFileSync(reserve, Buffer.alloc(RESERVE_BYTES, 1))
  const server = await startProcess(home)
  const client = clientOf(server)

  const acknowledged: string[] = []
  const { error, refused } = await createUntilRefused(client, 'full', acknowledged)
  assert.ok(error instanceof InternalServiceError, String(error))
  assert.equal(error.message, FULL)
  assert.ok(acknowledged.length > 10)

  // Events of reads need room too: until there is none, reads go on; then they are refused rather than unrecorded.
  const refusal = await readUntilRefused(client, acknowledged)
  if (refusal !== undefined) assert.equal((refusal as Error).message, FULL)

  rmSync(reserve)
  await mustWork(server, acknowledged, [refused])
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

test('files that cannot be written are told to the callers and by health, and the server works again when they can be', async (t) => {
  const home = await onDisk(t, mountExt4)
  if (typeof home === 'string') return t.skip(home)
  const server = await startProcess(home)
  const client = clientOf(server)
  // Not the -shm files, which are mapped: where such a file is immutable, writing to its memory is SIGBUS; on a read-only disk it is not.
  const change = (attribute: '+i' | '-i') =>
    run('chattr', [attribute, ...globSync(join(home.dataDir, '*.{db,db-wal}'))])
  try {
    await change('-i')
  } catch {
    return t.skip('files cannot be made immutable here')
  }
  home.after(() => change('-i'))

  const { acknowledged, refused } = await createWhile(client, () => change('+i'))
  await mustRefuse(server, client, acknowledged, [READONLY])
  await change('-i')
  await mustWork(server, acknowledged, refused)
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

/**
 * What the kernel takes back is not ours to promise: ext4 may answer an fdatasync that is under way while its journal is aborted with success,
 * and lose what that sync was to add to the file (docs/operations.md). Of each caller that is the last answer at most, and none from before.
 */
test('a disk that the system makes read-only holds all that was acknowledged before when it is mounted again', async (t) => {
  const home = await onDisk(t, mountExt4)
  if (typeof home === 'string') return t.skip(home)
  const server = await startProcess(home)
  const client = clientOf(server)
  // As after an error of the device. No file may be open for writing where somebody asks for a read-only file system.
  const abort = () => run('mount', ['-o', 'remount,abort', home.disk])
  const { acknowledged, before, last, refused } = await createWhile(client, abort)
  await mustRefuse(server, client, acknowledged, [READONLY, UNAVAILABLE])
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 1, 'the end of the trail could not be recorded')
  assert.match(server.output(), /\nstrongroom: .*\n$/)

  await home.remount()
  const again = await startProcess(home)
  const lost = await absent(again, last)
  assert.deepEqual(
    lost.filter((name) => before.includes(name)),
    [],
    'acknowledged before the disk failed',
  )
  if (lost.length > 0)
    t.diagnostic(`ext4 took back ${lost.length} of ${acknowledged.length}, after it had confirmed the sync`)
  await mustWork(
    again,
    acknowledged.filter((name) => !lost.includes(name)),
    refused,
  )
  assert.equal(await again.kill('SIGTERM'), 0)
})

/** Creates secrets until one is refused. */
async function createUntilRefused(
  client: SecretsManagerClient,
  prefix: string,
  acknowledged: string[],
): Promise<{ readonly error: unknown; readonly refused: string }> {
  for (let number = 0; number < 1_000; number++) {
    const Name = `${prefix}-${number}`
    try {
      await client.send(new CreateSecretCommand({ Name, SecretString: VALUE }))
    } catch (error) {
      return { error, refused: Name }
    }
    acknowledged.push(Name)
  }
  throw new Error('nothing was refused')
}

type Created = {
  readonly acknowledged: readonly string[]
  /** Of these, what was acknowledged before anybody touched the disk. */
  readonly before: readonly string[]
  /** Of these, the last of each caller. */
  readonly last: readonly string[]
  /** What was told to have changed nothing. */
  readonly refused: readonly string[]
}

/** Several callers create secrets while the disk becomes read-only. */
async function createWhile(client: SecretsManagerClient, makeReadOnly: () => Promise<unknown>): Promise<Created> {
  const acknowledged: string[] = []
  const prefixes = Array.from({ length: CREATORS }, (_, n) => `creator-${n}`)
  const creators = prefixes.map((prefix) => createUntilRefused(client, prefix, acknowledged))
  while (acknowledged.length < CREATORS * 4) await sleep(5)
  const before = [...acknowledged]
  await makeReadOnly()
  const outcomes = await Promise.all(creators)
  for (const { error } of outcomes) {
    assert.ok(error instanceof InternalServiceError, String(error))
    assert.ok([READONLY, UNAVAILABLE].includes(error.message), error.message)
  }
  const untouched = outcomes.filter(({ error }) => (error as Error).message === READONLY)
  return {
    acknowledged,
    before,
    last: prefixes.map((prefix) => acknowledged.findLast((name) => name.startsWith(`${prefix}-`))!),
    refused: untouched.map(({ refused }) => refused),
  }
}

async function absent(server: ServerProcess, names: readonly string[]): Promise<readonly string[]> {
  const client = clientOf(server)
  const listed = await client.send(new BatchGetSecretValueCommand({ SecretIdList: [...names] }))
  client.destroy()
  return names.filter((name) => !listed.SecretValues!.some(({ Name }) => Name === name))
}

/** A read that cannot be recorded is refused, and health says what is wrong. */
async function mustRefuse(
  server: ServerProcess,
  client: SecretsManagerClient,
  names: readonly string[],
  messages: readonly string[],
) {
  for (const SecretId of names.slice(0, 3)) {
    await assert.rejects(client.send(new GetSecretValueCommand({ SecretId })), (error: Error) => {
      assert.ok(messages.includes(error.message), String(error))
      return true
    })
  }
  const health = await fetch(`${server.url}/_strongroom/health`)
  assert.equal(health.status, 503)
  const { problems } = (await health.json()) as { readonly problems: readonly string[] }
  assert.match(problems.join(), /^the database cannot be (?:written: readonly|read: unavailable)$/)
}

async function readUntilRefused(client: SecretsManagerClient, names: readonly string[]): Promise<unknown> {
  for (let round = 0; round < 300; round++) {
    try {
      const read = await client.send(new GetSecretValueCommand({ SecretId: names[round % names.length]! }))
      assert.equal(read.SecretString, VALUE)
    } catch (error) {
      return error
    }
  }
  return undefined
}

/** All that was acknowledged is there, what was refused is not, and new secrets are taken; health and the trail are well. */
async function mustWork(server: ServerProcess, acknowledged: readonly string[], refused: readonly string[]) {
  const client = clientOf(server)
  await client.send(new CreateSecretCommand({ Name: 'works-again', SecretString: VALUE }))
  for (const SecretId of [...acknowledged, 'works-again']) {
    assert.equal((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString, VALUE)
  }
  for (const SecretId of refused) {
    await assert.rejects(client.send(new GetSecretValueCommand({ SecretId })), { name: 'ResourceNotFoundException' })
  }
  client.destroy()
  await sleep(1_100) // health is worked out once a second
  for (const until = Date.now() + 60_000; ; await sleep(100)) {
    const health = await fetch(`${server.url}/_strongroom/health`)
    if (health.status === 200) break
    assert.ok(Date.now() < until, await health.text())
  }
  const verified = execFileSync(process.execPath, [COMMAND, 'audit', 'verify', '--data-dir', server.dataDir], {
    encoding: 'utf8',
  })
  assert.deepEqual((JSON.parse(verified) as { readonly problems: unknown }).problems, [])
}

type DiskHome = Home & {
  readonly disk: string
  /** As after a restart of the machine. */
  readonly remount: () => Promise<void>
}

/** A home on a file system of its own; why not, where there is none to be had, or the database is elsewhere. */
async function onDisk(t: TestContext, mount: (disk: string) => void): Promise<DiskHome | string> {
  const home = await makeHome(t)
  if (home.options.length > 0) return 'the database is PostgreSQL'
  const disk = join(home.dataDir, 'disk')
  mkdirSync(disk)
  try {
    mount(disk)
  } catch {
    return 'mounting is not allowed here'
  }
  home.after(() => execFileSync('umount', ['-l', disk]))
  const dataDir = join(disk, 'data')
  mkdirSync(dataDir, { mode: 0o700 })
  const remount = async () => {
    execFileSync('umount', [disk])
    // A sandbox that is being set up may hold a copy of every mount; until it lets go, the image would be mounted as it was.
    while ((await run('losetup', ['-j', imageOf(disk)])).stdout !== '') await sleep(50)
    mount(disk)
  }
  return { ...home, dataDir, disk, remount }
}

function mountTmpfs(disk: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'tmpfs', disk], { stdio: 'ignore' })
}

const imageOf = (disk: string): string => `${disk}.img`

/** In a file beside, which is made where it is not there. */
function mountExt4(disk: string): void {
  const image = imageOf(disk)
  try {
    writeFileSync(image, '', { flag: 'wx' })
    truncateSync(image, DISK_BYTES)
    execFileSync('mkfs.ext4', ['-q', image], { stdio: 'ignore' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  execFileSync('mount', ['-t', 'ext4', '-o', 'loop,errors=remount-ro', image, disk], { stdio: 'ignore' })
}
