// Broken limits in AWS's words, and what of an input may be written down.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '../errors.ts'
import { redact } from './redact.ts'
import { blob, enumeration, integer, list, map, optional, string, structure } from './shape.ts'
import { validate } from './validate.ts'

const members = {
  SecretId: string({ min: 1, max: 8 }),
  SecretString: optional(string({ min: 1, max: 4, sensitive: true })),
  SecretBinary: optional(blob({ min: 1, max: 4, sensitive: true })),
  MaxResults: optional(integer({ min: 1, max: 100 })),
  SortOrder: optional(enumeration('asc', 'desc')),
  VersionStages: optional(list(string({ min: 1, max: 5 }), { min: 1, max: 3 })),
  Tags: optional(list(structure({ Key: string({ min: 1, max: 3 }), Value: optional(string({ max: 2 })) }))),
  Region: optional(string({ pattern: /^([a-z]+-)+\d+$/, patternText: '^([a-z]+-)+\\d+$' })),
  Name: optional(string({ max: 8, pattern: /^[a-z]+$/, message: 'Invalid name.' })),
  Labels: optional(map(string({ min: 1, max: 3 }), string({ max: 2 }), { max: 2 })),
}

const table: readonly [input: { readonly [name: string]: unknown }, broken: readonly string[]][] = [
  [{ SecretId: 'a' }, []],
  [{}, ["Value null at 'secretId' failed to satisfy constraint: Member must not be null"]],
  [
    { SecretId: '' },
    ["Value '' at 'secretId' failed to satisfy constraint: Member must have length greater than or equal to 1"],
  ],
  [
    { SecretId: 'a', SecretString: 'hidden' },
    ["Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 4"],
  ],
  [
    { SecretId: 'a', SecretBinary: new Uint8Array(5) },
    ["Value at 'secretBinary' failed to satisfy constraint: Member must have length less than or equal to 4"],
  ],
  [
    { SecretId: 'a', MaxResults: 0 },
    ["Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"],
  ],
  [
    { SecretId: 'a', MaxResults: 101 },
    ["Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"],
  ],
  [
    { SecretId: 'a', SortOrder: 'up' },
    ["Value 'up' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [asc, desc]"],
  ],
  [
    { SecretId: 'a', VersionStages: [] },
    ["Value '[]' at 'versionStages' failed to satisfy constraint: Member must have length greater than or equal to 1"],
  ],
  [
    { SecretId: 'a', VersionStages: ['x', 'toolong'] },
    [
      "Value 'toolong' at 'versionStages.2.member' failed to satisfy constraint: Member must have length less than or equal to 5",
    ],
  ],
  [
    { SecretId: 'a', Tags: [{ Key: 'k' }, { Value: 'long' }] },
    [
      "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
      "Value 'long' at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 2",
    ],
  ],
  [
    { SecretId: 'a', Region: 'nowhere' },
    [
      "Value 'nowhere' at 'region' failed to satisfy constraint: Member must satisfy regular expression pattern: ^([a-z]+-)+\\d+$",
    ],
  ],
  [
    { SecretId: 'a', Labels: { long_: 'ok' } },
    ["Value 'long_' at 'labels.key' failed to satisfy constraint: Member must have length less than or equal to 3"],
  ],
]

for (const [input, broken] of table) {
  test(`${JSON.stringify(input)} breaks ${broken.length} limits`, () => {
    if (broken.length === 0) return validate(members, input)
    const count = broken.length === 1 ? '1 validation error' : `${broken.length} validation errors`
    assert.throws(() => validate(members, input), {
      code: 'ValidationException',
      status: 400,
      message: `${count} detected: ${broken.join('; ')}`,
    })
  })
}

test('a shape with words of its own is refused in them, after what AWS says in general', () => {
  assert.throws(() => validate(members, { SecretId: 'a', Name: 'A' }), { message: 'Invalid name.' })
  assert.throws(() => validate(members, { SecretId: 'a', Name: 'toolongname' }), {
    message:
      "1 validation error detected: Value 'toolongname' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8",
  })
  assert.throws(
    () => validate(members, { Name: 'A' }),
    /^ServiceError: 1 validation error detected: Value null at 'secretId'/,
  )
})

test('a sensitive value is in no error and in no event', () => {
  const input = { SecretId: 'a', SecretString: 'canary', SecretBinary: Buffer.from('canary') }
  assert.throws(
    () => validate(members, input),
    (error: unknown) => error instanceof ServiceError && !error.message.includes('canary'),
  )
  assert.deepEqual(redact(members, input), { secretId: 'a' })
})

test('an event carries the names in camelCase, lists and structures included, and null where nothing was sent', () => {
  const input = { SecretId: 'a', Tags: [{ Key: 'k', Value: 'v' }], VersionStages: ['s'] }
  assert.deepEqual(redact(members, input), {
    secretId: 'a',
    tags: [{ key: 'k', value: 'v' }],
    versionStages: ['s'],
  })
  assert.equal(redact(members, {}), null)
})
