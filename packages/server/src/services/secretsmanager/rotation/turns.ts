// Turns: of the secrets of an account that open something on one server, one rotates at a time, and users before the master who changes their
// passwords. Who holds and who waits is in a table, so that it holds over every server on the database.
// docs/rotation.md

import { lengthPrefixed } from '../../../crypto/length-prefix.ts'
import { hmacSha256 } from '../../../crypto/mac.ts'
import { hasten, isDue } from '../../../jobs/job.ts'
import type { Store } from '../store.ts'
import { type RotationTarget, STEP_TIMEOUT_MS } from './functions.ts'
import { stepIdOf } from './jobs.ts'
import { findTurn, isTurnTaken, listUsers, listWaiting, putTurn, type Turn } from './store.ts'

const PURPOSE = 'rotation-target'
/** A run that holds a turn says so again before each step. */
const HELD_MS = STEP_TIMEOUT_MS + 60_000
/** How often a run looks by itself whether it is its turn; whoever ends wakes the next one. Service clock. */
export const WAIT_MS = 15_000
/** One that did not look for so long waits no more. */
const WAITS_MS = 4 * WAIT_MS
/** For so long a master lets its users go first; so secrets that name each other in a circle do not wait for ever. */
const USERS_FIRST_MS = 600_000
/** A call that was given up ends by then. */
const ABORTED_MS = 6_000
const WAITING_MAX = 50

type Run = { readonly account: string; readonly arn: string; readonly rotationId: string }

/** Whether it is known what the run changes something in. */
export const knowsTarget = async ({ tx }: Store, { arn, rotationId }: Run): Promise<boolean> =>
  (await findTurn(tx, arn))?.rotationId === rotationId

/**
 * Takes or keeps the turn of a run, before a call of its function.
 * @param target of a run of which it is not known yet
 * @returns false where it must wait: it is noted, and is woken
 */
export async function takeTurn(store: Store, run: Run, target: RotationTarget | undefined): Promise<boolean> {
  const { app, tx } = store
  const wallNow = app.wallNow()
  const known = await findTurn(tx, run.arn)
  const isSame = known?.rotationId === run.rotationId
  const turn = isSame ? known : turnFor(store, run, target ?? {})
  const alone = turn.server === '' && turn.master === '' && (await listUsers(tx, turn)).length === 0
  // Once begun it is not interrupted by who comes later.
  const free =
    alone || (turn.heldUntil > 0 ? !(await isTurnTaken(tx, turn, wallNow)) : await isFree(store, turn, wallNow))
  const heldUntil = free && !alone ? wallNow + HELD_MS : 0
  if (!(alone && isSame)) await putTurn(tx, { ...turn, heldUntil }, free ? 0 : wallNow + WAITS_MS)
  return free
}

/** What a run changes something in, for later ones; it takes no turn. */
export async function noteTarget(store: Store, run: Run, target: RotationTarget | undefined): Promise<void> {
  await putTurn(store.tx, turnFor(store, run, target ?? {}), 0)
}

/** Whether a run that waited may go on now. */
export async function isTurnFree(store: Store, arn: string): Promise<boolean> {
  const turn = await findTurn(store.tx, arn)
  return turn === undefined || isFree(store, turn, store.app.wallNow())
}

/**
 * Gives the turn of a secret to whoever is next.
 * @param aborted whether a call may be under way, which takes a moment to end
 */
export async function giveTurn(store: Store, arn: string, aborted: boolean): Promise<void> {
  const { app, tx } = store
  const turn = await findTurn(tx, arn)
  if (turn === undefined || turn.rotationId === '') return
  const wallNow = app.wallNow()
  await putTurn(tx, { ...turn, rotationId: '', heldUntil: aborted ? wallNow + ABORTED_MS : 0 }, 0)
  for (const next of await listWaiting(tx, turn, wallNow, WAITING_MAX)) {
    if (!aborted && !(await isFree(store, next, wallNow))) continue
    await hasten(tx, stepIdOf(next.arn), app.now() + (aborted ? ABORTED_MS : 0))
    if (!aborted) return
  }
}

async function isFree({ app, tx }: Store, turn: Turn, wallNow: number): Promise<boolean> {
  if (await isTurnTaken(tx, turn, wallNow)) return false
  if (wallNow - turn.waitsSince > USERS_FIRST_MS) return true
  for (const user of await listUsers(tx, turn)) {
    if (user.waitsUntil > wallNow || (await isDue(tx, stepIdOf(user.arn), app.now()))) return false
  }
  return true
}

function turnFor({ app }: Store, { account, arn, rotationId }: Run, { server, masterSecretArn }: RotationTarget): Turn {
  const { version, key } = app.keyring.newestKey('token', PURPOSE)
  const hash = (kind: string, name: string | undefined): string =>
    name === undefined ? '' : hmacSha256(key, lengthPrefixed([account, kind, name.toWellFormed()])).toString('hex')
  return {
    arn,
    account,
    keyVersion: version,
    own: hash('secret', arn),
    server: hash('server', server),
    master: masterSecretArn === arn ? '' : hash('secret', masterSecretArn),
    rotationId,
    waitsSince: app.wallNow(),
    heldUntil: 0,
  }
}
