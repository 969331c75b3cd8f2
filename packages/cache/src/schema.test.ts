import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseCredential, parseJson } from './schema.ts'

test('a schema is a function, or whatever follows Standard Schema, asynchronous too', async () => {
  assert.deepEqual(await parseJson('it', '[1]', undefined), [1])
  assert.equal(await parseJson('it', '[1]', (value) => (value as number[]).length), 1)
  const validate = async (value: unknown) => ({ value: String(value) })
  assert.equal(await parseJson('it', '[1,2]', { '~standard': { validate } }), '1,2')
  // A function that is a Standard Schema is taken as one.
  const both = Object.assign(() => assert.fail('called'), { '~standard': { validate } })
  assert.equal(await parseJson('it', '[3]', both), '3')
  const thrower = (): never => {
    throw new RangeError('of the schema')
  }
  await assert.rejects(parseJson('it', '1', thrower), /^RangeError: of the schema$/)
})

test('what does not fit is told by its place, never by its value', async () => {
  const schema = {
    '~standard': {
      validate: () => ({ issues: [{ message: 'hunter2', path: ['a', { key: 0 }] }, { message: 'hunter2' }] }),
    },
  }
  const message = 'The value of the secret x does not fit its schema at a.0, its top.'
  await assert.rejects(parseJson('the secret x', '{}', schema), { name: 'SecretFormatError', message })
  await assert.rejects(parseJson('the secret x', 'hunter2', undefined), (error: Error) => {
    assert.deepEqual([error.message, error.cause], ['The value of the secret x is not JSON.', undefined])
    return true
  })
})

test('a database credential is what AWS has it to be', () => {
  const all = { username: 'u', password: 'p', engine: 'postgres', host: 'h', port: 5432, dbname: 'd' }
  assert.deepEqual(databaseCredential({ ...all, port: '5432', masterarn: 'arn' }), all)
  assert.deepEqual(databaseCredential({ username: 'u', password: '' }), { username: 'u', password: '' })
  for (const wrong of [
    null,
    'text',
    { username: 'u' },
    { ...all, password: 1 },
    { ...all, port: 'x' },
    { ...all, port: 0 },
    { ...all, host: null },
  ])
    assert.throws(() => databaseCredential(wrong), { name: 'SecretFormatError' })
})
