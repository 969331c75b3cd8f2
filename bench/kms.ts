// KMS over HTTP with everything on, on one core: Encrypt, Decrypt and GenerateDataKey against a bare node:http echo; and what GetSecretValue
// feels of RSA-4096 keys being made meanwhile.
// Usage: node bench/kms.ts [seconds per turn]

import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, type Result, signedCall } from './load.ts'
import { signerOf, startEcho, startStrongroom } from './servers.ts'

const SECONDS = Number(process.argv[2] ?? 6)
const WARM_SECONDS = 4
const CORE = '0'

const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const server = await startStrongroom(CORE, dataDir)
const signer = { ...signerOf(dataDir, server.port), host: `127.0.0.1:${server.port}` }
const kms = (operation: string, input: object): Buffer => signedCall(signer, `TrentService.${operation}`, input, 'kms')
const post = (request: Buffer): Promise<string> => answerOf(server.port, request)

const made = await post(kms('CreateKey', {}))
const KeyId = JSON.parse(made).KeyMetadata.KeyId as string
const Plaintext = Buffer.alloc(32, 7).toString('base64')
const EncryptionContext = { app: 'bench' }
const { CiphertextBlob } = JSON.parse(await post(kms('Encrypt', { KeyId, Plaintext, EncryptionContext })))
await post(
  signedCall(signer, 'secretsmanager.CreateSecret', {
    Name: 'bench',
    SecretString: 'x'.repeat(700),
    ClientRequestToken: crypto.randomUUID(),
  }),
)

const show = (name: string, { perSecond, p50Ms, p99Ms, failures }: Result): void =>
  console.log(
    `${name.padEnd(40)} ${perSecond.toFixed(0).padStart(7)}/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms${failures ? `  ${failures} failed` : ''}`,
  )

for (const [name, input] of [
  ['Encrypt', { KeyId, Plaintext, EncryptionContext }],
  ['Decrypt', { CiphertextBlob, EncryptionContext }],
  ['GenerateDataKey', { KeyId, KeySpec: 'AES_256', EncryptionContext }],
] as const) {
  const request = kms(name, input)
  const options = { port: server.port, connections: 64, next: () => request }
  await load({ ...options, seconds: WARM_SECONDS })
  show(name, await load({ ...options, seconds: SECONDS }))
}

const read = signedCall(signer, 'secretsmanager.GetSecretValue', { SecretId: 'bench' })
const quiet = { port: server.port, connections: 4, next: () => read }
await load({ ...quiet, seconds: WARM_SECONDS })
show('GetSecretValue, 4 wide, alone', await load({ ...quiet, seconds: SECONDS }))
const pair = kms('GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'RSA_4096' })
const pairs = load({ port: server.port, connections: 8, seconds: SECONDS, next: () => pair })
show('GetSecretValue, 4 wide, while RSA-4096', await load({ ...quiet, seconds: SECONDS }))
show('GenerateDataKeyPair RSA_4096, 8 wide', await pairs)
await server.stop()

const echo = await startEcho(CORE, 400)
const plain = { port: echo.port, connections: 64, next: () => read }
await load({ ...plain, seconds: WARM_SECONDS })
show('bare node:http echo', await load({ ...plain, seconds: SECONDS }))
await echo.stop()
rmSync(dataDir, { recursive: true, force: true })

/** The body of one answer. */
function answerOf(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += chunk
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (head < 0 || text.length - head - 4 < length) return
      socket.destroy()
      resolve(text.slice(head + 4))
    })
    socket.write(request)
  })
}
