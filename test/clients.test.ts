// The main job as users do it: a server in its own process, and the AWS CLI, boto3 and the SDK for JavaScript storing and fetching secrets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, GetSecretValueCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { awsCli, hasAwsCli, hasBoto3, python } from './aws-tools.ts'
import { clientOf, makeHome, REGION, startProcess } from './server-process.ts'

/** Past what a shell, a form or a text column might change on the way. */
const AWKWARD = '{"pass":"p\\"ä\u{1F511} \'$(x)\\n"}\n line two\t'

test('the SDK for JavaScript stores and fetches a secret', async (t) => {
  const server = await startProcess(await makeHome(t))
  const client = clientOf(server)
  const created = await client.send(new CreateSecretCommand({ Name: 'app/db', SecretString: AWKWARD }))
  assert.match(created.ARN!, /^arn:aws:secretsmanager:eu-central-1:\d{12}:secret:app\/db-[A-Za-z0-9]{6}$/)
  const fetched = await client.send(new GetSecretValueCommand({ SecretId: 'app/db' }))
  assert.equal(fetched.SecretString, AWKWARD)
  assert.equal(fetched.VersionId, created.VersionId)
  assert.equal((await client.send(new ListSecretsCommand({}))).SecretList?.length, 1)
  client.destroy()

  const sts = new STSClient({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  const identity = await sts.send(new GetCallerIdentityCommand({}))
  assert.match(identity.Arn!, /^arn:aws:iam::\d{12}:user\/administrator$/)
  sts.destroy()
})

test('the AWS CLI stores, lists, changes, fetches and deletes a secret', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const aws = awsCli(server)
  const created = await aws('secretsmanager', 'create-secret', '--name', 'app/db', '--secret-string', AWKWARD)
  assert.match(created.ARN, /^arn:aws:secretsmanager:eu-central-1:\d{12}:secret:app\/db-[A-Za-z0-9]{6}$/)
  assert.equal((await aws('secretsmanager', 'get-secret-value', '--secret-id', 'app/db')).SecretString, AWKWARD)
  await aws('secretsmanager', 'put-secret-value', '--secret-id', String(created.ARN), '--secret-string', 'second')
  const previous = await aws(
    ...['secretsmanager', 'get-secret-value', '--secret-id', 'app/db', '--version-stage', 'AWSPREVIOUS'],
  )
  assert.equal(previous.SecretString, AWKWARD)
  await aws('secretsmanager', 'tag-resource', '--secret-id', 'app/db', '--tags', 'Key=Team,Value=blue')
  const listed = await aws('secretsmanager', 'list-secrets', '--filters', 'Key=tag-key,Values=Team')
  assert.equal((listed.SecretList as readonly unknown[]).length, 1)
  await aws('secretsmanager', 'delete-secret', '--secret-id', 'app/db', '--recovery-window-in-days', '7')
  await assert.rejects(
    aws('secretsmanager', 'get-secret-value', '--secret-id', 'app/db'),
    /InvalidRequestException.*because it was marked for deletion/,
  )
  const events = await aws(
    ...['cloudtrail', 'lookup-events', '--lookup-attributes', 'AttributeKey=EventName,AttributeValue=PutSecretValue'],
  )
  assert.equal((events.Events as readonly unknown[]).length, 1)
})

test('boto3 stores and fetches a secret, pages a listing, and meets its own exception classes', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  const server = await startProcess(await makeHome(t))
  const script = `
import boto3, os, sys
client = boto3.client('secretsmanager', endpoint_url=sys.argv[1])
value = os.urandom(100)
created = client.create_secret(Name='binary', SecretBinary=value, Tags=[{'Key': 'a', 'Value': 'b'}])
assert client.get_secret_value(SecretId=created['ARN'])['SecretBinary'] == value
for number in range(5):
    client.create_secret(Name='page/%d' % number, SecretString='x')
pages = list(client.get_paginator('list_secrets').paginate(PaginationConfig={'PageSize': 2}))
assert sum(len(page['SecretList']) for page in pages) == 6 and len(pages) >= 3, pages
try:
    client.get_secret_value(SecretId='absent')
    sys.exit('found what is not there')
except client.exceptions.ResourceNotFoundException as error:
    assert error.response['Error']['Message'] == "Secrets Manager can't find the specified secret.", error
try:
    client.create_secret(Name='binary', SecretString='x')
    sys.exit('made it twice')
except client.exceptions.ResourceExistsException:
    pass
assert created['ResponseMetadata']['HTTPHeaders']['x-amzn-requestid']
print(boto3.client('sts', endpoint_url=sys.argv[1]).get_caller_identity()['Arn'])
`
  assert.match(await python(server, script), /:user\/administrator\n$/)
})
