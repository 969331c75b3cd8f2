// A server whose root key is in the hands of several: sealed until enough of them gave their share.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { assertRefused, clientOptions, launch, run, serve, temporaryDirectory } from './testing.ts'

const succeed = async (args: readonly string[], input?: string) => {
  const { code, stdout, stderr } = await run(args, {}, input)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

/** The address of a server that says it is sealed. */
async function sealed(server: ReturnType<typeof launch>): Promise<string> {
  for (let tries = 0; tries < 6_000; tries++) {
    const url = /^Strongroom sealed on (\S+): give it shares with strongroom unseal --data-dir \S+$/.exec(
      server.lines()[0] ?? '',
    )?.[1]
    if (url !== undefined) return url
    await sleep(20)
  }
  throw new Error(`the server did not say that it is sealed: ${server.stderr()}`)
}

const clientOf = (t: TestContext, server: { readonly url: string; readonly dataDir: string }) => {
  const client = new SecretsManagerClient(clientOptions(server))
  t.after(() => client.destroy())
  return client
}

test('shares are made once, prove themselves while the server serves, and open all workers of one that is sealed', async (t) => {
  const dataDir = temporaryDirectory(t)
  const at = ['--data-dir', dataDir]
  const first = await serve(t, dataDir)
  await clientOf(t, first).send(new CreateSecretCommand({ Name: 'a', SecretString: 'kept' }))
  assertRefused(await run(['root-key', 'add', 'shamir', ...at]), /^strongroom: --shares and --threshold go with shamir/)
  assertRefused(
    await run(['root-key', 'add', 'shamir', '--shares', '2', '--threshold', '3', ...at]),
    /^strongroom: --shares 2 --threshold 3 is not allowed: /,
  )
  const made = await run(['root-key', 'add', 'shamir', '--shares', '3', '--threshold', '2', ...at])
  assert.equal(made.code, 0, made.stderr)
  const shares = made.stdout.trimEnd().split('\n')
  assert.equal(shares.length, 3)
  for (const share of shares) assert.match(share, /^strongroom-share-1:[A-Za-z0-9_-]{70}$/)
  const { slot, set } = JSON.parse(made.stderr)

  const status = await succeed(['root-key', ...at])
  assert.deepEqual(
    status.slots.map(({ kind }: { kind: string }) => kind),
    ['file', 'shamir'],
  )
  const [fileSlot] = status.slots
  const unproven = await run(['root-key', 'verify', ...at])
  assert.equal(unproven.code, 1)
  assert.equal(JSON.parse(unproven.stdout).slots[1].state, 'has no root key here')
  assertRefused(
    await run(['root-key', 'remove', fileSlot.id, ...at]),
    /^strongroom: this server has no root key of any other slot/,
  )
  assertRefused(
    await run(['root-key', 'rotate', ...at]),
    /^strongroom: slot [0-9a-f]{16} \(shamir\) has no root key here/,
  )

  const one = await succeed(['unseal', ...at], `${shares[0]}\n`)
  assert.deepEqual(one, { sealed: false, set, shares: 3, threshold: 2, slot, received: 1 })
  assert.equal((await succeed(['seal-status', ...at])).sets[0].received, 1)
  await succeed(['unseal', ...at], shares[2])
  const verified = await succeed(['root-key', 'verify', ...at])
  assert.equal(verified.ok, true)
  await succeed(['root-key', 'rotate', ...at])
  assert.equal(await first.end(), 0)

  // Sealed, with two workers.
  const server = launch(t, dataDir, ['--root-key', 'shamir', '--workers', '2'])
  const url = await sealed(server)
  const client = clientOf(t, { url, dataDir })
  await assert.rejects(
    client.send(new GetSecretValueCommand({ SecretId: 'a' })),
    (error: Error & { $metadata?: { httpStatusCode?: number } }) => {
      assert.equal(error.name, 'ServiceUnavailable')
      assert.equal(error.message, 'The server is sealed: it waits for the shares of its root key.')
      assert.equal(error.$metadata?.httpStatusCode, 503)
      return true
    },
  )
  const sts = new STSClient(clientOptions({ url, dataDir }))
  t.after(() => sts.destroy())
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: 'ServiceUnavailable' })
  const health = await fetch(`${url}/_strongroom/health`)
  assert.equal(health.status, 503)
  assert.match(((await health.json()) as { problems: string[] }).problems[0]!, /^the server is sealed: /)
  assert.equal((await fetch(`${url}/_strongroom/metrics`)).status, 503)
  const told = await run(['health', ...at])
  assert.equal(told.code, 1)
  const { version } = JSON.parse(told.stdout)
  assert.match(version, /^\d+\.\d+\.\d+/)
  const diagnosis = await run(['doctor', ...at], { HOME: '/nowhere', AWS_ENDPOINT_URL: url })
  assert.match(diagnosis.stdout, /^fail {2}the server at \S+ is not well: the server is sealed: give it shares/m)
  assert.match(diagnosis.stdout, new RegExp(`^ok {4}the server and this command are version ${version}$`, 'm'))
  assertRefused(await run(['root-key', ...at]), /^strongroom: the server is sealed: /)
  assert.deepEqual(await succeed(['seal-status', ...at]), {
    sealed: true,
    sets: [{ set, shares: 3, threshold: 2, slot, received: 0 }],
  })
  assertRefused(await run(['unseal', ...at], {}, 'hunter2\n'), /^strongroom: this is not a whole share: /)
  assertRefused(await run(['unseal', ...at], {}, '\n'), /^strongroom: a share is missing: /)
  assert.deepEqual((await succeed(['unseal', ...at], shares[1])).sealed, true)
  assert.deepEqual((await succeed(['unseal', ...at], shares[0])).sealed, false)
  assert.equal(await server.ready, url)
  const read = async () => {
    const reader = clientOf(t, { url, dataDir })
    assert.equal((await reader.send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')
  }
  for (let call = 0; call < 4; call++) await read()

  // The key stays with the supervisor: a worker that is replaced is not sealed. Without the file's slot only shares open.
  assert.equal((await succeed(['seal-status', ...at])).sealed, false)
  if (process.platform === 'linux') {
    const workers = execFileSync('ps', ['-o', 'pid=', '--ppid', String(server.child.pid)], { encoding: 'utf8' })
    process.kill(Number(workers.trim().split(/\s+/)[0]), 'SIGKILL')
    while (!/"msg":"the worker was replaced"/.test(server.stderr())) await sleep(20)
    for (let call = 0; call < 4; call++) await read()
  }
  const removed = await succeed([
    'root-key',
    'remove',
    (await succeed(['root-key', ...at])).slots.find(({ kind }: { kind: string }) => kind === 'file').id,
    ...at,
  ])
  assert.equal(removed.note, undefined)
  assert.deepEqual(
    removed.slots.map(({ id, kind }: { id: string; kind: string }) => [id, kind]),
    [[slot, 'shamir']],
  )
  assertRefused(await run(['root-key', 'remove', slot, ...at]), /^strongroom: slot [0-9a-f]{16} is the last one/)

  const cloudtrail = new CloudTrailClient(clientOptions({ url, dataDir }))
  t.after(() => cloudtrail.destroy())
  const events = JSON.stringify((await cloudtrail.send(new LookupEventsCommand({}))).Events)
  for (const name of ['AddRootKey', 'GiveShare', 'Unseal', 'RemoveRootKey'])
    assert.ok(events.includes(`"${name}`), name)
  assert.equal(await server.end(), 0)

  // A restart seals again; the shares are in no file and no log.
  const again = launch(t, dataDir, ['--root-key', 'shamir'])
  await sealed(again)
  assert.equal(await again.end(), 0)
  assertRefused(await run(['serve', ...at, '--port', '0']), /^strongroom: wrong root key /)
  const said = [events, first.stderr(), server.stderr(), again.stderr(), ...server.lines()]
  for (const name of readdirSync(dataDir))
    if (name !== 'admin.sock') said.push(readFileSync(join(dataDir, name), 'latin1'))
  for (const share of shares) for (const text of said) assert.ok(!text.includes(share.slice(-40)))
})

test('shares cannot make a keyring, and a server that has another root key is not sealed', async (t) => {
  const dataDir = temporaryDirectory(t)
  assertRefused(
    await run(['serve', '--data-dir', dataDir, '--port', '0', '--root-key', 'shamir']),
    /^strongroom: --root-key shamir opens a keyring that is there: /,
  )
  const server = await serve(t, dataDir, ['--root-key', 'shamir', '--root-key', 'file'])
  assert.match(server.lines()[0]!, /^Strongroom ready/)
  await run(['root-key', 'add', 'shamir', '--shares', '2', '--threshold', '2', '--data-dir', dataDir])
  await server.end()
  await serve(t, dataDir, ['--root-key', 'shamir', '--root-key', 'file'])
})
