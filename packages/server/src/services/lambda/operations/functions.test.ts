// Functions once they are there: named in every form, changed, published, listed, deleted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ECHO, nodeZip, refusal, startLambda } from '../testing.ts'

const invalid = (message: string | RegExp) => refusal('InvalidParameterValueException', 400, message)
const notFound = (message: string | RegExp) => refusal('ResourceNotFoundException', 404, message)
const OTHER = nodeZip('return "other"')

test('a function is meant by its name, a partial ARN and its ARN, each with a version or an alias', async (t) => {
  const { server, create, call } = await startLambda(t)
  const { FunctionArn: arn = '' } = await create({ Publish: true })
  assert.ok(arn.endsWith(':function:fn:1'))
  await call('CreateAlias', { FunctionName: 'fn', Name: 'live', FunctionVersion: '1' })
  const whole = arn.slice(0, -2)
  const { accountId: account, region } = server
  for (const name of ['fn', whole, `${account}:function:fn`, `function:fn`, `${region}:${account}:function:fn`]) {
    for (const [qualifier, version] of [
      ['', '$LATEST'],
      [':$LATEST', '$LATEST'],
      [':1', '1'],
      [':live', '1'],
    ] as const) {
      const { Configuration } = await call('GetFunction', { FunctionName: `${name}${qualifier}` })
      assert.deepEqual([Configuration.Version, Configuration.FunctionArn], [version, `${whole}${qualifier}`], name)
    }
  }
  const { Version } = await call('GetFunctionConfiguration', { FunctionName: whole, Qualifier: 'live' })
  assert.equal(Version, '1')
  await assert.rejects(
    call('GetFunction', { FunctionName: 'fn:1', Qualifier: 'live' }),
    invalid('The derived qualifier from the function name does not match the specified qualifier.'),
  )
  await assert.rejects(call('GetFunction', { FunctionName: 'fn:2' }), notFound(`Function not found: ${whole}:2`))
  await assert.rejects(
    call('GetFunction', { FunctionName: 'none' }),
    notFound(`Function not found: ${whole.replace(/fn$/, 'none')}`),
  )
  await assert.rejects(
    call('GetFunction', { FunctionName: whole.replace(region, 'us-west-2') }),
    notFound(`Functions from 'us-west-2' are not reachable in this region ('${region}')`),
  )
})

test('code and configuration change under a new revision, and a known revision can be asked for', async (t) => {
  const { create, call, invoke } = await startLambda(t)
  const made = await create({ Environment: { Variables: { NAME: 'one' } } })
  const FunctionName = made.FunctionArn!
  const differs = refusal('PreconditionFailedException', 412, /Revision Id provided does not match/)
  const stale = { FunctionName, RevisionId: '00000000-0000-0000-0000-000000000000' }
  await assert.rejects(call('UpdateFunctionCode', { ...stale, ZipFile: OTHER }), differs)
  await assert.rejects(call('UpdateFunctionConfiguration', stale), differs)
  const dry = await call('UpdateFunctionCode', { FunctionName, ZipFile: OTHER, DryRun: true })
  assert.equal(dry.CodeSize, OTHER.length)
  assert.deepEqual(await invoke('fn', 1), 1)

  const code = await call('UpdateFunctionCode', { FunctionName, ZipFile: OTHER, RevisionId: made.RevisionId })
  assert.ok(code.CodeSha256 !== made.CodeSha256 && code.RevisionId !== made.RevisionId)
  assert.equal(await invoke('fn'), 'other')

  const change = { FunctionName, Timeout: 9, MemorySize: 256, Description: 'text', Handler: 'index.handler' }
  const { Timeout, MemorySize, Description, RevisionId, Environment } = await call(
    'UpdateFunctionConfiguration',
    change,
  )
  assert.deepEqual([Timeout, MemorySize, Description], [9, 256, 'text'])
  assert.ok(RevisionId !== code.RevisionId)
  assert.deepEqual(Environment, { Variables: { NAME: 'one' } })
  const gone = await call('UpdateFunctionConfiguration', { FunctionName, Environment: { Variables: {} } })
  assert.equal(gone.Environment, undefined)
  await assert.rejects(
    call('UpdateFunctionConfiguration', { FunctionName, Layers: ['arn'] }),
    invalid(/^Layers is not supported/),
  )
  await assert.rejects(
    call('UpdateFunctionConfiguration', { FunctionName, Role: 'arn:aws:iam::111122223333:role/none' }),
    refusal('AccessDeniedException', 403, /iam:PassRole/),
  )
})

