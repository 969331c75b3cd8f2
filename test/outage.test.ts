// PostgreSQL goes away under a running server and comes back: callers and health are told, nothing acknowledged is lost, and the server works
// again without a restart.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { startPostgres, type TestPostgres } from '../packages/server/src/storage/testing.ts'
import { COMMAND, clientOf, type Home, makeHome, type ServerProcess, startProcess } from './server-process.ts'

const CALLERS = 4
const UNAVAILABLE = 'The storage of the server is unavailable. Try again.'
const run = promisify(execFile)

test('PostgreSQL crashes under callers and comes back: they are told, nothing acknowledged is lost, and the server goes on', async (t) => {
  const home = await ownPostgres(t)
  if (typeof home === 'string') return t.skip(home)
  const server = await startProcess(home)
  const client = clientOf(server)
  const read = (SecretId: string) => client.send(new GetSecretValueCommand({ SecretId }))

  const stop = { now: false }
  const callers = Array.from({ length: CALLERS }, (_, n) => startCaller(client, `caller-${n}`, stop))
  await until(() => callers.every(({ acknowledged }) => acknowledged.length > 3))
  await home.postgres.crash()
  await until(() => callers.every(({ refusals }) => refusals.length > 3))
  await assert.rejects(read(callers[0]!.acknowledged[0]!), { message: UNAVAILABLE })
  await until(async () => (await health(server)).status === 503)
  assert.deepEqual((await health(server)).problems, ['the database cannot be read: unavailable'])
  await assert.rejects(strongroom(home, 'health'), ({ code, stdout }: { code: number; stdout: string }) => {
    assert.equal(code, 1)
    assert.equal((JSON.parse(stdout) as { readonly ok: boolean }).ok, false)
    return true
  })

  await home.postgres.restart()
  const counts = callers.map(({ acknowledged }) => acknowledged.length)
  await until(() => callers.every(({ acknowledged }, n) => acknowledged.length > counts[n]! + 3))
  stop.now = true
  await Promise.all(callers.map(({ ended }) => ended))
  for (const { acknowledged, refusals } of callers) {
    assert.deepEqual([...new Set(refusals)], [UNAVAILABLE])
    for (const name of acknowledged) assert.equal((await read(name)).SecretString, name)
  }
  await until(async () => (await health(server)).status === 200)
  const verified = await strongroom(home, 'audit', 'verify')
  assert.deepEqual((JSON.parse(verified.stdout) as { readonly problems: unknown }).problems, [])
  client.destroy()
  assert.equal(await server.kill('SIGTERM'), 0)
})

const strongroom = (home: Home, ...args: readonly string[]) =>
  run(process.execPath, [COMMAND, ...args, '--data-dir', home.dataDir])

const health = async ({ url }: ServerProcess) => {
  const response = await fetch(`${url}/_strongroom/health`)
  const { problems } = (await response.json()) as { readonly problems: readonly string[] }
  return { status: response.status, problems }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 1_500, 'waited for too long')
    await sleep(20)
  }
}

/** Creates secrets, each with its name for its value, and goes on where one is refused. */
function startCaller(client: SecretsManagerClient, prefix: string, stop: { readonly now: boolean }) {
  const acknowledged: string[] = []
  const refusals: string[] = []
  const call = async () => {
    for (let number = 0; !stop.now; number++) {
      const Name = `${prefix}-${number}`
      try {
        await client.send(new CreateSecretCommand({ Name, SecretString: Name }))
        acknowledged.push(Name)
      } catch (error) {
        assert.ok(error instanceof InternalServiceError, String(error))
        refusals.push(error.message)
        await sleep(10)
      }
    }
  }
  return { acknowledged, refusals, ended: call() }
}

/** A home whose PostgreSQL is its own. */
async function ownPostgres(t: TestContext): Promise<(Home & { readonly postgres: TestPostgres }) | string> {
  const home = await makeHome(t)
  if (home.options.length === 0) return 'the database is SQLite'
  const postgres = await startPostgres({ fsync: true })
  if ('reason' in postgres) return postgres.reason
  home.after(() => postgres.stop())
  return { ...home, options: ['--database', await postgres.createDatabase()], postgres }
}
