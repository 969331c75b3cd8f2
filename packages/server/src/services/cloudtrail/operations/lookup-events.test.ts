// LookupEvents over the real pipeline: what the server itself recorded, as AWS's SDK shows it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CloudTrailClient,
  type LookupAttributeKey,
  LookupEventsCommand,
  paginateLookupEvents,
} from '@aws-sdk/client-cloudtrail'
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer, type TestServer } from '../../../testing.ts'

function clientOf(server: TestServer, region = server.region): CloudTrailClient {
  return new CloudTrailClient({ endpoint: server.url, region, credentials: { ...server.credentials }, maxAttempts: 1 })
}

const by = (AttributeKey: LookupAttributeKey, AttributeValue: string) => ({
  LookupAttributes: [{ AttributeKey, AttributeValue }],
})

test('a call is found at once, with its caller, its parameters but no secret, and its resource', async (t) => {
  const server = await startTestServer(t)
  const client = clientOf(server)
  t.after(() => client.destroy())
  const { ARN } = await server.secretsManager.send(
    new CreateSecretCommand({ Name: 'prod/db', SecretString: 'canary-7f3a' }),
  )
  await server.secretsManager.send(new GetSecretValueCommand({ SecretId: 'prod/db' }))
  await assert.rejects(server.secretsManager.send(new GetSecretValueCommand({ SecretId: 'absent' })))

  const { Events: created } = await client.send(new LookupEventsCommand(by('EventName', 'CreateSecret')))
  assert.equal(created?.length, 1)
  const event = created![0]!
  assert.equal(event.EventSource, 'secretsmanager.amazonaws.com')
  assert.equal(event.ReadOnly, 'false')
  assert.equal(event.AccessKeyId, server.credentials.accessKeyId)
  assert.ok(Math.abs(event.EventTime!.getTime() - Date.now()) < 60_000)
  assert.ok(!event.CloudTrailEvent!.includes('canary-7f3a'))
  const record = JSON.parse(event.CloudTrailEvent!)
  assert.equal(record.eventID, event.EventId)
  assert.equal(record.requestParameters.name, 'prod/db')
  assert.equal(record.recipientAccountId, server.accountId)
  assert.equal(record.awsRegion, server.region)

  const { Events: reads } = await client.send(new LookupEventsCommand(by('EventName', 'GetSecretValue')))
  assert.deepEqual(
    reads!.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent!).errorCode),
    ['ResourceNotFoundException', undefined],
  )
  const { Events: ofResource } = await client.send(new LookupEventsCommand(by('ResourceName', ARN!)))
  assert.ok(ofResource!.length >= 1)
  for (const { Resources } of ofResource!) {
    assert.ok(
      Resources!.some(
        ({ ResourceName, ResourceType }) => ResourceName === ARN && ResourceType === 'AWS::SecretsManager::Secret',
      ),
    )
  }
  const { Events: elsewhere } = await clientOf(server, 'us-east-1').send(new LookupEventsCommand({}))
  assert.deepEqual(elsewhere, [])
})

test('the SDK’s paginator sees every event once, newest first', async (t) => {
  const server = await startTestServer(t)
  const client = clientOf(server)
  t.after(() => client.destroy())
  for (let i = 0; i < 12; i++) {
    await assert.rejects(server.secretsManager.send(new GetSecretValueCommand({ SecretId: `absent-${i}` })))
  }
  const seen: string[] = []
  const input = { ...by('EventName', 'GetSecretValue'), EndTime: new Date(Date.now() + 60_000) }
  for await (const page of paginateLookupEvents({ client, pageSize: 5 }, input)) {
    assert.ok(page.Events!.length <= 5)
    for (const { CloudTrailEvent } of page.Events!) seen.push(JSON.parse(CloudTrailEvent!).requestParameters.secretId)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 12 }, (_, i) => `absent-${11 - i}`),
  )
})

test('requests that CloudTrail refuses are refused in its codes', async (t) => {
  const server = await startTestServer(t)
  for (const name of ['a', 'b']) {
    await assert.rejects(server.secretsManager.send(new GetSecretValueCommand({ SecretId: name })))
  }
  const attribute = { AttributeKey: 'EventName', AttributeValue: 'GetSecretValue' }
  const first = await server.call('cloudtrail', 'LookupEvents', { LookupAttributes: [attribute], MaxResults: 1 })
  const token: string = first.body.NextToken
  const refusals: readonly (readonly [object, string])[] = [
    [{ LookupAttributes: [attribute, attribute] }, 'InvalidLookupAttributesException'],
    [{ LookupAttributes: [{ AttributeKey: 'Color', AttributeValue: 'red' }] }, 'InvalidLookupAttributesException'],
    [{ LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: '' }] }, 'InvalidLookupAttributesException'],
    [
      { LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: '_'.repeat(1_001) }] },
      'InvalidLookupAttributesException',
    ],
    [{ LookupAttributes: [{ AttributeKey: 'EventName' }] }, 'ValidationException'],
    [{ StartTime: 2_000_000_000, EndTime: 1_000_000_000 }, 'InvalidTimeRangeException'],
    [{ StartTime: -1 }, 'InvalidTimeRangeException'],
    [{ EndTime: 253_402_300_800 }, 'InvalidTimeRangeException'],
    [{ MaxResults: 0 }, 'InvalidMaxResultsException'],
    [{ MaxResults: 51 }, 'InvalidMaxResultsException'],
    [{ NextToken: 'nonsense' }, 'InvalidNextTokenException'],
    [{ NextToken: token }, 'InvalidNextTokenException'],
    [{ LookupAttributes: [attribute], NextToken: `${token.slice(0, -4)}AAAA` }, 'InvalidNextTokenException'],
    [{ EventCategory: 'insight' }, 'UnsupportedOperationException'],
    [{ EventCategory: 'data' }, 'InvalidEventCategoryException'],
  ]
  for (const [input, code] of refusals) {
    const { status, body } = await server.call('cloudtrail', 'LookupEvents', input)
    assert.deepEqual([status, body.__type], [400, code], JSON.stringify(input))
  }
  const elsewhere = await server.call(
    'cloudtrail',
    'LookupEvents',
    { LookupAttributes: [attribute], NextToken: token },
    { region: 'us-east-1' },
  )
  assert.equal(elsewhere.body.__type, 'InvalidNextTokenException')
  const next = await server.call('cloudtrail', 'LookupEvents', {
    LookupAttributes: [attribute],
    NextToken: token,
    MaxResults: 50,
  })
  assert.equal(next.status, 200)
  assert.equal(JSON.parse(next.body.Events[0].CloudTrailEvent).requestParameters.secretId, 'a')
})
