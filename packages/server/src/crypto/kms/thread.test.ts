import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { readdirSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'node:test'
import { CryptoError } from './crypto-error.ts'
import { generateKeyMaterial, openPrivateKey, openPublicKey, publicKeyDer } from './key-material.ts'
import { SIGNATURES_WAITING_MAX, sign, verify } from './signature.ts'
import { Thread } from './thread.ts'

test('many signatures asked for at once are each answered with their own, and what fails fails alone', async () => {
  const key = openPrivateKey('ECC_NIST_P256', await generateKeyMaterial('ECC_NIST_P256'))
  const shown = openPublicKey('ECC_NIST_P256', publicKeyDer(key))
  const digests = Array.from({ length: 50 }, () => crypto.randomBytes(32))
  const signing = digests.map((digest) => sign(key, 'ECDSA_SHA_256', 'DIGEST', digest))
  const failing = sign({ ...key, privateKey: shown.publicKey }, 'ECDSA_SHA_256', 'DIGEST', digests[0]!)
  const verifying = verify(shown, 'ECDSA_SHA_256', 'DIGEST', digests[0]!, await signing[0]!)
  await assert.rejects(failing, Error)
  const signatures = await Promise.all(signing)
  for (const [i, signature] of signatures.entries())
    assert.ok(await verify(shown, 'ECDSA_SHA_256', 'DIGEST', digests[i]!, signature))
  assert.equal(await verifying, true)
})

test('a flood of signatures is turned away, not queued without end', async () => {
  const key = openPrivateKey('ECC_NIST_P256', await generateKeyMaterial('ECC_NIST_P256'))
  const digest = crypto.randomBytes(32)
  const asked = Array.from({ length: SIGNATURES_WAITING_MAX + 5 }, () => sign(key, 'ECDSA_SHA_256', 'DIGEST', digest))
  const refused = (await Promise.allSettled(asked)).filter((outcome) => outcome.status === 'rejected')
  assert.equal(refused.length, 5)
  assert.ok(refused.every(({ reason }) => reason instanceof CryptoError && reason.refusal === 'busy'))
})

test('the thread that serves requests stays free while signatures are made', async () => {
  const key = openPrivateKey('ML_DSA_87', await generateKeyMaterial('ML_DSA_87'))
  await sign(key, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', crypto.randomBytes(64)) // starts the thread
  const cpu = process.threadCpuUsage()
  const all = process.cpuUsage()
  for (let i = 0; i < 20; i += 1) await sign(key, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', crypto.randomBytes(64))
  const own = process.threadCpuUsage(cpu)
  const whole = process.cpuUsage(all)
  assert.ok(
    own.user + own.system < (whole.user + whole.system) / 2,
    `${own.user + own.system} of ${whole.user + whole.system} µs`,
  )
})

test('RSA keys are made on a thread of low priority', {
  skip: process.platform !== 'linux' && 'threads have no priority here',
}, async () => {
  const made = generateKeyMaterial('RSA_4096')
  const nice = (): readonly number[] => readdirSync('/proc/self/task').map((task) => getPriority(Number(task)))
  let seen: readonly number[] = []
  const done = made.then(() => true)
  while (!(await Promise.race([done, new Promise<false>((resolve) => setTimeout(resolve, 20, false))]))) seen = nice()
  assert.equal(seen.filter((priority) => priority === 10).length, 1, String(seen))
  assert.equal(getPriority(), 0)
})

test('a thread that ends fails what waited, and the next task has a new one', async () => {
  const program = `
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (task) => (task === 'die' ? process.exit(1) : parentPort.postMessage({ result: task })))`
  const thread = new Thread<string>(new URL(`data:text/javascript,${encodeURIComponent(program)}`), 10)
  assert.equal(await thread.run('one'), 'one')
  const [died, waited] = [thread.run('die'), thread.run('two')]
  await assert.rejects(died, /has ended/)
  await assert.rejects(waited, /has ended/)
  assert.equal(await thread.run('three'), 'three')
})
