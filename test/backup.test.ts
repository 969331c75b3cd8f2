// A backup taken under load, restored elsewhere: everything acknowledged before it is there, and the trail is whole.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { COMMAND, clientOf, makeHome, REGION, startProcess } from './server-process.ts'

/** Between a writer's calls: all that they wrote is read again. */
const PAUSE_MS = 20

const strongroom = (...args: readonly string[]) => promisify(execFile)(process.execPath, [COMMAND, ...args])

test('a backup of a busy server holds what was acknowledged before it, and verifies where it is restored', async (t) => {
  const home = await makeHome(t)
  const server = await startProcess(home)
  const client = clientOf(server)
  const stop = { now: false }
  const written: string[] = []
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let number = 0; !stop.now; number++) {
      const Name = `w${writer}-${number}`
      await client.send(new CreateSecretCommand({ Name, SecretString: `value of ${Name}` }))
      await client.send(new GetSecretValueCommand({ SecretId: Name }))
      written.push(Name)
      await sleep(PAUSE_MS)
    }
  })
  // Heads of the audit chains are recorded each second.
  await sleep(1_500)
  while (written.length < 5) await sleep(50)
  const before = [...written]
  const file = join(home.dataDir, 'backup')
  await strongroom('backup', file, '--data-dir', home.dataDir)
  stop.now = true
  await Promise.all(writers)
  client.destroy()
  await server.kill('SIGTERM')

  const other = await makeHome(t, { bare: true })
  await strongroom('restore', file, '--data-dir', other.dataDir, ...other.options)
  copyFileSync(join(home.dataDir, 'root.key'), join(other.dataDir, 'root.key'))
  copyFileSync(join(home.dataDir, 'credentials'), join(other.dataDir, 'credentials'))
  const restored = await startProcess(other)
  const reader = clientOf(restored)
  for (const SecretId of before) {
    const { SecretString, ARN } = await reader.send(new GetSecretValueCommand({ SecretId }))
    assert.equal(SecretString, `value of ${SecretId}`)
    assert.ok(ARN!.includes(REGION))
  }
  reader.destroy()
  const { stdout } = await strongroom('audit', 'verify', '--data-dir', other.dataDir)
  assert.deepEqual((JSON.parse(stdout) as { readonly problems: unknown }).problems, [])
  assert.equal(await restored.kill('SIGTERM'), 0)
})
