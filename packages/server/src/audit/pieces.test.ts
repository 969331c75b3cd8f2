// What events share is stored once in a block: each reads as it would alone.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Block, draftBlocks, type Line, lengthOf, linesOf } from './block.ts'
import { encodeEvent, piecesOf } from './encode.ts'
import type { AuditEvent } from './event.ts'
import { newPiece, type Piece, readBody } from './pieces.ts'
import { event, START } from './testing.ts'

const blockOf = (lines: readonly Line[]): Block => {
  const [draft, ...more] = draftBlocks(lines)
  assert.equal(more.length, 0)
  return { ...draft!, chain: 'c', seq: 1, mac: new Uint8Array(0) }
}

/** Each text has one piece. */
function interning(): (text: string) => Piece {
  const pieces = new Map<string, Piece>()
  return (text) => pieces.get(text) ?? pieces.set(text, newPiece(text)).get(text)!
}

const whole = (told: AuditEvent): Line => ({ time: told.time, told: encodeEvent(told), uses: [] })

test('events put together from pieces read as they would alone, among others, in every block that the pieces stand in', () => {
  const pieceOf = interning()
  fc.assert(
    fc.property(
      fc.array(fc.record({ again: fc.boolean(), name: fc.string({ unit: 'binary', maxLength: 8 }), at: fc.nat(999) }), {
        minLength: 1,
        maxLength: 20,
      }),
      fc.nat(2_000_000_000),
      (calls, second) => {
        const events = calls.map(({ again, name, at }) => {
          const resources = [{ arn: `arn:${name}`, accountId: '1', type: 't' }]
          const time = second * 1_000 + at
          const told = event({ time, requestParameters: { secretId: name }, ...(at % 2 === 0 && { resources }) })
          if (!again) return { told, line: whole(told) }
          const { requestId, eventId } = told
          const pieces = piecesOf(event({ ...told, requestId: 'another', eventId: 'another', time: 0 }), pieceOf)
          return { told, line: { time, told: { pieces, requestId, eventId }, uses: [] } }
        })
        const lines = linesOf(blockOf(events.map(({ line }) => line)))
        assert.deepEqual(
          lines,
          events.map(({ told }) => encodeEvent(told)),
        )
        for (const [at, { line }] of events.entries()) assert.equal(lengthOf(line), lines[at]!.length)
      },
    ),
  )
})

test('what events share is stored once', () => {
  const pieceOf = interning()
  const about = (at: number) => ({
    arn: `arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/${at}-AbCdEf`,
    accountId: '111122223333',
    type: 'AWS::SecretsManager::Secret',
  })
  const calls = Array.from({ length: 64 }, (_, at) =>
    event({ requestParameters: { secretId: `app/${at}` }, resources: [about(at)] }),
  )
  const again = calls.map((told): Line => {
    const { requestId, eventId, time } = told
    return { time, told: { pieces: piecesOf(told, pieceOf), requestId, eventId }, uses: [] }
  })
  const bytes = blockOf(again).body.length
  // Of each its ids, which parts it is made of, and the two names of its secret.
  assert.ok(bytes / calls.length < 170, `${bytes / calls.length} bytes each`)
  assert.ok(blockOf(calls.map(whole)).body.length / calls.length > 700)
})

test('a body that was not written here is refused, and one that would grow without bound', () => {
  for (const body of ['=0|0|0|a', '=0|0|0|a|b|c', '=', '"x\n=0|0'])
    assert.throws(() => readBody(body, 'now'), { name: 'RangeError' }, body)
  const large = `"${'x'.repeat(100_000)}\n${'=0|0|0|a|b\n'.repeat(1_000)}`
  assert.throws(() => readBody(large, 'now'), { name: 'RangeError', message: 'a block holds too much' })
  const places = `"${'x'.repeat(100_000)}\n=${'0,'.repeat(100_000)}0|0|0|a|b`
  assert.throws(() => readBody(places, 'now'), { name: 'RangeError' })
})

test('lines of JSON, as blocks had them at first, are read as they are', () => {
  const lines = [encodeEvent(event()), encodeEvent(event({ requestId: randomUUID(), time: START }))]
  assert.deepEqual(readBody(lines.join('\n'), 'any'), lines)
})
