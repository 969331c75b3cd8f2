// CreateFunction: what it answers, what it refuses and in which words, whose permission it asks for, and its quotas.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { trusting } from '../../iam/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { newAccount, newRole } from '../../sts/testing.ts'
import { ECHO, nodeZip, refusal, startLambda, zip } from '../testing.ts'

const invalid = (message: string | RegExp) => refusal('InvalidParameterValueException', 400, message)

test('a function is made active, with defaults, and its answer is what GetFunctionConfiguration answers', async (t) => {
  const { server, create, call, roleArn } = await startLambda(t)
  const { $metadata, ...made } = await create({
    Environment: { Variables: { Name1: 'value' } },
    Tags: { Team: 'blue' },
  })
  assert.equal($metadata.httpStatusCode, 201)
  const { LastModified, RevisionId, ...rest } = made
  assert.match(LastModified!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/)
  assert.match(RevisionId!, /^[0-9a-f-]{36}$/)
  assert.deepEqual(rest, {
    FunctionName: 'fn',
    FunctionArn: `arn:aws:lambda:${server.region}:${server.accountId}:function:fn`,
    Runtime: 'nodejs24.x',
    Role: roleArn,
    Handler: 'index.handler',
    CodeSize: ECHO.length,
    Description: '',
    Timeout: 3,
    MemorySize: 128,
    CodeSha256: createHash('sha256').update(ECHO).digest('base64'),
    Version: '$LATEST',
    Environment: { Variables: { Name1: 'value' } },
    TracingConfig: { Mode: 'PassThrough' },
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
    EphemeralStorage: { Size: 512 },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/fn' },
  })
  const { $metadata: _, ...shown } = await call('GetFunctionConfiguration', { FunctionName: 'fn' })
  assert.deepEqual(shown, made)
  const { Configuration, Tags, Code } = await call('GetFunction', { FunctionName: 'fn' })
  assert.deepEqual([Configuration, Tags, Code], [made, { Team: 'blue' }, {}])

  const [event] = await events(server, 'CreateFunction')
  const text = JSON.stringify(event)
  assert.ok(!text.includes('value"') && !text.includes(ECHO.toString('base64').slice(0, 40)), text)
  assert.equal(event!.resources?.[0]?.ARN, made.FunctionArn)
  assert.deepEqual(event!.responseElements?.functionArn, made.FunctionArn)
})

test('what cannot be is refused in words that say why', async (t) => {
  const { create, roleArn, server } = await startLambda(t)
  await create()
  await assert.rejects(create(), refusal('ResourceConflictException', 409, 'Function already exist: fn'))
  const other = { FunctionName: 'other' }
  const noTrust = await newRole(server, 'untrusting')
  const elsewhere = await newRole(server, 'elsewhere', {
    account: await newAccount(server, 'elsewhere'),
    trustPolicy: trusting({ Service: 'lambda.amazonaws.com' }),
  })
  const noRole = 'The role defined for the function cannot be assumed by Lambda.'
  await assert.rejects(create({ ...other, Role: noTrust.arn }), invalid(noRole))
  await assert.rejects(create({ ...other, Role: `${roleArn}-not` }), invalid(noRole))
  await assert.rejects(create({ ...other, Role: elsewhere.arn }), refusal('AccessDeniedException', 403, /iam:PassRole/))
  await assert.rejects(create({ FunctionName: 'x'.repeat(65) }), invalid(/at most 64 characters/))
  await assert.rejects(create({ FunctionName: 'strongroom-postgresql' }), invalid(/reserved/))
  await assert.rejects(create({ FunctionName: 'fn:1' }), invalid(/takes no qualifier/))
  await assert.rejects(create({ FunctionName: 'no name' }), refusal('ValidationException', 400, /functionName/))
  await assert.rejects(create({ ...other, Timeout: 901 }), refusal('ValidationException', 400, /timeout.*900/))
  await assert.rejects(create({ ...other, MemorySize: 64 }), refusal('ValidationException', 400, /memorySize.*128/))
  await assert.rejects(create({ ...other, Runtime: 'java21' }), invalid(/^Value java21 at 'runtime' .*nodejs24\.x, /))
  const mandatory = 'Runtime and Handler are mandatory parameters for functions created with deployment packages.'
  await assert.rejects(create({ ...other, Runtime: undefined }), invalid(mandatory))
  await assert.rejects(create({ ...other, Handler: undefined }), invalid(mandatory))
  await assert.rejects(create({ ...other, Code: {} }), invalid('Please provide a source for function code.'))
  const unreadable = 'Could not unzip uploaded file. Please check your file, then try to upload again.'
  await assert.rejects(create({ ...other, Code: { ZipFile: Buffer.from('no zip') } }), invalid(unreadable))
  await assert.rejects(create({ ...other, Code: { ZipFile: zip({ name: '../up' }) } }), invalid(unreadable))
  await assert.rejects(
    create({ ...other, Tags: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, 'v'])) }),
    invalid(/at most 50 tags/),
  )
  await assert.rejects(create({ ...other, Tags: { 'aws:x': 'v' } }), invalid(/reserved/))
  const wrong = process.arch === 'arm64' ? 'x86_64' : 'arm64'
  await assert.rejects(create({ ...other, Architectures: [wrong] }), invalid(/architecture/))
})

