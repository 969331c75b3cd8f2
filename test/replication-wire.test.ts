// Two Strongrooms, one Region on each: replication goes over TLS with a private authority, and survives kill -9 of either side.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as iam from '@aws-sdk/client-iam'
import * as sm from '@aws-sdk/client-secrets-manager'
import { makeCertificate } from '../packages/rotators/src/testing/certificates.ts'
import { temporaryDirectory } from '../packages/server/src/storage/testing.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { clientOf, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

const OTHER = 'eu-west-1'
const ACCOUNT = '111122223333'

/** Children inherit it. */
function withEnvironment(t: TestContext, variables: { readonly [name: string]: string }): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

test('replication over the wire follows every change, and survives either side being killed', async (t) => {
  const directory = temporaryDirectory(t)
  const { authorityFile: ca, certificateFile, keyFile } = await makeCertificate(directory)
  const options = ['--tls-cert', certificateFile, '--tls-key', keyFile, '--workers', '2']
  withEnvironment(t, { STRONGROOM_BOOTSTRAP_ACCOUNT_ID: ACCOUNT, NODE_EXTRA_CA_CERTS: ca })
  const requestHandler = { httpsAgent: new Agent({ ca: readFileSync(ca) }) }

  const there = await makeHome(t)
  let destination = await startProcess(there, ...options)
  const { port } = new URL(destination.url)
  const again = () => startProcess(there, ...options, '--port', port)
  const common = { endpoint: destination.url, credentials: { ...destination.credentials }, requestHandler }
  const reader = new sm.SecretsManagerClient({ ...common, region: OTHER, maxAttempts: 1 })
  t.after(() => reader.destroy())

  // Who may bring replicas, and nothing else.
  const admin = new iam.IAMClient({ ...common, region: 'us-east-1' })
  const UserName = 'replicator'
  await admin.send(new iam.CreateUserCommand({ UserName }))
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Action: ['strongroom:PutReplica', 'strongroom:RemoveReplica'],
      Resource: `arn:aws:secretsmanager:${OTHER}:${ACCOUNT}:secret:*`,
    },
  })
  await admin.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: 'replicas', PolicyDocument }))
  const { AccessKey } = await admin.send(new iam.CreateAccessKeyCommand({ UserName }))
  admin.destroy()
  const credentials = join(directory, 'region-credentials')
  const { AccessKeyId, SecretAccessKey } = AccessKey!
  const profile = `aws_access_key_id = ${AccessKeyId}\naws_secret_access_key = ${SecretAccessKey}\n`
  writeFileSync(credentials, `[${ACCOUNT}]\n${profile}`, { mode: 0o600 })

  const here = await makeHome(t)
  const endpoint = ['--region-endpoint', `${OTHER}=${destination.url}`, '--region-credentials', credentials]
  const start = () => startProcess(here, ...endpoint, '--test-clock')
  let source = await start()
  let writer = clientOf(source)
  t.after(() => writer.destroy())

  const put = (SecretId: string, SecretString: string) =>
    writer.send(new sm.PutSecretValueCommand({ SecretId, SecretString }))
  const read = (SecretId: string) => reader.send(new sm.GetSecretValueCommand({ SecretId }))
  const statusOf = async (SecretId: string): Promise<string> => {
    const { ReplicationStatus } = await writer.send(new sm.DescribeSecretCommand({ SecretId }))
    return ReplicationStatus === undefined
      ? 'none'
      : ReplicationStatus.map(({ Status, StatusMessage = '' }) => `${Status}: ${StatusMessage}`).join()
  }
  const becomes = async (SecretId: string, expected: RegExp, timeoutMs = 120_000): Promise<void> => {
    for (const until = Date.now() + timeoutMs; ; await sleep(100)) {
      const status = await statusOf(SecretId)
      if (expected.test(status)) return
      assert.ok(Date.now() < until, `${SecretId} is ${status}, not ${expected}: ${source.output()}`)
    }
  }
  const synced = (SecretId: string) => becomes(SecretId, /^InSync: Replication succeeded$/)
  const AddReplicaRegions = [{ Region: OTHER }]

  // More values than one call carries, of both kinds.
  const created = await writer.send(new sm.CreateSecretCommand({ Name: 'db', SecretString: 'one', AddReplicaRegions }))
  await writer.send(new sm.PutSecretValueCommand({ SecretId: 'db', SecretBinary: Buffer.alloc(65_536, 7) }))
  await put('db', 'three')
  await synced('db')
  const replica = await read('db')
  assert.deepEqual([replica.SecretString, replica.ARN], ['three', created.ARN!.replace(REGION, OTHER)])
  const previous = await reader.send(new sm.GetSecretValueCommand({ SecretId: 'db', VersionStage: 'AWSPREVIOUS' }))
  assert.deepEqual(Buffer.from(previous.SecretBinary!), Buffer.alloc(65_536, 7))
  const old = await reader.send(new sm.GetSecretValueCommand({ SecretId: 'db', VersionId: created.VersionId! }))
  assert.equal(old.SecretString, 'one')
  const described = await reader.send(new sm.DescribeSecretCommand({ SecretId: 'db' }))
  assert.equal(described.PrimaryRegion, REGION)
  await assert.rejects(reader.send(new sm.PutSecretValueCommand({ SecretId: 'db', SecretString: 'x' })), {
    message: "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
  })
  const Statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:DeleteSecret', Resource: '*' }
  const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement })
  await writer.send(new sm.PutResourcePolicyCommand({ SecretId: 'db', ResourcePolicy }))
  await writer.send(new sm.TagResourceCommand({ SecretId: 'db', Tags: [{ Key: 'team', Value: 'blue' }] }))
  await synced('db')
  assert.equal((await reader.send(new sm.GetResourcePolicyCommand({ SecretId: 'db' }))).ResourcePolicy, ResourcePolicy)
  const tagged = await reader.send(new sm.DescribeSecretCommand({ SecretId: 'db' }))
  assert.deepEqual(tagged.Tags, [{ Key: 'team', Value: 'blue' }])

  // A principal that the other side does not have: the copy is kept back whole.
  const own = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/here` } }
  const adminHere = new iam.IAMClient({
    endpoint: source.url,
    region: 'us-east-1',
    credentials: { ...source.credentials },
  })
  await adminHere.send(new iam.CreateUserCommand({ UserName: 'here' }))
  adminHere.destroy()
  const named = { Version: '2012-10-17', Statement: { ...own, Action: 'secretsmanager:GetSecretValue', Resource: '*' } }
  const theirs = { SecretId: 'db', ResourcePolicy: JSON.stringify(named) }
  await writer.send(new sm.PutResourcePolicyCommand(theirs))
  await becomes('db', /^Failed: The resource policy cannot stand in this Region/)
  await writer.send(new sm.DeleteResourcePolicyCommand({ SecretId: 'db' }))
  await synced('db')

  // The destination is killed: the change waits, and arrives.
  await destination.kill('SIGKILL')
  await put('db', 'while it was down')
  await becomes('db', new RegExp(`^Failed: Region ${OTHER} cannot be reached \\(ECONNREFUSED\\)$`))
  destination = await again()
  await synced('db')
  assert.equal((await read('db')).SecretString, 'while it was down')

  // Promotion there is learned here: with the next change, or else with the next look.
  for (const Name of ['changed', 'looked-at', 'removed']) {
    await writer.send(new sm.CreateSecretCommand({ Name, SecretString: Name, AddReplicaRegions }))
  }
  for (const Name of ['changed', 'looked-at', 'removed']) await synced(Name)
  for (const SecretId of ['changed', 'looked-at']) {
    await reader.send(new sm.StopReplicationToReplicaCommand({ SecretId }))
  }
  await put('changed', 'not for the promoted one')
  await becomes('changed', /^none$/)
  assert.equal((await read('changed')).SecretString, 'changed')
  await synced('looked-at')
  const clock = { credentials: source.credentials, region: REGION }
  await signedCall(`${source.url}/_strongroom/clock`, 'secretsmanager', undefined, { advance: 'PT6M' }, clock)
  await becomes('looked-at', /^none$/)
  await reader.send(new sm.PutSecretValueCommand({ SecretId: 'looked-at', SecretString: 'its own' }))

  // Both are killed: a removal and a change wait for both to be there again.
  await destination.kill('SIGKILL')
  await writer.send(new sm.RemoveRegionsFromReplicationCommand({ SecretId: 'removed', RemoveReplicaRegions: [OTHER] }))
  assert.equal(await statusOf('removed'), 'none')
  await put('db', 'before the kill')
  await source.kill('SIGKILL')
  writer.destroy()
  source = await start()
  writer = clientOf(source)
  destination = await again()
  await synced('db')
  assert.equal((await read('db')).SecretString, 'before the kill')
  for (const until = Date.now() + 120_000; ; await sleep(100)) {
    const found = await read('removed').then(
      () => true,
      (error: Error) => error.name !== 'ResourceNotFoundException',
    )
    if (!found) break
    assert.ok(Date.now() < until, 'the replica is still there')
  }
  await noValueIn([source, destination])
  assert.equal(await source.kill('SIGTERM'), 0)
  assert.equal(await destination.kill('SIGTERM'), 0)
})

async function noValueIn(servers: readonly ServerProcess[]): Promise<void> {
  for (const server of servers) assert.ok(!/before the kill|while it was down/.test(server.output()))
}
