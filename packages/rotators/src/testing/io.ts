// The world for an engine under test: loopback as it is, real randomness, real time.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Io, PrivateKeySpec } from '../rotator.ts'

export const testIo = (io: Partial<Io> = {}): Io => ({
  resolve: async (host) => (host === 'localhost' ? '127.0.0.1' : host),
  authorities: [],
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  randomBytes,
  generatePrivateKey: async (spec) => generate(spec).privateKey,
  now: Date.now,
  ...io,
})

const CURVES: { readonly [spec: string]: string } = {
  ECC_NIST_P256: 'P-256',
  ECC_NIST_P384: 'P-384',
  ECC_NIST_P521: 'P-521',
}

function generate(spec: PrivateKeySpec) {
  const namedCurve = CURVES[spec]
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve })
  if (spec === 'ECC_NIST_EDWARDS25519') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: Number(spec.slice('RSA_'.length)) })
}