test('environment variables have names, a size, and none that are reserved; their values are not repeated', async (t) => {
  const { create } = await startLambda(t)
  const withVariables = (Variables: Record<string, string>) => create({ Environment: { Variables } })
  await assert.rejects(
    withVariables({ AWS_REGION: 'canary', _HANDLER: 'x' }),
    invalid(/request: AWS_REGION, _HANDLER$/),
  )
  await assert.rejects(withVariables({ '1x': 'canary' }), invalid(/must begin with a letter/))
  await assert.rejects(withVariables({ NAME: 'a\0b' }), invalid(/NUL/))
  await assert.rejects(withVariables({ NAME: 'canary'.repeat(700) }), (error: Error) => {
    assert.match(error.message, /exceeded the 4KB limit/)
    assert.doesNotMatch(error.message, /canary/)
    return true
  })
  const fits = 'x'.repeat(4_096 - '{"NAME":""}'.length)
  assert.equal((await withVariables({ NAME: fits })).Environment?.Variables?.NAME, fits)
})

const unsupported: readonly (readonly [what: string, input: object])[] = [
  ['VpcConfig', { VpcConfig: { SubnetIds: ['subnet-1'] } }],
  ['Layers', { Layers: ['arn:aws:lambda:eu-central-1:111122223333:layer:a:1'] }],
  ['FileSystemConfigs', { FileSystemConfigs: [{ Arn: 'arn', LocalMountPath: '/mnt/a' }] }],
  ['DeadLetterConfig', { DeadLetterConfig: { TargetArn: 'arn:aws:sqs:eu-central-1:111122223333:a' } }],
  ['SnapStart', { SnapStart: { ApplyOn: 'PublishedVersions' } }],
  ['TracingConfig', { TracingConfig: { Mode: 'Active' } }],
  ['LoggingConfig', { LoggingConfig: { LogFormat: 'JSON' } }],
  ['LoggingConfig', { LoggingConfig: { LogGroup: 'mine' } }],
  ['ImageConfig', { ImageConfig: { Command: ['x'] } }],
  ['PackageType', { PackageType: 'Image' }],
  ['KMSKeyArn', { KMSKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/a' }],
  ['CodeSigningConfigArn', { CodeSigningConfigArn: 'arn' }],
  ['S3Bucket', { Code: { S3Bucket: 'bucket', S3Key: 'key' } }],
  ['ImageUri', { Code: { ImageUri: 'uri' } }],
  ['SourceKMSKeyArn', { Code: { ZipFile: ECHO, SourceKMSKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/a' } }],
  ['PublishTo', { PublishTo: 'LATEST_PUBLISHED' }],
  ['TenancyConfig', { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } }],
  ['DurableConfig', { DurableConfig: { ExecutionTimeout: 5 } }],
]

test('what this server does not have is refused by the name of its member, and let through where it asks for nothing', async (t) => {
  const { create } = await startLambda(t)
  for (const [what, input] of unsupported) {
    await assert.rejects(create(input), invalid(new RegExp(`^${what} is not supported by this server: `)), what)
  }
  await create({
    VpcConfig: { SubnetIds: [], SecurityGroupIds: [], Ipv6AllowedForDualStack: false },
    Layers: [],
    FileSystemConfigs: [],
    DeadLetterConfig: { TargetArn: '' },
    SnapStart: { ApplyOn: 'None' },
    TracingConfig: { Mode: 'PassThrough' },
    LoggingConfig: { LogFormat: 'Text' },
    PackageType: 'Zip',
    KMSKeyArn: '',
  })
})

test('it asks for lambda:CreateFunction, for lambda:TagResource where there are tags, and to pass the role to Lambda', async (t) => {
  const { server, call, roleArn } = await startLambda(t)
  const input = {
    FunctionName: 'fn',
    Role: roleArn,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Code: { ZipFile: ECHO },
    Tags: { a: 'b' },
  }
  const create = { Effect: 'Allow', Action: 'lambda:CreateFunction', Resource: '*' }
  const tag = { ...create, Action: 'lambda:TagResource' }
  const pass = (service: string) => ({
    Effect: 'Allow',
    Action: 'iam:PassRole',
    Resource: roleArn,
    Condition: { StringEquals: { 'iam:PassedToService': service } },
  })
  const refusedTo = async (name: string, statements: readonly object[], action: string) => {
    const { credentials } = await createCaller(server, name, statements)
    const words = new RegExp(`is not authorized to perform: ${action} on resource: `)
    await assert.rejects(call('CreateFunction', input, credentials), refusal('AccessDeniedException', 403, words))
  }
  await refusedTo('one', [pass('lambda.amazonaws.com'), tag], 'lambda:CreateFunction')
  await refusedTo('two', [create, tag], 'iam:PassRole')
  await refusedTo('three', [create, tag, pass('ec2.amazonaws.com')], 'iam:PassRole')
  await refusedTo('four', [create, pass('lambda.amazonaws.com')], 'lambda:TagResource')
  const { credentials } = await createCaller(server, 'five', [create, tag, pass('lambda.amazonaws.com')])
  await call('CreateFunction', input, credentials)
})

test('functions and their code are counted, and what is deleted is counted no more', async (t) => {
  const limits = { functionsPerRegion: '2', functionCodeBytes: String(ECHO.length * 2 + 100) }
  const { create, call } = await startLambda(t, limits)
  const usage = async () => (await call('GetAccountSettings')).AccountUsage
  await create({ FunctionName: 'a' })
  await create({ FunctionName: 'b' })
  await assert.rejects(create({ FunctionName: 'c' }), invalid(/quota of 2 functions/))
  assert.deepEqual(await usage(), { TotalCodeSize: ECHO.length * 2, FunctionCount: 2 })
  const large = nodeZip(`return ${JSON.stringify(createHash('sha512').update('x').digest('hex').repeat(2))}`)
  const update = call('UpdateFunctionCode', { FunctionName: 'b', ZipFile: large })
  await assert.rejects(update, refusal('CodeStorageExceededException', 400, 'Code storage limit exceeded.'))
  await call('DeleteFunction', { FunctionName: 'a' })
  assert.deepEqual(await usage(), { TotalCodeSize: ECHO.length, FunctionCount: 1 })
  await call('UpdateFunctionCode', { FunctionName: 'b', ZipFile: large })
  assert.deepEqual(await usage(), { TotalCodeSize: large.length, FunctionCount: 1 })
})

test('where functions do not run, none can be made, and the answer says why', async (t) => {
  const { create } = await startLambda(t, { functionSandbox: 'off' })
  await assert.rejects(create(), refusal('ServiceException', 500, /does not run functions: .*--function-sandbox off/))
})
