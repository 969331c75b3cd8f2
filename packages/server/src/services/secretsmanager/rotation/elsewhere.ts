// Functions that another Lambda API has: AWS's own, or whatever speaks its Invoke. Signed with the profile of the secret's account.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

import { signedHeaders } from '../../../auth/sign.ts'
import { findCredentials } from '../../../credentials-file.ts'
import { type Outbound, OutboundError, type PostAnswer } from '../../../http/outbound.ts'
import * as errors from '../errors.ts'
import { eventOf, type FunctionProvider, parseFunctionArn, STEP_TIMEOUT_MS, type StepOutcome } from './functions.ts'
import type { StepError } from './model.ts'

/** What a function may answer with, and a little more; the answer itself means nothing. */
const ANSWER_BYTES_MAX = 7 * 1024 * 1024
const DRY_RUN_TIMEOUT_MS = 10_000

export type Elsewhere = {
  /** Without a path. */
  readonly endpoint: string
  /** Read at each call, so that its keys can be changed while the server runs. */
  readonly credentialsFile: string
  readonly wallNow: () => number
  /** Must be allowed to reach the endpoint. */
  readonly outbound: Outbound
}

type Call = {
  readonly functionArn: string
  readonly account: string
  readonly invocationType: 'RequestResponse' | 'DryRun'
  readonly body: Uint8Array
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** It has every function that nobody before it has: only the other side knows which there are. */
export function createFunctionsElsewhere(elsewhere: Elsewhere): FunctionProvider {
  const { endpoint, credentialsFile, wallNow, outbound } = elsewhere

  const call = ({ functionArn, account, invocationType, body, timeoutMs, signal }: Call): Promise<PostAnswer> => {
    const credentials = credentialsOf(credentialsFile, account)
    const url = new URL(`/2015-03-31/functions/${encodeURIComponent(functionArn)}/invocations`, endpoint)
    const { region } = parseFunctionArn(functionArn)!
    const headers = signedHeaders({
      url,
      body,
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': invocationType },
      region,
      service: 'lambda',
      credentials,
      time: wallNow(),
    })
    return outbound.post(url.href, { headers, body, bytesMax: ANSWER_BYTES_MAX, timeoutMs, signal })
  }

  return {
    has: async (_store, functionArn) => parseFunctionArn(functionArn) !== undefined,

    /** DryRun: the other side says whether the function is there and these credentials may invoke it, and does not run it. */
    prepare: async (_app, { functionArn, account }) => {
      let answer: PostAnswer
      try {
        answer = await call({
          functionArn,
          account,
          invocationType: 'DryRun',
          body: Buffer.from('{}'),
          timeoutMs: DRY_RUN_TIMEOUT_MS,
          signal: new AbortController().signal,
        })
      } catch (error) {
        throw errors.rotationFunctionUnreachable(describe(error), error)
      }
      const { status } = answer
      if (status === 404) throw errors.rotationFunctionNotFound(functionArn)
      if (status === 401 || status === 403) throw errors.rotationFunctionDenied()
      if (status >= 300) throw errors.rotationFunctionUnreachable(`status ${status}`)
    },

    invoke: async (_app, invocation, signal) => {
      const { functionArn, account } = invocation
      const body = Buffer.from(JSON.stringify(eventOf(invocation)))
      try {
        const answer = await call({
          functionArn: functionArn!,
          account,
          invocationType: 'RequestResponse',
          body,
          timeoutMs: STEP_TIMEOUT_MS,
          signal,
        })
        return outcomeOf(answer)
      } catch (error) {
        return {
          ok: false,
          error: { kind: kindOf(error), message: `The function cannot be called: ${describe(error)}.` },
        }
      }
    },
  }
}

/** The file, or the profile in it, is not what it should be. The message is for users: it names no path and no key. */
class CredentialsError extends Error {}

function credentialsOf(file: string, account: string) {
  let found: ReturnType<typeof findCredentials>
  try {
    found = findCredentials(file, account)
  } catch {
    throw new CredentialsError('the credentials for the Lambda endpoint cannot be read')
  }
  if (found === undefined)
    throw new CredentialsError('there are no credentials of this account for the Lambda endpoint')
  return found
}

const describe = (error: unknown): string => {
  if (error instanceof CredentialsError || error instanceof OutboundError) return error.message
  return 'a fault of the server'
}

function kindOf(error: unknown): StepError['kind'] {
  if (error instanceof CredentialsError) return 'refused'
  if (!(error instanceof OutboundError)) return 'fault'
  if (error.kind === 'untrusted' || error.kind === 'forbidden') return 'refused'
  return error.kind === 'size' ? 'function' : 'unreachable'
}

/** What a function says in an error is left out: it may hold what it works with. */
function outcomeOf({ status, headers, body }: PostAnswer): StepOutcome {
  if (status >= 200 && status < 300) {
    if (headers['x-amz-function-error'] === undefined) return { ok: true }
    const errorType = errorTypeOf(body)
    const timedOut = errorType === 'Sandbox.Timedout' || errorType === 'Sandbox.Timeout'
    const message = timedOut ? 'The function did not end in time.' : 'The function failed; its own log says why.'
    return { ok: false, error: { kind: timedOut ? 'timeout' : 'function', ...(errorType && { errorType }), message } }
  }
  const code = word(String(headers['x-amzn-errortype'] ?? '').split(':')[0])
  const kind = status === 429 || status >= 500 ? 'unreachable' : 'refused'
  const message = `The function cannot be called: the Lambda endpoint answered with status ${status}.`
  return { ok: false, error: { kind, ...(code && { errorType: code }), message } }
}

function errorTypeOf(body: Buffer): string | undefined {
  try {
    const { errorType } = JSON.parse(body.toString()) as { readonly errorType?: unknown }
    return typeof errorType === 'string' ? word(errorType) : undefined
  } catch {
    return undefined
  }
}

/** The name of a class or code; nothing else is taken over. */
const word = (text: string | undefined): string | undefined =>
  text !== undefined && /^[A-Za-z_][A-Za-z0-9_.]{0,63}$/.test(text) ? text : undefined
