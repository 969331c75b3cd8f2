import assert from 'node:assert/strict'
import { randomBytes, scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { passwordHash, SALT_BYTES } from './password.ts'

test('a hash is scrypt of the password and its salt, the same each time, and another for another of either', async () => {
  const salt = randomBytes(SALT_BYTES)
  const hash = await passwordHash('correct horse', salt)
  const expected = scryptSync('correct horse', salt, 32, { N: 16_384, r: 8, p: 5 })
  assert.deepEqual(hash, expected)
  const others = await Promise.all([
    passwordHash('correct horsf', salt),
    passwordHash('correct horse', randomBytes(16)),
  ])
  for (const other of others) assert.notDeepEqual(other, hash)
})
