// A signed POST as any AWS signer could send it: to one of our own routes, or an operation of AWS JSON 1.1.

import { signedHeaders } from '@strongroom/server/auth/sign.ts'
import { type Connection, noAnswer } from './connection.ts'
import { UsageError } from './usage-error.ts'

/** A report on many secrets takes its time. */
const ANSWER_MS_MAX = 120_000

/** What a call is signed for, and what X-Amz-Target says; absent: a route of our own. */
export type AwsCall = { readonly service: string; readonly target: string }

/** The answer. `path` as in `/_strongroom/clock`. @throws UsageError with what the server says, or that it cannot be reached. */
export async function signedCall<Answer extends object>(
  path: string,
  input: object,
  { endpoint, region, credentials }: Connection,
  aws?: AwsCall,
): Promise<Answer> {
  const url = new URL(path, endpoint)
  const body = Buffer.from(JSON.stringify(input))
  const headers = signedHeaders({
    url,
    body,
    headers: { 'content-type': 'application/x-amz-json-1.1', ...(aws && { 'x-amz-target': aws.target }) },
    region,
    service: aws?.service ?? 'secretsmanager',
    credentials,
    time: Date.now(),
  })
  const signal = AbortSignal.timeout(ANSWER_MS_MAX)
  const { ok, status, text } = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal })
    .then(async (response) => ({ ok: response.ok, status: response.status, text: await response.text() }))
    .catch((error: Error) => {
      throw noAnswer(url, error)
    })
  const answer = parse(text)
  if (answer === undefined) {
    throw new UsageError(`${url.origin} answered with status ${status} and no JSON: is it a Strongroom server?`)
  }
  if (!ok) throw new UsageError(String(answer.Message ?? answer.message ?? `status ${status}`))
  return answer as Answer
}

/** An object; undefined of anything else. */
function parse(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
