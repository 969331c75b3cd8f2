import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEvents } from './server-sent-events.ts'

function read(chunks: readonly Uint8Array[]): readonly unknown[] {
  const heard: unknown[] = []
  const reader = readEvents({ event: (event) => heard.push(event), id: (id) => heard.push(id) })
  for (const chunk of chunks) reader.push(chunk)
  return heard
}

const STREAM =
  'retry: 1000\nid: beginning\n: ready\n\nid: 1\ndata: {"name":"schlüssel"}\n\n: heartbeat\nid: 2\n\nevent: end\ndata: a\ndata:b\r\n\r\nid\n\ndata: never dispatched'

test('events and places come as they are written, however the bytes are cut', () => {
  const bytes = Buffer.from(STREAM)
  const whole = [
    'beginning',
    { event: 'message', data: '{"name":"schlüssel"}' },
    '1',
    '2',
    { event: 'end', data: 'a\nb' },
    '',
  ]
  assert.deepEqual(read([bytes]), whole)
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 })
  const check = (at: readonly number[]): void => {
    const places = [0, ...at.toSorted((a, b) => a - b), bytes.length]
    const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
    assert.deepEqual(read(chunks), whole)
  }
  fc.assert(fc.property(cuts, check))
})

test('what has no end is given up', () => {
  const part = Buffer.alloc(64 * 1024, 'x')
  assert.throws(() => read(Array(17).fill(part)), RangeError)
  const line = Buffer.concat([Buffer.from('data: '), part, Buffer.from('\n')])
  assert.throws(() => read(Array(17).fill(line)), RangeError)
})
