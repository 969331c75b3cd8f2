import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTransient, toldOf } from './told.ts'

const answer = (name: string, httpStatusCode: number, message: string) =>
  Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode } })

test('of an answer its words are told, of anything else only what it is called', () => {
  const parser = Object.assign(new SyntaxError('Unexpected token \'h\', "hunter2" is not valid JSON'), {
    $metadata: { httpStatusCode: 200 },
  })
  assert.deepEqual(toldOf(parser), { name: 'SyntaxError' })
  assert.deepEqual(toldOf(Object.assign(new Error('hunter2'), { code: 'ECONNRESET' })), {
    name: 'Error',
    code: 'ECONNRESET',
  })
  assert.deepEqual(toldOf(answer('Odd', 400, 'Odd words.')), { name: 'Odd', status: 400, message: 'Odd words.' })
  assert.deepEqual(toldOf(answer('Odd', 400, 'UnknownError')), { name: 'Odd', status: 400 })
  for (const nothing of [undefined, null, 'hunter2', {}]) assert.deepEqual(toldOf(nothing), { name: 'Error' })
})

test('what may be over soon is an outage or a throttle, and no lack of credentials', () => {
  const refused = Object.assign(new Error(), { code: 'ECONNREFUSED' })
  for (const error of [refused, answer('InternalFailure', 500, ''), answer('ThrottlingException', 400, '')])
    assert.equal(isTransient(error), true)
  const without = Object.assign(new Error(), { name: 'CredentialsProviderError' })
  for (const error of [without, answer('AccessDenied', 403, ''), answer('ResourceNotFoundException', 400, '')])
    assert.equal(isTransient(error), false)
})
