// An identity store for tests, with real keys.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { testKeyring } from '../../seal/testing.ts'
import type { Database, Transaction } from '../../storage/database.ts'
import { createRows } from '../../storage/sealed.ts'
import { startTestServer, type TestCredentials, type TestServer } from '../../testing.ts'
import { createCaller } from '../secretsmanager/testing.ts'
import type { IamWriter } from './store.ts'

export const testIam = (): IamWriter => {
  const keyring = testKeyring()
  return { partition: 'aws', keyring, rows: createRows(keyring), randomBytes }
}

/** A store over a database of its own. */
export const iamOn = (database: Database) => ({
  app: testIam(),
  database,
  write: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('write', work),
  read: <T>(work: (tx: Transaction) => Promise<T>) => database.transaction('read', work),
})

export const policyDocument = (...Statement: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement })

/** AWS's own client, with the administrator's credentials unless others are given, and retries off. Let go of when the test ends. */
export function iamClient(t: TestContext, server: TestServer, credentials: TestCredentials = server.credentials): IAM {
  const client = new IAM({
    endpoint: server.url,
    region: server.region,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}

/** A server, its administrator's client, and how to get a client of somebody who may do less. */
export async function startIam(t: TestContext) {
  const server = await startTestServer(t)
  return {
    server,
    account: server.accountId,
    iam: iamClient(t, server),
    /** Of a new user, who may do what the statements say. */
    clientOf: async (userName: string, ...statements: readonly object[]): Promise<IAM> => {
      const { credentials } = await createCaller(server, userName, statements)
      return iamClient(t, server, credentials)
    },
  }
}

/** For assert.rejects: exactly this code, this status and this text. */
export const refusal =
  (code: string, status: number, message: string) =>
  (error: unknown): true => {
    const { Error: told, $metadata } = error as {
      readonly Error?: { readonly Code: string }
      readonly $metadata?: { readonly httpStatusCode: number }
    }
    assert.deepEqual([told?.Code, $metadata?.httpStatusCode, (error as Error).message], [code, status, message])
    return true
  }

export const noSuchEntity = (message: string) => refusal('NoSuchEntity', 404, message)

/** `arn` asks for `action`, and no policy allows it; `shown` is what the refusal names. */
export const notAllowed = (arn: string, action: string, shown: string) =>
  refusal(
    'AccessDenied',
    403,
    `User: ${arn} is not authorized to perform: ${action} on resource: ${shown} because no identity-based policy allows the ${action} action`,
  )

/** The trust policy of a role that `Principal` may assume. */
export const trusting = (Principal: object): string =>
  policyDocument({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' })

export const TRUSTS_LAMBDA = trusting({ Service: 'lambda.amazonaws.com' })

/** An identity provider of the administrator's account, with a tag. */
export async function startProvider(t: TestContext) {
  const started = await startIam(t)
  const { OpenIDConnectProviderArn: arn } = await started.iam.createOpenIDConnectProvider({
    Url: 'https://idp.example.com/realm',
    ClientIDList: ['app'],
    Tags: [{ Key: 'Team', Value: 'blue' }],
  })
  return { ...started, arn: arn! }
}