test('a published version stays as it is, and is not published again until something changes', async (t) => {
  const { create, call, invoke } = await startLambda(t)
  const { FunctionArn, CodeSha256 } = await create({ Description: 'first' })
  const one = await call('PublishVersion', { FunctionName: 'fn', CodeSha256 })
  assert.deepEqual([one.Version, one.FunctionArn, one.$metadata.httpStatusCode], ['1', `${FunctionArn}:1`, 201])
  assert.equal((await call('PublishVersion', { FunctionName: 'fn', Description: 'again' })).Version, '1')
  await assert.rejects(
    call('PublishVersion', { FunctionName: 'fn', CodeSha256: 'other' }),
    invalid(/^CodeSHA256 \(other\) is different from current CodeSHA256 in \$LATEST/),
  )
  const two = await call('UpdateFunctionCode', { FunctionName: 'fn', ZipFile: OTHER, Publish: true })
  assert.equal(two.Version, '2')
  assert.deepEqual([await invoke('fn:1', 1), await invoke('fn:2', 1), await invoke('fn', 1)], [1, 'other', 'other'])
  await call('DeleteFunction', { FunctionName: 'fn', Qualifier: '2' })
  await assert.rejects(invoke('fn:2'), notFound(/Function not found/))
  const { Version } = await call('UpdateFunctionCode', { FunctionName: 'fn', ZipFile: ECHO, Publish: true })
  assert.equal(Version, '3')
  const { Versions } = await call('ListVersionsByFunction', { FunctionName: 'fn' })
  assert.deepEqual(
    Versions.map((version: { Version: string; Description: string }) => [version.Version, version.Description]),
    [
      ['$LATEST', 'first'],
      ['1', 'first'],
      ['3', 'first'],
    ],
  )
  const page = await call('ListVersionsByFunction', { FunctionName: 'fn', MaxItems: 2 })
  const rest = await call('ListVersionsByFunction', { FunctionName: 'fn', MaxItems: 2, Marker: page.NextMarker })
  assert.deepEqual([page.Versions.length, rest.Versions[0].Version, rest.NextMarker], [2, '3', undefined])
  await assert.rejects(
    call('DeleteFunction', { FunctionName: 'fn', Qualifier: '$LATEST' }),
    invalid('$LATEST version cannot be deleted without deleting the function.'),
  )
})

test('an alias leads to a version, is moved, and keeps that version from being deleted', async (t) => {
  const { create, call, invoke } = await startLambda(t)
  const { FunctionArn: arn } = await create({ Publish: true })
  await call('UpdateFunctionCode', { FunctionName: 'fn', ZipFile: OTHER, Publish: true })
  const whole = arn!.slice(0, -2)
  const made = await call('CreateAlias', { FunctionName: 'fn', Name: 'live', FunctionVersion: '1', Description: 'd' })
  assert.deepEqual(
    [made.AliasArn, made.FunctionVersion, made.Description, made.$metadata.httpStatusCode],
    [`${whole}:live`, '1', 'd', 201],
  )
  assert.equal(await invoke('fn:live', 7), 7)
  const moved = await call('UpdateAlias', {
    FunctionName: 'fn',
    Name: 'live',
    FunctionVersion: '2',
    RevisionId: made.RevisionId,
  })
  assert.deepEqual([moved.FunctionVersion, moved.Description], ['2', 'd'])
  assert.equal(await invoke('fn:live', 7), 'other')
  const { $metadata: _, ...shown } = await call('GetAlias', { FunctionName: 'fn', Name: 'live' })
  const { $metadata: __, ...answered } = moved
  assert.deepEqual(shown, answered)
  await call('CreateAlias', { FunctionName: 'fn', Name: 'other', FunctionVersion: '$LATEST' })

  const listed = async (more: object) =>
    (await call('ListAliases', { FunctionName: 'fn', ...more })).Aliases.map(({ Name }: { Name: string }) => Name)
  assert.deepEqual(await listed({}), ['live', 'other'])
  assert.deepEqual(await listed({ FunctionVersion: '2' }), ['live'])
  const { NextMarker } = await call('ListAliases', { FunctionName: 'fn', MaxItems: 1 })
  assert.deepEqual(await listed({ MaxItems: 1, Marker: NextMarker }), ['other'])
  await assert.rejects(call('ListAliases', { FunctionName: 'fn', Marker: 'x' }), invalid(/marker/))

  const again = { FunctionName: 'fn', Name: 'live', FunctionVersion: '1' }
  await assert.rejects(
    call('CreateAlias', again),
    refusal('ResourceConflictException', 409, `Alias already exists: ${whole}:live`),
  )
  await assert.rejects(
    call('UpdateAlias', { ...again, RevisionId: made.RevisionId }),
    refusal('PreconditionFailedException', 412, /Revision Id/),
  )
  await assert.rejects(
    call('UpdateAlias', { ...again, FunctionVersion: '9' }),
    notFound(`Function not found: ${whole}:9`),
  )
  await assert.rejects(
    call('UpdateAlias', { ...again, RoutingConfig: { AdditionalVersionWeights: { 2: 0.5 } } }),
    invalid(/^AdditionalVersionWeights is not supported/),
  )
  await assert.rejects(
    call('DeleteFunction', { FunctionName: 'fn', Qualifier: '2' }),
    refusal('ResourceConflictException', 409, /\[live\]/),
  )
  await assert.rejects(
    call('DeleteFunction', { FunctionName: 'fn:live' }),
    invalid('Deletion of aliases is not currently supported.'),
  )
  assert.equal((await call('DeleteAlias', { FunctionName: 'fn', Name: 'live' })).$metadata.httpStatusCode, 204)
  await call('DeleteAlias', { FunctionName: 'fn', Name: 'live' })
  await assert.rejects(
    call('GetAlias', { FunctionName: 'fn', Name: 'live' }),
    notFound(`Cannot find alias arn: ${whole}:live`),
  )
  await call('DeleteFunction', { FunctionName: 'fn', Qualifier: '2' })
})

