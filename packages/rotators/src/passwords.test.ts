import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { RotatorError } from './errors.ts'
import {
  describePasswordOptions,
  lookAtPasswords,
  makePassword,
  readPasswordOptions,
  USUAL_PASSWORDS,
} from './passwords.ts'

const make = (options = {}) => makePassword(USUAL_PASSWORDS, options, { randomBytes })

test('a password has 32 characters of every kind and none that clients trip over', () => {
  for (let time = 0; time < 500; time++) {
    const password = make()
    assert.equal(password.length, 32)
    assert.doesNotMatch(password, /[:/@"'\\% ]/)
    for (const kind of [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/]) assert.match(password, kind)
  }
})

test('every character is equally likely', () => {
  const counts = new Map<string, number>()
  const options = { passwordLength: '128', requireEachIncludedType: 'false' }
  const draws = 2_000
  for (let time = 0; time < draws; time++) for (const c of make(options)) counts.set(c, (counts.get(c) ?? 0) + 1)
  assert.equal(counts.size, 87)
  const expected = (draws * 128) / 87
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 86 degrees of freedom: 180 is passed by chance once in 10^8. A modulo without rejection gives thousands.
  assert.ok(chiSquared < 180, String(chiSquared))
})

test('the options are heeded under both of their names', () => {
  for (const options of [
    { passwordLength: '20', excludeNumbers: 'true', excludePunctuation: 'True', excludeCharacters: 'abcXYZ' },
    { PASSWORD_LENGTH: '20', EXCLUDE_NUMBERS: 'true', EXCLUDE_PUNCTUATION: 'true', EXCLUDE_CHARACTERS: 'abcXYZ' },
  ]) {
    for (let time = 0; time < 100; time++) assert.match(make(options), /^[d-zA-W]{20}$/)
  }
  assert.match(make({ excludeUppercase: 'true', excludeLowercase: 'true', excludePunctuation: 'true' }), /^[0-9]{32}$/)
  const known = describePasswordOptions(USUAL_PASSWORDS).map(({ name }) => name)
  assert.ok(known.includes('requireEachIncludedType') && known.includes('REQUIRE_EACH_INCLUDED_TYPE'))
  assert.equal(lookAtPasswords(USUAL_PASSWORDS, {}).message, 'New passwords have 32 characters out of 87, 206 bits.')
})

test('what is no option, or leaves passwords that can be guessed, is refused', () => {
  for (const [options, message] of [
    [{ passwordLength: '8' }, /from 16 to 128/],
    [{ passwordLength: '129' }, /from 16 to 128/],
    [{ passwordLength: 'many' }, /from 16 to 128/],
    [{ passwordLength: '32', PASSWORD_LENGTH: '32' }, /the same option/],
    [{ excludeNumbers: 'yes' }, /neither true nor false/],
    [
      { passwordLength: '16', excludeUppercase: 'true', excludeLowercase: 'true', excludePunctuation: 'true' },
      /64 bits/,
    ],
    [
      { excludeUppercase: 'true', excludeLowercase: 'true', excludePunctuation: 'true', excludeNumbers: 'true' },
      /64 bits/,
    ],
  ] as const) {
    assert.throws(
      () => readPasswordOptions(USUAL_PASSWORDS, options),
      (error: RotatorError) => error.kind === 'secret' && message.test(error.message),
    )
  }
})
