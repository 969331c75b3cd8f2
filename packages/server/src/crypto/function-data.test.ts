// What belongs to a function opens under its key and in its place, and nowhere else.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { FUNCTION_KEY_BYTES, functionKey, openFunctionData, sealFunctionData } from './function-data.ts'

const key = functionKey(Buffer.alloc(FUNCTION_KEY_BYTES, 7))
const place = ['arn:aws:lambda:eu-central-1:111122223333:function:a', 'code', 'sha', '0']
const plaintext = Buffer.from('exports.handler = () => 1')
const sealed = sealFunctionData(key, place, plaintext)

test('what was sealed opens again, and twice the same seals to different bytes', () => {
  assert.deepEqual(openFunctionData(key, place, sealed), plaintext)
  assert.notDeepEqual(sealFunctionData(key, place, plaintext), sealed)
  assert.deepEqual(openFunctionData(key, place, sealFunctionData(key, place, Buffer.alloc(0))), Buffer.alloc(0))
})

test('no other place, no other key and no changed byte opens it', () => {
  for (const other of [[...place, ''], place.slice(1), [place.join('')], [...place.slice(0, 3), '1']])
    assert.equal(openFunctionData(key, other, sealed), undefined, other.join(' '))
  assert.equal(openFunctionData(functionKey(randomBytes(FUNCTION_KEY_BYTES)), place, sealed), undefined)
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    assert.equal(openFunctionData(key, place, changed), undefined, `byte ${at}`)
  }
  for (let length = 0; length < sealed.length; length += 1)
    assert.equal(openFunctionData(key, place, sealed.subarray(0, length)), undefined)
})

test('the format is the one that is documented', () => {
  const vector = sealFunctionData(key, place, plaintext, (size) => Buffer.alloc(size, 9))
  assert.equal(vector.subarray(0, 13).toString('hex'), `01${'09'.repeat(12)}`)
  assert.equal(vector.length, 1 + 12 + plaintext.length + 16)
})
