// Roles and managed policies as users of AWS's tools make them: the AWS CLI and boto3 against a server in its own process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { awsCli, hasAwsCli, hasBoto3, python } from './aws-tools.ts'
import { makeHome, sdkOptions, startProcess } from './server-process.ts'

/** What the AWS CLI shows, as far as a test asks. */
// biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
type Shown = any

test('the AWS CLI makes a role and a policy in versions, attaches them, and takes them down in the order that IAM asks for', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const aws = awsCli(server) as (...args: readonly string[]) => Promise<Shown>
  const iam = new IAM(sdkOptions(server))
  t.after(() => iam.destroy())
  const Account = (await iam.getUser({})).User!.Arn!.split(':')[4]
  const role = ['--role-name', 'deploy']
  const trust = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: [`arn:aws:iam::${Account}:user/administrator`], Service: 'lambda.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
        Condition: { StringEquals: { 'sts:ExternalId': 'it\'s 100 % "ours"' } },
      },
    ],
  }
  const document = (Action: string) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
  })

  const { Role } = await aws(
    ...['iam', 'create-role', ...role, '--path', '/ci/', '--max-session-duration', '7200'],
    ...['--assume-role-policy-document', JSON.stringify(trust, null, 2), '--tags', 'Key=Team,Value=blue'],
  )
  // The CLI decodes the documents of answers.
  assert.deepEqual(Role.AssumeRolePolicyDocument, trust)
  assert.equal((await iam.getRole({ RoleName: 'deploy' })).Role!.RoleId, Role.RoleId)

  const created = await aws(
    ...['iam', 'create-policy', '--policy-name', 'deploy', '--path', '/ci/', '--description', 'Deploys.'],
    ...['--policy-document', JSON.stringify(document('secretsmanager:GetSecretValue'))],
  )
  const policy = ['--policy-arn', created.Policy.Arn]
  const PolicyArn = String(created.Policy.Arn)
  await iam.attachRolePolicy({ RoleName: 'deploy', PolicyArn })
  assert.deepEqual((await iam.listAttachedRolePolicies({ RoleName: 'deploy' })).AttachedPolicies, [
    { PolicyName: 'deploy', PolicyArn: created.Policy.Arn },
  ])
  assert.deepEqual(await aws('iam', 'list-entities-for-policy', ...policy, '--entity-filter', 'Role'), {
    PolicyGroups: [],
    PolicyUsers: [],
    PolicyRoles: [{ RoleName: 'deploy', RoleId: Role.RoleId }],
  })
  const second = JSON.stringify(document('secretsmanager:*'))
  await aws('iam', 'create-policy-version', ...policy, '--policy-document', second, '--set-as-default')
  const { Versions } = await iam.listPolicyVersions({ PolicyArn })
  const shown = Versions!.map((one) => [one.VersionId, one.IsDefaultVersion])
  assert.deepEqual(shown, [
    ['v2', true],
    ['v1', false],
  ])
  const first = await aws('iam', 'get-policy-version', ...policy, '--version-id', 'v1')
  assert.deepEqual(first.PolicyVersion.Document, document('secretsmanager:GetSecretValue'))

  await assert.rejects(aws('iam', 'delete-role', ...role), /DeleteConflict.*must detach all policies first/)
  await iam.detachRolePolicy({ RoleName: 'deploy', PolicyArn })
  await aws('iam', 'delete-role', ...role)
  await assert.rejects(iam.deletePolicy({ PolicyArn }), /DeleteConflict.*This policy has more than one version/)
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v1' })
  await iam.deletePolicy({ PolicyArn })
  await assert.rejects(iam.getPolicy({ PolicyArn }), /NoSuchEntity.*was not found/)
})

