// Users, groups and access keys as users of AWS's tools make them: the AWS CLI and boto3 against a server in its own process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { awsCli, hasAwsCli, hasBoto3, python } from './aws-tools.ts'
import { clientOf, makeHome, sdkOptions, startProcess } from './server-process.ts'

test('the AWS CLI makes a user who may do what its group may, within its boundary, until its key is gone', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const aws = awsCli(server)
  const iam = new IAM(sdkOptions(server))
  t.after(() => iam.destroy())
  const boundary = 'arn:aws:iam::aws:policy/SecretsManagerReadWrite'
  const alice = ['--user-name', 'alice']
  const team = ['--group-name', 'team']

  const { User } = await aws(
    ...['iam', 'create-user', ...alice, '--path', '/people/', '--permissions-boundary', boundary],
    ...['--tags', 'Key=Team,Value=blue', 'Key=Cost center,Value='],
  )
  assert.equal(User.PermissionsBoundary.PermissionsBoundaryArn, boundary)
  assert.deepEqual(User.Tags, [
    { Key: 'Team', Value: 'blue' },
    { Key: 'Cost center', Value: '' },
  ])
  const { Group } = await iam.createGroup({ GroupName: 'team' })
  const Statement = { Effect: 'Allow', Action: ['secretsmanager:*', 'iam:GetUser'], Resource: '*' }
  const document = { Version: '2012-10-17', Statement }
  const inline = [...team, '--policy-name', 'a+=,.@-_']
  await aws('iam', 'put-group-policy', ...inline, '--policy-document', JSON.stringify(document, null, 2))
  // The CLI decodes the document of the answer.
  assert.deepEqual((await aws('iam', 'get-group-policy', ...inline)).PolicyDocument, document)
  await iam.addUserToGroup({ GroupName: 'team', UserName: 'alice' })
  const members = await aws('iam', 'get-group', ...team)
  assert.deepEqual([members.Group.Arn, members.Users.length], [Group!.Arn, 1])

  const { AccessKey } = await aws('iam', 'create-access-key', ...alice)
  const as = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey }
  const hers = awsCli(server, as)
  const client = clientOf({ url: server.url, credentials: as })
  await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  client.destroy()
  // The group allows both; the boundary only what is about secrets.
  await assert.rejects(
    hers('iam', 'get-user'),
    /AccessDenied.*because no permissions boundary allows the iam:GetUser action/,
  )
  await iam.deleteUserPermissionsBoundary({ UserName: 'alice' })
  await iam.updateUser({ UserName: 'alice', NewUserName: 'bob' })
  assert.match((await hers('iam', 'get-user')).User.Arn, /:user\/people\/bob$/)

  const bob = ['--user-name', 'bob']
  const UserName = 'bob'
  await assert.rejects(aws('iam', 'delete-user', ...bob), /DeleteConflict.*must remove users from group first/)
  await iam.deleteAccessKey({ UserName, AccessKeyId: as.accessKeyId })
  await assert.rejects(hers('iam', 'get-user'), /InvalidClientTokenId/)
  await iam.removeUserFromGroup({ GroupName: 'team', UserName })
  await iam.deleteUser({ UserName })
  await assert.rejects(iam.getUser({ UserName }), { message: 'The user with name bob cannot be found.' })
})

test('boto3 pages through users, tags and keys, reads documents, waits for a user and meets its own exception classes', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  const server = await startProcess(await makeHome(t))
  const script = `
import boto3, datetime, json, sys
iam = boto3.client('iam', endpoint_url=sys.argv[1], region_name='ap-southeast-2')
for number in range(5):
    iam.create_user(UserName='user-%d' % number, Tags=[{'Key': 'n', 'Value': str(number)}, {'Key': 'ü', 'Value': 'ö'}])
iam.get_waiter('user_exists').wait(UserName='user-4')
pages = list(iam.get_paginator('list_users').paginate(PaginationConfig={'PageSize': 2}))
names = [user['UserName'] for page in pages for user in page['Users']]
assert names == ['administrator'] + ['user-%d' % number for number in range(5)] and len(pages) == 3, names
tags = [tag for page in iam.get_paginator('list_user_tags').paginate(UserName='user-3', PaginationConfig={'PageSize': 1})
        for tag in page['Tags']]
assert tags == [{'Key': 'n', 'Value': '3'}, {'Key': 'ü', 'Value': 'ö'}], tags
assert iam.list_groups()['Groups'] == [] and iam.list_groups()['IsTruncated'] is False
assert iam.list_attached_user_policies(UserName='user-0')['AttachedPolicies'] == []
assert iam.list_user_policies(UserName='user-0')['PolicyNames'] == []
assert iam.list_access_keys(UserName='user-0')['AccessKeyMetadata'] == []

document = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': 'arn:aws:s3:::a+b/%20/ü*'}]}
iam.put_user_policy(UserName='user-0', PolicyName='p', PolicyDocument=json.dumps(document, ensure_ascii=False))
assert iam.get_user_policy(UserName='user-0', PolicyName='p')['PolicyDocument'] == document

key = iam.create_access_key(UserName='user-0')['AccessKey']
assert isinstance(key['CreateDate'], datetime.datetime) and key['Status'] == 'Active', key
unused = iam.get_access_key_last_used(AccessKeyId=key['AccessKeyId'])
assert unused['AccessKeyLastUsed'] == {'ServiceName': 'N/A', 'Region': 'N/A'}, unused
me = iam.get_access_key_last_used(AccessKeyId=iam.list_access_keys()['AccessKeyMetadata'][0]['AccessKeyId'])
assert me['UserName'] == 'administrator' and me['AccessKeyLastUsed']['Region'] == 'ap-southeast-2', me

for call, refused in (
    (lambda: iam.get_user(UserName='absent'), iam.exceptions.NoSuchEntityException),
    (lambda: iam.create_user(UserName='USER-1'), iam.exceptions.EntityAlreadyExistsException),
    (lambda: iam.delete_user(UserName='user-0'), iam.exceptions.DeleteConflictException),
    (lambda: iam.put_user_policy(UserName='user-0', PolicyName='q', PolicyDocument='{'), iam.exceptions.MalformedPolicyDocumentException),
    (lambda: iam.create_user(UserName='x', Tags=[{'Key': 'a', 'Value': ''}, {'Key': 'A', 'Value': ''}]), iam.exceptions.InvalidInputException),
    (lambda: [iam.create_access_key(UserName='user-0') for _ in range(2)], iam.exceptions.LimitExceededException),
):
    try:
        call()
        sys.exit('not refused: %s' % refused)
    except refused as error:
        assert error.response['ResponseMetadata']['RequestId'], error.response
print(iam.get_user()['User']['Arn'])
`
  assert.match(await python(server, script), /:user\/administrator\n$/)
})
