// DeleteSecret through the server: the recovery window, forcing, what a scheduled secret still answers, and the purge.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  type DeleteSecretRequest,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { createCaller, events } from '../testing.ts'
import { eventDate } from './delete-secret.ts'

const DAY_MS = 86_400_000
const MARKED = {
  name: 'InvalidRequestException',
  message: "You can't perform this operation on the secret because it was marked for deletion.",
}
const NOT_FOUND = {
  name: 'ResourceNotFoundException',
  message: "Secrets Manager can't find the specified secret.",
}

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const { ARN, VersionId } = await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'hunter2' }))
  const remove = (input: Partial<DeleteSecretRequest> = {}) =>
    client.send(new DeleteSecretCommand({ SecretId: 'db', ...input }))
  return { server, client, arn: ARN as string, versionId: VersionId as string, remove }
}

type Counts = { readonly [name: string]: unknown }

/** The records of the trail with this name, oldest first. */
const records = async (server: TestServer, eventName: string) => (await events(server, eventName)).toReversed()

async function rowCounts({ app }: TestServer): Promise<Counts> {
  const counts = await app.database.transaction('read', (tx) =>
    tx.get<Counts>(`SELECT (SELECT COUNT(*) FROM secret) AS secrets, (SELECT COUNT(*) FROM secret_version) AS versions,
      (SELECT COUNT(*) FROM job WHERE kind LIKE 'secretsmanager.%') AS jobs, (SELECT SUM(used) FROM quota_usage WHERE resource = 'secret') AS used`),
  )
  return { ...counts }
}

test('the deletion date is the moment of the call and the window, 30 days unless given', async (t) => {
  const { server, remove, arn, client } = await start(t)
  const now = server.app.now()
  const answer = await remove()
  assert.equal(answer.ARN, arn)
  assert.equal(answer.Name, 'db')
  const window = answer.DeletionDate!.getTime() - now
  assert.ok(window >= 30 * DAY_MS && window < 30 * DAY_MS + 60_000, String(window))
  const described = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  assert.equal(described.DeletedDate?.getTime(), answer.DeletionDate!.getTime() - 30 * DAY_MS)
  assert.equal(described.LastChangedDate?.getTime(), described.DeletedDate?.getTime())
})

test('recovery windows of 7 and of 30 days are allowed', async (t) => {
  const { server, client, remove } = await start(t)
  for (const days of [7, 30]) {
    const now = server.app.now()
    const { DeletionDate } = await remove({ RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: false })
    assert.equal(Math.floor((DeletionDate!.getTime() - now) / DAY_MS), days)
    await client.send(new RestoreSecretCommand({ SecretId: 'db' }))
  }
})

test('windows outside 7 to 30 days, and a window with force, are refused and change nothing', async (t) => {
  const { client, remove } = await start(t)
  for (const RecoveryWindowInDays of [-1, 0, 6, 31, 1_000]) {
    await assert.rejects(remove({ RecoveryWindowInDays }), {
      name: 'InvalidParameterException',
      message: 'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
    })
  }
  await assert.rejects(remove({ RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }), {
    name: 'InvalidParameterException',
    message: "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
  })
  assert.equal((await client.send(new DescribeSecretCommand({ SecretId: 'db' }))).DeletedDate, undefined)
})

