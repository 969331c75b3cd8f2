// What the operator does on a running server: recover, backup and restore, keys, audit, clock, workers.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { assertRefused, clientOptions, run, type ServerProcess, serve, temporaryDirectory } from './testing.ts'

const clientOf = (t: TestContext, server: ServerProcess): SecretsManagerClient => {
  const client = new SecretsManagerClient(clientOptions(server))
  t.after(() => client.destroy())
  return client
}

const succeed = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(args)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

test('recover, backup, restore, root-key, domain-keys, audit verify and health work on a running server', async (t) => {
  const server = await serve(t)
  const { dataDir } = server
  const at = ['--data-dir', dataDir]
  const lost = clientOptions(server).credentials
  await clientOf(t, server).send(new CreateSecretCommand({ Name: 'a', SecretString: 'kept' }))

  const recovered = await succeed('admin', 'recover', ...at)
  const credentials = clientOptions(server).credentials
  assert.equal(recovered.accessKeyId, credentials.accessKeyId)
  assert.notEqual(credentials.accessKeyId, lost.accessKeyId)
  assert.ok(!JSON.stringify(recovered).includes(credentials.secretAccessKey))
  assert.equal(statSync(join(dataDir, 'credentials')).mode & 0o777, 0o600)
  const client = clientOf(t, server)
  assert.equal((await client.send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')

  const described = await succeed('root-key', ...at)
  const before = readFileSync(join(dataDir, 'root.key'))
  const rotated = await succeed('root-key', 'rotate', ...at)
  assert.equal(rotated.instanceId, described.instanceId)
  assert.equal(rotated.keyringVersion, described.keyringVersion + 1)
  assert.notDeepEqual(readFileSync(join(dataDir, 'root.key')), before)

  const { versions, resealed } = await succeed('domain-keys', 'rotate', ...at)
  assert.equal(versions.domain, 2)
  assert.ok(resealed >= 1)
  assert.equal((await client.send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')

  const file = join(temporaryDirectory(t), 'backup')
  assert.deepEqual(await succeed('backup', file, ...at), { file })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assertRefused(await run(['backup', file, ...at]), /^strongroom: .*backup/)

  const health = await succeed('health', ...at)
  assert.equal(health.ok, true)
  assert.ok('sandbox' in health.functions || 'reason' in health.functions)
  assert.equal((await succeed('audit', 'verify', ...at)).ok, true)
  const cloudtrail = new CloudTrailClient(clientOptions(server))
  t.after(() => cloudtrail.destroy())
  assert.equal(await server.end(), 0)

  const restored = temporaryDirectory(t)
  await succeed('restore', file, '--data-dir', restored)
  assertRefused(await run(['restore', file, '--data-dir', restored]), /^strongroom: /)
  assertRefused(await run(['serve', '--data-dir', restored, '--port', '0']), /^strongroom: .*root\.key/)
  for (const name of ['root.key', 'credentials']) copyFileSync(join(dataDir, name), join(restored, name))
  const again = await serve(t, restored)
  const reader = clientOf(t, again)
  assert.equal((await reader.send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')
  assert.equal((await succeed('audit', 'verify', '--data-dir', restored)).ok, true)
})

test('what an operator does stands in the audit trail, and a trail that was edited does not verify', async (t) => {
  const server = await serve(t)
  const at = ['--data-dir', server.dataDir]
  await succeed('admin', 'recover', ...at)
  const cloudtrail = new CloudTrailClient(clientOptions(server))
  t.after(() => cloudtrail.destroy())
  const { Events = [] } = await cloudtrail.send(
    new LookupEventsCommand({
      LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'RecoverAdministrator' }],
    }),
  )
  assert.equal(Events.length, 1)
  assert.ok(!JSON.stringify(Events).includes(clientOptions(server).credentials.secretAccessKey))

  const database = new DatabaseSync(join(server.dataDir, 'audit-0.db'))
  const { changes } = database.prepare("DELETE FROM audit_block WHERE seq = 1 AND chain LIKE '%.reads'").run()
  database.close()
  assert.equal(changes, 1)
  const { code, stdout } = await run(['audit', 'verify', ...at])
  assert.equal(code, 1)
  assert.equal(JSON.parse(stdout).ok, false)
})

test('audit verify needs no running server: it says the same, takes the data directory, and finds what was edited', async (t) => {
  const server = await serve(t, temporaryDirectory(t), ['--workers', '2'])
  const { dataDir } = server
  const verify = (...args: string[]) => run(['audit', 'verify', '--data-dir', dataDir, ...args])
  for (let call = 0; call < 4; call++) {
    const client = new SecretsManagerClient(clientOptions(server))
    await client.send(new CreateSecretCommand({ Name: `secret-${call}`, SecretString: 'x' }))
    await client.send(new DescribeSecretCommand({ SecretId: `secret-${call}` }))
    client.destroy()
  }
  const running = await verify()
  assert.equal(running.code, 0, running.stderr)
  assert.equal(JSON.parse(running.stdout).events, 8)
  rmSync(join(dataDir, 'admin.sock'))
  assertRefused(await verify(), /^strongroom: --data-dir .* is in use by another server: /)
  await server.end()

  assert.deepEqual(await verify(), running)
  const other = join(temporaryDirectory(t), 'other.key')
  writeFileSync(other, randomBytes(32).toString('base64'), { mode: 0o600 })
  assertRefused(await verify('--root-key', `file:${other}`), /^strongroom: wrong root key /)
  const nothing = temporaryDirectory(t)
  assertRefused(await run(['audit', 'verify', '--data-dir', nothing]), /^strongroom: --data-dir .* holds no database: /)
  assert.deepEqual(readdirSync(nothing), [])

  const database = new DatabaseSync(join(dataDir, 'strongroom.db'))
  database.exec("UPDATE audit_block SET first_time = first_time - 1 WHERE chain <> 'directory' AND seq = 1")
  database.close()
  const edited = await verify()
  assert.equal(edited.code, 1)
  const { ok, problems } = JSON.parse(edited.stdout)
  assert.equal(ok, false)
  assert.match(problems[0].what, /does not carry the MAC that it must/)
  await serve(t, dataDir)
})

test('the test clock is advanced by a signed call, purges what is due, and is kept across a restart', async (t) => {
  const server = await serve(t, temporaryDirectory(t), ['--test-clock', '--workers', '2'])
  const client = clientOf(t, server)
  await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'b' }))
  await client.send(new DeleteSecretCommand({ SecretId: 'a', RecoveryWindowInDays: 7 }))
  const advance = (url: string, duration: string) =>
    run(['clock', 'advance', duration, '--endpoint-url', url, '--data-dir', server.dataDir])

  assertRefused(await advance(server.url, '-P7D'), /^strongroom: unknown option '-P7D'|^strongroom: advance must be/)
  assertRefused(await advance(server.url, 'P7X'), /^strongroom: advance must be an ISO 8601 duration/)
  const answer = await advance(server.url, 'P7DT1H')
  assert.equal(answer.code, 0, answer.stderr)
  const { now, aheadMs } = JSON.parse(answer.stdout)
  assert.equal(aheadMs, 7 * 86_400_000 + 3_600_000)
  assert.ok(Math.abs(Date.parse(now) - Date.now() - aheadMs) < 60_000)

  for (let tries = 0; ; tries++) {
    const gone = await client.send(new DescribeSecretCommand({ SecretId: 'a' })).then(
      () => false,
      (error: Error) => error.name === 'ResourceNotFoundException',
    )
    if (gone) break
    assert.ok(tries < 100, 'the secret is purged within five seconds')
    await sleep(50)
  }
  assert.equal(await server.end(), 0)

  const again = await serve(t, server.dataDir, ['--test-clock'])
  assert.equal((await succeed('health', '--data-dir', server.dataDir)).testClockAheadMs, aheadMs)
  await again.end()
  const without = await serve(t, server.dataDir)
  assertRefused(
    await advance(without.url, 'P1D'),
    /^strongroom: The clock can only be advanced on a server started with --test-clock\.\n/,
  )
})

test('the root key moves from a file to a credential, a variable and another file while two workers serve', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const directory = temporaryDirectory(t)
  const dataDir = join(directory, 'data')
  const fresh = () => randomBytes(32).toString('base64')
  const [credential, inVariable] = [fresh(), fresh()]
  writeFileSync(join(directory, 'root-key-2'), credential, { mode: 0o400 })
  const variables = { CREDENTIALS_DIRECTORY: directory, STRONGROOM_WORKERS: '2' }
  const server = await serve(t, dataDir, [], variables)
  const client = clientOf(t, server)
  await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'kept' }))

  const rotate = async (newRootKey: string, its: { readonly [name: string]: string } = {}) => {
    const outcome = await run(['root-key', 'rotate', '--new-root-key', newRootKey, '--data-dir', dataDir], its)
    assert.equal(outcome.code, 0, outcome.stderr)
    const { next, slots } = JSON.parse(outcome.stdout)
    assert.equal(slots.length, 1)
    return next
  }
  assert.equal(await rotate('credential:root-key-2'), 'the next start needs --root-key credential:root-key-2')
  assertRefused(
    await run(['root-key', 'rotate', '--data-dir', dataDir]),
    /^strongroom: the server cannot write the root key in .*root-key-2: make a new one, and say where it is with --new-root-key /,
  )
  assert.equal(await rotate('env:MY_KEY', { MY_KEY: inVariable }), 'the next start needs --root-key env:MY_KEY')
  const made = join(directory, 'made.key')
  assert.equal(await rotate(`file:${made}`), `the next start needs --root-key file:${made}`)
  assertRefused(
    await run(['root-key', 'rotate', '--new-root-key', `file:${made}`, '--data-dir', dataDir]),
    /^strongroom: the root key in .*made\.key is the one in use: /,
  )
  assertRefused(
    await run(['root-key', 'rotate', '--new-root-key', 'env:NOT_SET', '--data-dir', dataDir]),
    /^strongroom: --new-root-key env:NOT_SET needs the variable NOT_SET: /,
  )
  assertRefused(
    await run(['root-key', 'rotate', '--new-root-key', 'vault', '--data-dir', dataDir]),
    /^strongroom: --new-root-key vault is not allowed: /,
  )

  // Both workers read what new domain keys seal, and one that comes later starts with the new root key.
  await succeed('domain-keys', 'rotate', '--data-dir', dataDir)
  await client.send(new CreateSecretCommand({ Name: 'b', SecretString: 'new' }))
  process.kill(workersOf(server.child.pid!)[0]!, 'SIGKILL')
  while (!/"msg":"the worker was replaced"/.test(server.stderr())) await sleep(20)
  for (let call = 0; call < 4; call++) {
    const reader = clientOf(t, server)
    assert.equal((await reader.send(new GetSecretValueCommand({ SecretId: 'b' }))).SecretString, 'new')
    assert.equal((await fetch(`${server.url}/_strongroom/health`, { keepalive: false })).status, 200)
  }
  assert.doesNotMatch(server.stderr(), /the keyring cannot be read again/)
  assert.equal((await succeed('audit', 'verify', '--data-dir', dataDir)).ok, true)
  const cloudtrail = new CloudTrailClient(clientOptions(server))
  t.after(() => cloudtrail.destroy())
  const { Events = [] } = await cloudtrail.send(
    new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'RotateRootKey' }] }),
  )
  const recorded = JSON.stringify(Events)
  assert.match(recorded, /env:MY_KEY/)
  assert.equal(await server.end(), 0)
  for (const said of [recorded, server.stderr()]) {
    for (const key of [credential, inVariable]) assert.ok(!said.includes(key))
  }

  assertRefused(
    await run(['serve', '--data-dir', dataDir, '--port', '0']),
    /^strongroom: wrong root key \(.*root\.key\)/,
  )
  const again = await serve(t, dataDir, ['--root-key', `file:${made}`])
  assert.equal((await clientOf(t, again).send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'kept')
})

const workersOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number).filter(isWorker)

const isWorker = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker.ts')
  } catch {
    return false
  }
}

test('a worker that is killed is replaced, and when the supervisor is killed its workers end', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const server = await serve(t, temporaryDirectory(t), ['--workers', '2', '--port', '0'])
  assert.equal(server.lines().filter((line) => line.startsWith('Strongroom ready')).length, 1)
  const client = clientOf(t, server)
  await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'b' }))
  const workers = workersOf(server.child.pid!)
  assert.equal(workers.length, 2)
  assertRefused(
    await run(['serve', '--data-dir', server.dataDir, '--port', '0']),
    /^strongroom: --data-dir .* is in use by another server: /,
  )

  process.kill(workers[0]!, 'SIGKILL')
  while (!/"msg":"the worker was replaced"/.test(server.stderr())) await sleep(20)
  const replaced = workersOf(server.child.pid!)
  assert.equal(replaced.length, 2)
  assert.ok(!replaced.includes(workers[0]!))
  assert.equal((await clientOf(t, server).send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'b')

  await server.end('SIGKILL')
  while (replaced.some(isWorker)) await sleep(20)
  const next = await serve(t, server.dataDir, ['--workers', '2'])
  assert.equal((await clientOf(t, next).send(new GetSecretValueCommand({ SecretId: 'a' }))).SecretString, 'b')
  assert.ok(existsSync(join(next.dataDir, 'admin.sock')))
  const last = workersOf(next.child.pid!)
  assert.equal(await next.end(), 0)
  assert.ok(!last.some(isWorker), 'the workers ended with their supervisor')
})

