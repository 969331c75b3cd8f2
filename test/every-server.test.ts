// What changes who may do what holds for the very next request, whichever server of the same database it reaches: two workers on SQLite,
// two servers on PostgreSQL.

import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import * as iam from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { signedCall } from '../packages/server/src/testing.ts'
import { type Credentials, makeHome, REGION, startProcess } from './server-process.ts'

/** Requests at once to each address: enough connections that each of two workers has some. */
const AT_ONCE = 6

const ALLOWED = '200'
const DENIED = 'AccessDeniedException'
const UNKNOWN = 'UnrecognizedClientException'

const statement = (Effect: 'Allow' | 'Deny', Action: string) => ({ Effect, Action, Resource: '*' })
const document = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement })
const ALLOW = document(statement('Allow', 'secretsmanager:*'), statement('Allow', 'sts:*'))
const DENY = document(statement('Deny', 'secretsmanager:DescribeSecret'))
const NOTHING = document(statement('Allow', 'iam:GetUser'))

test('what a change of access takes away is refused by the next request on every server, and what it gives is there', async (t) => {
  const { urls, credentials } = await startServers(t)
  const client = { endpoint: urls[0]!, region: REGION, credentials: { ...credentials }, maxAttempts: 1 }
  const admin = new iam.IAMClient(client)
  const sts = new STSClient(client)
  t.after(() => {
    admin.destroy()
    sts.destroy()
  })
  const asAdmin = (operation: string, input: object) => call(urls[0]!, operation, input, credentials)
  assert.equal(await asAdmin('CreateSecret', { Name: 'db' }), ALLOWED)

  const UserName = 'app'
  await admin.send(new iam.CreateUserCommand({ UserName }))
  const { Policy } = await admin.send(new iam.CreatePolicyCommand({ PolicyName: 'all', PolicyDocument: ALLOW }))
  const PolicyArn = Policy!.Arn!
  const none = (await admin.send(new iam.CreatePolicyCommand({ PolicyName: 'none', PolicyDocument: NOTHING }))).Policy!
  const { AccessKey } = await admin.send(new iam.CreateAccessKeyCommand({ UserName }))
  const { AccessKeyId, SecretAccessKey } = AccessKey!
  const user = { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey! }
  const becomes = async (answer: string, of: Credentials, why: string): Promise<void> => {
    const answers = await Promise.all(
      urls.flatMap((url) => Array.from({ length: AT_ONCE }, () => call(url, 'DescribeSecret', { SecretId: 'db' }, of))),
    )
    assert.deepEqual([...new Set(answers)], [answer], why)
  }
  await becomes(DENIED, user, 'a new user has no rights')

  await admin.send(new iam.AttachUserPolicyCommand({ UserName, PolicyArn }))
  await becomes(ALLOWED, user, 'the attached policy')
  await admin.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: 'deny', PolicyDocument: DENY }))
  await becomes(DENIED, user, 'an inline Deny')
  await admin.send(new iam.DeleteUserPolicyCommand({ UserName, PolicyName: 'deny' }))
  await becomes(ALLOWED, user, 'no inline Deny any more')

  await admin.send(new iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: NOTHING, SetAsDefault: true }))
  await becomes(DENIED, user, 'another version of the policy')
  await admin.send(new iam.SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }))
  await becomes(ALLOWED, user, 'the first version again')

  await admin.send(new iam.CreateGroupCommand({ GroupName: 'denied' }))
  await admin.send(new iam.PutGroupPolicyCommand({ GroupName: 'denied', PolicyName: 'deny', PolicyDocument: DENY }))
  await admin.send(new iam.AddUserToGroupCommand({ GroupName: 'denied', UserName }))
  await becomes(DENIED, user, 'the Deny of a group')
  await admin.send(new iam.RemoveUserFromGroupCommand({ GroupName: 'denied', UserName }))
  await becomes(ALLOWED, user, 'out of the group')

  await admin.send(new iam.PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary: none.Arn! }))
  await becomes(DENIED, user, 'a boundary')
  await admin.send(new iam.DeleteUserPermissionsBoundaryCommand({ UserName }))
  await becomes(ALLOWED, user, 'no boundary any more')

  const Principal = { AWS: (await admin.send(new iam.GetUserCommand({ UserName }))).User!.Arn }
  const ResourcePolicy = document({ ...statement('Deny', 'secretsmanager:DescribeSecret'), Principal })
  assert.equal(await asAdmin('PutResourcePolicy', { SecretId: 'db', ResourcePolicy }), ALLOWED)
  await becomes(DENIED, user, "the secret's own Deny")
  assert.equal(await asAdmin('DeleteResourcePolicy', { SecretId: 'db' }), ALLOWED)
  await becomes(ALLOWED, user, 'no resource policy any more')

  const RoleName = 'reader'
  const AssumeRolePolicyDocument = document({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal })
  const rights = { RoleName, PolicyName: 'all', PolicyDocument: ALLOW }
  const enter = async (): Promise<Credentials> => {
    const { Role } = await admin.send(new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }))
    await admin.send(new iam.PutRolePolicyCommand(rights))
    const asUser = new STSClient({ ...client, credentials: user })
    const { Credentials } = await asUser.send(
      new AssumeRoleCommand({ RoleArn: Role!.Arn!, RoleSessionName: 'here', DurationSeconds: 900 }),
    )
    asUser.destroy()
    return {
      accessKeyId: Credentials!.AccessKeyId!,
      secretAccessKey: Credentials!.SecretAccessKey!,
      sessionToken: Credentials!.SessionToken!,
    }
  }
  const leave = async (): Promise<void> => {
    await admin.send(new iam.DeleteRolePolicyCommand({ RoleName, PolicyName: 'all' }))
    await admin.send(new iam.DeleteRoleCommand({ RoleName }))
  }
  const first = await enter()
  await becomes(ALLOWED, first, 'a session of the role')
  await admin.send(new iam.PutRolePolicyCommand({ ...rights, PolicyDocument: NOTHING }))
  await becomes(DENIED, first, "a change of the role's policy")
  await admin.send(new iam.PutRolePolicyCommand(rights))
  await becomes(ALLOWED, first, 'the policy as it was')
  await leave()
  await becomes(UNKNOWN, first, 'the role is gone')
  const second = await enter()
  await becomes(UNKNOWN, first, 'a role made again under the same name is another role')
  await becomes(ALLOWED, second, 'a session of that one')
  const revoked = await signedCall(
    `${urls[0]}/_strongroom/sessions/revoke`,
    'secretsmanager',
    undefined,
    { AccessKeyId: second.accessKeyId },
    { credentials, region: REGION },
  )
  assert.equal(revoked.status, 200, JSON.stringify(revoked.body))
  await becomes(UNKNOWN, second, 'the session was revoked')

  await admin.send(new iam.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }))
  await becomes(UNKNOWN, user, 'an inactive access key')
  await admin.send(new iam.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Active' }))
  await becomes(ALLOWED, user, 'active again')
  await admin.send(new iam.DetachUserPolicyCommand({ UserName, PolicyArn }))
  await becomes(DENIED, user, 'the policy is detached')
  await admin.send(new iam.DeleteAccessKeyCommand({ UserName, AccessKeyId }))
  await becomes(UNKNOWN, user, 'the access key is deleted')
})

/** Two workers behind one address; on PostgreSQL, two servers. */
async function startServers(t: TestContext): Promise<{ urls: readonly string[]; credentials: Credentials }> {
  const home = await makeHome(t)
  if (home.options.length === 0) {
    const { url, credentials } = await startProcess(home, '--workers', '2')
    return { urls: [url], credentials }
  }
  const one = await startProcess(home)
  const another = await makeHome(t)
  for (const file of ['root.key', 'credentials']) copyFileSync(join(home.dataDir, file), join(another.dataDir, file))
  const two = await startProcess({ ...another, options: home.options, after: home.after })
  return { urls: [one.url, two.url], credentials: one.credentials }
}

/** The error's type, or the status where there is none. */
async function call(url: string, operation: string, input: object, credentials: Credentials): Promise<string> {
  const options = { credentials, region: REGION }
  const { status, body } = await signedCall(url, 'secretsmanager', `secretsmanager.${operation}`, input, options)
  return body?.__type ?? String(status)
}
