import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGlob, matchesGlob, matchGlob, splitArn } from './match.ts'

/** Straight from the definition, exponential: the judge of the fast one on short texts. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)))
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && naive(pattern.slice(1), text.slice(1))
}

const word = (characters: string) =>
  fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((letters) => letters.join(''))

test('a pattern matches what the definition of its wildcards says, compiled or not', () => {
  fc.assert(
    fc.property(word('ab*?'), word('ab'), (pattern, text) => {
      assert.equal(matchGlob(pattern, text), naive(pattern, text))
      assert.equal(matchesGlob(compileGlob(pattern), text), naive(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a part of a text matches as the same characters alone do', () => {
  fc.assert(
    fc.property(word('ab*?'), word('ab'), word('ab'), word('ab'), (pattern, before, text, after) => {
      const whole = before + text + after
      const matched = matchesGlob(compileGlob(pattern), whole, before.length, before.length + text.length)
      assert.equal(matched, naive(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern without wildcards matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      fc.pre(!/[*?]/.test(a))
      assert.equal(matchesGlob(compileGlob(a), b), a === b)
    }),
  )
})

// Backtracking over every star would take longer than the age of the universe; the timeout is not a measure of speed.
test('patterns made to be slow end at once', { timeout: 20_000 }, () => {
  const text = `${'a'.repeat(2_048)}b`
  for (const pattern of [
    `${'*a'.repeat(500)}*c`,
    `${'a*'.repeat(1_000)}c`,
    `*${'?*'.repeat(1_000)}c`,
    `*${'a'.repeat(1_024)}c`,
    `${'*'.repeat(4_000)}c`,
  ]) {
    assert.equal(matchGlob(pattern, text), false)
    assert.equal(matchesGlob(compileGlob(pattern), text), false)
  }
  assert.equal(matchGlob(`${'*a'.repeat(500)}*b`, text), true)
})

test('an ARN has six segments and the last keeps its colons', () => {
  const parts = (text: string) => {
    const name = splitArn(text)
    return name?.starts.map((start, i) => text.slice(start, (name.starts[i + 1] ?? text.length + 1) - 1))
  }
  assert.deepEqual(parts('arn:aws:lambda:us-east-1:123456789012:function:name:1'), [
    'arn',
    'aws',
    'lambda',
    'us-east-1',
    '123456789012',
    'function:name:1',
  ])
  assert.deepEqual(parts('arn:aws:iam::123456789012:root'), ['arn', 'aws', 'iam', '', '123456789012', 'root'])
  for (const text of ['', '*', 'name', 'arn', 'arn:', 'arn:aws:iam::123456789012', 'Arn:aws:iam::123456789012:root']) {
    assert.equal(splitArn(text), undefined, text)
  }
})
