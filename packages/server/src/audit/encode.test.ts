// The record of an event: CloudTrail's members, always one line of JSON, never larger than its bounds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADDITIONAL_CHARACTERS_MAX, encodeEvent, PARAMETERS_CHARACTERS_MAX, TEXT_CHARACTERS_MAX } from './encode.ts'
import type { AuditEvent } from './event.ts'
import { ACCOUNT, ALICE, event, SESSION } from './testing.ts'

type Plain = { readonly [key: string]: unknown }
const encode = (fields: Partial<AuditEvent> = {}): Plain => JSON.parse(encodeEvent(event(fields))) as Plain

test('a record has the members of CloudTrail, in its order', () => {
  const resources = [
    { arn: 'arn:aws:secretsmanager:eu-west-1:1:secret:a-b', accountId: ACCOUNT, type: 'AWS::SecretsManager::Secret' },
  ]
  const record = encode({
    eventId: 'e',
    requestId: 'r',
    resources,
    tlsVersion: 'TLSv1.3',
    errorCode: 'C',
    errorMessage: 'M',
  })
  assert.deepEqual(record, {
    eventVersion: '1.11',
    userIdentity: {
      type: 'IAMUser',
      principalId: ALICE.userId,
      arn: ALICE.arn,
      accountId: ACCOUNT,
      accessKeyId: ALICE.accessKeyId,
      userName: 'alice',
    },
    eventTime: '2026-03-01T12:00:00Z',
    eventSource: 'secretsmanager.amazonaws.com',
    eventName: 'GetSecretValue',
    awsRegion: 'eu-west-1',
    sourceIPAddress: '127.0.0.1',
    userAgent: 'test/1.0',
    errorCode: 'C',
    errorMessage: 'M',
    requestParameters: { secretId: 'prod/db' },
    responseElements: null,
    requestID: 'r',
    eventID: 'e',
    readOnly: true,
    resources: [{ accountId: ACCOUNT, type: 'AWS::SecretsManager::Secret', ARN: resources[0]!.arn }],
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: 'Management',
    tlsDetails: { tlsVersion: 'TLSv1.3' },
  })
  const order = Object.keys(record)
  assert.deepEqual(order.slice(0, 3), ['eventVersion', 'userIdentity', 'eventTime'])
  assert.ok(order.indexOf('errorCode') < order.indexOf('requestParameters'))
})

test('an account learns of a caller from elsewhere no more than its account and its unique id', () => {
  const sharedEventId = '7f5b7a4e-0d1a-4f6a-9d55-0c2f3ce7f2a1'
  const record = encode({ account: '999988887777', sharedEventId })
  assert.deepEqual(record.userIdentity, { type: 'AWSAccount', principalId: ALICE.userId, accountId: ACCOUNT })
  assert.deepEqual([record.recipientAccountId, record.sharedEventID], ['999988887777', sharedEventId])
  const text = JSON.stringify(record)
  for (const known of [ALICE.arn, ALICE.accessKeyId, 'alice']) assert.ok(!text.includes(known), known)
  assert.equal(encode().sharedEventID, undefined)
})

test('a session shows who issued it and when, and the source identity where it has one', () => {
  const { session } = SESSION
  const sessionContext = {
    sessionIssuer: {
      type: 'Role',
      principalId: 'AROAIOSFODNN7EXAMPLE7',
      arn: `arn:aws:iam::${ACCOUNT}:role/team/Reader`,
      accountId: ACCOUNT,
      userName: 'Reader',
    },
    attributes: { creationDate: '2026-03-01T11:59:59Z', mfaAuthenticated: 'false' },
  }
  const userIdentity = {
    type: 'AssumedRole',
    principalId: 'AROAIOSFODNN7EXAMPLE7:nightly',
    arn: SESSION.arn,
    accountId: ACCOUNT,
    accessKeyId: SESSION.accessKeyId,
    sessionContext,
  }
  assert.deepEqual(encode({ identity: SESSION }).userIdentity, userIdentity)
  const identity = { ...SESSION, session: { ...session!, sourceIdentity: 'alice' } }
  assert.deepEqual(encode({ identity }).userIdentity, {
    ...userIdentity,
    sessionContext: { ...sessionContext, sourceIdentity: 'alice' },
  })
})

