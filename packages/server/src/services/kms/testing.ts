// What the tests of this service share: raw calls, refusals, keys and callers.

import type { TestContext } from 'node:test'
import { KMSClient } from '@aws-sdk/client-kms'
import type { TestAnswer, TestServer } from '../../testing.ts'
import { callsOf, type Who } from '../../testing-calls.ts'

export type { Who }

export const { call, outcome, codeOf } = callsOf('kms')

export type TestKey = { readonly id: string; readonly arn: string; readonly metadata: TestAnswer['body'] }

export async function newKey(server: TestServer, input: object = {}, who: Who = {}): Promise<TestKey> {
  const { KeyMetadata: metadata } = await call(server, 'CreateKey', input, who)
  return { id: metadata.KeyId, arn: metadata.Arn, metadata }
}

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')
export const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString()

export const DAY_MS = 86_400_000

/** AWS's own client, with the administrator's credentials unless told. */
export function kmsClient(t: TestContext, server: TestServer, { credentials, region }: Who = {}): KMSClient {
  const client = new KMSClient({
    endpoint: server.url,
    region: region ?? server.region,
    credentials: { ...(credentials ?? server.credentials) },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}

/** A statement of a key policy. */
export const allow = (AWS: unknown, Action: unknown = 'kms:*', more: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS },
  Action,
  Resource: '*',
  ...more,
})
