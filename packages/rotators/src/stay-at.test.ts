import assert from 'node:assert/strict'
import { promises } from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { stayAt } from './stay-at.ts'

test('a process that stays at an address looks up no other name and connects nowhere else, whatever a driver calls', async (t) => {
  const servers = [createServer(), createServer()] as const
  for (const server of servers)
    server.on('connection', (socket) => socket.on('error', () => {}).end()).listen(0, '127.0.0.1')
  t.after(() => servers.forEach((server) => void server.close()))
  await Promise.all(servers.map((server) => server.listening || once(server, 'listening')))
  const [port, other] = servers.map((server) => (server.address() as AddressInfo).port) as [number, number]
  let reached = 0
  servers[1].on('connection', () => reached++)

  stayAt('127.0.0.1', { host: 'db.example.com', port })
  assert.deepEqual(await promises.lookup('db.example.com', { all: true }), [{ address: '127.0.0.1', family: 4 }])
  await assert.rejects(promises.lookup('localhost', { all: true }), { code: 'ENOTFOUND' })
  for (const open of [() => connect(port, '127.0.0.1'), () => connect({ port, host: '127.0.0.1' })]) {
    const socket = open().on('error', () => {})
    await once(socket, 'connect')
    socket.destroy()
  }
  const refused = [
    ...[connect(other, '127.0.0.1'), connect({ port: other, host: '127.0.0.1' }), connect(port, '127.0.0.2')],
    ...[
      connect(port, 'localhost'),
      connect(port),
      connect('/tmp/a-socket'),
      connectTls({ port: other, host: '127.0.0.1' }),
    ],
  ]
  for (const [error] of await Promise.all(refused.map((socket) => once(socket, 'error')))) {
    assert.equal(error.code, 'ENOTFOUND')
  }
  assert.equal(reached, 0)
})