test('the root user has no user name, and the server itself is a service', () => {
  const root = { ...ALICE, kind: 'root' as const, userId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root` }
  const { userName: _, ...identity } = root
  assert.deepEqual(encode({ identity }).userIdentity, {
    type: 'Root',
    principalId: ACCOUNT,
    arn: root.arn,
    accountId: ACCOUNT,
    accessKeyId: root.accessKeyId,
  })
  const { identity: _none, ...ofServer } = event({ sourceIpAddress: '', userAgent: '' })
  const record = JSON.parse(encodeEvent(ofServer)) as Plain
  assert.deepEqual(record.userIdentity, {
    type: 'AWSService',
    accountId: ACCOUNT,
    invokedBy: 'secretsmanager.amazonaws.com',
  })
  assert.equal(record.eventType, 'AwsServiceEvent')
  assert.equal(record.sourceIPAddress, 'secretsmanager.amazonaws.com')
  assert.equal(encode({ ofService: true }).eventType, 'AwsServiceEvent')
})

test('whatever the text of a field is, the record is one line that reads back as the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (value) => {
      const line = encodeEvent(
        event({ userAgent: value, eventName: value, errorMessage: value, requestParameters: { [value]: value } }),
      )
      assert.ok(!/[\n\r]/.test(line))
      const record = JSON.parse(line) as Plain
      if (value !== '') assert.equal(record.userAgent, value)
      assert.equal(record.eventName, value)
      assert.equal(record.errorMessage, value)
      assert.deepEqual(Object.entries(record.requestParameters as Plain), [[value, value]])
    }),
  )
})

test('long text is cut and the record says so', () => {
  const record = encode({ userAgent: 'x'.repeat(2_000_000), errorMessage: 'y'.repeat(2_000) })
  assert.equal((record.userAgent as string).length, TEXT_CHARACTERS_MAX)
  assert.match(record.userAgent as string, /x\.\.\.\[truncated\]$/)
  assert.equal((record.errorMessage as string).length, TEXT_CHARACTERS_MAX)
  assert.equal(record.omitted, true)
  assert.equal(encode().omitted, undefined)
})

test('padding in a large request cannot hide what else it asked for', () => {
  const record = encode({
    requestParameters: { secretId: 'prod/db', resourcePolicy: ' '.repeat(200_000), list: Array(500).fill('i') },
  })
  const parameters = record.requestParameters as { secretId: string; resourcePolicy: string; list: string[] }
  assert.equal(parameters.secretId, 'prod/db')
  assert.match(parameters.resourcePolicy, /^ {2048}\.\.\.\[truncated\]$/)
  assert.equal(parameters.list.length, 100)
  assert.equal(record.omitted, true)
})

test('parameters that stay too large are left out as CloudTrail does, and no event exceeds its bounds', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, 'v'.repeat(4_000)]))
  const record = encode({ requestParameters: many, responseElements: many, additionalEventData: many })
  const omitted = record.requestParameters as Plain
  assert.equal(omitted.omitted, true)
  assert.equal(omitted.reason, 'requestParameters too large')
  assert.ok((omitted.originalSize as number) > PARAMETERS_CHARACTERS_MAX)
  assert.equal((record.additionalEventData as Plain).reason, 'additionalEventData too large')
  const wide = { a: 'v'.repeat(PARAMETERS_CHARACTERS_MAX - 10) }
  const largest = encodeEvent(
    event({
      requestParameters: wide,
      responseElements: wide,
      additionalEventData: { a: 'v'.repeat(ADDITIONAL_CHARACTERS_MAX - 10) },
      resources: Array.from({ length: 5_000 }, () => ({ arn: 'a'.repeat(5_000), accountId: ACCOUNT, type: 't' })),
    }),
  )
  assert.ok(largest.length < 400_000, `${largest.length} characters`)
})
