// What each filter key matches, negation, and the range of names that filters allow.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileFilters, type Filter, type FilterKey, finelyCut, nameRange, type Searchable } from './filters.ts'

const SECRET: Searchable = {
  name: 'prod/Db-main2',
  description: 'Password of the main database (EU-west), user appUser',
  tags: [
    { key: 'Team', value: 'Blue' },
    { key: 'env', value: 'prod' },
    { key: 'aws:secretsmanager:owningService', value: 'rds' },
  ],
  primaryRegion: 'eu-west-1',
  owningService: 'rds',
  type: 'SnowflakePat',
}
const BARE: Searchable = { name: 'bare', tags: [] }

const matches = (secret: Searchable, Key: FilterKey, ...Values: readonly string[]): boolean =>
  compileFilters([{ Key, Values }])(secret)

const table: readonly [FilterKey, string, boolean][] = [
  ['name', 'prod/', true],
  ['name', 'prod/Db-main2', true],
  ['name', 'Prod/', false],
  ['name', 'Db', false],
  ['name', '', true],
  ['name', '!prod/', false],
  ['name', '!dev/', true],
  ['name', '!', false],
  ['description', 'password', true],
  ['description', 'PASS', true],
  ['description', 'database main', true],
  ['description', 'data eu', true],
  ['description', 'atabase', false],
  ['description', 'main missing', false],
  ['description', '!main', false],
  ['description', '!missing', true],
  ['tag-key', 'Te', true],
  ['tag-key', 'te', false],
  ['tag-key', 'aws:secretsmanager:owningService', true],
  ['tag-key', '!Team', false],
  ['tag-value', 'Blu', true],
  ['tag-value', 'blue', false],
  ['tag-value', 'rod', false],
  ['primary-region', 'eu-', true],
  ['primary-region', 'EU-', false],
  ['owning-service', 'rds', true],
  ['owning-service', 'RDS', false],
  ['all', 'db', true],
  ['all', 'MAIN', true],
  ['all', 'main2', true],
  ['all', 'app user', true],
  ['all', 'appUser', true],
  ['all', 'appuser', true],
  ['all', 'blue prod', true],
  ['all', 'rds', true],
  ['all', 'snowflake', true],
  ['all', 'blue green', false],
  ['all', '!green', true],
  ['all', '!Blue', false],
]
for (const [key, value, expected] of table) {
  test(`${key} ${JSON.stringify(value)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matches(SECRET, key, value), expected)
  })
}

test('a secret without the attribute matches no plain value of it, and passes every negated one', () => {
  for (const key of ['description', 'tag-key', 'tag-value', 'primary-region', 'owning-service'] as const) {
    assert.equal(matches(BARE, key, ''), false, key)
    assert.equal(matches(BARE, key, '!x'), true, key)
    assert.equal(matches(BARE, key, '!'), true, key)
  }
})

test('the values of one filter are alternatives', () => {
  assert.equal(matches(SECRET, 'name', 'dev/', 'prod/'), true)
  assert.equal(matches(SECRET, 'name', 'dev/', 'test/'), false)
})

test('a secret that matches any negated value is left out, whatever else the filter holds', () => {
  assert.equal(matches(SECRET, 'name', '!dev/', '!prod/'), false)
  assert.equal(matches(SECRET, 'name', '!dev/', '!test/'), true)
  assert.equal(matches(SECRET, 'name', 'prod/', '!prod/Db'), false)
  assert.equal(matches(SECRET, 'name', 'prod/', '!prod/X'), true)
  assert.equal(matches(SECRET, 'name', 'dev/', '!test/'), false)
})

test('several filters must all pass, the same key twice included', () => {
  const passes = (...filters: readonly Filter[]): boolean => compileFilters(filters)(SECRET)
  assert.equal(passes({ Key: 'name', Values: ['prod'] }, { Key: 'tag-key', Values: ['Team'] }), true)
  assert.equal(passes({ Key: 'name', Values: ['prod'] }, { Key: 'tag-key', Values: ['Owner'] }), false)
  assert.equal(passes({ Key: 'tag-key', Values: ['Team'] }, { Key: 'tag-key', Values: ['env'] }), true)
  assert.equal(passes({ Key: 'tag-key', Values: ['Team'] }, { Key: 'tag-key', Values: ['Owner'] }), false)
  assert.equal(passes(), true)
})

test('an exclamation mark is special only at the start of a value', () => {
  assert.equal(matches({ name: 'rds!db-1', tags: [] }, 'name', 'rds!db'), true)
  assert.equal(matches({ name: '!x', tags: [] }, 'name', '!!x'), false)
})

test('a filter without a key or without values is refused', () => {
  for (const filter of [{ Values: ['x'] }, { Key: 'name' }, { Key: 'name', Values: [] }, {}] as const) {
    assert.throws(() => compileFilters([filter]), { code: 'InvalidParameterException' })
  }
})

test('words of `all` are cut at spaces, punctuation, letter and digit boundaries, and lower to upper case', () => {
  assert.deepEqual(finelyCut('db-Main2 userName/HTTPServer_x.9a'), [
    'db',
    'main',
    '2',
    'user',
    'name',
    'httpserver',
    'x',
    '9',
    'a',
  ])
  assert.deepEqual(finelyCut(' --!! '), [])
})

test('the range of names holds every name that the filters let pass, and is known only for plain name values', () => {
  const name = (...Values: readonly string[]): Filter => ({ Key: 'name', Values })
  assert.equal(nameRange([]), undefined)
  assert.equal(nameRange([name('!a')]), undefined)
  assert.equal(nameRange([{ Key: 'tag-key', Values: ['a'] }]), undefined)
  assert.deepEqual(nameRange([name('b/')]), { from: 'b/', to: 'b/~' })
  assert.deepEqual(nameRange([name('c', 'a', '!ab')]), { from: 'a', to: 'c~' })
  assert.deepEqual(nameRange([name('ab', 'a')]), { from: 'a', to: 'a~' })
  assert.deepEqual(nameRange([name('a'), name('ab', 'c')]), { from: 'ab', to: 'a~' })

  const prefixes = ['', 'a', 'ab', 'a/', 'b', 'z', 'Z', '_', 'a!', '@']
  const names = ['a', 'ab', 'a/b', 'abc', 'az', 'b', 'zz', 'Z', '_x', 'a!', '@@', '0', '-', '+=.@-']
  for (const one of prefixes) {
    for (const two of prefixes) {
      for (const filters of [[name(one, two)], [name(one), name(two)]]) {
        const range = nameRange(filters) as { from: string; to: string }
        const passes = compileFilters(filters)
        for (const n of names)
          if (passes({ name: n, tags: [] })) assert.ok(range.from <= n && n < range.to, `${one} ${two} ${n}`)
      }
    }
  }
})
