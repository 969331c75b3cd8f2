// What the tests of replication share: two Regions of one server, what stands in each, and the jobs that copy.

import assert from 'node:assert/strict'
import type { TestAnswer, TestCredentials, TestServer } from '../../testing.ts'

export const OTHER = 'eu-west-1'
export const THIRD = 'us-east-1'
export const REPLICA_READ_ONLY =
  "Operation not permitted on a replica secret. Call must be made in primary secret's region."

/** A call in another Region, whatever comes of it. */
export const askIn = (
  server: TestServer,
  region: string,
  operation: string,
  input: object,
  credentials: TestCredentials = server.credentials,
): Promise<TestAnswer> => server.call('secretsmanager', operation, input, { region, credentials })

/** A call in another Region that is allowed. @returns the answer's body. */
export async function callIn(
  server: TestServer,
  region: string,
  operation: string,
  input: object,
): Promise<TestAnswer['body']> {
  const { status, body } = await askIn(server, region, operation, input)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

/** Status and message by Region, as DescribeSecret shows them. */
export async function statuses(server: TestServer, SecretId: string): Promise<Record<string, string>> {
  const { ReplicationStatus = [] } = await callIn(server, server.region, 'DescribeSecret', { SecretId })
  return Object.fromEntries(
    ReplicationStatus.map(({ Region, Status, StatusMessage }: Record<string, string>) => [
      Region,
      StatusMessage === undefined ? Status : `${Status}: ${StatusMessage}`,
    ]),
  )
}

export const SYNCED = 'InSync: Replication succeeded'