test('whichever worker answers, the metrics are the sum over all, and one that hangs is left out', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const server = await serve(t, temporaryDirectory(t), ['--workers', '2'])
  // A connection each, so that both workers have some.
  for (let call = 0; call < 6; call++) {
    const client = new SecretsManagerClient(clientOptions(server))
    await client.send(new CreateSecretCommand({ Name: `secret-${call}`, SecretString: 'x' }))
    client.destroy()
  }
  const created = 'strongroom_requests_total{service="secretsmanager",operation="CreateSecret",code=""}'
  for (let scrape = 0; scrape < 4; scrape++) {
    const metrics = await scrapeMetrics(server.url)
    assert.equal(metrics.get('strongroom_workers'), 2)
    assert.equal(metrics.get(created), 6)
    assert.equal(metrics.get('strongroom_request_seconds_count{service="secretsmanager",operation="CreateSecret"}'), 6)
  }

  const [hangs] = workersOf(server.child.pid!)
  process.kill(hangs!, 'SIGSTOP')
  t.after(() => isWorker(hangs!) && process.kill(hangs!, 'SIGKILL'))
  // The worker that hangs is given one connection and no other.
  const alone = await Promise.any([scrapeMetrics(server.url), scrapeMetrics(server.url)])
  assert.equal(alone.get('strongroom_workers'), 1)
  assert.ok(alone.get(created)! < 6)
  process.kill(hangs!, 'SIGCONT')
  while ((await scrapeMetrics(server.url)).get('strongroom_workers') !== 2) await sleep(20)
  assert.equal(await server.end(), 0)
})

