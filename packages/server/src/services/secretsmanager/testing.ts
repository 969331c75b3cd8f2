// What the tests of this service share: calls, refusals, and looks at the labels.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestAnswer, TestCredentials, TestServer } from '../../testing.ts'
import { createAccessKey } from '../iam/access-keys.ts'
import { policyDocument } from '../iam/testing.ts'
import { createAccount, createUser, putUserPolicy } from '../iam/users.ts'

/** A ClientRequestToken. With a name, the same one each time. */
export const token = (name?: string): string => (name === undefined ? randomUUID() : name.padEnd(32, '-'))

/** Calls as SDKs do not: nothing is filled in. @returns the answer's body. */
export async function call(server: TestServer, operation: string, input: object): Promise<TestAnswer['body']> {
  const answer = await server.call('secretsmanager', operation, input)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

/** The call is refused with exactly this type and text. */
export async function assertRefused(
  server: TestServer,
  operation: string,
  input: object,
  code: string,
  message: string,
): Promise<void> {
  const { status, body } = await server.call('secretsmanager', operation, input)
  assert.deepEqual({ status, body }, { status: 400, body: { __type: code, Message: message } })
}

/** Every version of a secret that ListSecretVersionIds knows, those without labels too. */
export async function versions(server: TestServer, secretId: string): Promise<readonly ListedVersion[]> {
  const { Versions } = await call(server, 'ListSecretVersionIds', { SecretId: secretId, IncludeDeprecated: true })
  return Versions
}

export type ListedVersion = {
  readonly VersionId: string
  readonly VersionStages?: readonly string[]
  readonly LastAccessedDate?: number
  readonly KmsKeyIds?: readonly string[]
}

/** Labels by version, sorted, as DescribeSecret shows them. */
export async function labels(server: TestServer, secretId: string): Promise<Record<string, readonly string[]>> {
  const { VersionIdsToStages = {} } = await call(server, 'DescribeSecret', { SecretId: secretId })
  return Object.fromEntries(
    Object.entries(VersionIdsToStages as Record<string, string[]>).map(([id, stages]) => [id, stages.sort()]),
  )
}

export type Caller = { readonly account: string; readonly arn: string; readonly credentials: TestCredentials }

/** A user who may do what the statements allow, in the server's first account, in one of its own, or in the account of that id. */
export async function createCaller(
  { app, accountId }: TestServer,
  userName: string,
  statements: readonly object[],
  account: 'first' | 'new' | Caller['account'] = 'first',
): Promise<Caller> {
  const now = app.wallNow()
  return app.database.transaction('write', async (tx) => {
    const owner =
      account === 'new'
        ? await createAccount(app, tx, { name: userName, now })
        : account === 'first'
          ? accountId
          : account
    await createUser(app, tx, owner, { userName, now })
    if (statements.length > 0) await putUserPolicy(app, tx, owner, userName, 'test', policyDocument(...statements))
    const { accessKeyId, secretAccessKey } = await createAccessKey(app, tx, owner, { userName }, now)
    const arn = `arn:${app.partition}:iam::${owner}:user/${userName}`
    return { account: owner, arn, credentials: { accessKeyId, secretAccessKey } }
  })
}

/** The events of one name in the caller's trail, newest first, as CloudTrail records. */
export async function events(
  server: TestServer,
  name: string,
  { credentials }: { readonly credentials: TestCredentials } = server,
): Promise<readonly CloudTrailRecord[]> {
  const input = { LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: name }] }
  const { status, body } = await server.call('cloudtrail', 'LookupEvents', input, { credentials })
  assert.equal(status, 200, JSON.stringify(body))
  return body.Events.map(({ CloudTrailEvent }: { readonly CloudTrailEvent: string }) => JSON.parse(CloudTrailEvent))
}

export type CloudTrailRecord = {
  readonly eventID: string
  readonly eventSource: string
  readonly eventType: string
  readonly userIdentity: { readonly [name: string]: unknown }
  readonly recipientAccountId: string
  readonly sharedEventID?: string
  readonly eventName: string
  readonly sourceIPAddress: string
  readonly readOnly: boolean
  readonly requestParameters: { readonly [name: string]: unknown } | null
  readonly responseElements: { readonly [name: string]: unknown } | null
  readonly additionalEventData?: { readonly [name: string]: unknown }
  readonly resources?: readonly { readonly ARN: string; readonly accountId: string }[]
  readonly errorCode?: string
  readonly errorMessage?: string
}
