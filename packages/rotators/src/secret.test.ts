import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresql } from './engines/postgresql.ts'
import { RotatorError } from './errors.ts'
import type { SecretValue } from './rotator.ts'
import { parseSecret, placeOf, readLogin, readMaster } from './secret.ts'

const whole = { engine: 'postgres', host: 'Db.Example.com', port: 5433, username: 'app', password: 'p', dbname: 'shop' }

const problemsOf = (value: SecretValue): string => {
  try {
    readLogin(postgresql, value)
  } catch (error) {
    assert.ok(error instanceof RotatorError)
    assert.equal(error.kind, 'secret')
    return error.message
  }
  return ''
}

test('what AWS’s templates read is read the same, numbers and booleans as strings too', () => {
  const login = readLogin(postgresql, whole)
  assert.deepEqual(login, {
    host: 'Db.Example.com',
    port: 5433,
    username: 'app',
    password: 'p',
    dbname: 'shop',
    tls: true,
    value: whole,
  })
  assert.equal(placeOf(login), 'db.example.com:5433')
  assert.equal(readLogin(postgresql, { ...whole, port: '5433' }).port, 5433)
  assert.equal(readLogin(postgresql, { ...whole, engine: 'aurora-postgresql', port: undefined }).port, 5432)
  assert.equal(readLogin(postgresql, { ...whole, dbname: undefined }).dbname, 'postgres')
  for (const [ssl, tls] of [
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [undefined, true],
    [null, true],
    ['', true],
  ]) {
    assert.equal(readLogin(postgresql, { ...whole, ssl }).tls, tls, String(ssl))
  }
})

test('one error names everything that is missing or contradicts itself, and no value', () => {
  assert.equal(
    problemsOf({ engine: 'mysql', host: 'a b', port: 'http', password: '', ssl: 'maybe' }),
    'The secret does not fit this rotator: engine is not postgres or postgresql or aurora-postgresql; host is neither a name nor an address; ' +
      'username is missing; password is missing; port is not a number from 1 to 65535; ssl is neither true nor false.',
  )
  for (const port of [0, 65_536, 1.5, -1, '0x10', '1e3', true, {}]) {
    assert.match(problemsOf({ ...whole, port }), /port is not/, String(port))
  }
  for (const host of ['/var/run/postgresql', 'http://db', 'db,other', 'a@b', '']) {
    assert.match(problemsOf({ ...whole, host }), /host is/, host)
  }
  for (const ssl of [0, 1, 'no', 'require', {}]) assert.match(problemsOf({ ...whole, ssl }), /ssl is/)
  assert.match(problemsOf({ ...whole, username: 'x'.repeat(64) }), /username is longer/)
  assert.match(problemsOf({ ...whole, username: 'x\0y' }), /null character/)
})

test('a value is a JSON object, and says the same when it is written again', () => {
  const text = '{"z":12345678901234567890,"a":1.10,"__proto__":{"x":1},"list":[1e400,"é"],"n":null}'
  assert.equal(JSON.stringify({ ...parseSecret(text) }), text)
  for (const wrong of ['', 'hunter2', '[]', '"hunter2"', '12', 'null', '{"password":"hunter2"']) {
    assert.throws(
      () => parseSecret(wrong),
      (error: RotatorError) => error.kind === 'secret' && !`${error.message}${error.cause}`.includes('hunter2'),
    )
  }
})

test('a master secret without a host is of the user’s server; one with a host is of its own', () => {
  const bare = { username: 'root', password: 'm' }
  const user = { ...whole, ssl: 'false' }
  const master = readMaster(postgresql, bare, user)
  assert.deepEqual(
    [master.host, master.port, master.dbname, master.tls, master.username],
    ['Db.Example.com', 5433, 'shop', false, 'root'],
  )
  const own = readMaster(postgresql, { ...bare, host: 'other' }, user)
  assert.deepEqual([own.host, own.port, own.dbname, own.tls], ['other', 5432, 'postgres', true])
  assert.throws(() => readMaster(postgresql, undefined, user), /masterarn/)
  assert.throws(
    () => readMaster(postgresql, { username: 'root' }, user),
    /^RotatorError: The master secret does not fit/,
  )
  assert.throws(() => readMaster(postgresql, { ...bare, engine: 'mysql' }, user), /engine is not/)
})
