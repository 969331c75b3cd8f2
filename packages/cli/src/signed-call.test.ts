// What a call to a route of our own is told as, where what answers is no Strongroom server, or goes away.

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { assertRefused, run } from './testing.ts'

async function listen(t: TestContext, answer: (response: ServerResponse) => unknown): Promise<string> {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

for (const [what, answer, line] of [
  [
    'no JSON',
    (response) => response.end('<html>'),
    /^strongroom: http:\S+ answered with status 200 and no JSON: is it/,
  ],
  ['null', (response) => response.end('null'), /answered with status 200 and no JSON: is it a Strongroom server\?$/m],
  ['a number', (response) => response.writeHead(500).end('7'), /answered with status 500 and no JSON/],
  ['nothing', (response) => response.end(), /answered with status 200 and no JSON/],
  [
    'an answer that is cut short',
    (response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"Findings":')
      setTimeout(() => response.destroy(), 20)
    },
    /^strongroom: no server answers at http:\S+ \(UND_ERR_SOCKET\): give its address with --endpoint-url$/m,
  ],
] as const satisfies readonly (readonly [string, (response: ServerResponse) => unknown, RegExp])[]) {
  test(`${what} in the place of an answer is told in one line`, async (t) => {
    const url = await listen(t, answer)
    const keys = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B', HOME: '/nowhere' }
    for (const command of [['advise'], ['rotation', 'history', 'a'], ['clock', 'advance', 'P1D']]) {
      assertRefused(await run([...command, '--endpoint-url', url], keys), line)
    }
  })
}
