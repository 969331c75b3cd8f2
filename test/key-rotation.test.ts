// The root key and the domain keys are rotated under load, and servers are killed in the middle of it: no call fails, nothing is lost.

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { COMMAND, clientOf, type Home, makeHome, startProcess } from './server-process.ts'

const CALLERS = 6
/** Between a caller's calls: without, they would take the processors from the rotation, and all that they wrote is read again. */
const PAUSE_MS = SOAK ? 0 : 20
const KILLS = SOAK ? 10 : 1
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
    () => execFileSync(process.execPath, args, { stdio: 'pipe', timeout: 120_000 }),
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

test(`a server killed ${KILLS} times while the root key moves starts with the old or the new one`, async (t) => {
  const home = await makeHome(t)
  const place = (round: number): string => `file:${join(home.dataDir, `key-${round}`)}`
  const written: Written[] = []
  let rootKey = 'file'
  for (let round = 0; round < KILLS; round++) {
    const server = await startProcess(home, '--root-key', rootKey)
    const client = clientOf(server)
    const callers = Array.from({ length: 2 }, (_, n) =>
      readAndWrite(client, `round-${round}-${n}`, { now: false }, true),
    )
    const move = strongroom(home, 'root-key', 'rotate', '--new-root-key', place(round)).catch(() => undefined)
    await sleep(200 + Math.random() * 400)
    await server.kill('SIGKILL')
    written.push(...(await Promise.all(callers)).flat())
    client.destroy()
    await move
    const again = await startProcess(home, '--root-key', rootKey).catch(() => {
      rootKey = place(round)
      return startProcess(home, '--root-key', rootKey)
    })
    await again.kill('SIGKILL')
  }
  const server = await startProcess(home, '--root-key', rootKey)
  const client = clientOf(server)
  await checkAll(client, written)
  await strongroom(home, 'root-key', 'rotate', '--new-root-key', place(KILLS))
  const { stdout } = await strongroom(home, 'root-key', 'retire')
  assert.equal((JSON.parse(stdout) as { readonly slots: readonly unknown[] }).slots.length, 1)
  await checkAll(client, written)
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

test(`a server killed ${KILLS} times while slots are added and removed starts with the root key that stays`, async (t) => {
  const home = await makeHome(t)
  const written: Written[] = []
  type Slots = { readonly slots: readonly { readonly id: string; readonly where: string }[] }
  const slots = async (): Promise<Slots['slots']> =>
    (JSON.parse((await strongroom(home, 'root-key')).stdout) as Slots).slots
  for (let round = 0; round < KILLS; round++) {
    const server = await startProcess(home)
    const client = clientOf(server)
    const caller = readAndWrite(client, `round-${round}`, { now: false }, true)
    const changes = async (): Promise<void> => {
      for (;;) {
        await strongroom(home, 'root-key', 'add', `file:${join(home.dataDir, `key-${round}`)}`)
        const added = (await slots()).find(({ where }) => where.endsWith(`key-${round}`))
        await strongroom(home, 'root-key', 'remove', added!.id)
      }
    }
    const changing = changes().catch(() => undefined)
    await sleep(500 + Math.random() * 1_500)
    await server.kill('SIGKILL')
    written.push(...(await caller))
    client.destroy()
    await changing
  }
  const server = await startProcess(home)
  const client = clientOf(server)
  await checkAll(client, written)
  for (const { id, where } of await slots()) {
    if (!where.endsWith('root.key')) await strongroom(home, 'root-key', 'remove', id)
  }
  assert.equal((await slots()).length, 1)
  await checkAll(client, written)
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

test('of two servers on one PostgreSQL the root key moves on one, then on the other, and both serve throughout', async (t) => {
  const home = await makeHome(t)
  if (home.options.length === 0) return t.skip('the database is SQLite')
  const first = await startProcess(home)
  const elsewhere = { ...home, dataDir: join(home.dataDir, 'elsewhere') }
  mkdirSync(elsewhere.dataDir, { mode: 0o700 })
  for (const name of ['root.key', 'credentials']) copyFileSync(join(home.dataDir, name), join(elsewhere.dataDir, name))
  const second = await startProcess(elsewhere)
  const clients = [clientOf(first), clientOf(second)] as const
  const stop = { now: false }
  const callers = clients.map((client, n) => readAndWrite(client, `server-${n}`, stop))

  const NEW_KEY = randomBytes(32).toString('base64')
  const args = ['root-key', 'rotate', '--new-root-key', 'env:NEW_KEY']
  const rotate = async ({ dataDir }: Home) => {
    const { stdout } = await run(process.execPath, [COMMAND, ...args, '--data-dir', dataDir], { env: { NEW_KEY } })
    const { next, slots } = JSON.parse(stdout) as { readonly next: string; readonly slots: readonly unknown[] }
    assert.match(
      next,
      /^the next start needs --root-key env:NEW_KEY; run this on every server .* "strongroom root-key retire"/,
    )
    assert.equal(slots.length, 2)
  }
  await rotate(home)
  await assert.rejects(strongroom(elsewhere, 'root-key', 'retire'), /is not the one here/)
  await rotate(elsewhere)
  await strongroom(elsewhere, 'root-key', 'retire')
  await strongroom(home, 'domain-keys', 'rotate')
  stop.now = true
  const written = (await Promise.all(callers)).flat()
  for (const client of clients) await checkAll(client, written)
  for (const server of [first, second]) {
    await sleep(1_100) // health is worked out once a second
    for (const until = Date.now() + 60_000; ; await sleep(100)) {
      const health = await fetch(`${server.url}/_strongroom/health`)
      if (health.status === 200) break
      assert.ok(Date.now() < until, await health.text())
    }
    assert.doesNotMatch(server.output(), /the keyring cannot be read again/)
    assert.ok(!server.output().includes(NEW_KEY))
  }
  for (const client of clients) client.destroy()
  await Promise.all([first, second].map((server) => server.kill('SIGTERM')))

  await assert.rejects(startProcess(home), /wrong root key/)
  const again = await startProcess(home, '--root-key', `file:${writeKey(home, NEW_KEY)}`)
  const reader = clientOf(again)
  await checkAll(reader, written)
  reader.destroy()
  assert.equal(await again.kill('SIGTERM'), 0)
})

function writeKey({ dataDir }: Home, key: string): string {
  const path = join(dataDir, 'new.key')
  writeFileSync(path, key, { mode: 0o600 })
  return path
}

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
      await sleep(PAUSE_MS)
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
