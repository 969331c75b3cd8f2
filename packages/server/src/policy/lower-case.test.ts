import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowerCase } from './lower-case.ts'

test('a name is lowered the same the first time, the second time, and after many others', () => {
  assert.equal(lowerCase('aws:PrincipalTag/TEAM'), 'aws:principaltag/team')
  assert.equal(lowerCase('aws:PrincipalTag/TEAM'), 'aws:principaltag/team')
  for (let i = 0; i < 10_000; i += 1) assert.equal(lowerCase(`A${i}`), `a${i}`)
  assert.equal(lowerCase('aws:PrincipalTag/TEAM'), 'aws:principaltag/team')
})
