// Pins the bytes of every format: what was written once must open for ever. The entries were also checked by an independent
// implementation (Python's hmac and cryptography).

import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { RandomBytes } from './aead.ts'
import { findMaterialId, materialId, openBlob, sealBlob } from './ciphertext.ts'
import { canonicalContext } from './encryption-context.ts'
import { kbkdf } from './kbkdf.ts'
import { findTokenKeyVersion, openSessionToken, sealSessionToken } from './session-token.ts'
import { openValue, sealValue, type ValueKind } from './value.ts'

type Vectors = {
  readonly kbkdf: readonly { key: string; label: string; context: string; output: string }[]
  readonly encryptionContext: readonly { context: Record<string, string>; canonical: string }[]
  readonly materialId: readonly { material: string; keyId: string; id: string }[]
  readonly blob: readonly {
    material: string
    materialId: string
    plaintext: string
    context: Record<string, string>
    random: string
    blob: string
  }[]
  readonly value: readonly {
    key: string
    secretArn: string
    versionId: string
    kind: ValueKind
    plaintext: string
    random: string
    stored: string
  }[]
  readonly sessionToken: readonly {
    key: string
    keyVersion: number
    accessKeyId: string
    payload: string
    random: string
    token: string
    secretAccessKey: string
  }[]
}

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vectors
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const key = (hex: string) => createSecretKey(bytes(hex))

/** Deals out recorded randomness, and must be used up. */
function recorded(hex: string): { readonly random: RandomBytes; readonly left: () => number } {
  let rest = bytes(hex)
  return {
    random: (size) => {
      const drawn = rest.subarray(0, size)
      rest = rest.subarray(size)
      assert.equal(drawn.length, size)
      return drawn
    },
    left: () => rest.length,
  }
}

test('every KBKDF vector comes out as pinned', () => {
  assert.ok(vectors.kbkdf.length >= 5)
  for (const { key: k, label, context, output } of vectors.kbkdf)
    assert.equal(kbkdf(key(k), label, bytes(context), output.length / 2).toString('hex'), output)
})

test('every encryption context has its pinned canonical bytes', () => {
  assert.ok(vectors.encryptionContext.length >= 7)
  for (const { context, canonical } of vectors.encryptionContext)
    assert.equal(canonicalContext(context).toString('hex'), canonical)
})

test('every material id comes out as pinned', () => {
  for (const { material, keyId, id } of vectors.materialId)
    assert.equal(materialId(key(material), keyId).toString('hex'), id)
})

test('every pinned blob opens, and sealing again with its randomness gives the same bytes', () => {
  for (const vector of vectors.blob) {
    const context = canonicalContext(vector.context)
    const blob = bytes(vector.blob)
    assert.equal(findMaterialId(blob)?.toString('hex'), vector.materialId)
    assert.equal(openBlob(key(vector.material), blob, context)?.toString('hex'), vector.plaintext)

    const { random, left } = recorded(vector.random)
    const again = sealBlob(key(vector.material), bytes(vector.materialId), bytes(vector.plaintext), context, random)
    assert.equal(again.toString('hex'), vector.blob)
    assert.equal(left(), 0)
  }
})

test('every pinned value opens, and sealing again with its randomness gives the same bytes', () => {
  for (const vector of vectors.value) {
    const opened = openValue(key(vector.key), vector, bytes(vector.stored))
    assert.equal(opened?.kind, vector.kind)
    assert.equal(opened?.plaintext.toString('hex'), vector.plaintext)

    const { random, left } = recorded(vector.random)
    const again = sealValue(key(vector.key), vector, vector.kind, bytes(vector.plaintext), random)
    assert.equal(again.toString('hex'), vector.stored)
    assert.equal(left(), 0)
  }
})

test('every pinned session token opens, and sealing again with its randomness gives the same bytes and the same secret', () => {
  assert.ok(vectors.sessionToken.length >= 2)
  for (const vector of vectors.sessionToken) {
    const token = bytes(vector.token)
    assert.equal(findTokenKeyVersion(token), vector.keyVersion)
    const opened = openSessionToken(key(vector.key), vector.accessKeyId, token)
    assert.equal(opened?.payload.toString('hex'), vector.payload)
    assert.equal(opened?.secretAccessKey.export().toString(), vector.secretAccessKey)

    const { random, left } = recorded(vector.random)
    const { keyVersion, accessKeyId } = vector
    const again = sealSessionToken(key(vector.key), keyVersion, accessKeyId, bytes(vector.payload), random)
    assert.deepEqual([again.token.toString('hex'), again.secretAccessKey], [vector.token, vector.secretAccessKey])
    assert.equal(left(), 0)
  }
})
