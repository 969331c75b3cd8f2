// For tests of a service: calls as SDKs do not make them, with nothing filled in, and what they came to.

import assert from 'node:assert/strict'
import type { TestAnswer, TestCredentials, TestServer } from './testing.ts'

export type Who = { readonly credentials?: TestCredentials; readonly region?: string }

/** `service` as TestServer.call takes it. */
export function callsOf(service: string) {
  /** @returns the answer's body */
  async function call(
    server: TestServer,
    operation: string,
    input: object = {},
    who: Who = {},
  ): Promise<TestAnswer['body']> {
    const { status, body } = await server.call(service, operation, input, who)
    assert.equal(status, 200, `${operation} ${JSON.stringify(input).slice(0, 300)} ${JSON.stringify(body)}`)
    return body
  }

  /** `Type: text` of the refusal, or `ok`. */
  async function outcome(server: TestServer, operation: string, input: object, who: Who = {}): Promise<string> {
    const { status, body } = await server.call(service, operation, input, who)
    if (status === 200) return 'ok'
    assert.equal(status, 400, `${operation} ${status} ${JSON.stringify(body)}`)
    return `${body.__type}: ${body.message ?? body.Message}`
  }

  /** The type of the refusal alone, or `ok`. */
  const codeOf = async (server: TestServer, operation: string, input: object, who: Who = {}): Promise<string> =>
    (await outcome(server, operation, input, who)).split(':')[0]!

  return { call, outcome, codeOf }
}
