// What servers answer to break a driver ends the driver's process, and nothing else.

import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { apart } from './apart.ts'
import { mongodb } from './engines/mongodb.ts'
import { RotatorError } from './errors.ts'
import { parseSecret } from './secret.ts'
import { single } from './strategies/single.ts'
import { testIo } from './testing/io.ts'
import { startMongodbDouble } from './testing/mongodb-double.ts'
import { fails } from './testing/refusals.ts'
import { type Scope, startBlackHole } from './testing/server.ts'

const engine = apart(mongodb)
const PASSWORD = 'first-password-of-a-user'
const login = (port: number) => ({
  ...{ host: '127.0.0.1', port, username: 'app', password: PASSWORD, dbname: 'shop', tls: false },
  value: { engine: 'mongo', host: '127.0.0.1', port, username: 'app', password: PASSWORD, dbname: 'shop', ssl: false },
})

/** A server that answers everything with these bytes. */
async function startAnswering(scope: Scope, bytes: Buffer): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(bytes)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('an engine apart', () => {
  test('rotates as it would here, and its refusals are the same', async (t) => {
    const double = await startMongodbDouble()
    t.after(() => double.stop())
    double.users.set('shop.app', {
      ...{ password: PASSWORD, roles: [], mechanisms: ['SCRAM-SHA-256'] },
      privileges: [{ db: 'shop', actions: ['changeOwnPassword'] }],
    })
    const current = parseSecret(JSON.stringify(login(double.port).value).replace('{', '{"id":12345678901234567890,'))
    const run = { current, versionId: 'v', options: {}, resumed: false }
    const pending = await single(engine).create(run, testIo())
    await single(engine).set({ ...run, pending }, testIo())
    await single(engine).test({ ...run, pending }, testIo())
    assert.equal(double.users.get('shop.app')?.password, pending.password)
    await fails('authentication', engine.connect(login(double.port), testIo()), /error 18/)
  })

  test('a message without a length, by which the driver goes round for ever, costs its own process alone', async (t) => {
    const message = Buffer.alloc(46)
    message.writeInt32LE(1, 12)
    const port = await startAnswering(t, message)
    // Going round fills its memory too: which of the two ends it first depends on the machine.
    await assert.rejects(engine.connect(login(port), testIo({ timeoutMs: 1_500 })), (error) => {
      assert.ok(error instanceof RotatorError)
      assert.match(error.message, error.kind === 'unreachable' ? /keeps the driver busy/ : /broke over what/)
      return true
    })
  })

  test('it ends with the rotation, and where nobody answers', async (t) => {
    const port = await startBlackHole(t)
    await fails('unreachable', engine.connect(login(port), testIo({ timeoutMs: 600 })))
    const ending = new AbortController()
    const connecting = engine.connect(login(port), testIo({ signal: ending.signal }))
    setImmediate(() => ending.abort())
    await fails('unreachable', connecting, /was ended/)
  })
})
