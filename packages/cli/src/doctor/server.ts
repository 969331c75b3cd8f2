// Whether a server answers, agrees on the time, and knows who asks.

import type { Credentials } from '@strongroom/server/credentials-file.ts'
import { type Answer, ask, askSigned, type Signer } from './ask.ts'
import { causeOf, codeOf, type Report } from './finding.ts'

/** A server accepts 5 minutes by default, and a request takes time too. */
const SKEW_FAIL_MS = 240_000
const SKEW_WARN_MS = 60_000

/** @returns who the keys are of, where the server takes them */
export async function checkServer(
  report: Report,
  url: URL | undefined,
  region: string,
  credentials: Credentials | undefined,
): Promise<Caller | undefined> {
  const untried = (why: string, ...checks: readonly string[]): undefined => {
    for (const check of checks) report.warn(check, `${check} not checked, since ${why}`, 'mend that first')
  }
  if (url === undefined) return untried('the endpoint cannot be used', 'server', 'clock', 'caller')
  const health = await checkHealth(report, url)
  // What is not a Strongroom server gets no signed request.
  if (health === undefined) return untried('no Strongroom server answers', 'clock', 'caller')
  checkClock(report, health.skewMs)
  if (!health.ok) return untried('the server is not well', 'caller')
  if (credentials === undefined) return untried('no keys were found', 'caller')
  const signer = { url, region, credentials }
  const arn = await checkCaller(report, signer)
  return arn === undefined ? undefined : { ...signer, arn }
}

/** Who asks, and what the server calls them. */
export type Caller = Signer & { readonly arn: string }

type Health = { readonly ok: boolean; readonly skewMs: number }

/** Undefined where no Strongroom server answers. */
async function checkHealth({ ok, fail }: Report, url: URL): Promise<Health | undefined> {
  const before = Date.now()
  let answer: Answer
  try {
    answer = await ask(new URL('/_strongroom/health', url), {})
  } catch (error) {
    const cause = causeOf(error)
    const mend = /CERT|SIGNATURE/.test(cause)
      ? 'mend the certificate first'
      : `start the server, or give its right address (http or https, host, port) as --endpoint-url or AWS_ENDPOINT_URL`
    fail('server', `no server answers at ${url.origin} (${cause})`, mend)
    return undefined
  }
  const state = parseHealth(answer.text)
  if (state === undefined) {
    const what = `what answers at ${url.origin} with status ${answer.status} is not a Strongroom server`
    fail('server', what, 'give its address as --endpoint-url or AWS_ENDPOINT_URL')
    return undefined
  }
  if (state.ok) ok('server', `a server answers at ${url.origin} and is well`)
  else {
    const what = `the server at ${url.origin} is not well: ${state.problems.join('; ')}`
    fail('server', what, 'ask its operator: "strongroom health" and its log tell more')
  }
  // The header has whole seconds: on average it is half a second old.
  const theirs = Date.parse(answer.date ?? '') + 500
  return { ok: state.ok, skewMs: theirs - (before + Date.now()) / 2 }
}

function parseHealth(text: string): { readonly ok: boolean; readonly problems: readonly string[] } | undefined {
  try {
    const { ok, problems } = JSON.parse(text)
    return typeof ok === 'boolean' && Array.isArray(problems) ? { ok, problems: problems.map(String) } : undefined
  } catch {
    return undefined // a page of something else
  }
}

function checkClock({ ok, warn, fail }: Report, skewMs: number): void {
  const size = Math.abs(skewMs)
  const what = `the clock here is ${Math.round(size / 1000)} s ${skewMs > 0 ? 'behind' : 'ahead of'} the server's`
  const mend = 'let NTP set both clocks: requests signed too far from the time are refused'
  if (Number.isNaN(skewMs)) warn('clock', 'the server tells no time', 'see whether a proxy takes its Date header away')
  else if (size < SKEW_WARN_MS) ok('clock', `the clocks agree within ${Math.ceil(size / 1000)} s`)
  else if (size <= SKEW_FAIL_MS) warn('clock', what, mend)
  else fail('clock', what, mend)
}

const CALLER_MENDS: { readonly [code: string]: string } = {
  InvalidClientTokenId:
    'use a key of this server: the access key is unknown or inactive there, or the session token is of another',
  SignatureDoesNotMatch:
    'use the secret access key that belongs to the access key; if it does, a proxy changes the request',
  ExpiredToken: 'get new temporary credentials',
}

/** No policy can deny it, so it tells of the keys alone. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
async function checkCaller({ ok, fail }: Report, caller: Signer): Promise<string | undefined> {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  try {
    const { status, text } = await askSigned(caller, { service: 'sts', path: '/', headers, body })
    const arn = /<Arn>([\x21-\x7e]{1,2048}?)<\/Arn>/.exec(text)?.[1]
    if (status === 200 && arn !== undefined) {
      ok('caller', `you are ${arn}`)
      return arn
    }
    const code = /<Code>([A-Za-z.]{1,64})<\/Code>/.exec(text)?.[1] ?? `status ${status}`
    fail('caller', `the server refuses these credentials (${code})`, CALLER_MENDS[code] ?? 'see its log')
  } catch (error) {
    // A key that no header can carry fails here too. Its text is in the message and must not be shown.
    fail('caller', `a signed request cannot be sent (${codeOf((error as Error).cause ?? error)})`, 'look at the keys')
  }
  return undefined
}