/** Each line of the metrics: its name with its labels, and its value. */
async function scrapeMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const { get } = await import('node:http')
  const text = await new Promise<string>((resolve, reject) => {
    get(`${url}/_strongroom/metrics`, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
    }).on('error', reject)
  })
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

test('SIGHUP takes a new certificate, and TLS older than 1.3 is refused', async (t) => {
  const directory = temporaryDirectory(t)
  const certify = (name: string) => {
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')]
    execFileSync('openssl', [...args, ...subject, ...files], { stdio: 'ignore' })
  }
  certify('first')
  mkdirSync(join(directory, 'data'), { mode: 0o700 })
  const args = ['--tls-cert', join(directory, 'cert.pem'), '--tls-key', join(directory, 'key.pem')]
  const server = await serve(t, join(directory, 'data'), args)
  assert.match(server.url, /^https:/)
  assert.equal(await subjectAt(server.url), 'first')
  await assert.rejects(subjectAt(server.url, 'TLSv1.2'))
  certify('second')
  server.child.kill('SIGHUP')
  while (!/"msg":"the certificate was read again"/.test(server.stderr())) await sleep(10)
  assert.equal(await subjectAt(server.url), 'second')
  assert.equal(await server.end(), 0)
})

async function subjectAt(url: string, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<unknown> {
  const { connect } = await import('node:tls')
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, maxVersion }, () => {
      resolve(socket.getPeerCertificate().subject.CN)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
