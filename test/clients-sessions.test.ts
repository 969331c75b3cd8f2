// Sessions of roles as AWS's tools make them: a profile of the AWS CLI with role_arn and source_profile, boto3's assume_role, the chain of
// credentials of an SDK.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { awsCli, hasAwsCli, hasBoto3, python } from './aws-tools.ts'
import { clientOf, makeHome, REGION, type ServerProcess, sdkOptions, startProcess } from './server-process.ts'

const RoleName = 'Reader'
const READ = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }
const policy = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement })

/** A server with a secret, and the ARN of a role that may read it. */
async function startWorld(t: TestContext): Promise<{ readonly server: ServerProcess; readonly roleArn: string }> {
  const server = await startProcess(await makeHome(t))
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  const account = (await iam.getUser({})).User!.Arn!.split(':')[4]!
  const AssumeRolePolicyDocument = policy({
    Effect: 'Allow',
    Principal: { AWS: account },
    Action: ['sts:AssumeRole', 'sts:TagSession'],
    Condition: { StringEquals: { 'sts:ExternalId': 'Example987' } },
  })
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument })
  await iam.putRolePolicy({ RoleName, PolicyName: 'read', PolicyDocument: policy(READ) })
  iam.destroy()
  const client = clientOf(server)
  await client.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 's3cret' }))
  client.destroy()
  return { server, roleArn: Role!.Arn! }
}

test('the AWS CLI reads a secret with a profile that has a role_arn and a source_profile', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const { server, roleArn } = await startWorld(t)
  const config = join(server.dataDir, 'aws-config')
  writeFileSync(
    config,
    `[profile reader]
role_arn = ${roleArn}
source_profile = default
role_session_name = from-the-cli
external_id = Example987
duration_seconds = 900
region = ${REGION}
`,
  )
  // The tool asks STS for credentials where AWS_ENDPOINT_URL says; --endpoint-url is for the command alone.
  const reader = awsCli(server, undefined, {
    AWS_CONFIG_FILE: config,
    AWS_PROFILE: 'reader',
    AWS_ENDPOINT_URL: server.url,
    HOME: server.dataDir,
  })
  assert.match((await reader('sts', 'get-caller-identity')).Arn, /:assumed-role\/Reader\/from-the-cli$/)
  const read = await reader('secretsmanager', 'get-secret-value', '--secret-id', 'app/db')
  assert.equal(read.SecretString, 's3cret')
  await assert.rejects(
    reader('secretsmanager', 'delete-secret', '--secret-id', 'app/db'),
    /AccessDeniedException.*assumed-role\/Reader\/from-the-cli is not authorized to perform: secretsmanager:DeleteSecret/,
  )

  const aws = awsCli(server)
  const sts = new STSClient(sdkOptions(server))
  await assert.rejects(
    sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'without' })),
    /AccessDenied.*because no role trust policy allows the sts:AssumeRole action/,
  )
  sts.destroy()
  const assumed = await aws(
    ...['sts', 'assume-role', '--role-arn', roleArn, '--role-session-name', 'tagged', '--external-id', 'Example987'],
    ...['--tags', 'Key=Project,Value=Automation', 'Key=CostCenter,Value=12345', '--transitive-tag-keys', 'Project'],
    ...['--policy', policy(READ), '--policy-arns', 'arn=arn:aws:iam::aws:policy/SecretsManagerReadWrite'],
  )
  assert.match(assumed.AssumedRoleUser.AssumedRoleId, /^AROA[A-Z2-7]{17}:tagged$/)
  assert.ok(assumed.PackedPolicySize > 0 && assumed.PackedPolicySize < 20)
  const { AccessKeyId, SecretAccessKey, SessionToken } = assumed.Credentials
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
  const withToken = clientOf({ url: server.url, credentials })
  assert.equal((await withToken.send(new GetSecretValueCommand({ SecretId: 'app/db' }))).SecretString, 's3cret')
  withToken.destroy()
})

test('boto3 assumes a role, and from the session another one', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  const { server, roleArn } = await startWorld(t)
  const script = `
import boto3, datetime, json, sys
url = sys.argv[1]
def client(service, credentials=None):
    names = dict(aws_access_key_id='AccessKeyId', aws_secret_access_key='SecretAccessKey', aws_session_token='SessionToken')
    return boto3.client(service, endpoint_url=url, **{k: credentials[v] for k, v in names.items()} if credentials else {})
sts, iam = client('sts'), client('iam')
answer = sts.assume_role(RoleArn='${roleArn}', RoleSessionName='boto', ExternalId='Example987', DurationSeconds=900)
left = answer['Credentials']['Expiration'] - datetime.datetime.now(datetime.timezone.utc)
assert 850 < left.total_seconds() <= 900, left
session = answer['Credentials']
assert client('secretsmanager', session).get_secret_value(SecretId='app/db')['SecretString'] == 's3cret'

trust = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'AWS': '${roleArn.split(':')[4]}'}, 'Action': 'sts:AssumeRole'}]})
second = iam.create_role(RoleName='Second', AssumeRolePolicyDocument=trust)['Role']['Arn']
try:
    client('sts', session).assume_role(RoleArn=second, RoleSessionName='chained')
    sys.exit('assumed without permission')
except sts.exceptions.ClientError as error:
    assert error.response['Error']['Code'] == 'AccessDenied', error
iam.put_role_policy(RoleName='Reader', PolicyName='assume', PolicyDocument=json.dumps({'Version': '2012-10-17',
    'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Resource': second}]}))
chained = client('sts', session).assume_role(RoleArn=second, RoleSessionName='chained')['Credentials']
try:
    client('sts', session).assume_role(RoleArn=second, RoleSessionName='chained', DurationSeconds=3601)
    sys.exit('chained for more than an hour')
except sts.exceptions.ClientError as error:
    assert 'role chaining' in str(error), error
try:
    sts.assume_role(RoleArn='${roleArn}', RoleSessionName='boto', ExternalId='Example987', Policy='{}')
    sys.exit('took an empty policy')
except sts.exceptions.MalformedPolicyDocumentException:
    pass
print(client('sts', chained).get_caller_identity()['Arn'])
`
  assert.match(await python(server, script), /:assumed-role\/Second\/chained\n$/)
})

test('the SDK for JavaScript reads a secret with the credentials that it was given for a role', async (t) => {
  const { server, roleArn } = await startWorld(t)
  const sts = new STSClient({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  const asked = { RoleArn: roleArn, RoleSessionName: 'js', ExternalId: 'Example987' }
  const { Credentials } = await sts.send(new AssumeRoleCommand(asked))
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  }
  const client = clientOf({ url: server.url, credentials })
  assert.equal((await client.send(new GetSecretValueCommand({ SecretId: 'app/db' }))).SecretString, 's3cret')
  const own = new STSClient({ endpoint: server.url, region: REGION, credentials })
  assert.match((await own.send(new GetCallerIdentityCommand({}))).Arn!, /:assumed-role\/Reader\/js$/)
  for (const one of [sts, client, own]) one.destroy()
})
