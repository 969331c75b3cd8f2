// A full disk: callers get one clear error, nothing is acknowledged that is not there, and the server works again without a restart.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { COMMAND, clientOf, type Home, makeHome, startProcess } from './server-process.ts'

const DISK = '40m'
/** What the log holds has to fit into the database too before the log starts over. */
const RESERVE_BYTES = 24 << 20
const VALUE = 'x'.repeat(60_000)
const FULL = 'The storage of the server is full. Nothing was changed.'

test('a full disk is told to the callers, loses nothing, and is over when there is room again', async (t) => {
  const home = await onSmallDisk(t)
  if (typeof home === 'string') return t.skip(home)
  const reserve = join(home.dataDir, '../reserve')
  writeFileSync(reserve, Buffer.alloc(RESERVE_BYTES, 1))
  const server = await startProcess(home)
  const client = clientOf(server)

  const acknowledged: string[] = []
  const { error, refused } = await createUntilRefused(client, acknowledged)
  assert.ok(error instanceof InternalServiceError, String(error))
  assert.equal(error.message, FULL)
  assert.ok(acknowledged.length > 10)

  // Events of reads need room too: until there is none, reads go on; then they are refused rather than unrecorded.
  const refusal = await readUntilRefused(client, acknowledged)
  if (refusal !== undefined) assert.equal((refusal as Error).message, FULL)

  rmSync(reserve)
  await client.send(new CreateSecretCommand({ Name: 'room-again', SecretString: VALUE }))
  for (const SecretId of [...acknowledged, 'room-again']) {
    assert.equal((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString, VALUE)
  }
  await assert.rejects(client.send(new GetSecretValueCommand({ SecretId: refused })), {
    name: 'ResourceNotFoundException',
  })
  client.destroy()
  const verified = execFileSync(process.execPath, [COMMAND, 'audit', 'verify', '--data-dir', home.dataDir], {
    encoding: 'utf8',
  })
  assert.deepEqual((JSON.parse(verified) as { readonly problems: unknown }).problems, [])
  assert.equal(await server.kill('SIGTERM'), 0)
})

async function createUntilRefused(
  client: SecretsManagerClient,
  acknowledged: string[],
): Promise<{ readonly error: unknown; readonly refused: string }> {
  for (let number = 0; number < 1_000; number++) {
    const Name = `secret-${number}`
    try {
      await client.send(new CreateSecretCommand({ Name, SecretString: VALUE }))
    } catch (error) {
      return { error, refused: Name }
    }
    acknowledged.push(Name)
  }
  throw new Error('the disk never filled')
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

/** A home on a file system of its own; why not, where there is none to be had, or the database is elsewhere. */
async function onSmallDisk(t: TestContext): Promise<Home | string> {
  const home = await makeHome(t)
  if (home.options.length > 0) return 'the database is PostgreSQL'
  const disk = join(home.dataDir, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=700`, 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return 'mounting is not allowed here'
  }
  home.after(() => execFileSync('umount', ['-l', disk]))
  const dataDir = join(disk, 'data')
  mkdirSync(dataDir, { mode: 0o700 })
  return { ...home, dataDir }
}