test('boto3 pages through roles, policies and who has them, waits for them, and meets its own exception classes', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  const server = await startProcess(await makeHome(t))
  const script = `
import boto3, json, sys
iam = boto3.client('iam', endpoint_url=sys.argv[1], region_name='us-east-1')
account = iam.get_user()['User']['Arn'].split(':')[4]
trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'AWS': account}, 'Action': 'sts:AssumeRole'}]}
document = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': 'arn:aws:s3:::a+b/%20/ü*'}]}
text = json.dumps(document, ensure_ascii=False)
policy = iam.create_policy(PolicyName='own', Path='/team/', PolicyDocument=text, Tags=[{'Key': 'ü', 'Value': 'ö'}])['Policy']
iam.get_waiter('policy_exists').wait(PolicyArn=policy['Arn'])
for number in range(5):
    name = 'role-%d' % number
    iam.create_role(RoleName=name, Path='/team/', AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName=name, PolicyArn=policy['Arn'])
iam.get_waiter('role_exists').wait(RoleName='role-4')
pages = list(iam.get_paginator('list_roles').paginate(PathPrefix='/team/', PaginationConfig={'PageSize': 2}))
roles = [role for page in pages for role in page['Roles']]
assert [role['RoleName'] for role in roles] == ['role-%d' % number for number in range(5)] and len(pages) == 3, roles
assert all(role['AssumeRolePolicyDocument'] == trust for role in roles), roles
pages = list(iam.get_paginator('list_entities_for_policy').paginate(PolicyArn=policy['Arn'], PaginationConfig={'PageSize': 2}))
assert sorted(role['RoleId'] for page in pages for role in page['PolicyRoles']) == sorted(role['RoleId'] for role in roles)
assert iam.get_policy(PolicyArn=policy['Arn'])['Policy']['AttachmentCount'] == 5
listed = [one['PolicyName'] for page in iam.get_paginator('list_policies').paginate(PaginationConfig={'PageSize': 3}) for one in page['Policies']]
assert listed[-1] == 'own' and 'AdministratorAccess' in listed and len(listed) == len(set(listed)), listed
assert iam.get_policy_version(PolicyArn=policy['Arn'], VersionId='v1')['PolicyVersion']['Document'] == document

role = boto3.resource('iam', endpoint_url=sys.argv[1], region_name='us-east-1').Role('role-0')
assert role.assume_role_policy_document == trust and role.max_session_duration == 3600
assert [one.arn for one in role.attached_policies.all()] == [policy['Arn']]

for call, refused in (
    (lambda: iam.get_role(RoleName='absent'), iam.exceptions.NoSuchEntityException),
    (lambda: iam.create_role(RoleName='ROLE-1', AssumeRolePolicyDocument=json.dumps(trust)), iam.exceptions.EntityAlreadyExistsException),
    (lambda: iam.create_policy(PolicyName='Own', PolicyDocument=text), iam.exceptions.EntityAlreadyExistsException),
    (lambda: iam.delete_role(RoleName='role-0'), iam.exceptions.DeleteConflictException),
    (lambda: iam.delete_policy(PolicyArn=policy['Arn']), iam.exceptions.DeleteConflictException),
    (lambda: iam.create_role(RoleName='x', AssumeRolePolicyDocument=text), iam.exceptions.MalformedPolicyDocumentException),
    (lambda: iam.create_policy_version(PolicyArn=policy['Arn'], PolicyDocument='{'), iam.exceptions.MalformedPolicyDocumentException),
    (lambda: iam.create_role(RoleName='x', Path='/aws-service-role/x/', AssumeRolePolicyDocument=json.dumps(trust)), iam.exceptions.InvalidInputException),
    (lambda: [iam.create_policy_version(PolicyArn=policy['Arn'], PolicyDocument=text) for _ in range(5)], iam.exceptions.LimitExceededException),
):
    try:
        call()
        sys.exit('not refused: %s' % refused)
    except refused as error:
        assert error.response['ResponseMetadata']['RequestId'], error.response
print(iam.list_policy_tags(PolicyArn=policy['Arn'])['Tags'])
`
  assert.equal(await python(server, script), "[{'Key': 'ü', 'Value': 'ö'}]\n")
})
