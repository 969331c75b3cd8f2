// Virtual MFA devices are made, enabled for users and taken from them here, and their codes are checked. The user's row lists its devices: one
// that it does not list is none of its own. No code is ever accepted twice, whichever servers it is shown to at once: the step of the last one
// is in the device's row, and only a later one counts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html

import type { Identity } from '../../call.ts'
import { findStep, findStepOfTwo, SEED_BYTES, stepAt } from '../../crypto/totp.ts'
import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import {
  MFA_DEVICES_PER_ACCOUNT_MAX,
  MFA_DEVICES_PER_USER_MAX,
  type MfaDeviceBody,
  type MfaDeviceEntry,
  mfaDeviceArn,
  type Tag,
  type UserBody,
} from './model.ts'
import {
  countRows,
  deleteRow,
  findRow,
  type IamReader,
  type IamWriter,
  insertRow,
  MFA_DEVICE,
  openSeed,
  replaceRow,
  type Stored,
  sealSeed,
  USER,
} from './store.ts'

/** Codes of this many steps before and after the present one are accepted, by the device's clock. */
const WINDOW_STEPS = 1
/** How far the clock of a device may be off when it shows two codes: 20 minutes. */
const DRIFT_STEPS_MAX = 40
/** Wrong codes one after the other that make nobody wait. */
const FAILURES_FREE = 5
const WAIT_MS = 60_000
const WAIT_MS_MAX = 3_600_000

export type NewMfaDevice = { readonly path: string; readonly name: string; readonly tags: readonly Tag[] }

/** Makes a device that is nobody's. The caller shows the seed once, and zeroes it. */
export async function createMfaDevice(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { path, name, tags }: NewMfaDevice,
): Promise<{ readonly serialNumber: string; readonly seed: Uint8Array }> {
  const serialNumber = mfaDeviceArn(app.partition, account, path, name)
  const key = [account, serialNumber]
  if ((await findRow(app, tx, MFA_DEVICE, key)) !== undefined) throw errors.mfaDeviceExists()
  if ((await countRows(tx, MFA_DEVICE, account, MFA_DEVICES_PER_ACCOUNT_MAX)) >= MFA_DEVICES_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('VirtualMFADevicesPerAccount', MFA_DEVICES_PER_ACCOUNT_MAX)
  }
  const seed = app.randomBytes(SEED_BYTES)
  const unused = { driftSteps: 0, lastStep: 0, failures: 0, refusedUntil: 0 }
  await insertRow(app, tx, MFA_DEVICE, key, { tags, sealedSeed: sealSeed(app, key, seed), ...unused })
  return { serialNumber, seed }
}

/** The devices that are enabled for a user, oldest first. */
export const mfaDevicesOf = ({ body }: Stored<UserBody>): readonly MfaDeviceEntry[] => body.mfaDevices ?? []

/** Two codes of the device, one after the other, and the time by the wall clock, which they are of, in milliseconds. */
export type TwoCodes = { readonly codes: readonly [string, string]; readonly wallNow: number }

/**
 * `now` by the service clock, for what is told.
 * @throws NoSuchEntity, EntityAlreadyExists, LimitExceeded, InvalidAuthenticationCode
 */
export async function enableMfaDevice(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  serialNumber: string,
  { codes, wallNow, now }: TwoCodes & { readonly now: number },
): Promise<void> {
  const [account, userId] = user.key as [string, string]
  const device = await findRow(app, tx, MFA_DEVICE, [account, serialNumber])
  if (device === undefined) throw errors.noSuchMfaDevice(serialNumber)
  if (device.body.userId !== undefined) throw errors.mfaDeviceInUse()
  const mfaDevices = mfaDevicesOf(user)
  if (mfaDevices.length >= MFA_DEVICES_PER_USER_MAX) {
    throw errors.quotaExceeded('MFADevicesPerUser', MFA_DEVICES_PER_USER_MAX)
  }
  await replaceRow(app, tx, MFA_DEVICE, device, { ...synchronized(app, device, codes, wallNow), userId })
  const entry = { serialNumber, enabledAt: now }
  await replaceRow(app, tx, USER, user, { ...user.body, mfaDevices: [...mfaDevices, entry] })
}

/** The device stays, as one that is nobody's. @throws NoSuchEntity where it is not the user's */
export async function deactivateMfaDevice(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  serialNumber: string,
): Promise<void> {
  const device = await readDeviceOf(app, tx, user, serialNumber)
  const { userId: _, ...unassigned } = device.body
  await replaceRow(app, tx, MFA_DEVICE, device, unassigned)
  const mfaDevices = mfaDevicesOf(user).filter((entry) => entry.serialNumber !== serialNumber)
  await replaceRow(app, tx, USER, user, { ...user.body, mfaDevices })
}

