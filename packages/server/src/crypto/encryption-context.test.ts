import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalContext } from './encryption-context.ts'

test('contexts whose concatenations are equal have different canonical bytes', () => {
  const collisions = [{ a: 'bc' }, { ab: 'c' }, { abc: '' }, { '': 'abc' }, { a: 'b', c: '' }, { a: '', bc: '' }]
  assert.equal(new Set(collisions.map((c) => canonicalContext(c).toString('hex'))).size, collisions.length)
})

test('the order in which pairs were given does not matter', () => {
  assert.deepEqual(canonicalContext({ a: '1', b: '2', c: '3' }), canonicalContext({ c: '3', a: '1', b: '2' }))
})

test('pairs are sorted by their UTF-8 bytes, not by UTF-16 units', () => {
  const bytes = canonicalContext({ '\u{1f511}': 'second', '\uff5e': 'first' })
  assert.ok(bytes.indexOf('first') < bytes.indexOf('second'))
})

test('a lone surrogate is refused, since it would meet the replacement character', () => {
  assert.throws(() => canonicalContext({ key: '\ud800' }), RangeError)
  assert.throws(() => canonicalContext({ '\udc00': 'value' }), RangeError)
})

test('canonical bytes are equal exactly where the pairs are', () => {
  const contexts = fc.dictionary(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }), { maxKeys: 3 })
  const pairsOf = (context: object) => JSON.stringify(Object.entries(context).sort())
  fc.assert(
    fc.property(contexts, contexts, (a, b) => {
      assert.equal(canonicalContext(a).equals(canonicalContext(b)), pairsOf(a) === pairsOf(b))
    }),
  )
})
