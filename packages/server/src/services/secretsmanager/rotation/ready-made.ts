// The rotators that are ready made: functions named `strongroom-…` that no one has to make or to admit. Values are opened in a transaction and
// used outside of it; what a step changes counts only while the rotation is still under way, by the journal of this very call.
// docs/rotators.md

import {
  type Io,
  type PendingRun,
  type Rotator,
  RotatorError,
  type Run,
  rotators as readyMadeRotators,
  type SecretValue,
} from '@strongroom/rotators'
import type { App } from '../../../app.ts'
import type { AuditEvent } from '../../../audit/event.ts'
import { generateKeyPair } from '../../../crypto/key-pair.ts'
import { CryptoError } from '../../../crypto/kms/crypto-error.ts'
import { IntegrityError, ServiceError } from '../../../errors.ts'
import type { HttpAnswers } from '../../../http/answers.ts'
import { OutboundError } from '../../../http/outbound.ts'
import * as errors from '../errors.ts'
import { serviceCall } from '../events.ts'
import {
  CURRENT,
  findHolder,
  findVersion,
  hasValue,
  moveStage,
  type Plain,
  PREVIOUS,
  type RotatingSecret,
  selectVersion,
  splitTail,
  type ValuedVersion,
} from '../model.ts'
import { changeByService } from '../replication.ts'
import { callByRights } from '../rights.ts'
import { findSecret, type Store, type StoredSecret } from '../store.ts'
import { parseSecretArn } from '../target.ts'
import { replaceVersion, storeValue } from '../value.ts'
import {
  type FunctionProvider,
  type Invocation,
  isReadyMade,
  type ManagedRotation,
  parseFunctionArn,
  type RotationTarget,
  type StepOutcome,
  type TargetQuestion,
} from './functions.ts'
import { type ReadyMade, type StepError, sinceOf } from './model.ts'
import { findRotator, masterOf, masterPlaceOf, mayUseMaster, openSecret } from './ready-made-settings.ts'
import { daysBetween, parseRotationRules } from './schedule.ts'
import { findRotation } from './store.ts'

/** How often a password that the other side refuses is replaced by another one. */
const PASSWORDS_MAX = 3
/** Of one connection, statement or request. */
const TIMEOUT_MS = 10_000

export type ReadyMadeOptions = {
  /** The address of a name that a rotation may connect to. @throws OutboundError */
  readonly resolve: (host: string, port: number) => Promise<string>
  /** PEM. */
  readonly authorities: readonly string[]
  /** What is answered over plain HTTP; absent where no address is set up for it. */
  readonly answers?: HttpAnswers
  readonly rotators?: readonly Rotator[]
}

export function createReadyMade(options: ReadyMadeOptions): FunctionProvider {
  const { rotators = readyMadeRotators } = options
  return {
    has: async (_, functionArn) => isReadyMade(functionArn),

    check: async (_, { functionArn, account, secretArn }) => {
      const at = parseFunctionArn(functionArn)
      const here = at?.account === account && at.region === parseSecretArn(secretArn)?.region
      if (!here || findRotator(functionArn, rotators) === undefined) throw errors.rotationFunctionNotFound(functionArn)
    },

    target: async (app, asked) => {
      const rotator = findRotator(asked.functionArn!, rotators)
      return rotator && targetOf(app, rotator, asked)
    },

    invoke: async (app, invocation, signal) => {
      const rotator = findRotator(invocation.functionArn!, rotators)
      if (rotator === undefined) return failed('refused', 'There is no such rotator.')
      try {
        return await perform(app, rotator, invocation, ioOf(app, options, signal))
      } catch (error) {
        if (signal.aborted) throw error
        return outcomeOf(error)
      }
    },
  }
}

/** What a service of ours rotates a secret of its own with, and whom the other side's certificate may be of. */
export type ManagedRotator = { readonly rotator: Rotator; readonly authorities: readonly string[] }

/**
 * The rotation of a service's own secrets by a ready-made rotator, with the rights that `beginOwnedRotation` noted.
 * @param find throws RotatorError where it cannot be rotated now
 */
export function createManagedRotation(
  options: Omit<ReadyMadeOptions, 'rotators'>,
  find: (store: Store, secret: Pick<StoredSecret, 'account' | 'region' | 'secret'>) => Promise<ManagedRotator>,
): ManagedRotation {
  const findFor = (app: App, asked: TargetQuestion): Promise<ManagedRotator> =>
    app.database.transaction('read', async (tx) => {
      const { stored } = await mustBeRunning({ app, tx }, asked)
      return find({ app, tx }, stored)
    })
  return {
    target: async (app, asked) => targetOf(app, (await findFor(app, asked)).rotator, asked),

    invoke: async (app, invocation, signal) => {
      try {
        const { rotator, authorities } = await findFor(app, invocation)
        const io = ioOf(app, { ...options, authorities: [...options.authorities, ...authorities] }, signal)
        return await perform(app, rotator, invocation, io)
      } catch (error) {
        if (signal.aborted) throw error
        return outcomeOf(error)
      }
    },
  }
}

