// A closed account: every kind of its credentials is refused at the next request, on every server of the database, and its data stays.

import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam'
import { CloseAccountCommand } from '@aws-sdk/client-organizations'
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutResourcePolicyCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { temporaryDirectory } from '../../storage/testing.ts'
import { startTestServer, type TestServer } from '../../testing.ts'
import { createAccessKey } from '../iam/access-keys.ts'
import { setAccountStatus } from '../iam/accounts.ts'
import { createMember, organizationsClient } from './testing.ts'

type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }

const optionsOf = ({ url, region }: TestServer, keys: Keys) => ({
  endpoint: url,
  region,
  credentials: { ...keys },
  maxAttempts: 1,
})

/** A session of the role that CreateAccount made, as the management account gets it. */
async function assumeAccessRole(t: TestContext, server: TestServer, account: string): Promise<Keys> {
  const sts = new STSClient(optionsOf(server, server.credentials))
  t.after(() => sts.destroy())
  const { Credentials } = await sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`,
      RoleSessionName: 'operator',
    }),
  )
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! }
}

/** A user made through the API by a session of the role, as anyone would. */
async function createUser(t: TestContext, server: TestServer, session: Keys): Promise<Keys> {
  const iam = new IAMClient(optionsOf(server, session))
  t.after(() => iam.destroy())
  const user = { UserName: 'admin' }
  await iam.send(new CreateUserCommand(user))
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess'
  await iam.send(new AttachUserPolicyCommand({ ...user, PolicyArn }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user))
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
}

/** Two servers on one database; on SQLite, which one server holds, the same one twice. */
async function startServers(t: TestContext): Promise<readonly [TestServer, TestServer]> {
  // Registered first and so done first: the database is dropped with the server that made it.
  let other: TestServer | undefined
  t.after(() => other?.close())
  const one = await startTestServer(t)
  if (one.databaseUrl === '') return [one, one]
  const dataDir = temporaryDirectory(t)
  for (const file of ['root.key', 'credentials']) copyFileSync(join(one.dataDir, file), join(dataDir, file))
  other = await startTestServer(t, { dataDir, database: one.databaseUrl })
  return [one, other]
}

test('the user, the root user and the role sessions of a closed account are refused at the next request, on every server', async (t) => {
  const [one, other] = await startServers(t)
  const organizations = organizationsClient(t, one)
  const account = await createMember(organizations, 'team')
  const bystander = await createMember(organizations, 'bystander')

  const session = await assumeAccessRole(t, one, account)
  const user = await createUser(t, one, session)
  const root = await one.app.database.transaction('write', (tx) =>
    createAccessKey(one.app, tx, account, 'root', one.app.now()),
  )
  const theirs = await assumeAccessRole(t, other, bystander)
  const callers = Object.entries({ session, user, root }).map(([who, keys]) => {
    const sts = new STSClient(optionsOf(other, keys))
    const secrets = new SecretsManagerClient(optionsOf(other, keys))
    t.after(() => [sts, secrets].forEach((client) => void client.destroy()))
    return { who, sts, secrets }
  })
  for (const { who, sts, secrets } of callers) {
    const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}))
    assert.equal(Account, account, who)
    if (who === 'root') assert.equal(Arn, `arn:aws:iam::${account}:root`)
    await secrets.send(new CreateSecretCommand({ Name: who, SecretString: `kept by ${who}` }))
  }

  await organizations.send(new CloseAccountCommand({ AccountId: account }))
  for (const { who, sts, secrets } of callers) {
    const message = 'The security token included in the request is invalid.'
    await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: 'InvalidClientTokenId', message }, who)
    const read = secrets.send(new GetSecretValueCommand({ SecretId: who }))
    await assert.rejects(read, { name: 'UnrecognizedClientException', message }, who)
  }
  for (const server of [one, other]) {
    await assert.rejects(assumeAccessRole(t, server, account), { name: 'AccessDenied' })
  }
  const sts = new STSClient(optionsOf(other, theirs))
  t.after(() => sts.destroy())
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, bystander, 'other accounts go on')

  // As the operator reopens it: everything is there.
  await one.app.database.transaction('write', (tx) => setAccountStatus(one.app, tx, account, 'ACTIVE'))
  for (const { who, secrets } of callers) {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: who }))
    assert.equal(SecretString, `kept by ${who}`)
  }
})

test('what a closed account shares is for nobody, and a stranger sees no difference to what never was', async (t) => {
  const server = await startTestServer(t)
  const organizations = organizationsClient(t, server)
  const account = await createMember(organizations, 'team')
  const owner = new SecretsManagerClient(optionsOf(server, await assumeAccessRole(t, server, account)))
  t.after(() => owner.destroy())
  const { ARN } = await owner.send(new CreateSecretCommand({ Name: 'shared', SecretString: 'x' }))
  const Statement = { Effect: 'Allow', Principal: { AWS: server.accountId }, Action: 'secretsmanager:*', Resource: '*' }
  const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement })
  await owner.send(new PutResourcePolicyCommand({ SecretId: ARN, ResourcePolicy }))

  const describe = () => server.secretsManager.send(new DescribeSecretCommand({ SecretId: ARN }))
  const batch = async () => {
    const { Errors } = await server.secretsManager.send(new BatchGetSecretValueCommand({ SecretIdList: [ARN!] }))
    return Errors![0]!.Message!
  }
  assert.equal((await describe()).Name, 'shared')
  assert.doesNotMatch(await batch(), /^User: .* is not authorized to perform: secretsmanager:GetSecretValue/)

  await organizations.send(new CloseAccountCommand({ AccountId: account }))
  const denied = (arn: string, action: string) =>
    `User: arn:aws:iam::${server.accountId}:user/administrator is not authorized to perform: ${action} on resource: ${arn} because no resource-based policy allows the ${action} action`
  const message = denied(ARN!, 'secretsmanager:DescribeSecret')
  await assert.rejects(describe(), { name: 'AccessDeniedException', message })
  assert.equal(await batch(), denied(ARN!, 'secretsmanager:GetSecretValue'))
  const absent = ARN!.replace(':secret:shared-', ':secret:absent-')
  await assert.rejects(server.secretsManager.send(new DescribeSecretCommand({ SecretId: absent })), {
    name: 'AccessDeniedException',
    message: denied(absent, 'secretsmanager:DescribeSecret'),
  })
})
