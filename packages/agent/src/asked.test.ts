import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterByQuery, secretByPath, secretByQuery } from './asked.ts'

const refused = (text: string) => ({ name: 'RequestError', status: 400, message: text })

test('a query is read as a form is: decoded, and the last of two counts', () => {
  assert.deepEqual(secretByQuery('secretId=app%2Fdb&secretId=app+%2B%20db'), {
    secretId: 'app + db',
    refreshNow: false,
  })
  assert.deepEqual(
    secretByQuery('versionStage=AWSPENDING&secretId=a&versionId=&roleArn=arn:aws-cn:iam::123456789012:role/path/x'),
    {
      secretId: 'a',
      versionId: '',
      versionStage: 'AWSPENDING',
      refreshNow: false,
      roleArn: 'arn:aws-cn:iam::123456789012:role/path/x',
    },
  )
})

test('the id of a path is not decoded', () => {
  assert.deepEqual(secretByPath('app%2Fdb', 'refreshNow=TRUE'), { secretId: 'app%2Fdb', refreshNow: true })
  assert.throws(() => secretByPath('', 'abc=1'), refused('missing secret ID'))
  assert.throws(() => secretByPath('a', 'secretId=b'), refused('unknown parameter: secretId'))
})

test('the first parameter that does not do is named', () => {
  assert.throws(() => secretByQuery('abc=1&refreshNow=x'), refused('unknown parameter: abc'))
  assert.throws(() => secretByQuery('refreshNow=x&abc=1'), refused('invalid refreshNow value'))
  assert.throws(() => secretByQuery('refreshNow=&secretId=a'), refused('invalid refreshNow value'))
  assert.throws(() => secretByQuery('__proto__=x&secretId=a'), refused('unknown parameter: __proto__'))
  assert.throws(() => secretByQuery('refreshNow=constructor&secretId=a'), refused('invalid refreshNow value'))
  assert.throws(() => secretByQuery('roleArn=x'), refused('missing parameter secretId'))
  for (const role of [
    '',
    'x',
    'arn:aws:iam::12345678901:role/x',
    'arn:aws:iam::123456789012:role/',
    'arn:aws:iam::123456789012:role/x%22y',
    'arn:aws:iam::123456789012:role/x%0A',
  ])
    assert.throws(
      () => secretByQuery(`secretId=a&roleArn=${role}`),
      refused('invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>'),
    )
})

test('of the version and the label of a parameter the first counts', () => {
  const common = { withDecryption: false, refreshNow: false }
  assert.deepEqual(parameterByQuery('name=%2Fa&version=3&label=x'), { name: '/a:3', ...common })
  assert.deepEqual(parameterByQuery('label=x&name=%2Fa&version=3'), { name: '/a:x', ...common })
  assert.deepEqual(parameterByQuery('name=/a&withDecryption=true'), {
    name: '/a',
    withDecryption: true,
    refreshNow: false,
  })
  assert.throws(() => parameterByQuery('name=/a&withDecryption=maybe'), refused('invalid withDecryption value'))
  assert.throws(() => parameterByQuery('name=/a&secretId=x'), refused('unknown parameter: secretId'))
})