/** How rotators reach the world: throughout one step, a name is one address, so that a master goes where the user's own credential went. */
export const ioOf = (
  app: App,
  { resolve, authorities, answers }: Omit<ReadyMadeOptions, 'rotators'>,
  signal: AbortSignal,
  addresses = new Map<string, Promise<string>>(),
): Io => ({
  resolve: async (host, port) => {
    const late = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    const name = host.toLowerCase()
    try {
      const address = addresses.get(name) ?? resolve(host, port)
      addresses.set(name, address)
      return await Promise.race([address, whenAborted(late)])
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error
      throw new RotatorError(error.kind === 'forbidden' ? 'permission' : 'unreachable', error.message)
    }
  },
  authorities,
  ...(answers && {
    answerHttp: (path, body) =>
      answers.answer(path, body).catch((cause: unknown) => {
        const { code = 'unknown' } = cause as NodeJS.ErrnoException
        const kind = code === 'EADDRINUSE' ? 'unreachable' : 'permission'
        throw new RotatorError(kind, `The address of --acme-http cannot be listened on: ${code}.`, { cause })
      }),
  }),
  signal,
  timeoutMs: TIMEOUT_MS,
  randomBytes: (size) => Buffer.from(app.randomBytes(size)),
  generateKeyPair: (kind) =>
    generateKeyPair(kind).catch((error: unknown) => {
      if (!(error instanceof CryptoError)) throw error
      throw new RotatorError('unreachable', `No key was generated: ${error.message}.`, { cause: error })
    }),
  now: app.wallNow,
})

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const fail = (): void => reject(new OutboundError('unreachable', 'The name was not resolved in time.'))
    if (signal.aborted) fail()
    signal.addEventListener('abort', fail, { once: true })
  })

const failed = (kind: StepError['kind'], message: string, errorType?: string): StepOutcome => ({
  ok: false,
  error: { kind, ...(errorType !== undefined && { errorType }), message },
})

/** What trying again would change nothing of is `refused`. @throws what is a fault of the server */
function outcomeOf(error: unknown): StepOutcome {
  if (error instanceof OverError) return failed('refused', 'The rotation is not under way any more.')
  if (error instanceof RotatorError) {
    const { kind, message } = error
    if (kind === 'unreachable') return failed('unreachable', message, kind)
    return failed(kind === 'authentication' || kind === 'other' ? 'function' : 'refused', message, kind)
  }
  if (error instanceof IntegrityError || !(error instanceof ServiceError) || error.status >= 500) throw error
  return failed(
    'refused',
    `The rotator may not do it with the rights of who called RotateSecret: ${error.message}`,
    error.code,
  )
}

/** Somebody else goes on with the rotation, or nobody does. */
class OverError extends Error {}

type Running = {
  readonly stored: StoredSecret
  readonly secret: RotatingSecret
  readonly readyMade: ReadyMade
  /** Nobody's call, with the rights of who called RotateSecret. */
  readonly call: ReturnType<typeof callByRights>
}

/** By the sealed rows, in the transaction of whatever is done for it. @throws OverError */
async function mustBeRunning(store: Store, invocation: TargetQuestion): Promise<Running> {
  const { account, region, secretArn, versionId, instanceKey, journalRev } = invocation
  const { name } = splitTail(parseSecretArn(secretArn)!.tail)
  const stored = await findSecret(store, account, region, name)
  const rotation = stored?.secret.rotation
  const running = rotation?.running
  if (stored?.secret.arn !== secretArn || stored.secret.deletedAt !== undefined) throw new OverError()
  if (rotation === undefined || running?.id !== instanceKey || running.versionId !== versionId) throw new OverError()
  if ((await findRotation(store, secretArn, instanceKey))?.rev !== journalRev) throw new OverError()
  const { readyMade } = rotation
  if (readyMade === undefined) {
    throw new RotatorError('permission', 'Nobody has allowed the rotator to use this secret: call RotateSecret again.')
  }
  return {
    stored,
    secret: { ...stored.secret, rotation },
    readyMade,
    call: callByRights(store, readyMade.rights, region),
  }
}

