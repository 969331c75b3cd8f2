// Functions with the tools that people use: the AWS CLI from making one to deleting it, boto3, and the calls of Terraform's provider in their
// order, in the best sandbox that this machine has.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { Lambda } from '@aws-sdk/client-lambda'
import { TRUSTS_LAMBDA } from '../packages/server/src/services/iam/testing.ts'
import { lambda } from '../packages/server/src/services/lambda/index.ts'
import { nodeZip, zip } from '../packages/server/src/services/lambda/testing.ts'
import { signedRestCall } from '../packages/server/src/testing.ts'
import { awsCli, hasAwsCli, hasCommand, python } from './aws-tools.ts'
import { makeHome, REGION, type ServerProcess, sdkOptions, startProcess } from './server-process.ts'

/** Makes the role of the functions; `aws` may do everything. */
async function start(t: Parameters<typeof makeHome>[0]): Promise<{ server: ServerProcess; dataDir: string }> {
  const home = await makeHome(t)
  return { server: await startProcess(home), dataDir: home.dataDir }
}

test('the AWS CLI makes a function, waits for it, invokes it, changes it and deletes it', async (t) => {
  if (!hasAwsCli()) {
    t.skip('there is no AWS CLI')
    return
  }
  const { server, dataDir } = await start(t)
  const aws = awsCli(server)
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(dataDir, name), content)
    return join(dataDir, name)
  }
  const iam = new IAM(sdkOptions(server))
  t.after(() => iam.destroy())
  const { Arn: roleArn } = (await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })).Role!
  const functions = new Lambda(sdkOptions(server))
  t.after(() => functions.destroy())
  const fn = ['--function-name', 'fn']
  const code = file('one.zip', nodeZip('console.log("seen"); return { uid: process.getuid(), event }'))
  const made = await aws(
    'lambda',
    'create-function',
    ...fn,
    ...['--runtime', 'nodejs24.x', '--handler', 'index.handler', '--timeout', '20'],
    ...['--role', roleArn!, '--zip-file', `fileb://${code}`],
  )
  assert.equal(made.State, 'Active')
  await aws('lambda', 'wait', 'function-active-v2', ...fn)
  const permission = [
    '--statement-id',
    's',
    '--action',
    'lambda:InvokeFunction',
    '--principal',
    'secretsmanager.amazonaws.com',
  ]
  assert.match((await aws('lambda', 'add-permission', ...fn, ...permission)).Statement, /"Sid":"s"/)
  const { Policy } = await functions.getPolicy({ FunctionName: 'fn' })
  assert.match(Policy!, /secretsmanager\.amazonaws\.com/)

  const answer = join(dataDir, 'answer')
  const payload = file('payload', '{"a":1}')
  const invoke = (name: string) =>
    aws('lambda', 'invoke', '--function-name', name, '--payload', `fileb://${payload}`, '--log-type', 'Tail', answer)
  const { StatusCode, FunctionError, LogResult, ExecutedVersion } = await invoke('fn')
  const said = readFileSync(answer, 'utf8')
  assert.deepEqual([StatusCode, FunctionError, ExecutedVersion], [200, undefined, '$LATEST'], said)
  assert.match(Buffer.from(LogResult, 'base64').toString(), /seen/)
  const { uid, event } = JSON.parse(said)
  assert.deepEqual(event, { a: 1 })
  if (process.getuid?.() === 0) assert.notEqual(uid, 0)

  const other = file('two.zip', nodeZip('return "two"'))
  const arn = made.FunctionArn
  const updated = await aws('lambda', 'update-function-code', '--function-name', arn, '--zip-file', `fileb://${other}`)
  assert.equal(updated.LastUpdateStatus, 'Successful')
  await aws('lambda', 'wait', 'function-updated-v2', '--function-name', arn)
  await invoke(arn)
  assert.equal(readFileSync(answer, 'utf8'), '"two"')
  const { Configuration } = await functions.getFunction({ FunctionName: 'fn' })
  assert.equal(Configuration!.CodeSha256, updated.CodeSha256)
  await aws('lambda', 'delete-function', ...fn)
  await assert.rejects(aws('lambda', 'get-function', ...fn), /ResourceNotFoundException.*Function not found: arn:/s)
})