test('a scheduled secret answers Describe, ListSecretVersionIds and Restore, and refuses everything else', async (t) => {
  const { client, arn, versionId, remove } = await start(t)
  await remove()
  const SecretId = 'db'
  const refused = [
    new GetSecretValueCommand({ SecretId }),
    new PutSecretValueCommand({ SecretId, SecretString: 'y' }),
    new UpdateSecretCommand({ SecretId, Description: 'y' }),
    new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'x', MoveToVersionId: versionId }),
    new TagResourceCommand({ SecretId, Tags: [{ Key: 'a', Value: 'b' }] }),
    new UntagResourceCommand({ SecretId, TagKeys: ['a'] }),
    new GetResourcePolicyCommand({ SecretId }),
    new DeleteSecretCommand({ SecretId }),
    new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }),
  ]
  for (const command of refused) await assert.rejects(client.send(command as never), MARKED, command.constructor.name)
  await assert.rejects(client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' })), {
    name: 'InvalidRequestException',
    message: "You can't create this secret because a secret with this name is already scheduled for deletion.",
  })
  const batch = await client.send(new BatchGetSecretValueCommand({ SecretIdList: ['db'] }))
  assert.deepEqual(batch.Errors, [{ SecretId: 'db', ErrorCode: MARKED.name, Message: MARKED.message }])

  assert.equal((await client.send(new DescribeSecretCommand({ SecretId }))).ARN, arn)
  const { Versions } = await client.send(new ListSecretVersionIdsCommand({ SecretId }))
  assert.equal(Versions?.[0]?.VersionId, versionId)
  assert.deepEqual((await client.send(new ListSecretsCommand({}))).SecretList, [])
  const planned = await client.send(new ListSecretsCommand({ IncludePlannedDeletion: true }))
  assert.ok(planned.SecretList?.[0]?.DeletedDate instanceof Date)
  await client.send(new RestoreSecretCommand({ SecretId }))
  assert.equal((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString, 'hunter2')
})

test('a secret is removed with its versions and its place in the quota when the window is over, not before', async (t) => {
  const { server, client, arn, versionId, remove } = await start(t)
  const second = await client.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: 'z' }))
  await client.send(new CreateSecretCommand({ Name: 'kept', SecretString: 'x' }))
  await remove({ RecoveryWindowInDays: 7 })
  assert.deepEqual(await rowCounts(server), { secrets: 2, versions: 3, jobs: 1, used: 2 })
  await server.clock.advance(7 * DAY_MS - 60_000)
  await server.jobs.runDue()
  assert.equal((await client.send(new DescribeSecretCommand({ SecretId: 'db' }))).ARN, arn)
  await server.clock.advance(60_000)
  await server.jobs.runDue()
  await assert.rejects(client.send(new DescribeSecretCommand({ SecretId: 'db' })), NOT_FOUND)
  assert.deepEqual(await rowCounts(server), { secrets: 1, versions: 1, jobs: 0, used: 1 })

  const ended = await records(server, 'EndSecretVersionDelete')
  assert.deepEqual(
    ended.map((record) => record.additionalEventData),
    [versionId, second.VersionId].map((id) => ({ SecretId: arn, SecretVersionId: id })),
  )
  for (const record of ended as readonly { readonly [name: string]: unknown }[]) {
    assert.equal(record.eventType, 'AwsServiceEvent')
    assert.equal(record.eventSource, 'secretsmanager.amazonaws.com')
    assert.equal(record.recipientAccountId, server.accountId)
    assert.equal(record.awsRegion, server.region)
  }
})

test('the name is free after the purge, and its next owner has another ARN', async (t) => {
  const { server, client, arn, remove } = await start(t)
  await remove({ RecoveryWindowInDays: 7 })
  await server.clock.advance(7 * DAY_MS)
  await server.jobs.runDue()
  const { ARN } = await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  assert.notEqual(ARN, arn)
  await assert.rejects(client.send(new GetSecretValueCommand({ SecretId: arn })), NOT_FOUND)
})

test('a deletion is in the trail with its date, and so is the start of the deletion of each version', async (t) => {
  const { server, arn, versionId, remove } = await start(t)
  const { DeletionDate } = await remove({ RecoveryWindowInDays: 9 })
  const [call] = await records(server, 'DeleteSecret')
  assert.deepEqual(call?.requestParameters, { secretId: 'db', recoveryWindowInDays: 9 })
  assert.deepEqual(call?.responseElements, { name: 'db', deletionDate: eventDate(DeletionDate!.getTime()), arn })
  const started = await records(server, 'StartSecretVersionDelete')
  assert.deepEqual(
    started.map((record) => record.additionalEventData),
    [{ SecretId: arn, SecretVersionId: versionId }],
  )
  assert.equal(started[0]?.eventType, 'AwsServiceEvent')
  assert.deepEqual(await records(server, 'EndSecretVersionDelete'), [])
})