type Opened = {
  readonly run: Run
  /** With its digest: another one is another value. */
  readonly pending: { readonly value: SecretValue; readonly digest: string } | undefined
  readonly promoted: boolean
}

/** Everything that the step needs, read in one transaction. The trail has each reading before anything is done with it. */
async function open(app: App, rotator: Rotator, invocation: Invocation): Promise<Opened> {
  const { versionId, step, resumed } = invocation
  const { opened, events } = await app.database.transaction('read', async (tx) => {
    const store: Store = { app, tx }
    const events: AuditEvent[] = []
    const { stored, secret, readyMade, call } = await mustBeRunning(store, invocation)
    const read = async (version: ValuedVersion): Promise<SecretValue> => {
      events.push(serviceCall(app, stored, 'GetSecretValue', { secretId: secret.arn, versionId: version.id }))
      return openSecret(call, secret, version)
    }
    const holder = (stage: string): ValuedVersion | undefined => valued(findHolder(secret.versions, stage))
    const promoted = findHolder(secret.versions, CURRENT)?.id === versionId
    const before = holder(promoted ? PREVIOUS : CURRENT)
    if (before === undefined) throw new RotatorError('secret', 'The secret has no value to begin with.')
    const current = await read(before)
    const version = valued(findVersion(secret, versionId))
    const pending = version && { value: await read(version), digest: version.value.digest }
    const older = (step === 'setSecret' || invocation.kind === 'test') && !promoted ? holder(PREVIOUS) : undefined
    const previous = older && (await read(older).catch(asAbsent))
    const used = await openMaster(rotator, { secret, readyMade, call, current })
    if (used !== undefined) {
      const told = { secretId: used.stored.secret.arn, rotationOf: secret.arn }
      events.push(serviceCall(app, used.stored, 'GetSecretValue', told))
    }
    const { options } = readyMade
    const { enabled, rules } = secret.rotation
    const now = app.now()
    const everyDays = enabled && rules && daysBetween(parseRotationRules(rules), sinceOf(secret.rotation, now))
    const others = { ...(previous && { previous }), ...(used && { master: used.value }) }
    const run: Run = { current, ...others, versionId, options, resumed, ...(everyDays && { everyDays }) }
    const opened: Opened = { run, pending, promoted }
    return { opened, events }
  })
  await app.trail.append(events)
  return opened
}

/** What it connects to, as far as the secret can be read. */
async function targetOf(app: App, rotator: Rotator, asked: TargetQuestion): Promise<RotationTarget> {
  const { current, options, event } = await app.database.transaction('read', async (tx) => {
    const { stored, secret, readyMade, call } = await mustBeRunning({ app, tx }, asked)
    const version = selectVersion(secret, undefined, undefined)
    const event = serviceCall(app, stored, 'GetSecretValue', { secretId: secret.arn, versionId: version.id })
    return { current: await openSecret(call, secret, version), options: readyMade.options, event }
  })
  await app.trail.append([event])
  const { place } = rotator.check(current, options)
  const master = rotator.master === 'unused' ? undefined : masterOf(current)
  return { ...(place !== undefined && { server: place }), ...(master !== undefined && { masterSecretArn: master }) }
}

const valued = (version: ReturnType<typeof findVersion>): ValuedVersion | undefined =>
  hasValue(version) ? version : undefined

/** A version that is only looked at where all else fails need not be readable. */
function asAbsent(error: unknown): undefined {
  if (error instanceof RotatorError || (error instanceof ServiceError && error.status < 500)) return undefined
  throw error
}

/**
 * The master's value, where it is the secret that RotateSecret's caller might read, for the place that it was for then: whoever may only
 * write the secret cannot have another master used, nor this one elsewhere.
 */
async function openMaster(
  rotator: Rotator,
  { secret, readyMade, call, current }: Omit<Running, 'stored'> & { readonly current: SecretValue },
) {
  const arn = rotator.master === 'unused' ? undefined : masterOf(current)
  if (arn === undefined) return undefined
  const place = masterPlaceOf(rotator, current, readyMade.options)
  if (readyMade.master?.arn !== arn || readyMade.master.place !== place) {
    throw new RotatorError(
      'permission',
      'The secret names another master secret, or another server or way there, than when RotateSecret was called: call RotateSecret again with RotationLambdaARN.',
    )
  }
  return mayUseMaster(call, secret, arn)
}

