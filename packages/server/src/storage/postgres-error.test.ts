import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresError } from './postgres-error.ts'

test('what the system says of a broken connection is a lost connection, also where it looks like an SQLSTATE', () => {
  for (const code of ['EPIPE', 'ECONNRESET', undefined]) {
    const { reason, lost, retryable } = postgresError(Object.assign(new Error('write'), { code }))
    assert.deepEqual({ reason, lost, retryable }, { reason: 'unavailable', lost: true, retryable: true }, String(code))
  }
  const { lost, retryable } = postgresError(Object.assign(new Error('serialization'), { code: '40001' }))
  assert.deepEqual({ lost, retryable }, { lost: false, retryable: true })
})
