// The cryptography of KMS without its API: operations a second, one after another, and how long each holds the thread that serves requests. What
// runs on the thread pool holds it for microseconds. Usage: node bench/kms-crypto.ts [seconds per operation]

import { randomBytes } from 'node:crypto'
import { generateMac, verifyMac } from '../packages/server/src/crypto/kms/hmac.ts'
import { deriveSharedSecret } from '../packages/server/src/crypto/kms/key-agreement.ts'
import { canonicalKeyMaterial } from '../packages/server/src/crypto/kms/key-import.ts'
import {
  generateKeyMaterial,
  openMacKey,
  openPrivateKey,
  openPublicKey,
  publicKeyDer,
} from '../packages/server/src/crypto/kms/key-material.ts'
import { decryptOaep, encryptOaep } from '../packages/server/src/crypto/kms/rsa-oaep.ts'
import { sign, verify } from '../packages/server/src/crypto/kms/signature.ts'
import {
  digestBytesOf,
  encryptionAlgorithmsOf,
  isAsymmetric,
  isHmac,
  isRsa,
  KEY_SPECS,
  keyUsagesOf,
  macAlgorithmsOf,
  messageTypesOf,
  type RsaEncryptionAlgorithm,
  signingAlgorithmsOf,
} from '../packages/server/src/crypto/kms/spec.ts'

const SECONDS = Number(process.argv[2] ?? 1)

async function measure(name: string, operation: () => unknown): Promise<void> {
  await operation() // compiles it, and starts the signing thread
  const started = performance.now()
  const cpu = process.threadCpuUsage()
  let operations = 0
  do {
    await operation()
    operations += 1
  } while (performance.now() - started < SECONDS * 1_000)
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.threadCpuUsage(cpu)
  const held = (user + system) / operations / 1_000
  console.log(`| ${name} | ${(operations / seconds).toFixed(operations < 100 ? 1 : 0)} | ${held.toFixed(3)} |`)
}

console.log('| operation | a second | ms of the serving thread |')
console.log('| --- | ---: | ---: |')
for (const spec of KEY_SPECS) {
  await measure(`${spec} generate`, () => generateKeyMaterial(spec))
  const material = await generateKeyMaterial(spec)
  if (isHmac(spec)) {
    const key = openMacKey(spec, material)
    const [algorithm] = macAlgorithmsOf(spec)
    const message = randomBytes(256)
    const mac = generateMac(key, algorithm!, message)
    await measure(`${spec} ${algorithm} generate MAC`, () => generateMac(key, algorithm!, message))
    await measure(`${spec} ${algorithm} verify MAC`, () => verifyMac(key, algorithm!, message, mac))
  }
  if (!isAsymmetric(spec)) continue
  const own = openPrivateKey(spec, material)
  const spki = publicKeyDer(own)
  const shown = openPublicKey(spec, spki)
  await measure(`${spec} open private key`, () => openPrivateKey(spec, material))
  await measure(`${spec} check imported key`, () => canonicalKeyMaterial(spec, material))
  for (const algorithm of signingAlgorithmsOf(spec)) {
    if (isRsa(spec) && !algorithm.endsWith('256')) continue // the hash makes no difference
    for (const messageType of messageTypesOf(algorithm)) {
      const message = randomBytes(messageType === 'RAW' ? 256 : digestBytesOf(algorithm))
      const signature = await sign(own, algorithm, messageType, message)
      await measure(`${spec} ${algorithm} ${messageType} sign`, () => sign(own, algorithm, messageType, message))
      await measure(`${spec} ${algorithm} ${messageType} verify`, () =>
        verify(shown, algorithm, messageType, message, signature),
      )
    }
  }
  for (const algorithm of encryptionAlgorithmsOf(spec) as readonly RsaEncryptionAlgorithm[]) {
    const ciphertext = encryptOaep(shown, algorithm, randomBytes(32))
    await measure(`${spec} ${algorithm} encrypt`, () => encryptOaep(shown, algorithm, randomBytes(32)))
    await measure(`${spec} ${algorithm} decrypt`, () => decryptOaep(own, algorithm, ciphertext))
  }
  if (keyUsagesOf(spec).includes('KEY_AGREEMENT')) await measure(`${spec} ECDH`, () => deriveSharedSecret(own, spki))
}
