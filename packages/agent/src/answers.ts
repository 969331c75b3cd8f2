// What the agent answers: values as AWS's agent and the Lambda extension write them, and failures of the service.

import type { SecretValue } from '@strongroom/cache'
import type { ParameterValue } from '@strongroom/cache/parameters'
import { RoleRefusedError } from './identities.ts'
import { RequestError } from './request-error.ts'
import { toldOf } from './told.ts'

export type Answer = { readonly status: number; readonly body: string }

/** GetSecretValue's answer, but for the date, which is text: seconds, as AWS's agent has it. Wipes the binary value. */
export function secretAnswer({ SecretString, SecretBinary, CreatedDate, ...about }: SecretValue): Answer {
  const { ARN, Name, VersionId, VersionStages } = about
  const value = SecretBinary === undefined ? { SecretString } : { SecretBinary: base64Of(SecretBinary) }
  SecretBinary?.fill(0)
  const date = CreatedDate === undefined ? null : String(CreatedDate.getTime() / 1_000)
  return answer({ ARN, Name, VersionId, ...value, VersionStages, CreatedDate: date })
}

/** GetParameter's answer in JSON as the AWS SDK for Go writes it, which is what the extension answers. */
export function parameterAnswer(parameter: ParameterValue): Answer {
  const { ARN, DataType, LastModifiedDate = null, Name, Selector = null, Type, Value, Version } = parameter
  const Parameter = { ARN, DataType, LastModifiedDate, Name, Selector, SourceResult: null, Type, Value, Version }
  return answer({ Parameter, ResultMetadata: {} })
}

/**
 * What became of a request that has no value for an answer. A refusal of the service goes on with its status; whatever has no words that may be told is
 * InternalFailure.
 */
export function failureAnswer(error: unknown): Answer {
  if (error instanceof RequestError) return { status: error.status, body: error.message }
  if (error instanceof RoleRefusedError) return failure(403, 'AccessDeniedException', error.message)
  const { name, code, status, message } = toldOf(error)
  if (status !== undefined && message !== undefined) return failure(status, name, message)
  // The one refusal for which AWS has no words.
  if (status !== undefined && name === 'ParameterNotFound') return { status, body: '{"__type":"ParameterNotFound"}' }
  // The SDK calls a connection that was reset a timeout too.
  if (code !== undefined && code !== 'ETIMEDOUT') return failure(502, 'ConnectionError', 'Read Error')
  if (code === 'ETIMEDOUT' || /^(Timeout|Abort)Error$/.test(name)) return failure(504, 'TimeoutError', 'Timeout')
  if (name === 'SyntaxError') return failure(502, 'ConnectionError', 'Response Error')
  return { status: 500, body: '{"__type":"InternalFailure"}' }
}

const failure = (status: number, __type: string, message: string): Answer => ({
  status,
  body: JSON.stringify({ __type, message }),
})

const answer = (body: object): Answer => ({ status: 200, body: JSON.stringify(body) })

const base64Of = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')
