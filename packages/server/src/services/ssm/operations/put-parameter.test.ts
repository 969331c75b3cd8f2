// PutParameter: what it makes, what a next version takes over, and every rule with AWS's words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { call, codeOf, history, outcome, overwrite, put, read } from '../testing.ts'

const ARN_BEFORE_NAME = 'arn:aws:ssm:eu-central-1:111122223333:parameter'.length

test('a parameter is made, overwritten version by version, and read with everything that was said of it', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const made = await put(server, '/app/db/host', 'one', {
    Description: 'where it is',
    Tags: [{ Key: 'a', Value: 'b' }],
  })
  assert.deepEqual(made, { Version: 1, Tier: 'Standard' })
  const first = await read(server, '/app/db/host')
  assert.ok(Math.abs(first.LastModifiedDate * 1000 - Date.now()) < 60_000)
  assert.deepEqual(first, {
    Name: '/app/db/host',
    Type: 'String',
    Value: 'one',
    Version: 1,
    LastModifiedDate: first.LastModifiedDate,
    ARN: `arn:aws:ssm:eu-central-1:${accountId}:parameter/app/db/host`,
    DataType: 'text',
  })

  const exists =
    'ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.'
  const again = { Name: '/app/db/host', Value: 'two', Type: 'String' }
  assert.equal(await outcome(server, 'PutParameter', again), exists)
  assert.equal(await outcome(server, 'PutParameter', { ...again, Overwrite: false }), exists)
  assert.deepEqual(await overwrite(server, '/app/db/host', 'one'), { Version: 2, Tier: 'Standard' })
  assert.equal((await read(server, '/app/db/host')).Version, 2)
  // Overwrite makes what is not there.
  assert.deepEqual(await put(server, 'new', 'x', { Overwrite: true }), { Version: 1, Tier: 'Standard' })

  // A name and the same with a slash before it have one ARN.
  assert.equal(await codeOf(server, 'PutParameter', { ...again, Name: '/new' }), 'ParameterAlreadyExists')
  assert.equal((await read(server, '/new')).Name, 'new')
  assert.equal((await read(server, '  new ')).Value, 'x')
})

test('a next version has what it does not say from the one before, but for its key', async (t) => {
  const server = await startTestServer(t)
  await call(server, 'PutParameter', {
    Name: 'number',
    Value: '1',
    Type: 'SecureString',
    KeyId: 'alias/aws/ssm',
    Description: 'counted',
    AllowedPattern: '\\d+',
    Tier: 'Advanced',
    Policies: JSON.stringify([
      { Type: 'NoChangeNotification', Version: '1.0', Attributes: { After: '20', Unit: 'Days' } },
    ]),
  })
  assert.deepEqual(await overwrite(server, 'number', '2'), { Version: 2, Tier: 'Advanced' })
  const [one, two] = await history(server, 'number', { WithDecryption: true })
  for (const member of ['Description', 'AllowedPattern', 'Tier', 'DataType', 'KeyId', 'Type']) {
    assert.equal(two[member], one[member], member)
  }
  assert.equal(two.Policies[0].PolicyType, 'NoChangeNotification')
  assert.equal(await codeOf(server, 'PutParameter', { Name: 'number', Value: 'x', Overwrite: true }), MISMATCH)
  await overwrite(server, 'number', 'x', { AllowedPattern: '', Description: '', Policies: '[{}]' })
  const [, , three] = await history(server, 'number', { WithDecryption: true })
  assert.deepEqual(
    [three.AllowedPattern, three.Description, three.Policies, three.Value],
    [undefined, undefined, [], 'x'],
  )
})

const MISMATCH = 'ParameterPatternMismatchException'