test('functions are listed by name, with all versions where that is asked for, page by page', async (t) => {
  const { create, call } = await startLambda(t)
  await create({ FunctionName: 'b', Publish: true })
  await create({ FunctionName: 'a' })
  await call('UpdateFunctionCode', { FunctionName: 'b', ZipFile: OTHER, Publish: true })
  await create({ FunctionName: 'c' })
  const pages = async (input: object): Promise<readonly string[]> => {
    const found: string[] = []
    let Marker: string | undefined
    do {
      const { Functions, NextMarker } = await call('ListFunctions', { ...input, Marker })
      found.push(Functions.map((fn: { FunctionArn: string }) => fn.FunctionArn.split(':function:')[1]).join(' '))
      Marker = NextMarker
    } while (Marker !== undefined)
    return found
  }
  assert.deepEqual(await pages({}), ['a b c'])
  assert.deepEqual(await pages({ MaxItems: 2 }), ['a b', 'c'])
  const all = { FunctionVersion: 'ALL' }
  assert.deepEqual(await pages(all), ['a:$LATEST b:$LATEST b:1 b:2 c:$LATEST'])
  for (const MaxItems of [1, 2, 3, 4]) {
    assert.equal((await pages({ ...all, MaxItems })).join(' '), 'a:$LATEST b:$LATEST b:1 b:2 c:$LATEST', `${MaxItems}`)
  }
  await assert.rejects(call('ListFunctions', { MasterRegion: 'ALL' }), invalid(/^MasterRegion is not supported/))
})

test('a function that is deleted is gone with all that it had; another of its name begins anew', async (t) => {
  const { create, call } = await startLambda(t)
  await create({ Publish: true, Tags: { a: 'b' } })
  await call('CreateAlias', { FunctionName: 'fn', Name: 'live', FunctionVersion: '1' })
  await call('AddPermission', {
    FunctionName: 'fn',
    StatementId: 's',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
  })
  assert.equal((await call('DeleteFunction', { FunctionName: 'fn' })).$metadata.httpStatusCode, 204)
  await assert.rejects(call('DeleteFunction', { FunctionName: 'fn' }), notFound(/Function not found/))
  await create()
  await assert.rejects(
    call('GetPolicy', { FunctionName: 'fn' }),
    notFound('The resource you requested does not exist.'),
  )
  assert.deepEqual((await call('ListAliases', { FunctionName: 'fn' })).Aliases, [])
  assert.equal((await call('PublishVersion', { FunctionName: 'fn' })).Version, '1')
})

test('tags are put on and taken off by the ARN of the function, and policies see them', async (t) => {
  const { create, call } = await startLambda(t)
  const { FunctionArn: Resource } = await create({ Tags: { a: '1' } })
  assert.equal((await call('TagResource', { Resource, Tags: { b: '2', a: '3' } })).$metadata.httpStatusCode, 204)
  assert.deepEqual((await call('ListTags', { Resource })).Tags, { a: '3', b: '2' })
  await call('UntagResource', { Resource, TagKeys: ['a', 'none'] })
  assert.deepEqual((await call('ListTags', { Resource })).Tags, { b: '2' })
  await assert.rejects(call('ListTags', { Resource: `${Resource}:live` }), invalid(/without a version or an alias/))
  await assert.rejects(call('TagResource', { Resource, Tags: { 'AWS:x': '' } }), invalid(/reserved/))
})

test('what Terraform asks for besides is answered: no code signing, runtimes updated by themselves, quotas', async (t) => {
  const { create, call } = await startLambda(t)
  const { FunctionArn } = await create()
  const { $metadata: _, ...signing } = await call('GetFunctionCodeSigningConfig', { FunctionName: 'fn' })
  assert.deepEqual(signing, { CodeSigningConfigArn: '', FunctionName: 'fn' })
  const { $metadata: __, ...runtime } = await call('GetRuntimeManagementConfig', { FunctionName: 'fn' })
  assert.deepEqual(runtime, { UpdateRuntimeOn: 'Auto', FunctionArn })
  const { AccountLimit } = await call('GetAccountSettings')
  assert.deepEqual([AccountLimit.CodeSizeZipped, AccountLimit.CodeSizeUnzipped], [52_428_800, 262_144_000])
})
