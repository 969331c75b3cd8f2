import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Lookup } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { hasVariable, parseTemplate, plainText, resolvePattern, resolveText } from './variable.ts'

const v = (inside: string): string => `$\{${inside}}`
const parse = (text: string, variables = true) => parseTemplate(text, 'P', variables)
const shown = (text: string) =>
  parse(text).pieces.map((piece) =>
    piece.kind === 'variable' ? [piece.key, ...(piece.fallback === undefined ? [] : [piece.fallback])] : piece.text,
  )
const known: Lookup = (key) => ({ 'a:one': ['1*'], 'a:two': ['1', '2'], 'a:empty': [''] })[key] ?? []

test('a text is taken apart into what the policy says and its variables', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['', []],
    ['text', ['text']],
    ['$ {} $x}', ['$ {} $x}']],
    [v('a:B'), [['a:b']]],
    [`x${v('a:B')}y${v('a:c')}`, ['x', ['a:b'], 'y', ['a:c']]],
    [`${v('a:b')}${v('a:b')}`, [['a:b'], ['a:b']]],
    [v('aws:PrincipalTag/Team A'), [['aws:principaltag/team a']]],
    [v("a:B, 'Default'"), [['a:b', 'Default']]],
    [v("a:b,'Default'"), [['a:b', 'Default']]],
    [v("a:b,   'x'  "), [['a:b', 'x']]],
    [v("a:b, ''"), [['a:b', '']]],
    [`${v("a:b, '}, *'")}z`, [['a:b', '}, *'], 'z']],
    [`${v('*')}${v('?')}${v('$')}`, ['*', '?', '$']],
    [`a${v('*')}b`, ['a', '*', 'b']],
    [v('**'), [['**']]],
    [v('*a'), [['*a']]],
  ]
  for (const [text, pieces] of cases) assert.deepEqual(shown(text), pieces, text)
  assert.equal(plainText(parse(`a${v('b:c')}`, false)), `a${v('b:c')}`)
})

test('a variable that is not closed, has no key, or a default without quotes is refused', () => {
  for (const text of [
    `$\{`,
    `x$\{a:b`,
    v(''),
    v(' '),
    v(", 'x'"),
    v('a:b,'),
    v('a:b, x'),
    v('a:b, "x"'),
    v("a:b, x'y'"),
    v("a:b, 'x"),
    v("a:b, 'x' y"),
    v("a:b, 'x'y"),
    `$\{a:b, 'x'`,
    `${v('a:b')}$\{`,
  ]) {
    assert.throws(
      () => parse(text),
      (error) =>
        error instanceof MalformedPolicyError && error.path === 'P' && /^The policy variable /.test(error.reason),
      text,
    )
    assert.equal(plainText(parse(text, false)), text)
  }
})

test('a resolved text keeps what came from a variable literal', () => {
  const star = '*'.charCodeAt(0)
  const one = '1'.charCodeAt(0)
  assert.deepEqual(resolvePattern(parse(`*${v('a:one')}?${v('*')}`), known), [-1, one, star, -2, star])
  assert.equal(resolveText(parse(`*${v('a:one')}?${v('*')}`), known), '*1*?*')
  assert.equal(resolveText(parse(`x${v('a:empty')}y`), known), 'xy')
})

test('a key that is absent or has several values cannot be resolved, but for its default', () => {
  for (const key of ['a:none', 'a:two']) {
    assert.equal(resolveText(parse(`x${v(key)}`), known), undefined)
    assert.equal(resolvePattern(parse(`x${v(key)}`), known), undefined)
    assert.equal(resolveText(parse(`x${v(`${key}, 'd'`)}`), known), 'xd')
    assert.deepEqual(resolvePattern(parse(v(`${key}, '?'`)), known), ['?'.charCodeAt(0)])
  }
  assert.equal(resolveText(parse(v("a:empty, 'd'")), known), '')
})

test('what has a variable, what is plain text, and how a text begins', () => {
  const cases: readonly (readonly [string, boolean, string | undefined, string])[] = [
    ['', false, '', ''],
    ['ab', false, 'ab', 'ab'],
    ['ab*c', false, 'ab*c', 'ab'],
    ['*', false, '*', ''],
    ['a?', false, 'a?', 'a'],
    [v('*'), false, undefined, ''],
    [`a${v('*')}`, false, undefined, 'a'],
    [`ab${v('a:b')}`, true, undefined, 'ab'],
    [`a*b${v('a:b')}`, true, undefined, 'a'],
    [v('a:b'), true, undefined, ''],
    [`${v('a:b')}c`, true, undefined, ''],
  ]
  for (const [text, variable, plain, head] of cases) {
    const template = parse(text)
    assert.deepEqual([hasVariable(template), plainText(template), template.head], [variable, plain, head], text)
  }
})

test('whatever the text, it is taken apart whole or refused', () => {
  const letters = fc.array(fc.constantFrom('$', '{', '}', 'a', ':', ',', "'", '*', ' ')).map((list) => list.join(''))
  fc.assert(
    fc.property(letters, (text) => {
      assert.equal(resolveText(parse(text, false), known), text)
      try {
        parse(text)
      } catch (error) {
        assert.ok(error instanceof MalformedPolicyError)
        return
      }
      if (!text.includes(`$\{`)) assert.equal(resolveText(parse(text), known), text)
    }),
    { numRuns: 2_000 },
  )
})
