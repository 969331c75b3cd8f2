// What the tests of advice share: asking for it, and what was found.

import assert from 'node:assert/strict'
import { signedCall, type TestAnswer, type TestCredentials, type TestServer } from '../../testing.ts'

export const ask = (
  server: TestServer,
  input: object = {},
  credentials: TestCredentials = server.credentials,
): Promise<TestAnswer> =>
  signedCall(`${server.url}/_strongroom/advise`, 'secretsmanager', undefined, input, {
    credentials,
    region: server.region,
  })

export async function advised(
  server: TestServer,
  input: object = {},
  credentials?: TestCredentials,
): Promise<TestAnswer['body']> {
  const { status, body } = await ask(server, input, credentials)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

type Told = { readonly Finding: string; readonly Secrets: readonly { readonly Name: string }[] }

/** `no-rotation prod/db` for each finding. */
export const found = ({ Findings }: { readonly Findings: readonly Told[] }): readonly string[] =>
  Findings.map(({ Finding, Secrets }) => `${Finding} ${Secrets.map(({ Name }) => Name).join(' ')}`)
