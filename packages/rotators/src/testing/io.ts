// The world for an engine under test: loopback as it is, real randomness, real time.

import { randomBytes } from 'node:crypto'
import type { Io } from '../rotator.ts'

export const testIo = (io: Partial<Io> = {}): Io => ({
  resolve: async (host) => (host === 'localhost' ? '127.0.0.1' : host),
  authorities: [],
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  randomBytes,
  now: Date.now,
  ...io,
})
