// Encrypt, Decrypt and GenerateDataKey against a bare node:http echo with bodies of the same size, in turns, on one core; and GetSecretValue while
// the same server makes RSA-4096 keys. Usage: node bench/kms-api.ts [seconds per turn]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { load, type Result, type Signer, signedCall } from './load.ts'
import { type Measured, REGION, signerOf, startEcho, startStrongroom } from './servers.ts'

const SECONDS = Number(process.argv[2] ?? 6)
const TURNS = 3
const WARM_SECONDS = 4
const CONNECTIONS = 64
const ANSWER_BYTES = 400
const context = { purpose: 'bench' }

const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const filler = await startStrongroom('0', dataDir)
const { signer, KeyId, CiphertextBlob } = await prepare(filler)
await filler.stop()

const operations = {
  Encrypt: { KeyId, Plaintext: Buffer.alloc(32, 1).toString('base64'), EncryptionContext: context },
  Decrypt: { KeyId, CiphertextBlob, EncryptionContext: context },
  GenerateDataKey: { KeyId, KeySpec: 'AES_256', EncryptionContext: context },
}
const kmsCall = (at: Measured, operation: string, input: object): Buffer =>
  signedCall({ ...signer, host: `127.0.0.1:${at.port}` }, `TrentService.${operation}`, input, 'kms')
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

const results = new Map<string, Result[]>(['bare node:http echo', ...Object.keys(operations)].map((name) => [name, []]))
for (let turn = 0; turn < TURNS; turn += 1) {
  for (const [name, runs] of results) {
    const isEcho = !(name in operations)
    const server = await (isEcho ? startEcho('0', ANSWER_BYTES) : startStrongroom('0', dataDir))
    const [operation, input] = isEcho ? ['Encrypt', operations.Encrypt] : [name, operations[name as 'Encrypt']]
    const call = kmsCall(server, operation, input)
    const options = { port: server.port, connections: CONNECTIONS, next: () => call }
    await load({ ...options, seconds: WARM_SECONDS })
    runs.push(await load({ ...options, seconds: SECONDS }))
    await server.stop()
  }
}
const echo = median(results.get('bare node:http echo')!.map(({ perSecond }) => perSecond))
console.log(`${CONNECTIONS} connections, ${TURNS} turns of ${SECONDS} s each, medians`)
console.log('| operation | requests/s | of the echo | p50 ms | p99 ms | failures |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
for (const [name, runs] of results) {
  const perSecond = median(runs.map((run) => run.perSecond))
  const [p50, p99] = [median(runs.map((run) => run.p50Ms)), median(runs.map((run) => run.p99Ms))]
  const failures = runs.reduce((sum, run) => sum + run.failures, 0)
  const share = `${((100 * perSecond) / echo).toFixed(0)} %`
  console.log(`| ${name} | ${perSecond.toFixed(0)} | ${share} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${failures} |`)
}

console.log(`\nGetSecretValue at 4 connections, both cores, ${TURNS} turns of ${SECONDS} s each, medians`)
console.log('| meanwhile | requests/s | p50 ms | p99 ms | RSA-4096 keys/s |')
console.log('| --- | ---: | ---: | ---: | ---: |')
const server = await startStrongroom('0,1', dataDir)
const read = signedCall({ ...signer, host: `127.0.0.1:${server.port}` }, 'secretsmanager.GetSecretValue', {
  SecretId: 'bench',
})
const pair = kmsCall(server, 'GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'RSA_4096' })
const reading = { port: server.port, connections: 4, seconds: SECONDS, next: () => read }
const making = { port: server.port, connections: 4, seconds: SECONDS, next: () => pair }
await load({ ...reading, seconds: WARM_SECONDS })
const quiet: Result[] = []
const busy: Result[] = []
const keys: number[] = []
for (let turn = 0; turn < TURNS; turn += 1) {
  quiet.push(await load(reading))
  const [reads, made] = await Promise.all([load(reading), load(making)])
  busy.push(reads)
  keys.push((made.requests - made.failures) / SECONDS)
}
await server.stop()
for (const [name, runs, perSecond] of [
  ['nothing', quiet, '0'],
  ['RSA-4096 key pairs, 4 asked for at once', busy, median(keys).toFixed(1)],
] as const) {
  const [rate, p50, p99] = (['perSecond', 'p50Ms', 'p99Ms'] as const).map((field) =>
    median(runs.map((run) => run[field])),
  )
  console.log(`| ${name} | ${rate!.toFixed(0)} | ${p50!.toFixed(2)} | ${p99!.toFixed(2)} | ${perSecond} |`)
}
rmSync(dataDir, { recursive: true, force: true })

async function prepare(at: Measured): Promise<{ signer: Signer; KeyId: string; CiphertextBlob: string }> {
  const signer = signerOf(dataDir, at.port)
  const secret = signedCall(signer, 'secretsmanager.CreateSecret', {
    Name: 'bench',
    SecretString: 'x'.repeat(700),
    ClientRequestToken: crypto.randomUUID(),
  })
  const { failures } = await load({ port: at.port, connections: 1, seconds: 0, next: () => secret })
  if (failures > 0) throw new Error('CreateSecret failed')
  const kms = new KMSClient({ endpoint: `http://${signer.host}`, region: REGION, credentials: signer })
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  const KeyId = KeyMetadata!.KeyId!
  const sealed = await kms.send(
    new EncryptCommand({ KeyId, Plaintext: Buffer.alloc(32, 1), EncryptionContext: context }),
  )
  kms.destroy()
  return { signer, KeyId, CiphertextBlob: Buffer.from(sealed.CiphertextBlob!).toString('base64') }
}
