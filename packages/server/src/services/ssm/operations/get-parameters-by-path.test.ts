// GetParametersByPath and DescribeParameters: levels of hierarchies, filters, pages, and tokens that continue nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { all, call, codeOf, insertMany, outcome, overwrite, put } from '../testing.ts'

const names = async (...args: Parameters<typeof all>): Promise<readonly string[]> => (await all(...args)).names

test('one level or all below, in the order of their names, in pages', async (t) => {
  const server = await startTestServer(t)
  const below = Array.from({ length: 23 }, (_, at) => `/app/many/${String(at).padStart(2, '0')}`)
  for (const name of [
    'root',
    '/top',
    '/app',
    '/app/a',
    '/app/b',
    '/app/b/c',
    '/app-2/x',
    '/app.2/x',
    '/app0',
    ...below,
  ]) {
    await put(server, name, name)
  }
  const byPath = (Path: string, more: object = {}) => names(server, 'GetParametersByPath', { Path, ...more })
  assert.deepEqual(await byPath('/app'), ['/app/a', '/app/b'])
  assert.deepEqual(await byPath(' /app/ '), ['/app/a', '/app/b'])
  assert.deepEqual(await byPath('/app', { Recursive: true }), ['/app/a', '/app/b', '/app/b/c', ...below])
  assert.deepEqual(await byPath('/'), ['/app', '/app0', 'root', '/top'])
  assert.equal((await byPath('/', { Recursive: true })).length, 9 + below.length)
  assert.deepEqual(await byPath('/app/a'), [])
  assert.deepEqual(await byPath('/none', { Recursive: true }), [])
  assert.deepEqual(await byPath('/aws/service'), [])
  for (const MaxResults of [1, 7, 10]) {
    const { names: found, pages } = await all(server, 'GetParametersByPath', { Path: '/app/many', MaxResults })
    assert.deepEqual(found, below)
    assert.equal(pages, Math.ceil(below.length / MaxResults))
  }

  const { NextToken } = await call(server, 'GetParametersByPath', { Path: '/app/many', MaxResults: 2 })
  const other = await createCaller(server, 'other', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  for (const [input, who] of [
    [{ Path: '/app/many', Recursive: true, NextToken }, {}],
    [{ Path: '/app', NextToken }, {}],
    [{ Path: '/app/many', NextToken: `${NextToken}A` }, {}],
    [{ Path: '/app/many', NextToken: 'x' }, {}],
    [{ Path: '/app/many', NextToken: '' }, {}],
    [{ Path: '/app/many', NextToken }, { region: 'eu-west-1' }],
    [{ Path: '/app/many', NextToken }, { credentials: other.credentials }],
  ] as const) {
    const told = await outcome(server, 'GetParametersByPath', input, who)
    assert.equal(told, "InvalidNextToken: The specified token isn't valid.", JSON.stringify(input))
  }
  assert.equal(await codeOf(server, 'DescribeParameters', { NextToken }), 'InvalidNextToken')
  for (const Path of [
    'app',
    '/a b',
    '/ssm',
    '//',
    '/a//b',
    '/app:1',
    `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/app`,
  ]) {
    const told = await outcome(server, 'GetParametersByPath', { Path })
    assert.match(told, /^ValidationException: The parameter doesn't meet the parameter name requirements\. The/, Path)
  }
  assert.match(
    await outcome(server, 'GetParametersByPath', { Path: '/', MaxResults: 11 }),
    /^ValidationException: .*to 10/,
  )
})

test('filters by type, key, tier, label, tag, name and path', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/a/text', 'x', { Tags: [{ Key: 'Team', Value: 'blue' }], Description: 'said' })
  await put(server, '/a/list', 'x,y', { Type: 'StringList', Tags: [{ Key: 'Team', Value: 'green' }] })
  await put(server, '/a/secure', 'x', { Type: 'SecureString', Tier: 'Advanced' })
  await put(server, '/a/b/image', 'ami-12345678', { DataType: 'aws:ec2:image' })
  await put(server, 'plain', 'x')
  await overwrite(server, '/a/text', 'y')
  await call(server, 'LabelParameterVersion', { Name: '/a/text', ParameterVersion: 1, Labels: ['live'] })
  await call(server, 'LabelParameterVersion', { Name: '/a/list', Labels: ['live', 'other'] })

  const described = (...ParameterFilters: readonly object[]) =>
    names(server, 'DescribeParameters', { ParameterFilters })
  const byPath = (...ParameterFilters: readonly object[]) =>
    all(server, 'GetParametersByPath', { Path: '/', Recursive: true, ParameterFilters })
  const [secure, list, text, image] = ['/a/secure', '/a/list', '/a/text', '/a/b/image']
  for (const [filters, expected] of [
    [[], [image, list, secure, text, 'plain']],
    [[{ Key: 'Type', Values: ['StringList', 'SecureString'] }], [list, secure]],
    [[{ Key: 'Type', Option: 'BeginsWith', Values: ['S'] }], [image, list, secure, text, 'plain']],
    [[{ Key: 'KeyId', Values: ['alias/aws/ssm'] }], [secure]],
    [[{ Key: 'KeyId', Option: 'BeginsWith', Values: ['alias/'] }], [secure]],
    [[{ Key: 'Tier', Values: ['Advanced'] }], [secure]],
    [[{ Key: 'Tier', Values: ['Intelligent-Tiering'] }], []],
    [[{ Key: 'DataType', Values: ['aws:ec2:image'] }], [image]],
    [[{ Key: 'tag:Team', Values: ['blue', 'red'] }], [text]],
    [[{ Key: 'tag:Team' }], [list, text]],
    [[{ Key: 'tag:Team', Option: 'BeginsWith', Values: ['gr'] }], [list]],
    [[{ Key: 'tag:team' }], []],
    [[{ Key: 'Name', Values: ['/a/text', '/a', 'plain'] }], [text, 'plain']],
    [[{ Key: 'Name', Option: 'BeginsWith', Values: ['/a/s', '/a/t'] }], [secure, text]],
    [[{ Key: 'Name', Option: 'BeginsWith', Values: ['pl'] }], ['plain']],
    [[{ Key: 'Name', Option: 'Contains', Values: ['e', 'l'] }], [image, list, secure, text, 'plain']],
    [[{ Key: 'Name', Option: 'Contains', Values: ['b/i'] }], [image]],
    [[{ Key: 'Path', Values: ['/a'] }], [list, secure, text]],
    [[{ Key: 'Path', Option: 'Recursive', Values: ['/a/'] }], [image, list, secure, text]],
    [[{ Key: 'Path', Values: ['/'] }], ['plain']],
    [
      [
        { Key: 'Path', Option: 'Recursive', Values: ['/a'] },
        { Key: 'Type', Values: ['String'] },
      ],
      [image, text],
    ],
    [
      [
        { Key: 'Path', Values: ['/a/b', '/a'] },
        { Key: 'Name', Option: 'BeginsWith', Values: ['/a/b'] },
      ],
      [image],
    ],
  ] as const) {
    assert.deepEqual(await described(...filters), expected, JSON.stringify(filters))
  }
  assert.deepEqual(await names(server, 'DescribeParameters', { Filters: [{ Key: 'Type', Values: ['StringList'] }] }), [
    list,
  ])
  assert.deepEqual(await names(server, 'DescribeParameters', { Shared: true }), [])
  const [shown] = (await all(server, 'DescribeParameters', { ParameterFilters: [{ Key: 'Name', Values: [text] }] }))
    .found
  assert.deepEqual(shown, {
    Name: text,
    ARN: `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/a/text`,
    Type: 'String',
    LastModifiedDate: shown.LastModifiedDate,
    LastModifiedUser: `arn:aws:iam::${server.accountId}:user/administrator`,
    Description: 'said',
    Version: 2,
    Tier: 'Standard',
    Policies: [],
    DataType: 'text',
  })

  // A label finds the version that has it.
  const labelled = await byPath({ Key: 'Label', Values: ['live'] })
  assert.deepEqual(
    labelled.found.map(({ Name, Version, Value, Selector }) => [Name, Version, Value, Selector]),
    [
      [list, 1, 'x,y', ':live'],
      [text, 1, 'x', ':live'],
    ],
  )
  assert.deepEqual((await byPath({ Key: 'Label', Values: ['none', 'other'] })).names, [list])
  assert.deepEqual((await byPath({ Key: 'Type', Values: ['String'] }, { Key: 'Label', Values: ['live'] })).names, [
    text,
  ])
  assert.deepEqual((await byPath({ Key: 'KeyId', Values: ['alias/aws/ssm'] })).names, [secure])

  for (const [operation, filter, expected] of [
    [
      'DescribeParameters',
      { Key: 'Label', Values: ['x'] },
      /^InvalidFilterKey: The following filter key is not valid: Label\./,
    ],
    ['GetParametersByPath', { Key: 'Name', Values: ['x'] }, /^InvalidFilterKey: .*\[Type, KeyId, Label\]\.$/],
    ['GetParametersByPath', { Key: 'tag:Team' }, /^InvalidFilterKey/],
    [
      'DescribeParameters',
      { Key: 'Type', Option: 'Contains', Values: ['x'] },
      /^InvalidFilterOption: .*: Contains\. Valid options include: \[Equals, BeginsWith\]\.$/,
    ],
    [
      'DescribeParameters',
      { Key: 'Path', Option: 'Equals', Values: ['/x'] },
      /^InvalidFilterOption: .*\[OneLevel, Recursive\]/,
    ],
    ['GetParametersByPath', { Key: 'Label', Option: 'BeginsWith', Values: ['x'] }, /^InvalidFilterOption/],
    [
      'DescribeParameters',
      { Key: 'Type', Values: ['x'] },
      /^InvalidFilterValue: .*: x\. Valid values include: \[String, /,
    ],
    ['DescribeParameters', { Key: 'Name' }, /^InvalidFilterValue: /],
    ['DescribeParameters', { Key: 'Path', Values: ['a'] }, /^InvalidFilterValue: /],
    ['DescribeParameters', { Key: 'Else', Values: ['a'] }, /^ValidationException: .*tag:\.\+\|Name\|Type\|KeyId/],
    ['DescribeParameters', { Key: 'Name', Values: [] }, /^ValidationException: /],
  ] as const) {
    const told = await outcome(server, operation, { Path: '/', ParameterFilters: [filter] })
    assert.match(told, expected, JSON.stringify(filter))
  }
  const both = { Filters: [{ Key: 'Name', Values: ['x'] }], ParameterFilters: [] }
  assert.match(
    await outcome(server, 'DescribeParameters', both),
    /^ValidationException: You can use either Filters or Par/,
  )
})

test('a page looks at a bounded number of parameters, and the next one goes on from there', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/z', 'x', { Type: 'StringList' })
  await insertMany(
    server,
    Array.from({ length: 2_100 }, (_, at) => `/many/${at}`),
  )
  const ParameterFilters = [{ Key: 'Type', Values: ['StringList'] }]
  const first = await call(server, 'DescribeParameters', { ParameterFilters })
  assert.deepEqual(first.Parameters, [])
  const { found, pages } = await all(server, 'DescribeParameters', { ParameterFilters })
  assert.deepEqual([found.length, pages], [1, 2])
})
