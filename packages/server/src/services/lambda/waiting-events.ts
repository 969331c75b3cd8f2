// Asynchronous invocations: the event is stored with the call that is answered 202, a job runs the function, and a function that fails is run
// again twice, after one minute and after two more, as on AWS. An event that could not be delivered for six hours is given up.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

import type { App } from '../../app.ts'
import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { outsideHandler, schedule } from '../../jobs/job.ts'
import type { Transaction } from '../../storage/database.ts'
import { openData, openDataKey, sealData } from './data-key.ts'
import * as errors from './errors.ts'
import { invokeFunction } from './invoke.ts'
import type { LambdaFunction } from './model.ts'
import type { FunctionReference } from './names.ts'
import {
  countEvents,
  type EventPlace,
  findEvent,
  findFunction,
  insertEvent,
  removeEvent,
  updateEvent,
} from './store.ts'

export const INVOKE_EVENT = 'lambda.InvokeEvent'

/** AWS's own. */
export const EVENT_BYTES_MAX = 1_048_576
const EVENTS_PER_FUNCTION_MAX = 10_000
const AGE_MS_MAX = 6 * 3_600_000
/** Before the second and the third time. */
const RETRIES_AFTER_MS = [60_000, 120_000]

type Given = { readonly payload: Uint8Array; readonly clientContext: string | undefined }

/** Stores the event and schedules its job, in the transaction of the call. @throws ServiceError TooManyRequestsException */
export async function acceptEvent(
  call: Pick<Call, 'app' | 'tx' | 'requestId' | 'now'>,
  fn: LambdaFunction,
  { qualifier }: FunctionReference,
  { payload, clientContext }: Given,
): Promise<void> {
  const { app, tx, requestId, now } = call
  if ((await countEvents(call, fn, EVENTS_PER_FUNCTION_MAX)) >= EVENTS_PER_FUNCTION_MAX) {
    throw errors.tooManyEvents(EVENTS_PER_FUNCTION_MAX)
  }
  const eventId = app.uuid()
  const { accountId, region, functionName, functionId } = fn
  const place = { accountId, region, functionName, eventId }
  await insertEvent(call, place, {
    functionId,
    requestId,
    acceptedAt: now,
    failures: 0,
    payload: sealData(openDataKey(app, fn), fn, ['event', eventId], payload).toString('base64'),
    ...(qualifier !== undefined && { qualifier }),
    ...(clientContext !== undefined && { clientContext }),
  })
  await scheduleEvent(tx, place, now)
}

const scheduleEvent = (tx: Transaction, place: EventPlace, dueAt: number): Promise<void> =>
  schedule(tx, { id: `${INVOKE_EVENT}/${place.eventId}`, kind: INVOKE_EVENT, dueAt, payload: JSON.stringify(place) })

type Outcome = 'over' | 'failed'

export const invokeEvent = outsideHandler<Outcome>({
  // The longest that a function may take, and its turn.
  timeoutMs: 1_020_000,
  retryMsMax: 300_000,
  concurrency: 4,

  async work(app, payload, signal) {
    const place = JSON.parse(payload) as EventPlace
    const found = await app.database.transaction('read', (tx) => readEvent(app, tx, place))
    if (found === undefined) return 'over'
    const { event, plaintext } = found
    if (app.now() - event.acceptedAt > AGE_MS_MAX) {
      app.log.warn(
        { function: place.functionName, requestId: event.requestId },
        'an event was given up after six hours',
      )
      return 'over'
    }
    const { accountId: account, region, functionName: name } = place
    try {
      const { functionError, errorType } = await invokeFunction(
        app,
        { account, region, name, qualifier: event.qualifier },
        { payload: plaintext, clientContext: event.clientContext, functionId: event.functionId, signal },
      )
      if (functionError === undefined) return 'over'
      app.log.warn({ function: name, requestId: event.requestId, errorType }, 'a function failed for an event')
      return 'failed'
    } catch (error) {
      // There will be nothing to deliver it to.
      if (error instanceof ServiceError && error.code === 'ResourceNotFoundException') return 'over'
      throw error
    }
  },

  async finish(app, tx, payload, outcome) {
    const place = JSON.parse(payload) as EventPlace
    const found = await findEvent({ app, tx }, place)
    if (found === undefined) return
    const { rev, event } = found
    const waitMs = outcome === 'failed' ? RETRIES_AFTER_MS[event.failures] : undefined
    if (waitMs === undefined) return removeEvent({ app, tx }, place)
    await updateEvent({ app, tx }, place, rev, { ...event, failures: event.failures + 1 })
    await scheduleEvent(tx, place, app.now() + waitMs)
  },
})

async function readEvent(app: App, tx: Transaction, place: EventPlace) {
  const found = await findEvent({ app, tx }, place)
  const stored = found && (await findFunction({ app, tx }, place.accountId, place.region, place.functionName))
  if (stored === undefined || stored.fn.functionId !== found?.event.functionId) return undefined
  const { event } = found
  const sealed = Buffer.from(event.payload, 'base64')
  return { event, plaintext: openData(openDataKey(app, stored.fn), stored.fn, ['event', place.eventId], sealed) }
}
