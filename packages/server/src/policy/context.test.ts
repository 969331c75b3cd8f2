import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLookup } from './context.ts'
import type { AuthorizationRequest, Context } from './engine.ts'

const lookupOf = (base: Context, over?: Context) => {
  let asked = 0
  const request: AuthorizationRequest = {
    principal: { kind: 'user', arn: 'arn:aws:iam::1:user/a', account: '1', userId: 'AIDA1' },
    permission: { action: 'a:B', resource: '*', resourceAccount: '1', ...(over && { context: over }) },
    context: () => {
      asked += 1
      return base
    },
    layers: { identity: [] },
  }
  return { lookup: createLookup(request), asked: () => asked }
}

test('a key is found whatever the case of its name', () => {
  const { lookup } = lookupOf({ 'aws:PrincipalTag/Team': 'x', 'AWS:username': ['y', 'z'] })
  assert.deepEqual(lookup('aws:principaltag/team'), ['x'])
  assert.deepEqual(lookup('aws:username'), ['y', 'z'])
  assert.deepEqual(lookup('aws:other'), [])
})

test('a key without a value is absent, one with the empty text is not', () => {
  const { lookup } = lookupOf({ 'a:undefined': undefined, 'a:none': [], 'a:empty': '', 'a:listed': [''] })
  assert.deepEqual(lookup('a:undefined'), [])
  assert.deepEqual(lookup('a:none'), [])
  assert.deepEqual(lookup('a:empty'), [''])
  assert.deepEqual(lookup('a:listed'), [''])
})

test('names that differ only in case are one key with all their values', () => {
  const { lookup } = lookupOf({ 'a:K': 'x', 'A:k': ['y', 'z'], 'a:k': undefined }, { 'A:K': 'w' })
  assert.deepEqual(lookup('a:k'), ['x', 'y', 'z', 'w'])
})

test('what the permission says stands for what the request says under the same name', () => {
  const { lookup } = lookupOf(
    { 'a:One': 'request', 'a:Two': 'request', 'a:Three': 'request' },
    { 'a:One': 'permission', 'a:Two': undefined, 'a:Four': 'permission' },
  )
  assert.deepEqual(lookup('a:one'), ['permission'])
  assert.deepEqual(lookup('a:two'), [])
  assert.deepEqual(lookup('a:three'), ['request'])
  assert.deepEqual(lookup('a:four'), ['permission'])
})

test('the context is asked for when first a key is looked up, and then no more', () => {
  const { lookup, asked } = lookupOf({ 'a:k': 'x' })
  assert.equal(asked(), 0)
  lookup('a:k')
  lookup('a:k')
  lookup('a:other')
  assert.equal(asked(), 1)
})

test('members that every object has are no keys', () => {
  const { lookup } = lookupOf(JSON.parse('{"__proto__":"x"}'), {})
  assert.deepEqual(lookup('constructor'), [])
  assert.deepEqual(lookup('tostring'), [])
  assert.deepEqual(lookup('__proto__'), ['x'])
})
