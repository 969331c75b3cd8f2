// Every rule of GetRandomPassword exactly, and its distribution loosely.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { generatePassword, LOWERCASE, NUMBERS, type PasswordRules, PUNCTUATION, UPPERCASE } from './password.ts'

const DEFAULTS: PasswordRules = {
  length: 32,
  excludeCharacters: '',
  excludeNumbers: false,
  excludePunctuation: false,
  excludeUppercase: false,
  excludeLowercase: false,
  includeSpace: false,
  requireEachIncludedType: true,
}
const generate = (rules: Partial<PasswordRules> = {}): string =>
  generatePassword({ ...DEFAULTS, ...rules }, randomBytes)
const consistsOf = (password: string, characters: string): boolean => [...password].every((c) => characters.includes(c))
const hasOneOf = (password: string, characters: string): boolean => [...password].some((c) => characters.includes(c))

test('the punctuation characters are the 32 that AWS names', () => {
  assert.equal(PUNCTUATION.length, 32)
  assert.equal(new Set(UPPERCASE + LOWERCASE + NUMBERS + PUNCTUATION).size, 94)
})

test('a password has exactly the length asked for', () => {
  for (const length of [4, 5, 31, 32, 33, 1000, 4096]) assert.equal(generate({ length }).length, length)
})

test('by default a password has one of each of the four types and no space', () => {
  for (let n = 0; n < 200; n++) {
    const password = generate({ length: 4 })
    for (const type of [UPPERCASE, LOWERCASE, NUMBERS, PUNCTUATION]) assert.ok(hasOneOf(password, type), password)
    assert.ok(!password.includes(' '))
  }
})

test('a space counts as a required type once it is included', () => {
  for (let n = 0; n < 20; n++) assert.equal(generate({ length: 5, includeSpace: true }).split(' ').length, 2)
})

test('an excluded type never appears', () => {
  const cases: readonly [Partial<PasswordRules>, string][] = [
    [{ excludeNumbers: true }, NUMBERS],
    [{ excludePunctuation: true }, PUNCTUATION],
    [{ excludeUppercase: true }, UPPERCASE],
    [{ excludeLowercase: true }, LOWERCASE],
  ]
  for (const [rules, characters] of cases) {
    assert.ok(!hasOneOf(generate({ ...rules, length: 2000 }), characters))
    assert.equal(generate({ ...rules, length: 3 }).length, 3, 'three types are left to require')
  }
})

test('an excluded character never appears, whatever its type', () => {
  const password = generate({ length: 4096, excludeCharacters: 'aB3" ', includeSpace: true })
  assert.ok(!hasOneOf(password, 'aB3" '))
  for (const kept of ['b', 'A', '4', '!']) assert.ok(password.includes(kept))
})

test('a type of which every character is excluded is not required', () => {
  assert.match(generate({ length: 3, excludeCharacters: NUMBERS }), /^[^0-9]{3}$/)
})

test('without the requirement one character is enough', () => {
  assert.equal(generate({ length: 1, requireEachIncludedType: false }).length, 1)
})

test('a length that cannot hold one of each required type is refused', () => {
  for (const length of [1, 2, 3]) {
    assert.throws(() => generate({ length }), { code: 'InvalidParameterException' })
  }
  assert.throws(() => generate({ length: 4, includeSpace: true }), { code: 'InvalidParameterException' })
})

test('a request that leaves no character is refused', () => {
  const none = { excludeNumbers: true, excludePunctuation: true, excludeUppercase: true, excludeLowercase: true }
  assert.throws(() => generate(none), { code: 'InvalidParameterException' })
  assert.throws(() => generate({ ...none, requireEachIncludedType: false }), { code: 'InvalidParameterException' })
  assert.throws(() => generate({ excludeCharacters: UPPERCASE + LOWERCASE + NUMBERS + PUNCTUATION }), {
    code: 'InvalidParameterException',
  })
  assert.match(generate({ ...none, includeSpace: true }), /^ {32}$/)
})

test('the tightest rules, five types in five places of which four have one character, are met', () => {
  const excludeCharacters = UPPERCASE.slice(1) + LOWERCASE.slice(1) + NUMBERS.slice(1)
  const password = generate({ length: 5, includeSpace: true, excludeCharacters })
  for (const type of ['A', 'a', '0', PUNCTUATION, ' ']) assert.ok(hasOneOf(password, type))
})

test('every character is drawn about equally often', () => {
  const all = UPPERCASE + LOWERCASE + NUMBERS + PUNCTUATION
  const draws = 94 * 2_000
  const counts = new Map<string, number>()
  for (let n = 0; n < draws / 4_000; n++) {
    for (const c of generate({ length: 4_000 })) counts.set(c, (counts.get(c) ?? 0) + 1)
  }
  assert.equal(counts.size, 94)
  // Chi-squared with 93 degrees of freedom: mean 93, deviation 13.6. A modulo bias (256 mod 94 = 68) would give some 30,000.
  let chiSquared = 0
  for (const c of all) chiSquared += ((counts.get(c) as number) - 2_000) ** 2 / 2_000
  assert.ok(chiSquared < 93 + 8 * 13.6, `chi-squared ${chiSquared}`)
})

test('every password that the rules allow is about equally likely', () => {
  // Three characters of {A, B} and {0}, one of each type at least: 12 + 6 - ... = 18 passwords of 27.
  const rules = {
    length: 3,
    excludeCharacters: UPPERCASE.slice(2) + NUMBERS.slice(1),
    excludeLowercase: true,
    excludePunctuation: true,
  }
  const counts = new Map<string, number>()
  for (let n = 0; n < 18_000; n++) {
    const password = generate(rules)
    assert.ok(consistsOf(password, 'AB0'))
    counts.set(password, (counts.get(password) ?? 0) + 1)
  }
  assert.equal(counts.size, 18)
  let chiSquared = 0
  for (const count of counts.values()) chiSquared += (count - 1_000) ** 2 / 1_000
  assert.ok(chiSquared < 17 + 8 * 5.9, `chi-squared ${chiSquared}`)
})

test('a byte that would favour some characters is thrown away', () => {
  // With two characters all 256 values are usable; with three, 255 is not.
  const rules = {
    length: 1,
    requireEachIncludedType: false,
    excludePunctuation: true,
    excludeUppercase: true,
    excludeLowercase: true,
  }
  const bytes = (size: number): Uint8Array => {
    const pool = new Uint8Array(size).fill(0)
    pool.set([255, 254])
    return pool
  }
  const generateFrom = (excludeCharacters: string): string =>
    generatePassword({ ...DEFAULTS, ...rules, excludeCharacters }, bytes)
  assert.equal(generateFrom('23456789'), '1')
  assert.equal(generateFrom('3456789'), '2', '255 was skipped, 254 mod 3 is 2')
})
