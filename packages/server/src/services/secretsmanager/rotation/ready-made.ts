// The rotators that are ready made: functions named `strongroom-…` that no one has to make or to admit. Values are opened in a transaction and
// used outside of it; what a step changes counts only while the rotation is still under way, by the journal of this very call.
// docs/rotators.md

import { createPrivateKey, type KeyObject } from 'node:crypto'
import {
  type Finding,
  type Io,
  oneLine,
  type PendingRun,
  type PrivateKeySpec,
  type Rotator,
  RotatorError,
  type Run,
  rotators as readyMadeRotators,
  type SecretValue,
} from '@strongroom/rotators'
import type { App } from '../../../app.ts'
import type { AuditEvent } from '../../../audit/event.ts'
import { CryptoError } from '../../../crypto/kms/crypto-error.ts'
import { generateKeyMaterial } from '../../../crypto/kms/key-material.ts'
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
import { withPublished } from '../published.ts'
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
  /** The accounts that it is answered for; of all where there is none. */
  readonly answersFor?: readonly string[]
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
        return await perform(app, rotator, invocation, ioOf(app, answeringFor(invocation.account, options), signal))
      } catch (error) {
        if (signal.aborted) throw error
        return outcomeOf(error)
      }
    },
  }
}

/** Whose a domain is that leads here nobody can tell but the operator. */
function answeringFor(account: string, { answers, ...others }: ReadyMadeOptions): ReadyMadeOptions {
  const { answersFor = [] } = others
  const isAnswered = answersFor.length === 0 || answersFor.includes(account)
  return { ...others, ...(answers && isAnswered && { answers }) }
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
  generatePrivateKey,
  now: app.wallNow,
})

async function generatePrivateKey(spec: PrivateKeySpec): Promise<KeyObject> {
  try {
    const material = await generateKeyMaterial(spec)
    const key = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' })
    material.fill(0)
    return key
  } catch (error) {
    if (!(error instanceof CryptoError) || error.refusal !== 'busy') throw error
    throw new RotatorError('unreachable', 'Too many RSA keys are being made.')
  }
}

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
  readonly startedAt: number
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
  const journal = await findRotation(store, secretArn, instanceKey)
  if (journal?.rev !== journalRev) throw new OverError()
  const { readyMade } = rotation
  if (readyMade === undefined) {
    throw new RotatorError('permission', 'Nobody has allowed the rotator to use this secret: call RotateSecret again.')
  }
  return {
    startedAt: journal.rotation.startedAt,
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
    const { startedAt, stored, secret, readyMade, call } = await mustBeRunning(store, invocation)
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
    const looksBack = (step === 'createSecret' || invocation.kind === 'test') && rotator.earlierMax !== undefined
    const earlier = looksBack ? await readEarlier(secret, [before.id, versionId], rotator.earlierMax, read) : undefined
    const used = await openMaster(rotator, { secret, readyMade, call, current })
    if (used !== undefined) {
      const told = { secretId: used.stored.secret.arn, rotationOf: secret.arn }
      events.push(serviceCall(app, used.stored, 'GetSecretValue', told))
    }
    const { options } = readyMade
    const { enabled, rules } = secret.rotation
    const now = app.now()
    const everyDays = enabled && rules && daysBetween(parseRotationRules(rules), sinceOf(secret.rotation, now))
    const others = { ...(previous && { previous }), ...(earlier && { earlier }), ...(used && { master: used.value }) }
    const opened: Opened = {
      run: { current, ...others, startedAt, versionId, options, resumed, ...(everyDays && { everyDays }) },
      pending,
      promoted,
    }
    return { opened, events }
  })
  await app.trail.append(events)
  return opened
}

/** The newest versions but for `without`, and AWSPREVIOUS before them. */
async function readEarlier(
  { versions }: Pick<RotatingSecret, 'versions'>,
  without: readonly string[],
  max: number,
  read: (version: ValuedVersion) => Promise<SecretValue>,
): Promise<readonly SecretValue[]> {
  const previous = findHolder(versions, PREVIOUS)
  const newestFirst = [previous, ...versions.toReversed()].filter(hasValue).filter(({ id }) => !without.includes(id))
  const values: SecretValue[] = []
  for (const version of [...new Set(newestFirst)].slice(0, max)) {
    const value = await read(version).catch(asAbsent)
    if (value !== undefined) values.push(value)
  }
  return values
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
  const master = masterOf(rotator, current, options)
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
  { secret, readyMade, call, current }: Omit<Running, 'stored' | 'startedAt'> & { readonly current: SecretValue },
) {
  const arn = masterOf(rotator, current, readyMade.options)
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
      if (!promoted) await promote(app, rotator, invocation, pending.value)
      return settle(rotator, whole, io)
  }
}

const FINDINGS_MAX = 100

/** They are kept, and may name what the other side has. */
const told = (findings: readonly Finding[]): readonly Finding[] =>
  findings.slice(0, FINDINGS_MAX).map(({ level, message }) => ({ level, message: oneLine(message) }))

async function dryRun(rotator: Rotator, run: Run, io: Io): Promise<StepOutcome> {
  const findings = told(await rotator.dryRun(run, io))
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
function promote(app: App, rotator: Rotator, invocation: Invocation, pending: SecretValue): Promise<void> {
  const { versionId } = invocation
  return app.database.transaction('write', async (tx) => {
    const store: Store = { app, tx }
    const { stored, secret, readyMade } = await mustBeRunning(store, invocation)
    const from = findHolder(secret.versions, CURRENT)?.id
    if (from === versionId) return
    const versions = moveStage(secret.versions, CURRENT, from, versionId, app.limits.labelsPerSecret)
    const told = { secretId: secret.arn, versionStage: CURRENT, moveToVersionId: versionId, removeFromVersionId: from }
    await app.trail.record(tx, [serviceCall(app, stored, 'UpdateSecretVersionStage', told)])
    const moved = { ...secret, versions, changedAt: app.now() }
    await changeByService(store, stored, withPublished(moved, rotator.published?.(pending, readyMade.options)))
  })
}

/** What comes after promotion says how it went, and no more: the new credential is in use. */
async function settle(rotator: Rotator, run: PendingRun, io: Io): Promise<StepOutcome> {
  if (rotator.settle === undefined) return { ok: true }
  const findings = told(await rotator.settle(run, io))
  const levels = new Set(findings.map(({ level }) => level))
  const known = levels.has('problem') ? false : levels.has('warning') ? undefined : true
  return {
    ok: true,
    findings,
    ...(rotator.strategy !== 'single' && known !== undefined && { previousStillValid: known }),
  }
}
