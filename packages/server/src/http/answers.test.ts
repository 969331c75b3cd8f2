import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { listens, sparePort } from '../../../rotators/src/testing/server.ts'
import { createHttpAnswers } from './answers.ts'

test('a path is answered until it is ended, and the port is free when there is nothing to answer', async () => {
  const port = await sparePort()
  const answers = createHttpAnswers(`127.0.0.1:${port}`)
  assert.equal(await listens(port), false)
  const [endOne, endTwo] = [await answers.answer('/a/one', 'first'), await answers.answer('/a/two', 'second')]
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    return [answer.status, await answer.text()]
  }
  assert.deepEqual(await get('/a/one'), [200, 'first'])
  assert.deepEqual(await get('/a/two'), [200, 'second'])
  for (const path of ['/', '/a/three', '/a/one?x', '/a/../a/one/']) assert.deepEqual(await get(path), [404, ''], path)
  assert.deepEqual(await get('/a/one', 'POST'), [404, ''])
  endOne()
  endOne()
  assert.deepEqual(
    [await get('/a/one'), await get('/a/two')],
    [
      [404, ''],
      [200, 'second'],
    ],
  )
  endTwo()
  await free(port)

  const end = await answers.answer('/again', 'third')
  assert.deepEqual(await get('/again'), [200, 'third'])
  const other = createHttpAnswers(`127.0.0.1:${port}`)
  await assert.rejects(other.answer('/a', ''), { code: 'EADDRINUSE' })
  end()
  await free(port)
  ;(await other.answer('/a', ''))()
})

test('who has only begun to ask is let go of with the last answer', async (t) => {
  const port = await sparePort()
  const end = await createHttpAnswers(`127.0.0.1:${port}`).answer('/a', 'text')
  const slow = connect(port, '127.0.0.1')
  t.after(() => void slow.destroy())
  slow.on('error', () => {})
  await new Promise((resolve) => slow.write('GET /a HTTP/1.1\r\nHost: ', resolve))
  assert.equal((await fetch(`http://127.0.0.1:${port}/a`)).status, 200)
  const closed = once(slow, 'close')
  end()
  await closed
})

/** Fails where it is not within the test's time. */
async function free(port: number): Promise<void> {
  for (;;) {
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    server.close()
    if (isFree) return
  }
}
