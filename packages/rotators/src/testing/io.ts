// The world for an engine under test: loopback as it is, real randomness, real time.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Io, KeyPair, KeyPairKind } from '../rotator.ts'

export const testIo = (io: Partial<Io> = {}): Io => ({
  resolve: async (host) => (host === 'localhost' ? '127.0.0.1' : host),
  authorities: [],
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  randomBytes,
  generateKeyPair: async (kind) => generate(kind),
  now: Date.now,
  ...io,
})

function generate(kind: KeyPairKind): KeyPair {
  const [type, size = ''] = kind.split('-')
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: Number(size) })
  if (type === 'ec') return generateKeyPairSync('ec', { namedCurve: size.toUpperCase().replace('P', 'P-') })
  return generateKeyPairSync('ed25519')
}