test('boto3 invokes a function of Python', async (t) => {
  if (!(await hasCommand('python3', '-c', 'import boto3; assert boto3.__version__ > "1.28"'))) {
    t.skip('there is no boto3 from 1.28 on')
    return
  }
  const { server, dataDir } = await start(t)
  const content =
    'def handler(event, context):\n    return {"sum": sum(event["numbers"]), "name": context.function_name}\n'
  writeFileSync(join(dataDir, 'py.zip'), zip({ name: 'main.py', content, mode: 0o100644 }))
  const said = await python(
    server,
    `
import boto3, json, sys
client = lambda name: boto3.client(name, endpoint_url=sys.argv[1])
role = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=${JSON.stringify(TRUSTS_LAMBDA)})["Role"]["Arn"]
functions = client("lambda")
try:
    functions.create_function(FunctionName="fn", Role=role, Runtime="python3.11", Handler="main.handler", Timeout=20,
        Code={"ZipFile": open(${JSON.stringify(join(dataDir, 'py.zip'))}, "rb").read()})
except functions.exceptions.InvalidParameterValueException as error:
    print("unavailable", error)
    sys.exit()
answer = functions.invoke(FunctionName="fn", Payload=json.dumps({"numbers": [1, 2, 3]}))
print(answer["StatusCode"], answer.get("FunctionError"), json.loads(answer["Payload"].read()))
`,
  )
  if (said.startsWith('unavailable')) t.skip(said)
  else assert.equal(said.trim(), "200 None {'sum': 6, 'name': 'fn'}")
})

test('the calls of Terraform’s provider for a function and its permission, in their order, find what was made', async (t) => {
  const { server } = await start(t)
  const { url, credentials } = server
  const call = async (name: string, input: object, status: number) => {
    const operation = lambda.operations.find((one) => one.name === name)!
    const answer = await signedRestCall(url, 'lambda', operation, { ...input }, { credentials, region: REGION })
    assert.equal(answer.status, status, `${name} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const iam = new IAM(sdkOptions(server))
  t.after(() => iam.destroy())
  const { Arn: Role } = (await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })).Role!
  const FunctionName = 'fn'
  const made = await call(
    'CreateFunction',
    {
      FunctionName,
      Role,
      Code: { ZipFile: nodeZip('return 1').toString('base64') },
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Description: '',
      MemorySize: 128,
      PackageType: 'Zip',
      Publish: false,
      Timeout: 3,
      EphemeralStorage: { Size: 512 },
      Environment: { Variables: { NAME: 'value' } },
      TracingConfig: { Mode: 'PassThrough' },
      Tags: { Team: 'blue' },
    },
    201,
  )
  const read = async () => {
    const { Configuration, Tags } = await call('GetFunction', { FunctionName }, 200)
    const versions = await call('ListVersionsByFunction', { FunctionName, MaxItems: 10_000 }, 200)
    const signing = await call('GetFunctionCodeSigningConfig', { FunctionName }, 200)
    return { Configuration, Tags, versions, signing }
  }
  const first = await read()
  assert.deepEqual([first.Configuration.State, first.Configuration.LastUpdateStatus], ['Active', 'Successful'])
  assert.deepEqual([first.Configuration.CodeSha256, first.Tags], [made.CodeSha256, { Team: 'blue' }])
  assert.equal(first.versions.Versions.at(-1).Version, '$LATEST')
  assert.equal(first.signing.CodeSigningConfigArn, '')
  const statement = {
    StatementId: 'AllowRotation',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
  }
  await call('AddPermission', { FunctionName, ...statement }, 201)
  const { Policy } = await call('GetPolicy', { FunctionName }, 200)
  assert.equal(JSON.parse(Policy).Statement[0].Sid, 'AllowRotation')
  // The second plan finds nothing to change.
  assert.deepEqual(await read(), first)

  const code = { ZipFile: nodeZip('return 2').toString('base64'), Publish: false, DryRun: false }
  await call('UpdateFunctionCode', { FunctionName, ...code }, 200)
  assert.notEqual((await read()).Configuration.CodeSha256, made.CodeSha256)
  await call('RemovePermission', { FunctionName, StatementId: 'AllowRotation' }, 204)
  await call('GetPolicy', { FunctionName }, 404)
  await call('DeleteFunction', { FunctionName }, 204)
  const gone = await call('GetFunction', { FunctionName }, 404)
  assert.equal(gone.Message, `Function not found: ${made.FunctionArn}`)
})
