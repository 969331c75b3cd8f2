// LabelParameterVersion, UnlabelParameterVersion and GetParameterHistory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { all, call, codeOf, history, outcome, overwrite, put, read } from '../testing.ts'

test('labels stand on one version, move, and come off; what is none is told', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/l', '1')
  for (const value of ['2', '3']) await overwrite(server, '/l', value)
  const label = (Labels: readonly string[], ParameterVersion?: number) =>
    call(server, 'LabelParameterVersion', { Name: '/l', Labels, ...(ParameterVersion && { ParameterVersion }) })
  const labels = async () => (await history(server, '/l')).map(({ Labels }: { Labels: string[] }) => Labels)

  assert.deepEqual(await label(['live']), { InvalidLabels: [], ParameterVersion: 3 })
  assert.deepEqual(await label(['live', 'b'], 1), { InvalidLabels: [], ParameterVersion: 1 })
  assert.deepEqual(await labels(), [['live', 'b'], [], []])
  const changed = await read(server, '/l:live')
  assert.equal(changed.Version, 1)
  assert.deepEqual(await label(['1st', 'aws-x', 'SSMx', 'a b', 'ok', 'a/b', 'ä'], 2), {
    InvalidLabels: ['1st', 'aws-x', 'SSMx', 'a b', 'a/b', 'ä'],
    ParameterVersion: 2,
  })
  assert.deepEqual(await labels(), [['live', 'b'], ['ok'], []])

  const ten = Array.from({ length: 10 }, (_, at) => `t${at}`)
  await label(ten)
  assert.equal(
    await outcome(server, 'LabelParameterVersion', { Name: '/l', Labels: ['t10'] }),
    'ParameterVersionLabelLimitExceeded: A parameter version can have a maximum of ten labels.',
  )
  await label(ten)
  assert.match(
    await outcome(server, 'LabelParameterVersion', { Name: '/l', Labels: [...ten, 'x'] }),
    /^ValidationException/,
  )
  assert.equal(
    await codeOf(server, 'LabelParameterVersion', { Name: '/l', Labels: ['x'.repeat(101)] }),
    'ValidationException',
  )

  assert.deepEqual(
    await call(server, 'UnlabelParameterVersion', { Name: '/l', ParameterVersion: 1, Labels: ['b', 't0', 'none'] }),
    {
      RemovedLabels: ['b'],
      InvalidLabels: ['t0', 'none'],
    },
  )
  assert.deepEqual(await labels(), [['live'], ['ok'], ten])
  for (const operation of ['LabelParameterVersion', 'UnlabelParameterVersion']) {
    const of = (Name: string, ParameterVersion: number) =>
      outcome(server, operation, { Name, ParameterVersion, Labels: ['x'] })
    assert.equal(
      await of('/l', 4),
      'ParameterVersionNotFound: Systems Manager could not find version 4 of /l. Verify the version and try again.',
    )
    assert.equal(await of('/none', 1), 'ParameterNotFound: ')
    assert.match(await of('/l:1', 1), /^ValidationException: Parameter name/)
  }
  assert.match(
    await outcome(server, 'UnlabelParameterVersion', { Name: '/l', Labels: ['x'] }),
    /^ValidationException: .*'parameterVersion' failed to satisfy constraint: Member must not be null/,
  )
})

test('the history has every version that is kept, oldest first, in pages', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/h', 'secret-1', { Type: 'SecureString', Description: 'one' })
  await overwrite(server, '/h', 'secret-2', { Description: 'two' })
  for (const value of ['3', '4', '5']) await overwrite(server, '/h', value)
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/h`
  const { found, pages } = await all(server, 'GetParameterHistory', { Name: arn, MaxResults: 2, WithDecryption: true })
  assert.equal(pages, 3)
  assert.deepEqual(
    found.map(({ Version, Value, Description }) => [Version, Value, Description]),
    [
      [1, 'secret-1', 'one'],
      [2, 'secret-2', 'two'],
      [3, '3', 'two'],
      [4, '4', 'two'],
      [5, '5', 'two'],
    ],
  )
  assert.deepEqual(found[0], {
    Name: '/h',
    Type: 'SecureString',
    KeyId: 'alias/aws/ssm',
    LastModifiedDate: found[0].LastModifiedDate,
    LastModifiedUser: `arn:aws:iam::${server.accountId}:user/administrator`,
    Description: 'one',
    Value: 'secret-1',
    Version: 1,
    Labels: [],
    Tier: 'Standard',
    Policies: [],
    DataType: 'text',
  })
  const sealed = await history(server, '/h')
  assert.ok(sealed.every(({ Value }: { Value: string }) => Buffer.from(Value, 'base64').length > 100))
  assert.match(await outcome(server, 'GetParameterHistory', { Name: '/h:1' }), /^ValidationException: Parameter name/)
  assert.equal(await outcome(server, 'GetParameterHistory', { Name: '/none' }), 'ParameterNotFound: ')
  const { NextToken } = await call(server, 'GetParameterHistory', { Name: '/h', MaxResults: 1 })
  await put(server, '/other', 'x')
  assert.equal(await codeOf(server, 'GetParameterHistory', { Name: '/other', NextToken }), 'InvalidNextToken')
})
