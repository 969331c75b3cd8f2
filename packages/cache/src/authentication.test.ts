import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAuthenticationFailure } from './authentication.ts'

const error = (members: object, message = 'no') => Object.assign(new Error(message), members)

test('a wrong credential is told from everything else', () => {
  for (const wrong of [
    error({ code: '28P01' }),
    error({ code: '28000' }),
    error({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 }),
    error({}, 'WRONGPASS invalid username-password pair or user is disabled.'),
    error({ name: 'InvalidCredentialsError', code: 49 }),
    error({}, 'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"'),
    error({ name: 'MongoServerError' }, 'Authentication failed.'),
    error({ response: { status: 401 } }),
    error({ statusCode: 401 }),
    new Error('outer', { cause: new Error('inner', { cause: error({ code: '28P01' }) }) }),
  ])
    assert.ok(isAuthenticationFailure(wrong), String(wrong))
  const around = new Error('itself')
  around.cause = around
  for (const other of [
    error({ code: 'ECONNREFUSED' }),
    error({ code: '3D000' }, 'database "x" does not exist'),
    error({ code: '42501' }, 'permission denied for table x'),
    error({ code: 'ER_DBACCESS_DENIED_ERROR' }),
    error({ status: 403 }),
    error({}, 'NOPERM this user has no permissions'),
    around,
    undefined,
    null,
    'WRONGPASS',
  ])
    assert.ok(!isAuthenticationFailure(other), String(other))
})
