// Page tokens: what was sealed opens again, and nothing else does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testKeyring } from '../audit/testing.ts'
import { openPageToken, PAGE_TOKEN_CHARACTERS_MAX, sealPageToken } from './page-token.ts'

const keyring = testKeyring()
const json = '{"after":"prod/db"}'
const token = sealPageToken(keyring, 'service:Operation', '111122223333', json)

test('a token opens for the purpose and account it was made for, and for no other', () => {
  assert.equal(openPageToken(keyring, 'service:Operation', '111122223333', token), json)
  assert.equal(openPageToken(keyring, 'service:Other', '111122223333', token), undefined)
  assert.equal(openPageToken(keyring, 'service:Operation', '444455556666', token), undefined)
  assert.equal(openPageToken(testKeyring(), 'service:Operation', '111122223333', token), undefined)
})

test('no changed character, no shortening and no lengthening of a token opens', () => {
  for (let at = 0; at < token.length; at++) {
    const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    assert.equal(openPageToken(keyring, 'service:Operation', '111122223333', altered), undefined, `character ${at}`)
    assert.equal(openPageToken(keyring, 'service:Operation', '111122223333', token.slice(0, at)), undefined)
  }
  for (const more of ['A', '=', ' ', '\n', '%']) {
    assert.equal(openPageToken(keyring, 'service:Operation', '111122223333', token + more), undefined)
  }
})

test('text that is no token at all does not open', () => {
  for (const text of ['', 'A', 'AQ', '{}', 'x'.repeat(PAGE_TOKEN_CHARACTERS_MAX + 1), '\0', '…']) {
    assert.equal(openPageToken(keyring, 'service:Operation', '111122223333', text), undefined)
  }
})
