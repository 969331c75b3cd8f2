// The job that sets a master password in the database. The row is its journal: until the outcome is known it has the old password and the new
// one, and says whether the new one may be set already.

import { RotatorError, type SecretValue } from '@strongroom/rotators'
import { cancel, outsideHandler, schedule } from '../../jobs/job.ts'
import { callByRights, ioOf, openOwned, removeOwned } from '../secretsmanager/port.ts'
import type { PasswordChange, RegisteredDatabase } from './model.ts'
import { openPassword } from './password.ts'
import { findEngine, masterRotator, secretValueOf } from './rotator.ts'
import { findDatabase, type Place, type Store, type StoredDatabase, updateDatabase } from './store.ts'

export const CHANGE_PASSWORD = 'rds.ChangePassword'

type Payload = Place & { readonly changeId: string }

const idOf = ({ account, region, kind, identifier }: Place): string =>
  `${CHANGE_PASSWORD}:${account}:${region}:${kind}:${identifier}`

export async function scheduleChange({ app, tx }: Store, database: RegisteredDatabase): Promise<void> {
  const { account, region, kind, identifier, change } = database
  const payload: Payload = { account, region, kind, identifier, changeId: change!.id }
  const job = { id: idOf(database), kind: CHANGE_PASSWORD, dueAt: app.now(), payload: JSON.stringify(payload) }
  await schedule(tx, { ...job, share: { of: account, part: `${region}/${kind}/${identifier}` } })
}

/** Of a database that is gone. */
export const cancelChange = async ({ tx }: Pick<Store, 'tx'>, place: Place): Promise<void> => {
  await cancel(tx, idOf(place))
}

type Outcome = { readonly over: true } | { readonly refusal?: string }

export const changePassword = outsideHandler<Outcome>({
  timeoutMs: 60_000,
  leaseMs: 6_000,
  renewed: true,
  retryMsMax: 60_000,
  concurrency: ({ limits }) => limits.functionConcurrency,
  shared: true,

  work: async (app, payload, signal) => {
    const begun = await app.database.transaction('write', (tx) => begin({ app, tx }, JSON.parse(payload) as Payload))
    if (begun === undefined) return { over: true }
    const { database, change, next, old, resumed } = begun
    const rotator = findEngine(database.engine)
    if (rotator === undefined) return { refusal: `This server has no rotator for ${database.engine}.` }
    const master = masterRotator(database, rotator)
    const authorities = [...app.databaseNetwork.authorities, ...(database.ca === undefined ? [] : [database.ca])]
    const io = ioOf(app, { ...app.databaseNetwork, authorities }, signal)
    const value = (password: unknown): SecretValue => secretValueOf(database.masterUsername, password)
    const run = {
      current: value(old[0]),
      ...(old[1] !== undefined && { previous: value(old[1]) }),
      pending: value(next),
      versionId: change.id,
      options: {},
      resumed,
    }
    try {
      await master.set(run, io)
    } catch (error) {
      if (isRefused(error, resumed)) return { refusal: error.message }
      throw error
    }
    await master.test(run, io)
    return {}
  },

  /** It goes on until the outcome is known: neither password may be forgotten before. Why it goes on is shown. */
  failed: async (app, tx, payload, error, attempts) => {
    const store: Store = { app, tx }
    const found = await findChange(store, JSON.parse(payload) as Payload)
    if (found === undefined) return
    const { database } = found.stored
    app.log.warn({ identifier: database.identifier, attempts, err: error }, 'a master password could not be set')
    const refusal = error instanceof RotatorError ? error.message : 'The server has a fault, which its log tells.'
    await updateDatabase(store, found.stored, { ...database, refusal })
  },

  finish: async (app, tx, payload, outcome) => {
    if ('over' in outcome) return
    const store: Store = { app, tx }
    const found = await findChange(store, JSON.parse(payload) as Payload)
    if (found === undefined) return
    const { change: _, refusal: __, ...database } = found.stored.database
    if (outcome.refusal !== undefined) {
      return updateDatabase(store, found.stored, { ...database, refusal: outcome.refusal })
    }
    const { secret, ...released } = database
    if (found.change.release && secret !== undefined) {
      const { account, region } = database
      await removeOwned(store, 'rds', { account, region, name: secret.name })
    }
    const kept = found.change.release ? released : database
    await updateDatabase(store, found.stored, { ...kept, password: found.change.password })
  },
})

/**
 * Whether the password is surely not set: of everything else the outcome is not known, and it is tried again. What an earlier attempt came to is
 * known only where the new password was tried and refused.
 */
const isRefused = (error: unknown, resumed: boolean): error is RotatorError =>
  error instanceof RotatorError &&
  (error.kind === 'policy' || error.kind === 'authentication' || (error.kind === 'permission' && !resumed))

type Found = { readonly stored: StoredDatabase; readonly change: PasswordChange }

/** By the sealed row: a job that was made by SQL changes nothing. */
async function findChange(store: Store, payload: Payload): Promise<Found | undefined> {
  const stored = await findDatabase(store, payload)
  const change = stored?.database.change
  return stored === undefined || change?.id !== payload.changeId ? undefined : { stored, change }
}

/** Says in the row that it is begun, and opens what it needs. */
async function begin(store: Store, payload: Payload) {
  const found = await findChange(store, payload)
  if (found === undefined) return undefined
  const { stored, change } = found
  const { database } = stored
  await updateDatabase(store, stored, { ...database, change: { ...change, begun: true } })
  const callOf = (rights: PasswordChange['password']['rights']) => callByRights(store, rights, database.region)
  const next = await openPassword(callOf(change.password.rights), database, change.password)
  return { database, change, next, old: await openOld(store, database), resumed: change.begun }
}

/** What the database may have now, the likelier one first. */
async function openOld(store: Store, database: RegisteredDatabase): Promise<readonly unknown[]> {
  const { account, region, password, secret } = database
  if (secret === undefined) {
    return [await openPassword(callByRights(store, password!.rights, region), database, password!)]
  }
  const { current, pending } = await openOwned(store, 'rds', { account, region, name: secret.name })
  return [current?.password, pending?.password].filter((value) => value !== undefined)
}
