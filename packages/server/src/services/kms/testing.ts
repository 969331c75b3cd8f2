// What the tests of this service share: raw calls, refusals, keys and callers.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { KMSClient } from '@aws-sdk/client-kms'
import type { TestAnswer, TestCredentials, TestServer } from '../../testing.ts'

export type Who = { readonly credentials?: TestCredentials; readonly region?: string }

/** Calls as SDKs do not: nothing is filled in. @returns the answer's body. */
export async function call(
  server: TestServer,
  operation: string,
  input: object = {},
  who: Who = {},
): Promise<TestAnswer['body']> {
  const { status, body } = await server.call('kms', operation, input, who)
  assert.equal(status, 200, `${operation} ${JSON.stringify(input).slice(0, 300)} ${JSON.stringify(body)}`)
  return body
}

/** `Type: text` of the refusal, or `ok`. */
export async function outcome(server: TestServer, operation: string, input: object, who: Who = {}): Promise<string> {
  const { status, body } = await server.call('kms', operation, input, who)
  if (status === 200) return 'ok'
  assert.equal(status, 400, `${operation} ${status} ${JSON.stringify(body)}`)
  return `${body.__type}: ${body.message ?? body.Message}`
}

/** The type of the refusal alone, or `ok`. */
export const codeOf = async (server: TestServer, operation: string, input: object, who: Who = {}): Promise<string> =>
  (await outcome(server, operation, input, who)).split(':')[0]!

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