async function perform(app: App, rotator: Rotator, invocation: Invocation, io: Io): Promise<StepOutcome> {
  const { run, pending, promoted } = await open(app, rotator, invocation)
  if (invocation.kind === 'test') return dryRun(rotator, run, io)
  if (invocation.step === 'createSecret') {
    if (pending === undefined) await storePending(app, invocation, await rotator.create(run, io))
    return { ok: true }
  }
  if (pending === undefined) throw new RotatorError('secret', 'The pending version has no value.')
  const whole: PendingRun = { ...run, pending: pending.value }
  switch (invocation.step) {
    case 'setSecret':
      await set(app, rotator, invocation, whole, pending.digest, io)
      return { ok: true }
    case 'testSecret':
      await rotator.test(whole, io)
      return { ok: true }
    case 'finishSecret':
      if (!promoted) await promote(app, invocation)
      return settle(rotator, whole, io)
  }
}

async function dryRun(rotator: Rotator, run: Run, io: Io): Promise<StepOutcome> {
  const findings = await rotator.dryRun(run, io)
  const problem = findings.find(({ level }) => level === 'problem')
  if (problem === undefined) return { ok: true, findings }
  return { ok: false, error: { kind: 'refused', errorType: 'problem', message: problem.message }, findings }
}

/** A password that is refused is surely not set: another takes its place, and is kept before it is tried. */
async function set(
  app: App,
  rotator: Rotator,
  invocation: Invocation,
  first: PendingRun,
  firstDigest: string,
  io: Io,
): Promise<void> {
  let run = first
  let digest = firstDigest
  for (let tried = 1; ; tried++) {
    try {
      const pending = (await rotator.complete?.(run, io)) ?? run.pending
      if (pending !== run.pending) {
        digest = await storePending(app, invocation, pending, digest)
        run = { ...run, pending }
      }
      return await rotator.set(run, io)
    } catch (error) {
      if (!(error instanceof RotatorError) || error.kind !== 'policy' || tried === PASSWORDS_MAX) throw error
      const pending = await rotator.create(run, io)
      digest = await storePending(app, invocation, pending, digest)
      run = { ...run, pending }
    }
  }
}

/**
 * Keeps the pending value, in the place of the one that has `replaced` as its digest.
 * @returns its digest. @throws OverError where the rotation is over, or the version has another value by now
 */
function storePending(app: App, invocation: Invocation, pending: SecretValue, replaced?: string): Promise<string> {
  const { versionId } = invocation
  const bytes = Buffer.from(JSON.stringify(pending))
  if (bytes.length > app.limits.secretValueBytes) throw new RotatorError('secret', 'The new value is too long.')
  return app.database.transaction('write', async (tx) => {
    const store: Store = { app, tx }
    const { stored, secret, call } = await mustBeRunning(store, invocation)
    const version = findVersion(secret, versionId)
    if (version === undefined || version.value?.digest !== replaced) throw new OverError()
    const plain: Plain = { kind: 'string', bytes }
    const before = valued(version)
    const value = before
      ? await replaceVersion(call, secret, before, plain)
      : await storeValue(call, secret, versionId, plain)
    const versions = secret.versions.map((other) => (other.id === versionId ? { ...other, value } : other))
    const told = { secretId: secret.arn, clientRequestToken: versionId }
    await app.trail.record(tx, [serviceCall(app, stored, 'PutSecretValue', told)])
    await changeByService(store, stored, { ...secret, versions, changedAt: app.now() })
    return value.digest
  })
}

/** AWSCURRENT to the pending version. */
function promote(app: App, invocation: Invocation): Promise<void> {
  const { versionId } = invocation
  return app.database.transaction('write', async (tx) => {
    const store: Store = { app, tx }
    const { stored, secret } = await mustBeRunning(store, invocation)
    const from = findHolder(secret.versions, CURRENT)?.id
    if (from === versionId) return
    const versions = moveStage(secret.versions, CURRENT, from, versionId, app.limits.labelsPerSecret)
    const told = { secretId: secret.arn, versionStage: CURRENT, moveToVersionId: versionId, removeFromVersionId: from }
    await app.trail.record(tx, [serviceCall(app, stored, 'UpdateSecretVersionStage', told)])
    await changeByService(store, stored, { ...secret, versions, changedAt: app.now() })
  })
}

/** What comes after promotion says how it went, and no more: the new credential is in use. */
async function settle(rotator: Rotator, run: PendingRun, io: Io): Promise<StepOutcome> {
  if (rotator.settle === undefined) return { ok: true }
  const findings = await rotator.settle(run, io)
  const levels = new Set(findings.map(({ level }) => level))
  const known = levels.has('problem') ? false : levels.has('warning') ? undefined : true
  return {
    ok: true,
    findings,
    ...(rotator.strategy !== 'single' && known !== undefined && { previousStillValid: known }),
  }
}
