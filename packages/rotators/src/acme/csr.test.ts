import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testIo } from '../testing/io.ts'
import { makeFolder } from '../testing/server.ts'
import { certificateRequest } from './csr.ts'

test('OpenSSL reads the request, verifies its signature, and finds the key and every name in it', async (t) => {
  const file = join(makeFolder(t), 'request.der')
  const many = Array.from({ length: 100 }, (_, index) => `host-${index}.example.com`)
  for (const [spec, domains] of [
    ['ECC_NIST_P256', ['a.example.com']],
    ['ECC_NIST_P384', ['a.example.com', 'xn--bcher-kva.example']],
    ['RSA_2048', many],
  ] as const) {
    const privateKey = await testIo().generatePrivateKey(spec)
    writeFileSync(file, certificateRequest(privateKey, domains))
    const out = read(file)
    assert.match(out, /verify OK/)
    assert.match(out, /Version: 1 \(0x0\)/)
    assert.ok(out.includes(domains.map((domain) => `DNS:${domain}`).join(', ')), spec)
    assert.ok(out.includes(String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }))), spec)
    const broken = certificateRequest(privateKey, domains)
    broken[broken.length - 1]! ^= 1
    writeFileSync(file, broken)
    assert.match(read(file), /verify failure/)
  }
})

function read(file: string): string {
  const words = ['req', '-inform', 'DER', '-in', file, '-noout', '-verify', '-text', '-pubkey']
  const { stdout, stderr } = spawnSync('openssl', words)
  return `${stdout}${stderr}`
}