test('times in events are written as AWS writes them', () => {
  assert.equal(eventDate(Date.UTC(2018, 4, 3, 17, 51, 2)), 'May 3, 2018 5:51:02 PM')
  assert.equal(eventDate(Date.UTC(2026, 11, 31, 0, 0, 9)), 'Dec 31, 2026 12:00:09 AM')
  assert.equal(eventDate(Date.UTC(2026, 0, 1, 12, 30, 0)), 'Jan 1, 2026 12:30:00 PM')
})

test('a forced deletion removes the secret at once, whether it was scheduled or not', async (t) => {
  const { server, client, arn, remove } = await start(t)
  for (const scheduled of [false, true]) {
    if (scheduled) {
      await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
      await remove()
    }
    const now = server.app.now()
    const answer = await remove({ ForceDeleteWithoutRecovery: true })
    assert.equal(answer.Name, 'db')
    if (!scheduled) assert.equal(answer.ARN, arn)
    assert.ok(Math.abs(answer.DeletionDate!.getTime() - now) < 60_000)
    await assert.rejects(client.send(new DescribeSecretCommand({ SecretId: 'db' })), NOT_FOUND)
    assert.deepEqual(await rowCounts(server), { secrets: 0, versions: 0, jobs: 0, used: 0 })
  }
  assert.equal((await records(server, 'StartSecretVersionDelete')).length, 2)
  assert.equal((await records(server, 'EndSecretVersionDelete')).length, 2)
})

test('forcing where there is nothing succeeds, so that cleaning up can be repeated; otherwise it is not found', async (t) => {
  const { server, client } = await start(t)
  const prefix = `arn:aws:secretsmanager:${server.region}:${server.accountId}:secret:`
  for (const [SecretId, ARN, Name] of [
    ['nothing', `${prefix}nothing`, 'nothing'],
    [`${prefix}no/thing-AbCdEf`, `${prefix}no/thing-AbCdEf`, 'no/thing'],
  ] as const) {
    const answer = await client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }))
    assert.equal(answer.ARN, ARN)
    assert.equal(answer.Name, Name)
    assert.ok(answer.DeletionDate instanceof Date)
    await assert.rejects(client.send(new DeleteSecretCommand({ SecretId })), NOT_FOUND)
  }
  assert.deepEqual(await rowCounts(server), { secrets: 1, versions: 1, jobs: 0, used: 1 })
})

test('forcing with an ARN of another Region or service, or of no secret, does not say that a secret is gone', async (t) => {
  const { server, client } = await start(t)
  const here = `arn:aws:secretsmanager:${server.region}:${server.accountId}`
  for (const SecretId of [
    `${here.replace(server.region, 'us-east-1')}:secret:db-AbCdEf`,
    `${here.replace('arn:aws:', 'arn:aws-cn:')}:secret:db-AbCdEf`,
    `${here}:secret:`,
    `${here}:other:db`,
    'arn:aws:s3:::bucket',
  ]) {
    await assert.rejects(
      client.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
      NOT_FOUND,
      SecretId,
    )
  }
})

test('forcing needs the permission, whether there is a secret or not', async (t) => {
  const { server } = await start(t)
  const { arn, credentials } = await createCaller(server, 'reader', [
    { Effect: 'Allow', Action: 'secretsmanager:DescribeSecret', Resource: '*' },
  ])
  for (const SecretId of ['db', 'nothing']) {
    const input = { SecretId, ForceDeleteWithoutRecovery: true }
    const { body } = await server.call('secretsmanager', 'DeleteSecret', input, { credentials })
    assert.equal(body.__type, 'AccessDeniedException')
    assert.ok(
      body.Message.startsWith(`User: ${arn} is not authorized to perform: secretsmanager:DeleteSecret on resource: `),
    )
  }
  assert.deepEqual(await rowCounts(server), { secrets: 1, versions: 1, jobs: 0, used: 1 })
})
