import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compileArn,
  completeSegments,
  coversResource,
  isResolvable,
  matchesArn,
  splitArn,
  splitTemplate,
} from './arn.ts'
import type { ArnPattern, Lookup } from './engine.ts'
import { parseTemplate } from './variable.ts'

const v = (inside: string): string => `$\{${inside}}`
const nothing: Lookup = () => []

const compile = (text: string): ArnPattern => {
  const segments = splitTemplate(parseTemplate(text, 'P', true))
  return compileArn(completeSegments(segments!)!)
}

const matches = (pattern: string, text: string, lookup = nothing) =>
  matchesArn(compile(pattern), splitArn(text)!, lookup)

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
  assert.deepEqual(parts('arn:::::'), ['arn', '', '', '', '', ''])
  for (const text of ['', '*', 'name', 'arn', 'arn:', 'arn:aws:iam::123456789012', 'Arn:aws:iam::123456789012:root']) {
    assert.equal(splitArn(text), undefined, text)
  }
})

test('a pattern is split at its own colons and not at those of its variables', () => {
  const parts = (text: string) =>
    splitTemplate(parseTemplate(text, 'P', true))?.map(({ pieces }) =>
      pieces.map((piece) => (piece.kind === 'variable' ? `<${piece.key}>` : piece.text)).join(''),
    )
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['arn:a:b:c:d:e', ['arn', 'a', 'b', 'c', 'd', 'e']],
    ['arn:a:b:c:d:e:f:g', ['arn', 'a', 'b', 'c', 'd', 'e:f:g']],
    ['arn:a:b::d:', ['arn', 'a', 'b', '', 'd', '']],
    ['arn:a:b', ['arn', 'a', 'b']],
    ['arn:', ['arn', '']],
    [`arn:a:b:c:d:e/${v('x:y')}/f:${v('x:z')}`, ['arn', 'a', 'b', 'c', 'd', 'e/<x:y>/f:<x:z>']],
    [`arn:a:b:${v('x:y')}:${v('x:z')}z:e`, ['arn', 'a', 'b', '<x:y>', '<x:z>z', 'e']],
    [`arn:a:b:c:d${v("x:y, ':e'")}:f`, ['arn', 'a', 'b', 'c', 'd<x:y>', 'f']],
    ['', undefined],
    ['*', undefined],
    ['arn', undefined],
    ['xarn:a:b:c:d:e', undefined],
    [`${v('x:y')}arn:a:b:c:d:e`, undefined],
    [`ar${v('x:y')}n:a:b:c:d:e`, undefined],
  ]
  for (const [text, expected] of cases) assert.deepEqual(parts(text), expected, text)
})

test('a pattern that ends early in a star covers the rest', () => {
  const segments = (text: string) => completeSegments(splitTemplate(parseTemplate(text, 'P', true))!)?.length
  for (const text of ['arn:*', 'arn:a:b*', 'arn:a:b:c:*', 'arn:a:b:c:d*', 'arn:a:b:c:d:e'])
    assert.equal(segments(text), 6, text)
  for (const text of ['arn:', 'arn:a:b:c:d', 'arn:a:*:c', 'arn:a:b?', `arn:a:b${v('*')}`, `arn:a:b:*${v('x:y')}`]) {
    assert.equal(segments(text), undefined, text)
  }
  const arn = 'arn:aws:iam::1:user/a'
  assert.equal(matches('arn:*', arn), true)
  assert.equal(matches('arn:aws:iam::*', arn), true)
  assert.equal(matches('arn:aws:i*', arn), true)
  assert.equal(matches('arn:aws:iam:?*', arn), false)
})

test('each segment is matched by itself', () => {
  const arn = 'arn:aws:sns:eu:12:a:b'
  const cases: readonly (readonly [string, boolean])[] = [
    ['arn:aws:sns:eu:12:a:b', true],
    ['arn:*:*:*:*:*', true],
    ['arn:aws:sns:eu:12:a', false],
    ['arn:aws:sns:eu:12:*b', true],
    ['arn:aws:sns:eu:1*:a:b', true],
    ['arn:awx:sns:eu:12:a:b', false],
    ['arn:aws:snx:eu:12:a:b', false],
    ['arn:aws:sns:us:12:a:b', false],
    ['arn:aws:sns:eu:13:a:b', false],
    ['arn:aws:sns:eu:*:b', false],
    ['arn:aws:*:12:a:b:*', false],
    ['arn:aws:sns::12:a:b', false],
  ]
  for (const [pattern, expected] of cases) assert.equal(matches(pattern, arn), expected, pattern)
})

