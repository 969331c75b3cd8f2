// How requests change the tags of a secret.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withTags } from './model.ts'
import { requestTagContext, sameTags, tagKeysContext, withoutTags } from './tags.ts'

const TAGS_MAX = 50
const given = (count: number): { Key: string; Value: string }[] =>
  Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: 'v' }))

test('letters, digits, spaces and + - = . _ : / @ are allowed in keys and values, in any script', () => {
  assert.deepEqual(withTags([], [{ Key: 'Größe 1+-=._:/@', Value: '東京 ' }, { Key: 'empty' }]), [
    { key: 'Größe 1+-=._:/@', value: '東京 ' },
    { key: 'empty', value: '' },
  ])
})

test('other characters, reserved prefixes, repeated and missing keys are refused', () => {
  for (const tags of [
    [{ Key: 'a!' }],
    [{ Key: 'a', Value: '#' }],
    [{ Key: 'a\u0000' }],
    [{ Key: 'a\nb' }],
    [{ Key: '\ud800' }],
    [{ Key: 'aws:x' }],
    [{ Key: 'AWS:x' }],
    [{ Key: 'a' }, { Key: 'a', Value: 'b' }],
    [{ Value: 'x' }],
    given(TAGS_MAX + 1),
  ]) {
    assert.throws(() => withTags([], tags), { code: 'InvalidParameterException' }, JSON.stringify(tags[0]))
  }
})

test('adding a tag overwrites the value of its key, which is case-sensitive, and leaves the others', () => {
  const current = withTags(
    [],
    [
      { Key: 'a', Value: '1' },
      { Key: 'A', Value: '2' },
    ],
  )
  assert.deepEqual(
    withTags(current, [
      { Key: 'a', Value: '3' },
      { Key: 'c', Value: '4' },
    ]),
    [
      { key: 'a', value: '3' },
      { key: 'A', value: '2' },
      { key: 'c', value: '4' },
    ],
  )
})

test('a secret has at most 50 tags, and a full one still takes new values', () => {
  const full = withTags([], given(TAGS_MAX))
  assert.equal(withTags(full, [{ Key: 'k0', Value: 'other' }]).length, TAGS_MAX)
  assert.throws(() => withTags(full, [{ Key: 'new' }]), { code: 'InvalidParameterException' })
})

test('removing a tag that is not there is no error, and service tags cannot be removed', () => {
  const current = [
    { key: 'a', value: '' },
    { key: 'b', value: '' },
  ]
  assert.deepEqual(withoutTags(current, ['a', 'zzz', 'A']), [{ key: 'b', value: '' }])
  assert.throws(() => withoutTags(current, ['Aws:x']), { code: 'InvalidParameterException' })
})

test('lists of tags are the same only with the same keys, values and order', () => {
  const tags = withTags([], given(2))
  assert.ok(sameTags(tags, withTags(tags, given(1))))
  assert.ok(!sameTags(tags, withTags(tags, [{ Key: 'k1', Value: 'w' }])))
  assert.ok(!sameTags(tags, withTags(tags, [{ Key: 'k2', Value: 'v' }])))
})

test('policies see the tags of a request by key, and the keys as a list', () => {
  assert.deepEqual(requestTagContext([{ Key: 'a', Value: '1' }, { Key: 'b' }]), {
    'aws:RequestTag/a': '1',
    'aws:RequestTag/b': '',
    'aws:TagKeys': ['a', 'b'],
  })
  assert.deepEqual(tagKeysContext(['x']), { 'aws:TagKeys': ['x'] })
})
