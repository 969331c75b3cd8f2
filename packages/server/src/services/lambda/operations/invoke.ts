// Invoke runs a function: at once (RequestResponse), later (Event), or not at all (DryRun, which only says whether the caller may).
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

import type { InvocationResult } from '@strongroom/functions'
import type { Preparation } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { blob, enumeration, integer, optional, string } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { invokeFunction } from '../invoke.ts'
import { parseFunctionName } from '../names.ts'
import { FunctionName, Qualifier } from '../shapes.ts'
import { existingFunction, functionTarget, withPassRole } from '../target.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { readVersion } from '../versions.ts'
import { acceptEvent, EVENT_BYTES_MAX } from '../waiting-events.ts'

/** AWS's own. */
const PAYLOAD_BYTES_MAX = 6_291_556

const input = {
  FunctionName,
  InvocationType: optional(enumeration('RequestResponse', 'Event', 'DryRun')),
  LogType: optional(enumeration('None', 'Tail')),
  ClientContext: optional(string({ max: 3_583 })),
  DurableExecutionName: optional(string()),
  Payload: optional(blob({ sensitive: true })),
  Qualifier: optional(Qualifier),
  TenantId: optional(string()),
}

export const invoke = operation({
  name: 'Invoke',
  readOnly: false,
  http: {
    method: 'POST',
    uri: '/2015-03-31/functions/{FunctionName}/invocations',
    code: 200,
    query: { Qualifier: 'Qualifier' },
    payload: 'Payload',
    responseCode: 'StatusCode',
    responseHeaders: {
      FunctionError: 'X-Amz-Function-Error',
      LogResult: 'X-Amz-Log-Result',
      ExecutedVersion: 'X-Amz-Executed-Version',
      DurableExecutionArn: 'X-Amz-Durable-Execution-Arn',
    },
    responsePayload: 'Payload',
    bodyBytesMax: PAYLOAD_BYTES_MAX,
  },
  headers: {
    InvocationType: 'x-amz-invocation-type',
    LogType: 'x-amz-log-type',
    ClientContext: 'x-amz-client-context',
    DurableExecutionName: 'x-amz-durable-execution-name',
    TenantId: 'x-amz-tenant-id',
  },
  input,

  output: {
    StatusCode: optional(integer()),
    FunctionError: optional(string()),
    LogResult: optional(string()),
    Payload: optional(blob({ sensitive: true })),
    ExecutedVersion: optional(string()),
    DurableExecutionArn: optional(string()),
  },

  target: functionTarget,
  permissions: (_, target) => withPassRole('lambda:InvokeFunction', target, undefined),

  async prepare(call): Promise<InvocationResult | undefined> {
    const { app, region, input } = call
    refuseUnsupported({ DurableExecutionName: input.DurableExecutionName, TenantId: input.TenantId })
    const payload = payloadOf(call.input.Payload)
    const clientContext = clientContextOf(call.input.ClientContext)
    if (isLater(call) || input.InvocationType === 'DryRun') return undefined
    const reference = parseFunctionName(call, input.FunctionName, input.Qualifier)
    return invokeFunction(app, { ...reference, region }, { payload, clientContext })
  },

  async run(call) {
    const { input, target } = call
    const result = call.prepared as InvocationResult | undefined
    if (result !== undefined) {
      return {
        StatusCode: 200,
        FunctionError: result.functionError,
        ...(input.LogType === 'Tail' && { LogResult: result.logTail.toString('base64') }),
        Payload: result.payload,
        ExecutedVersion: result.executedVersion,
      }
    }
    const { fn } = existingFunction(target)
    await readVersion(call, fn, target.reference.qualifier)
    if (!isLater(call)) return { StatusCode: 204 }
    const payload = payloadOf(input.Payload)
    if (payload.length > EVENT_BYTES_MAX) throw errors.payloadTooLarge(payload.length, EVENT_BYTES_MAX)
    await acceptEvent(call, fn, target.reference, { payload, clientContext: clientContextOf(input.ClientContext) })
    return { StatusCode: 202 }
  },
})

const isLater = ({ input }: Pick<Preparation<{ readonly InvocationType?: string | undefined }>, 'input'>): boolean =>
  input.InvocationType === 'Event'

const NOTHING = Buffer.from('{}')
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** JSON in UTF-8; an empty object where there is none. @throws ServiceError InvalidRequestContentException */
function payloadOf(payload: Uint8Array = NOTHING): Uint8Array {
  try {
    JSON.parse(utf8.decode(payload))
  } catch {
    throw errors.payloadNotJson()
  }
  return payload
}

/** The JSON of an object in base64, as mobile SDKs send it. @throws ServiceError InvalidRequestContentException */
function clientContextOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const context = utf8.decode(Buffer.from(text, 'base64'))
    const value: unknown = JSON.parse(context)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return context
  } catch {
    // Told below.
  }
  throw errors.clientContextInvalid()
}
