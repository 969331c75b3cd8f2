import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGlob, literally, matchesGlob, matchGlob, patternOf } from './match.ts'

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
      assert.equal(matchGlob(patternOf(pattern), text), naive(pattern, text))
      assert.equal(matchesGlob(compileGlob(patternOf(pattern)), text), naive(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a part of a text matches as the same characters alone do', () => {
  fc.assert(
    fc.property(word('ab*?'), word('ab'), word('ab'), word('ab'), (pattern, before, text, after) => {
      const whole = before + text + after
      const matched = matchesGlob(compileGlob(patternOf(pattern)), whole, before.length, before.length + text.length)
      assert.equal(matched, naive(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern without wildcards matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      fc.pre(!/[*?]/.test(a))
      assert.equal(matchesGlob(compileGlob(patternOf(a)), b), a === b)
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
    assert.equal(matchGlob(patternOf(pattern), text), false)
    assert.equal(matchesGlob(compileGlob(patternOf(pattern)), text), false)
  }
  assert.equal(matchGlob(patternOf(`${'*a'.repeat(500)}*b`), text), true)
})

test('what is literal has no wildcards', () => {
  fc.assert(
    fc.property(word('ab*?'), word('ab*?'), (a, b) => {
      assert.equal(matchGlob(literally(a), b), a === b)
      assert.equal(matchesGlob(compileGlob(literally(a)), b), a === b)
      assert.equal(matchesGlob(compileGlob([...literally(a), ...patternOf('*')]), b), b.startsWith(a))
    }),
  )
})
