// The job that calls a function for one step of a rotation. Its row is the lease of the rotation: whoever holds it calls, and what came of the
// call counts only while it is held. The journal says before a call that it is made, and afterwards how it ended.

import { IntegrityError } from '../../../errors.ts'
import { outsideHandler } from '../../../jobs/job.ts'
import { tellServiceEvents } from '../events.ts'
import { CURRENT, findHolder, type RotatingSecret, type Secret } from '../model.ts'
import { changeByService } from '../replication.ts'
import { findSecret, type Store, type StoredSecret } from '../store.ts'
import { endRotation, eventDataOf } from './end.ts'
import {
  type Invocation,
  type RotationTarget,
  STEP_TIMEOUT_MS,
  type StepOutcome,
  type TargetQuestion,
} from './functions.ts'
import { type StepPayload, scheduleStep } from './jobs.ts'
import {
  isResumed,
  type Rotation,
  retryAt,
  STEPS,
  type StepError,
  stepAfter,
  withCall,
  withCallEnded,
} from './model.ts'
import { findRotation, type StoredRotation, updateRotation } from './store.ts'
import { newTokenKeyVersion, rotationToken } from './token.ts'
import { giveTurn, isTurnFree, knowsTarget, noteTarget, takeTurn, WAIT_MS } from './turns.ts'

/** How long the steps of a server that died wait for another one. */
export const STEP_LEASE_MS = 6_000

/** The job was about a rotation that is over. */
type Nothing = { readonly over: true }
/** It is another rotation's turn. */
type Waits = { readonly waits: true }

export const rotationStep = outsideHandler<StepOutcome | Nothing | Waits>({
  timeoutMs: STEP_TIMEOUT_MS + 10_000,
  leaseMs: STEP_LEASE_MS,
  renewed: true,
  retryMsMax: 60_000,
  // Each may be an instance of a function.
  concurrency: ({ limits }) => limits.functionConcurrency,
  shared: true,

  work: async (app, payload, signal) => {
    const names = JSON.parse(payload) as StepPayload
    const asked = await app.database.transaction('read', (tx) => askedFor({ app, tx }, names))
    if (asked === undefined) return { over: true }
    const { question, owner, knows } = asked
    const target = knows ? undefined : await app.rotationFunctions.target(app, question, owner, signal)
    const begun = await app.database.transaction('write', (tx) => beginCall({ app, tx }, names, target))
    if (begun === undefined) return { over: true }
    if ('waits' in begun) return begun
    const outcome = await app.rotationFunctions.invoke(app, begun.invocation, begun.owner, signal)
    // Nobody knows how it ended: it is asked again.
    if (signal.aborted) throw new Error('the call was aborted')
    return outcome
  },

  finish: async (app, tx, payload, outcome) => {
    if ('over' in outcome) return
    const store: Store = { app, tx }
    const found = await findRunning(store, JSON.parse(payload) as StepPayload)
    if (found === undefined) return
    if ('waits' in outcome) {
      const { stored, secret, journal } = found
      const waitMs = (await isTurnFree(store, secret.arn)) ? 0 : WAIT_MS
      return scheduleStep(store, stored, secret, journal.rotation.id, app.now() + waitMs)
    }
    const journal = { ...found.journal, rotation: closedCall(found, outcome, app.now()) }
    await goOn(store, { ...found, journal })
  },
})

type Found = {
  readonly stored: StoredSecret
  readonly secret: RotatingSecret
  readonly journal: StoredRotation
}

/** By the sealed rows: what a job names is called for only where its secret says that it is under way. */
async function findRunning(store: Store, names: StepPayload): Promise<Found | undefined> {
  const stored = await findSecret(store, names.account, names.region, names.name)
  if (stored === undefined || stored.secret.arn !== names.arn) return undefined
  const { secret } = stored
  const { rotation } = secret
  if (rotation?.running?.id !== names.rotationId || secret.deletedAt !== undefined) return undefined
  const journal = await findRotation(store, secret.arn, names.rotationId)
  if (journal === undefined) throw new IntegrityError('rotation', [secret.arn, names.rotationId], 'is gone')
  return { stored, secret: { ...secret, rotation }, journal }
}

type Begun = { readonly invocation: Invocation; readonly owner: string | undefined }

