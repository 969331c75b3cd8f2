import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  accountOfAccessKeyId,
  newAccessKeyId,
  newAccountId,
  newSecretAccessKey,
  newTemporaryAccessKeyId,
  newUniqueId,
} from './unique-id.ts'

test('an access key id carries its account, whatever the random part', () => {
  const accounts = fc.bigInt({ min: 0n, max: 999_999_999_999n }).map((n) => n.toString().padStart(12, '0'))
  fc.assert(
    fc.property(accounts, fc.uint8Array({ minLength: 5, maxLength: 5 }), (account, random) => {
      const id = newAccessKeyId(account, () => random)
      assert.match(id, /^AKIA[A-Z2-7]{16}$/)
      assert.equal(accountOfAccessKeyId(id), account)
      assert.equal(
        newTemporaryAccessKeyId(account, () => random),
        id.replace('AKIA', 'ASIA'),
      )
    }),
  )
})

test('an access key id of AWS is read as AWS reads it', () => {
  // Published by its owner: https://awsteele.com/blog/2020/09/26/aws-access-key-format.html
  assert.equal(accountOfAccessKeyId('ASIAY34FZKBOKMUTVV7A'), '609629065308')
})

test('what has not the form of an access key id carries no account', () => {
  for (const id of [
    '',
    'AKIA',
    'AIDAQNZGKIQY56JQ7WML',
    'AKIAQNZGKIQY56JQ7WM1',
    'AKIAQNZGKIQY56JQ7WMLA',
    'AKIA7777777777777777',
  ]) {
    assert.equal(accountOfAccessKeyId(id), undefined, id)
  }
})

test('ids and secrets have AWS’s lengths and alphabets and do not repeat', () => {
  const made = Array.from({ length: 200 }, () => [
    newSecretAccessKey(randomBytes),
    newUniqueId('AIDA', randomBytes),
    newUniqueId('ANPA', randomBytes),
    newAccountId(randomBytes),
    newAccessKeyId('123456789012', randomBytes),
  ])
  for (const [secret, user, policy, account] of made) {
    assert.match(secret!, /^[A-Za-z0-9+/]{40}$/)
    assert.match(user!, /^AIDA[A-Z2-7]{17}$/)
    assert.match(policy!, /^ANPA[A-Z2-7]{17}$/)
    assert.match(account!, /^[1-9]\d{11}$/)
  }
  assert.equal(new Set(made.flat()).size, 1_000)
})
