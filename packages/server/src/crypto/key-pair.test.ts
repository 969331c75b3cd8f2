import assert from 'node:assert/strict'
import { sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { generateKeyPair, type KeyPairKind } from './key-pair.ts'

const KINDS: readonly (readonly [KeyPairKind, object])[] = [
  ['ed25519', {}],
  ['ec-p256', { namedCurve: 'prime256v1' }],
  ['ec-p384', { namedCurve: 'secp384r1' }],
  ['ec-p521', { namedCurve: 'secp521r1' }],
  ['rsa-2048', { modulusLength: 2048, publicExponent: 65537n }],
]

test('each kind of key pair is of its curve or size, fits together, and another one each time', async () => {
  for (const [kind, details] of KINDS) {
    const one = await generateKeyPair(kind)
    assert.deepEqual({ ...one.privateKey.asymmetricKeyDetails }, details, kind)
    const signature = sign(null, Buffer.from('text'), one.privateKey)
    assert.ok(verify(null, Buffer.from('text'), one.publicKey, signature), kind)
    // RSA keys take their time, and come from the same place.
    if (kind.startsWith('rsa')) continue
    const other = await generateKeyPair(kind)
    assert.ok(!verify(null, Buffer.from('text'), other.publicKey, signature), kind)
  }
})
