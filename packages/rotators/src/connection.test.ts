// Servers that mean harm, before drivers that keep their sockets for themselves.

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import type { Engine } from './engine.ts'
import { openldap } from './engines/openldap.ts'
import { rabbitmq } from './engines/rabbitmq.ts'
import { redis } from './engines/redis.ts'
import type { RotatorErrorKind } from './errors.ts'
import { readLogin } from './secret.ts'
import { testIo } from './testing/io.ts'
import { fails } from './testing/refusals.ts'
import { startFlood, startTalker } from './testing/server.ts'

type Hostile = {
  readonly engine: Engine<unknown>
  /** Of an answer. */
  readonly beginning: Buffer
  /** What makes it longer, but never whole. */
  readonly more: Buffer
  readonly told: RotatorErrorKind
}

const HOSTILE: readonly Hostile[] = [
  {
    engine: redis as Engine<unknown>,
    beginning: Buffer.from('$2000000000\r\n'),
    more: Buffer.alloc(65_536, 'x'),
    told: 'unreachable',
  },
  // A message of nearly 2^31 bytes.
  {
    engine: openldap as Engine<unknown>,
    beginning: Buffer.from('30847ffffff0', 'hex'),
    more: Buffer.alloc(65_536),
    told: 'unreachable',
  },
  // The driver takes no frame that is longer than this one, which does not end as it says.
  {
    engine: rabbitmq as Engine<unknown>,
    beginning: Buffer.from('010000000186a0', 'hex'),
    more: Buffer.alloc(65_536),
    told: 'other',
  },
]

const connectTo = (engine: Engine<unknown>, port: number, timeoutMs: number): Promise<unknown> => {
  const place = { engine: engine.names[0], host: '127.0.0.1', port, ssl: false }
  return engine.connect(readLogin(engine, { ...place, username: 'cn=app,dc=x', password: 'x' }), testIo({ timeoutMs }))
}

for (const { engine, beginning, more, told } of HOSTILE) {
  test(`${engine.id}: a server that sends without end is left long before the limit`, async (t) => {
    const port = await startFlood(t, beginning, more)
    const began = performance.now()
    await fails(told, connectTo(engine, port, 60_000))
    assert.ok(performance.now() - began < 30_000)
  })

  test(`${engine.id}: a connection over which something comes now and then ends with the limit`, async (t) => {
    const talking = Promise.withResolvers<Socket>()
    const port = await startTalker(t, (socket) => {
      socket.once('data', () => {
        talking.resolve(socket)
        socket.write(beginning)
        const timer = setInterval(() => socket.write(more.subarray(0, 1)), 20)
        socket.on('close', () => clearInterval(timer))
      })
      socket.on('data', () => {})
    })
    await fails('unreachable', connectTo(engine, port, 400))
    const socket = await talking.promise
    // It may be told as a reset.
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  })
}