const questionOf = ({ stored, secret, journal }: Found): TargetQuestion => {
  const { id, kind, step, versionId, functionArn } = journal.rotation
  return {
    kind,
    step,
    account: stored.account,
    region: stored.region,
    secretArn: secret.arn,
    versionId,
    ...(functionArn !== undefined && { functionArn }),
    instanceKey: id,
    resumed: isResumed(journal.rotation),
    journalRev: journal.rev,
  }
}

const runOf = ({ stored, secret, journal }: Found) => ({
  account: stored.account,
  arn: secret.arn,
  rotationId: journal.rotation.id,
})

async function askedFor(store: Store, names: StepPayload) {
  const found = await findRunning(store, names)
  if (found === undefined) return undefined
  const knows = await knowsTarget(store, runOf(found))
  return { question: questionOf(found), owner: found.secret.owningService, knows }
}

/** Writes down that the function is called, where it is the rotation's turn. What is only tried out changes nothing, and waits for nobody. */
async function beginCall(
  store: Store,
  names: StepPayload,
  target: RotationTarget | undefined,
): Promise<Begun | Waits | undefined> {
  const { app } = store
  const found = await findRunning(store, names)
  if (found === undefined) return undefined
  const { secret, journal } = found
  if (journal.rotation.kind === 'test') await noteTarget(store, runOf(found), target)
  else if (!(await takeTurn(store, runOf(found), target))) return { waits: true }
  let { rotation } = journal
  let token = rotationToken(app.keyring, rotation)
  if (token === undefined) {
    rotation = { ...rotation, tokenKeyVersion: newTokenKeyVersion(app.keyring) }
    token = rotationToken(app.keyring, rotation)!
  }
  await updateRotation(store, journal, withCall(rotation, app.now()))
  const invocation: Invocation = {
    ...questionOf(found),
    journalRev: journal.rev + 1,
    rotationToken: token,
  }
  return { invocation, owner: secret.owningService }
}

/** The journal with how the latest call ended. What a function says counts less than where AWSCURRENT is when all is done. */
function closedCall({ secret, journal }: Found, outcome: StepOutcome, now: number): Rotation {
  const { rotation } = journal
  const last = rotation.kind === 'rotation' && rotation.step === 'finishSecret'
  const promoted = isPromoted(secret, rotation)
  const notMoved: StepError = { kind: 'labels', message: 'The function left AWSCURRENT where it was.' }
  const error = outcome.ok ? (last && !promoted ? notMoved : undefined) : last && promoted ? undefined : outcome.error
  const { findings, previousStillValid } = outcome
  return withCallEnded(rotation, now, error, {
    ...(findings !== undefined && { findings }),
    ...(previousStillValid !== undefined && { previousStillValid }),
  })
}

const isPromoted = ({ versions }: Secret, { versionId }: Rotation): boolean =>
  findHolder(versions, CURRENT)?.id === versionId

/** The next step, the next attempt, or the end. */
async function goOn(store: Store, found: Found): Promise<void> {
  const { stored, secret, journal } = found
  const { rotation } = journal
  const now = store.app.now()
  const error = rotation.calls.at(-1)?.error
  if (error === undefined) {
    const step = rotation.kind === 'test' ? undefined : stepAfter(rotation.step)
    if (step === undefined) return finishAs(store, found, 'succeeded')
    await updateRotation(store, journal, { ...rotation, step })
    return scheduleStep(store, stored, secret, rotation.id, now)
  }
  const again = rotation.kind === 'test' ? undefined : retryAt(rotation, error, now)
  if (again === undefined) return finishAs(store, found, 'failed')
  await tellServiceEvents(store, stored, [{ eventName: 'RotationFailed', additional: eventDataOf(rotation) }])
  const { attempt } = rotation
  const tokenKeyVersion = newTokenKeyVersion(store.app.keyring)
  await updateRotation(store, journal, { ...rotation, attempt: attempt + 1, step: STEPS[0], tokenKeyVersion })
  await giveTurn(store, secret.arn, false)
  await scheduleStep(store, stored, secret, rotation.id, again)
}

async function finishAs(store: Store, { stored, secret, journal }: Found, outcome: 'succeeded' | 'failed') {
  await changeByService(store, stored, await endRotation(store, stored, secret, journal, { outcome }))
}
