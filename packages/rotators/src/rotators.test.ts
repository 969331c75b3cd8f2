import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rotators } from './index.ts'

const SUFFIXES = { single: 'single-user', alternating: 'alternating-users', dual: 'dual-passwords' } as const

test('every rotator is named by its engine and strategy, once, and a function can have the name', () => {
  const names = rotators.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, strategy, members, options } of rotators) {
    if (name.endsWith(SUFFIXES.single) || name.endsWith(SUFFIXES.alternating) || name.endsWith(SUFFIXES.dual)) {
      assert.ok(name.endsWith(SUFFIXES[strategy]), name)
    }
    assert.match(`strongroom-${name}`, /^[a-z0-9-]{1,64}$/)
    for (const described of [members, options]) {
      assert.equal(new Set(described.map((one) => one.name)).size, described.length, name)
    }
  }
})