test('a variable is asked for only where all else of the pattern matches', () => {
  const asked: string[] = []
  const lookup: Lookup = (key) => {
    asked.push(key)
    return ['me']
  }
  const pattern = `arn:aws:s:*:1:home/${v('x:y')}/*`
  for (const other of [
    'arn:aws:t:r:1:home/me/a',
    'arn:aws:s:r:2:home/me/a',
    'arn:aws:s:r:1:work/me/a',
    'arn:aws:s:r:1:hom',
  ]) {
    assert.equal(matches(pattern, other, lookup), false)
  }
  assert.deepEqual(asked, [])
  assert.equal(matches(pattern, 'arn:aws:s:r:1:home/you/a', lookup), false)
  assert.equal(matches(pattern, 'arn:aws:s:r:1:home/me/a', lookup), true)
  assert.deepEqual(asked, ['x:y', 'x:y'])
})

test('what a variable stands for ends where its segment ends', () => {
  const to =
    (value: string): Lookup =>
    (key) =>
      key === 'x:y' ? [value] : []
  const cases: readonly (readonly [string, string, string, boolean])[] = [
    [`arn:aws:s:r:${v('x:y')}:z`, '1', 'arn:aws:s:r:1:z', true],
    [`arn:aws:s:r:${v('x:y')}:z`, '1', 'arn:aws:s:r:12:z', false],
    [`arn:aws:s:r:${v('x:y')}:z`, '1', 'arn:aws:s:r:1:zz', false],
    [`arn:aws:s:*t:${v('x:y')}:z`, '1', 'arn:aws:s:r:1:z', false],
    [`arn:aws:s:r:1${v('x:y')}:z`, '2', 'arn:aws:s:r:12:z', true],
    [`arn:aws:s:r:1${v('x:y')}:z`, '2', 'arn:aws:s:r:2:z', false],
    [`arn:aws:s:${v('x:y')}:*:z`, 'r:1', 'arn:aws:s:r:1:z', false],
    [`arn:aws:s:${v('x:y')}:*:z`, '*', 'arn:aws:s:r:1:z', false],
    [`arn:aws:s:r:1:${v('x:y')}`, 'a:b', 'arn:aws:s:r:1:a:b', true],
    [`arn:aws:s:r:1:${v('x:y')}`, 'a', 'arn:aws:s:r:1:a:b', false],
    [`arn:aws:s:r:1:${v('x:y')}`, '*', 'arn:aws:s:r:1:a', false],
    [`arn:aws:s:${v('x:y')}:${v('x:z')}:a`, 'r', 'arn:aws:s:r:1:a', false],
  ]
  for (const [pattern, value, text, expected] of cases) {
    assert.equal(matches(pattern, text, to(value)), expected, `${pattern} ${value} ${text}`)
  }
  assert.equal(isResolvable(compile(`arn:aws:s:${v('x:y')}:${v('x:z')}:a`), to('r')), false)
  assert.equal(isResolvable(compile(`arn:aws:s:${v('x:y')}:1:a`), to('r')), true)
  assert.equal(isResolvable(compile('arn:aws:s:r:1:*'), nothing), true)
})

test('a variable of NotResource without a value keeps an Allow from applying and is left out of a Deny', () => {
  const known: Lookup = (key) => (key === 'x:me' ? ['me'] : [])
  const arn = (name: string) => `arn:aws:s:r:1:${name}`
  const covers = (inverted: boolean, effect: 'Allow' | 'Deny', patterns: readonly string[], text: string) =>
    coversResource(
      { inverted, patterns: patterns.map((pattern) => (pattern === '*' ? '*' : compile(pattern))) },
      effect,
      splitArn(text),
      known,
    )
  const missing = arn(v('x:none'))
  const mine = arn(v('x:me'))
  // Patterns, resource, and whether it is covered: Resource in Allow, in Deny, NotResource in Allow, in Deny.
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [[mine], arn('me'), 'yes yes no no'],
    [[mine], arn('you'), 'no no yes yes'],
    [[missing], arn('me'), 'no no no yes'],
    [[missing], arn(''), 'no no no yes'],
    [[missing], 'name', 'no no no yes'],
    [[missing], 'arn:aws:other:r:1:x', 'no no no yes'],
    [[missing, mine], arn('me'), 'yes yes no no'],
    [[missing, mine], arn('you'), 'no no no yes'],
    [[mine, missing], arn('you'), 'no no no yes'],
    [[missing, '*'], arn('you'), 'yes yes no no'],
    [['*', missing], 'name', 'yes yes no no'],
    [['*'], 'name', 'yes yes no no'],
    [[arn('*')], 'name', 'no no yes yes'],
    [[arn('*')], '*', 'no no yes yes'],
    [[arn('a'), arn('b')], arn('b'), 'yes yes no no'],
  ]
  for (const [patterns, text, expected] of cases) {
    const found = [false, true].flatMap((inverted) =>
      (['Allow', 'Deny'] as const).map((effect) => (covers(inverted, effect, patterns, text) ? 'yes' : 'no')),
    )
    assert.equal(found.join(' '), expected, `${patterns} ${text}`)
  }
})