/** Learns by how much the clock of the device is off. @throws NoSuchEntity, InvalidAuthenticationCode */
export async function resyncMfaDevice(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  serialNumber: string,
  { codes, wallNow }: TwoCodes,
): Promise<void> {
  const device = await readDeviceOf(app, tx, user, serialNumber)
  await replaceRow(app, tx, MFA_DEVICE, device, synchronized(app, device, codes, wallNow))
}

/** @throws DeleteConflict where it is enabled for a user */
export async function deleteMfaDevice(tx: Transaction, { key, body }: Stored<MfaDeviceBody>): Promise<void> {
  if (body.userId !== undefined) throw errors.mfaDeviceStillInUse()
  await deleteRow(tx, MFA_DEVICE, key)
}

/** `unknown`: the device is not the caller's. `throttled`: there were too many wrong codes, and this one was not looked at. */
export type MfaVerdict = 'accepted' | 'wrong' | 'throttled' | 'unknown'

/**
 * Whether a code is one of the caller's own device, now and for the first time. What the row says of it afterwards decides the next time, so
 * the transaction must commit whatever the verdict is. `wallNow` in milliseconds.
 */
export async function acceptMfaCode(
  app: IamReader,
  tx: Transaction,
  { kind, account, userId }: Identity,
  serialNumber: string,
  code: string,
  wallNow: number,
): Promise<MfaVerdict> {
  const user = kind === 'user' ? await findRow(app, tx, USER, [account, userId]) : undefined
  if (user === undefined || !lists(user, serialNumber)) return 'unknown'
  const device = await readDeviceOf(app, tx, user, serialNumber)
  const { driftSteps, lastStep, failures, refusedUntil } = device.body
  if (wallNow < refusedUntil) return 'throttled'
  const present = stepAt(wallNow) + driftSteps
  const seed = openSeed(app, device)
  const step = findStep(seed, code, present - WINDOW_STEPS, present + WINDOW_STEPS)
  seed.fill(0)
  // One that was used already is refused, but it is no guess.
  if (step !== undefined && step <= lastStep) return 'wrong'
  const next =
    step === undefined
      ? { failures: failures + 1, refusedUntil: wallNow + waitMs(failures + 1) }
      : { failures: 0, refusedUntil: 0, lastStep: step }
  await replaceRow(app, tx, MFA_DEVICE, device, { ...device.body, ...next })
  return step === undefined ? 'wrong' : 'accepted'
}

/** A minute after the fifth wrong code, twice as long after each more, an hour at most. */
const waitMs = (failures: number): number =>
  failures < FAILURES_FREE ? 0 : Math.min(WAIT_MS * 2 ** (failures - FAILURES_FREE), WAIT_MS_MAX)

const lists = (user: Stored<UserBody>, serialNumber: string): boolean =>
  mfaDevicesOf(user).some((entry) => entry.serialNumber === serialNumber)

/** @throws NoSuchEntity where the user does not list it; IntegrityError where it is gone or says that it is another's. */
async function readDeviceOf(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  serialNumber: string,
): Promise<Stored<MfaDeviceBody>> {
  if (!lists(user, serialNumber)) throw errors.mfaDeviceNotOfUser()
  const [account, userId] = user.key as [string, string]
  const device = await findRow(app, tx, MFA_DEVICE, [account, serialNumber])
  if (device?.body.userId !== userId) {
    throw new IntegrityError(MFA_DEVICE.name, [account, serialNumber], 'is not what the row of its user says')
  }
  return device
}

/** @throws InvalidAuthenticationCode */
function synchronized(
  app: IamReader,
  device: Stored<MfaDeviceBody>,
  codes: readonly [string, string],
  wallNow: number,
): MfaDeviceBody {
  const present = stepAt(wallNow)
  const seed = openSeed(app, device)
  const step = findStepOfTwo(seed, codes, present - DRIFT_STEPS_MAX, present + DRIFT_STEPS_MAX)
  seed.fill(0)
  // The first of the two must not have been used either.
  if (step === undefined || step - 1 <= device.body.lastStep) throw errors.invalidAuthenticationCode()
  return { ...device.body, driftSteps: driftOf(step - present), lastStep: step, failures: 0, refusedUntil: 0 }
}

/** One that shows codes a step away is in time: it takes a while to type two of them. */
const driftOf = (steps: number): number => (Math.abs(steps) <= WINDOW_STEPS ? 0 : steps)
