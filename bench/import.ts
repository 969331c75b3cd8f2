// Secrets a second that `strongroom import aws` brings from one server to another: 1,000 secrets with 3 versions each, a first time and a second.
// Usage: node bench/import.ts [secrets]

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { REGION, signerOf, startStrongroom } from './servers.ts'

const SECRETS = Number(process.argv[2] ?? 1_000)
const BIN = join(import.meta.dirname, '../packages/cli/bin/strongroom.js')
const AT_ONCE = 16

const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const dirs = { old: join(folder, 'old'), fresh: join(folder, 'fresh') }
const old = await startStrongroom('0,1', dirs.old)
const fresh = await startStrongroom('0,1', dirs.fresh)
const [from, to] = [signerOf(dirs.old, old.port), signerOf(dirs.fresh, fresh.port)]
const keysOf = (profile: string, { accessKeyId, secretAccessKey }: typeof from): string =>
  `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
const credentials = join(folder, 'credentials')
writeFileSync(credentials, keysOf('old', from) + keysOf('default', to), { mode: 0o600 })
await fill()

console.log('| run | secrets/s | seconds | load |')
console.log('| --- | --- | --- | --- |')
for (const run of ['first', 'again, nothing to do']) {
  const begun = performance.now()
  await bring()
  const seconds = (performance.now() - begun) / 1_000
  console.log(`| ${run} | ${(SECRETS / seconds).toFixed(0)} | ${seconds.toFixed(1)} | ${loadavg()[0]!.toFixed(1)} |`)
}
await Promise.all([old.stop(), fresh.stop()])
rmSync(folder, { recursive: true, force: true })

/** Three versions each, all of them with labels: 700 bytes. */
async function fill(): Promise<void> {
  const client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${old.port}`,
    region: REGION,
    credentials: { accessKeyId: from.accessKeyId, secretAccessKey: from.secretAccessKey },
  })
  const SecretString = 'x'.repeat(700)
  let next = 0
  const one = async (): Promise<void> => {
    for (let at = next++; at < SECRETS; at = next++) {
      const SecretId = `app/${at}`
      await client.send(new CreateSecretCommand({ Name: SecretId, SecretString }))
      await client.send(new PutSecretValueCommand({ SecretId, SecretString, VersionStages: ['blue'] }))
      await client.send(new PutSecretValueCommand({ SecretId, SecretString }))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  client.destroy()
}

async function bring(): Promise<void> {
  const source = ['--source-endpoint-url', `http://127.0.0.1:${old.port}`, '--source-profile', 'old']
  const target = ['--endpoint-url', `http://127.0.0.1:${fresh.port}`]
  const args = ['import', 'aws', ...source, ...target]
  const env = { PATH: process.env.PATH, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_REGION: REGION }
  const child = spawn(process.execPath, [BIN, ...args], { stdio: 'ignore', env })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the import ended with ${code}`)
}