test('names, types, values, tiers, patterns and tags are refused in AWS’s words', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  await put(server, '/there', 'x', { Tier: 'Advanced' })
  const levels = (count: number) => '/a'.repeat(count)
  const longest = `/${'n'.repeat(1011 - ARN_BEFORE_NAME - 1)}`
  const base = { Name: '/n', Value: 'x', Type: 'String' }
  const badName = `ValidationException: Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
  const refusals: readonly (readonly [object, string | RegExp])[] = [
    [{ Name: 'ssmthing' }, badName],
    [{ Name: '/SSM/x' }, badName],
    [{ Name: '/a b' }, badName],
    [{ Name: '/a//b' }, badName],
    [{ Name: '/a/' }, badName],
    [{ Name: '/' }, badName],
    [{ Name: 'ä' }, badName],
    [{ Name: 'n:1' }, badName],
    [{ Name: `arn:aws:ssm:eu-central-1:${accountId}:parameter/n` }, badName],
    [{ Name: 'a/b' }, 'ValidationException: Parameter name must be a fully qualified name.'],
    [{ Name: '/aws/x' }, 'AccessDeniedException: No access to reserved parameter name: /aws/x.'],
    [{ Name: 'AWSx' }, 'AccessDeniedException: No access to reserved parameter name: AWSx.'],
    [{ Name: levels(16) }, /^HierarchyLevelLimitExceededException: A hierarchy can have a maximum of 15 levels\./],
    [{ Name: `${longest}n` }, /^ValidationException: .* at most 1011 characters\.$/],
    [{ Name: '' }, /^ValidationException: 1 validation error detected: Value '' at 'name' failed/],
    [{ Type: undefined }, 'ValidationException: A parameter type is required when you create a parameter.'],
    [
      { Type: 'Text' },
      /^ValidationException: .*Member must satisfy enum value set: \[String, StringList, SecureString\]/,
    ],
    [{ Value: '' }, /^ValidationException: 1 validation error detected: Value at 'value' failed/],
    [{ Value: 'a{{b}}' }, /^ValidationException: Parameter value can't nest another parameter\./],
    [{ Value: '\ud800' }, /^SerializationException: /],
    [
      { Value: 'x'.repeat(4097) },
      /^ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters\. To create a larger/,
    ],
    [{ Value: 'ä'.repeat(2049) }, /^ValidationException: Standard tier/],
    [{ Value: 'x'.repeat(8193), Tier: 'Advanced' }, /^ValidationException: .*a maximum parameter value of 8192 char/],
    [{ Value: 'x'.repeat(8193), Tier: 'Intelligent-Tiering' }, /^ValidationException: .*8192/],
    [{ KeyId: 'alias/aws/ssm' }, 'ValidationException: KeyId is required for SecureString type parameter only.'],
    [{ KeyId: 'a b', Type: 'SecureString' }, /^ValidationException: .*regular expression pattern: \^\(\[a-zA-Z0-9:/],
    [
      { DataType: 'Text' },
      'ValidationException: The following data type is not supported: Text (Data type names are all lowercase.)',
    ],
    [{ DataType: 'aws:ssm:integration' }, /^ValidationException: The following data type is not supported/],
    [{ DataType: 'aws:ec2:image' }, /^ValidationException: .*Amazon Machine Image/],
    [
      { DataType: 'aws:ec2:image', Value: 'ami-12345678', Type: 'StringList' },
      'ValidationException: The data type aws:ec2:image is for parameters of type String only.',
    ],
    [
      { AllowedPattern: '^\\d+$' },
      'ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: ^\\d+$',
    ],
    [{ AllowedPattern: '[x' }, /^InvalidAllowedPatternException: The request does not meet the regular expression req/],
    [{ AllowedPattern: '(?=x)x' }, /^InvalidAllowedPatternException: /],
    [{ AllowedPattern: '(x)\\1' }, /^InvalidAllowedPatternException: /],
    [{ AllowedPattern: 'x'.repeat(1025) }, /^ValidationException: /],
    [
      { Overwrite: true, Tags: [{ Key: 'a', Value: 'b' }] },
      /^ValidationException: Invalid request: tags and overwrite can't be used together\. To create a parameter with tags/,
    ],
    [
      {
        Tags: [
          { Key: 'a', Value: 'b' },
          { Key: 'a', Value: 'c' },
        ],
      },
      /^ValidationException: .*more than once/,
    ],
    [{ Tags: [{ Key: 'aws:x', Value: 'b' }] }, /^ValidationException: .*reserved/],
    [{ Tags: Array.from({ length: 51 }, (_, at) => ({ Key: `k${at}`, Value: '' })) }, 'TooManyTagsError: '],
    [
      { Name: '/there', Overwrite: true, Type: 'SecureString' },
      /^HierarchyTypeMismatchException: Parameter Store doesn't support changing a parameter type/,
    ],
    [
      { Name: '/there', Overwrite: true, Tier: 'Standard' },
      /^ValidationException: This parameter uses the advanced-parameter tier\. You can't downgrade/,
    ],
  ]
  for (const [more, expected] of refusals) {
    const told = await outcome(server, 'PutParameter', { ...base, ...more })
    const label = JSON.stringify(more).slice(0, 80)
    if (typeof expected === 'string') assert.equal(told, expected, label)
    else assert.match(told, expected, label)
  }
  assert.deepEqual((await call(server, 'DescribeParameters')).Parameters.length, 1)

  // The last value within each limit.
  for (const more of [
    { Name: levels(15) },
    { Name: longest },
    { Name: '/v1', Value: 'x'.repeat(4096) },
    { Name: '/v2', Value: 'x'.repeat(8192), Tier: 'Advanced' },
    { Name: '/v3', Value: 'x'.repeat(4096), Type: 'SecureString' },
    { Name: '/v4', Value: 'x'.repeat(8192), Type: 'SecureString', Tier: 'Advanced' },
    { Name: '/v5', Value: '{ {b}} }}{{' },
    { Name: '/v6', Value: 'ami-0123456789abcdef0', DataType: 'aws:ec2:image' },
    { Name: '/v7', Value: 'a,b', Type: 'StringList', AllowedPattern: '[a-z](,[a-z])*' },
  ]) {
    await call(server, 'PutParameter', { ...base, ...more })
  }
  assert.equal((await read(server, '/v6')).DataType, 'aws:ec2:image')
  assert.equal((await read(server, '/v4', { WithDecryption: true })).Value, 'x'.repeat(8192))
})

test('a pattern that would keep other engines busy for years is answered at once', async (t) => {
  const server = await startTestServer(t)
  const input = { Name: 'slow', Type: 'String', Tier: 'Advanced', Value: `${'a'.repeat(8191)}!` }
  for (const AllowedPattern of [
    '(a+)+$',
    '(a|a)*b',
    '(.*.*.*.*.*)*c',
    `${'(a|b|c|d|e)*'.repeat(80)}b`,
    '(?:a?){1000}a{1000}',
  ]) {
    const started = performance.now()
    assert.equal(await codeOf(server, 'PutParameter', { ...input, AllowedPattern }), MISMATCH, AllowedPattern)
    assert.ok(performance.now() - started < 10_000, AllowedPattern)
  }
})

test('a pattern that is large once its repetitions are written out is refused before that is done', async (t) => {
  const server = await startTestServer(t)
  const input = { Name: 'large', Type: 'String', Tier: 'Advanced', Value: `${'a'.repeat(8191)}!` }
  for (const AllowedPattern of [
    `${'(?:a{0,1000}){0,1}'.repeat(50)}b`,
    'a{0,1000}'.repeat(5),
    `(?:${'a?'.repeat(500)}){0,1000}`,
    `(?:${'[(]'.repeat(300)}x){1000}`,
    `(?:${'\\('.repeat(400)}x){1000}`,
    `(?:${'\\Q(\\E'.repeat(190)}x){1000}`,
  ]) {
    assert.equal(
      await outcome(server, 'PutParameter', { ...input, AllowedPattern }),
      'InvalidAllowedPatternException: The request does not meet the regular expression requirement. The expression is too large.',
    )
  }
  // A value that is too long is matched with nothing.
  assert.equal(
    await codeOf(server, 'PutParameter', { ...input, Value: 'a'.repeat(8193), AllowedPattern: 'b' }),
    'ValidationException',
  )
})

test('a hundred versions are kept; the oldest goes, unless it has a label', async (t) => {
  const server = await startTestServer(t)
  await put(server, 'v', '1')
  for (let version = 2; version <= 101; version++) await overwrite(server, 'v', String(version))
  const kept = await history(server, 'v')
  assert.deepEqual([kept.length, kept[0].Version], [50, 2])
  assert.match(await outcome(server, 'GetParameter', { Name: 'v:1' }), /^ParameterVersionNotFound/)
  await call(server, 'LabelParameterVersion', { Name: 'v', ParameterVersion: 2, Labels: ['live'] })
  assert.equal(
    await outcome(server, 'PutParameter', { Name: 'v', Value: 'x', Overwrite: true }),
    "ParameterMaxVersionLimitExceeded: You attempted to create a new version of v by calling the PutParameter API with the overwrite flag. Version 2, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
  )
  assert.equal((await read(server, 'v:live')).Value, '2')
  await call(server, 'LabelParameterVersion', { Name: 'v', ParameterVersion: 50, Labels: ['live'] })
  assert.equal((await overwrite(server, 'v', 'x')).Version, 102)
  const rows = await server.app.database.transaction('read', (tx) =>
    tx.get<{ readonly rows: number }>('SELECT COUNT(*) AS rows FROM parameter_version'),
  )
  assert.equal(rows!.rows, 100)
})

test('tiers: Intelligent-Tiering takes Standard for as long as that is enough, and quotas are counted for each', async (t) => {
  const server = await startTestServer(t, { standardParametersPerRegion: '2', advancedParametersPerRegion: '2' })
  const tiering = { Tier: 'Intelligent-Tiering' }
  assert.equal((await put(server, 'a', 'x', tiering)).Tier, 'Standard')
  assert.equal((await put(server, 'b', 'x'.repeat(4097), tiering)).Tier, 'Advanced')
  // A standard parameter that grows becomes an advanced one, and never goes back.
  assert.equal((await overwrite(server, 'a', 'x'.repeat(4097), tiering)).Tier, 'Advanced')
  assert.equal((await overwrite(server, 'a', 'x', tiering)).Tier, 'Advanced')
  const full = await outcome(server, 'PutParameter', { Name: 'c', Value: 'x', Type: 'String', Tier: 'Advanced' })
  assert.match(full, /^ParameterLimitExceeded: You have exceeded the number of Advanced parameters .* which is 2\./)
  await put(server, 'c', 'x')
  await put(server, 'd', 'x')
  assert.equal(
    await codeOf(server, 'PutParameter', { Name: 'e', Value: 'x', Type: 'String' }),
    'ParameterLimitExceeded',
  )
  await call(server, 'DeleteParameter', { Name: 'b' })
  // Where no standard parameter fits any more, it takes an advanced one.
  assert.equal((await put(server, 'e', 'x', tiering)).Tier, 'Advanced')
  await call(server, 'DeleteParameters', { Names: ['c', 'd', 'e', 'a'] })
  for (const Name of ['c', 'd']) await put(server, Name, 'x')
})

test('of calls that overwrite one parameter at once each makes a version of its own', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/at/once', 'first')
  const writers = Array.from({ length: 12 }, (_, at) => `value ${at}`)
  const written = await Promise.all(writers.map((value) => overwrite(server, '/at/once', value)))
  assert.deepEqual(
    written.map(({ Version }) => Version).sort((a, b) => a - b),
    Array.from(writers, (_, at) => at + 2),
  )
  const versions: readonly { readonly Version: number; readonly Value: string }[] = await history(server, '/at/once')
  assert.deepEqual(
    versions.map(({ Version, Value }) => [Version, Value]).slice(1),
    written.map(({ Version }, at) => [Version, writers[at]]).sort(([a], [b]) => Number(a) - Number(b)),
  )
})

test('of calls that make one parameter at once one does, and the others hear that it is there', async (t) => {
  const server = await startTestServer(t)
  const input = { Name: '/one', Value: 'x', Type: 'String' }
  const codes = await Promise.all(Array.from({ length: 12 }, () => codeOf(server, 'PutParameter', input)))
  assert.deepEqual(codes.filter((code) => code !== 'ParameterAlreadyExists').length, 1, codes.join(' '))
})

test('a version that a call names must be the latest one, of any number of such calls for one', async (t) => {
  const server = await startTestServer(t)
  const putIf = async (ifVersion: string, Value: string, more: object = {}) => {
    const input = { Name: '/if', Value, Type: 'String', Overwrite: true, ...more }
    return (await server.call('ssm', 'PutParameter', input, { headers: { 'x-strongroom-if-version': ifVersion } })).body
  }
  const refused = {
    __type: 'PreconditionNotMetException',
    message: 'The version that x-strongroom-if-version names is not the latest one.',
  }
  assert.deepEqual(await putIf('1', 'x'), refused)
  await put(server, '/if', 'one')
  for (const wrong of ['2', '10']) assert.deepEqual(await putIf(wrong, 'x'), refused)
  assert.equal((await putIf('1', 'x', { Overwrite: false })).__type, 'ParameterAlreadyExists')
  assert.equal((await putIf('1', 'two')).Version, 2)
  assert.deepEqual(await putIf('1', 'two'), refused)
  const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => putIf('2', `three ${at}`)))
  assert.equal(answers.filter(({ Version }) => Version === 3).length, 1)
  assert.equal(answers.filter(({ __type }) => __type === refused.__type).length, 11)
  assert.equal((await history(server, '/if')).length, 3)
  for (const none of ['0', '01', '-1', 'x', '1.0', '9'.repeat(16)]) {
    assert.deepEqual(await putIf(none, 'x'), {
      __type: 'InvalidParameterException',
      Message: 'The x-strongroom-if-version header must be the Version of a parameter, a whole number.',
    })
  }
})
