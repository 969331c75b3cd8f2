// The root key and the domain keys are rotated under load, and a server is killed in the middle of it: no call fails, nothing is lost.

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { COMMAND, clientOf, type Home, makeHome, startProcess } from './server-process.ts'

const CALLERS = 6
const KILLS = process.env.STRONGROOM_TEST_SOAK ? 10 : 3
const run = promisify(execFile)

const strongroom = (home: Home, ...args: readonly string[]) =>
  run(process.execPath, [COMMAND, ...args, '--data-dir', home.dataDir])

test('root key and domain keys rotate while callers read and write, and no call fails', async (t) => {
  const home = await makeHome(t)
  const server = await startProcess(home)
  const client = clientOf(server)
  const before = readFileSync(join(home.dataDir, 'root.key'), 'utf8')
  const stolen = join(home.dataDir, 'stolen.key')
  copyFileSync(join(home.dataDir, 'root.key'), stolen)

  const stop = { now: false }
  const callers = Array.from({ length: CALLERS }, (_, caller) => readAndWrite(client, `caller-${caller}`, stop))
  await strongroom(home, 'root-key', 'rotate')
  const { stdout } = await strongroom(home, 'domain-keys', 'rotate')
  await strongroom(home, 'root-key', 'rotate')
  stop.now = true
  const written = (await Promise.all(callers)).flat()
  t.diagnostic(`${written.length} values were written and read meanwhile`)
  assert.ok(written.length > CALLERS * 2)
  assert.ok(
    (JSON.parse(stdout) as { readonly resealed: number }).resealed >= 2,
    'key material and access keys were sealed anew',
  )
  assert.notEqual(readFileSync(join(home.dataDir, 'root.key'), 'utf8'), before)
  await checkAll(client, written)
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)

  const again = await startProcess(home)
  const reader = clientOf(again)
  await checkAll(reader, written)
  reader.destroy()
  await again.kill('SIGTERM')

  if (home.options.length > 0) return // Other hosts of a PostgreSQL may still hold the old file: there it is closed out by hand.
  const args = [COMMAND, 'serve', '--data-dir', home.dataDir, '--port', '0', '--root-key', `file:${stolen}`]
  assert.throws(
    () => execFileSync(process.execPath, args, { stdio: 'pipe', timeout: 20_000 }),
    (error: { readonly status?: number; readonly stderr?: Buffer }) => {
      assert.equal(error.status, 1)
      assert.match(String(error.stderr), /root key/)
      return true
    },
    'the old root key opens nothing any more',
  )
})

test(`a server killed ${KILLS} times in the middle of a rotation starts again with everything readable`, async (t) => {
  const home = await makeHome(t)
  const written: Written[] = []
  for (let round = 0; round < KILLS; round++) {
    const server = await startProcess(home)
    const client = clientOf(server)
    const stop = { now: false }
    const callers = Array.from({ length: 2 }, (_, caller) =>
      readAndWrite(client, `round-${round}-${caller}`, stop, true),
    )
    const command = round % 2 === 0 ? ['root-key', 'rotate'] : ['domain-keys', 'rotate']
    const rotation = strongroom(home, ...command).catch(() => undefined)
    await sleep(250 + Math.random() * 600)
    await server.kill('SIGKILL')
    written.push(...(await Promise.all(callers)).flat())
    client.destroy()
    await rotation
  }
  const server = await startProcess(home)
  const client = clientOf(server)
  await strongroom(home, 'root-key', 'rotate')
  await checkAll(client, written)
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

type Written = { readonly name: string; readonly value: string }

/** Writes and reads until told to stop, or, where that may happen, until the server is gone. What was acknowledged last, by name. */
async function readAndWrite(
  client: SecretsManagerClient,
  prefix: string,
  stop: { readonly now: boolean },
  mayBreak = false,
): Promise<Written[]> {
  const written: Written[] = []
  try {
    for (let number = 0; !stop.now; number++) {
      const name = `${prefix}-${number}`
      await client.send(new CreateSecretCommand({ Name: name, SecretString: 'first' }))
      const value = `${name}: second`
      await client.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }))
      written.push({ name, value })
      const { name: earlier, value: expected } = written[Math.floor(Math.random() * written.length)]!
      const read = await client.send(new GetSecretValueCommand({ SecretId: earlier }))
      assert.equal(read.SecretString, expected)
    }
  } catch (error) {
    const answered = (error as { readonly $response?: { readonly statusCode: number } }).$response !== undefined
    if (!mayBreak || answered) throw error
  }
  return written
}

async function checkAll(client: SecretsManagerClient, written: readonly Written[]): Promise<void> {
  for (const { name, value } of written) {
    const read = await client.send(new GetSecretValueCommand({ SecretId: name }))
    assert.equal(read.SecretString, value)
  }
}
