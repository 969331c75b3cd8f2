import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from '../../call.ts'
import { STEP_MS, totpCode } from '../../crypto/totp.ts'
import { IntegrityError } from '../../errors.ts'
import { openTestDatabase, type TestScope } from '../../storage/testing.ts'
import {
  acceptMfaCode,
  createMfaDevice,
  deactivateMfaDevice,
  deleteMfaDevice,
  enableMfaDevice,
  mfaDevicesOf,
  resyncMfaDevice,
} from './mfa-devices.ts'
import { userArn } from './model.ts'
import { countMfaDevices, findRow, MFA_DEVICE, mfaDeviceTable } from './store.ts'
import { iamOn } from './testing.ts'
import { createAccount, createUser, readUser } from './users.ts'

/** The present step, in the middle of which it is. */
const NOW = 59_900_000
const at = (step: number): number => step * STEP_MS + STEP_MS / 2
const now = 1_700_000_000_000

/** A user with a device, whose codes of the two steps before the present one were shown. */
async function withDevice(t: TestScope) {
  const iam = iamOn(await openTestDatabase(t))
  const { app, write, read } = iam
  const account = await write((tx) => createAccount(app, tx, { name: 'a', now }))
  await write((tx) => createUser(app, tx, account, { userName: 'alice', now }))
  const alice = () => read((tx) => readUser(app, tx, account, 'alice'))
  const identity: Identity = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    account,
    kind: 'user',
    userId: (await alice()).key[1]!,
    arn: userArn('aws', account, { path: '/', userName: 'alice' }),
    userName: 'alice',
  }
  const { serialNumber, seed } = await write((tx) =>
    createMfaDevice(app, tx, account, { path: '/', name: 'phone', tags: [] }),
  )
  const enable = async (first: number, present = NOW) => {
    const user = await alice()
    const codes = [totpCode(seed, first), totpCode(seed, first + 1)] as const
    await write((tx) => enableMfaDevice(app, tx, user, serialNumber, { codes, wallNow: at(present), now }))
  }
  const resync = async (first: number, present = NOW) => {
    const user = await alice()
    const codes = [totpCode(seed, first), totpCode(seed, first + 1)] as const
    await write((tx) => resyncMfaDevice(app, tx, user, serialNumber, { codes, wallNow: at(present) }))
  }
  const show = (code: string, wallNow = at(NOW), who: Identity = identity) =>
    write((tx) => acceptMfaCode(app, tx, who, serialNumber, code, wallNow))
  const showStep = (step: number, present = NOW) => show(totpCode(seed, step), at(present))
  return { ...iam, account, alice, identity, serialNumber, seed, enable, resync, show, showStep }
}

/** A code that none of the steps that could be looked at has. */
const wrongCode = (seed: Uint8Array): string => {
  const near = new Set(Array.from({ length: 200 }, (_, at) => totpCode(seed, NOW - 100 + at)))
  return ['000000', '111111', '222222', '333333'].find((code) => !near.has(code))!
}

test('a code is good for a step before and after its own, once, and none before it is good any more', async (t) => {
  const { enable, showStep } = await withDevice(t)
  assert.equal(await showStep(NOW), 'unknown', 'not enabled')
  await enable(NOW - 12, NOW - 10)
  assert.equal(await showStep(NOW - 2), 'wrong')
  assert.equal(await showStep(NOW + 2), 'wrong')
  assert.equal(await showStep(NOW - 1), 'accepted')
  assert.equal(await showStep(NOW - 1), 'wrong')
  assert.equal(await showStep(NOW + 1), 'accepted')
  assert.equal(await showStep(NOW), 'wrong', 'earlier than the last')
  assert.equal(await showStep(NOW + 1, NOW + 1), 'wrong')
  assert.equal(await showStep(NOW + 2, NOW + 1), 'accepted')
})

test('of many requests at once with one code one is let through', async (t) => {
  const { enable, showStep } = await withDevice(t)
  await enable(NOW - 2)
  const verdicts = await Promise.all(Array.from({ length: 12 }, () => showStep(NOW)))
  assert.deepEqual(verdicts.filter((verdict) => verdict === 'accepted').length, 1)
  assert.deepEqual(verdicts.filter((verdict) => verdict === 'wrong').length, 11)
  assert.equal(await showStep(NOW + 1), 'accepted', 'a code that was used is no guess')
})

test('who guesses waits after five wrong codes, longer each time, and a right code meanwhile is not looked at', async (t) => {
  const { enable, show, seed, showStep } = await withDevice(t)
  await enable(NOW - 2)
  const wrong = wrongCode(seed)
  for (let guess = 0; guess < 5; guess += 1) assert.equal(await show(wrong), 'wrong')
  assert.equal(await showStep(NOW), 'throttled')
  let time = at(NOW)
  for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
    assert.equal(await show(wrong, time + minutes * 60_000 - 1), 'throttled')
    time += minutes * 60_000
    assert.equal(await show(wrong, time), 'wrong')
  }
})

test('a right code, or two when it is synchronized, makes the wrong ones before forgotten', async (t) => {
  const { enable, resync, show, seed, showStep } = await withDevice(t)
  await enable(NOW - 2)
  const wrong = wrongCode(seed)
  for (let guess = 0; guess < 4; guess += 1) await show(wrong)
  assert.equal(await showStep(NOW), 'accepted')
  for (let guess = 0; guess < 5; guess += 1) assert.equal(await show(wrong), 'wrong')
  assert.equal(await showStep(NOW + 1), 'throttled')
  await resync(NOW + 1, NOW + 1)
  assert.equal(await showStep(NOW + 3, NOW + 3), 'accepted')
})

test('the drift of a clock is learned from two codes, up to 20 minutes, and not from codes that were used', async (t) => {
  const { enable, resync, showStep, app, read, account, serialNumber } = await withDevice(t)
  await enable(NOW - 2)
  const device = () => read((tx) => findRow(app, tx, MFA_DEVICE, [account, serialNumber]))
  assert.equal((await device())?.body.driftSteps, 0)
  const refused = {
    code: 'InvalidAuthenticationCode',
    status: 403,
    message: 'Authentication code for device is not valid.',
  }
  await assert.rejects(resync(NOW - 2), refused, 'shown before')
  await assert.rejects(resync(NOW - 1), refused, 'the first of them was shown before')
  await assert.rejects(resync(NOW + 41), refused, 'too far off')
  await resync(NOW + 20)
  assert.equal((await device())?.body.driftSteps, 21)
  assert.equal(await showStep(NOW + 1), 'wrong')
  assert.equal(await showStep(NOW + 22), 'accepted')
  assert.equal(await showStep(NOW + 26, NOW + 5), 'accepted')
})

test('only the user whose device it is can show its codes', async (t) => {
  const { app, write, read, account, identity, show, seed, serialNumber, enable, alice } = await withDevice(t)
  await enable(NOW - 2)
  await write((tx) => createUser(app, tx, account, { userName: 'bob', now }))
  const bob = await read((tx) => readUser(app, tx, account, 'bob'))
  const code = totpCode(seed, NOW)
  const others: readonly Identity[] = [
    { ...identity, userId: bob.key[1]! },
    { ...identity, account: '999999999999' },
    { ...identity, kind: 'root', userId: account },
    { ...identity, kind: 'role-session', userId: 'AROAEXAMPLE:session' },
  ]
  for (const other of others) assert.equal(await show(code, at(NOW), other), 'unknown', other.kind)
  const unknown = write((tx) => acceptMfaCode(app, tx, identity, `${serialNumber}2`, code, at(NOW)))
  assert.equal(await unknown, 'unknown')
  assert.equal(await show(code), 'accepted')

  const user = await alice()
  await write((tx) => deactivateMfaDevice(app, tx, user, serialNumber))
  assert.equal(await show(totpCode(seed, NOW + 1)), 'unknown')
  assert.deepEqual(mfaDevicesOf(await alice()), [])
})

test('a user has eight devices at most, and a device is for one user', async (t) => {
  const { app, write, read, account, serialNumber, seed, enable, alice } = await withDevice(t)
  await enable(NOW - 2)
  await write((tx) => createUser(app, tx, account, { userName: 'bob', now }))
  const bob = () => read((tx) => readUser(app, tx, account, 'bob'))
  const give = async (serialNumber: string, seed: Uint8Array) => {
    const user = await bob()
    const codes = [totpCode(seed, NOW), totpCode(seed, NOW + 1)] as const
    await write((tx) => enableMfaDevice(app, tx, user, serialNumber, { codes, wallNow: at(NOW), now }))
  }
  await assert.rejects(give(serialNumber, seed), {
    code: 'EntityAlreadyExists',
    message: 'MFA Device is already in use.',
  })
  for (let number = 0; number < 9; number += 1) {
    const device = { path: '/', name: `key-${number}`, tags: [] }
    const made = await write((tx) => createMfaDevice(app, tx, account, device))
    if (number < 8) await give(made.serialNumber, made.seed)
    else await assert.rejects(give(made.serialNumber, made.seed), { code: 'LimitExceeded', status: 409 })
  }
  assert.deepEqual(await read((tx) => countMfaDevices(tx, account)), { all: 10, inUse: 9 })
  const device = (await read((tx) => findRow(app, tx, MFA_DEVICE, [account, serialNumber])))!
  await assert.rejects(
    write((tx) => deleteMfaDevice(tx, device)),
    { code: 'DeleteConflict', message: 'MFA VirtualDevice in use. Must deactivate first.' },
  )
  assert.equal(mfaDevicesOf(await alice()).length, 1)
})

test('a device whose row was altered, taken away or given to another is not used', async (t) => {
  const { app, database, write, account, serialNumber, enable, showStep } = await withDevice(t)
  await enable(NOW - 2)
  const alter = (sql: string) =>
    database.transaction('write', (tx) =>
      tx.run(`UPDATE iam_mfa_device SET ${sql} WHERE serial_number = $1`, serialNumber),
    )
  const row = await database.transaction('read', (tx) =>
    tx.get<{ readonly user_id: string }>('SELECT user_id FROM iam_mfa_device WHERE serial_number = $1', serialNumber),
  )
  const check = () => assert.rejects(showStep(NOW), IntegrityError)
  await alter("user_id = 'AIDAOTHER'")
  await check()
  await alter('user_id = NULL')
  await check()
  await alter(`user_id = '${row!.user_id}', rev = rev + 1`)
  await check()
  await alter('rev = rev - 1')
  assert.equal(await showStep(NOW), 'accepted')
  await alter(`serial_number = '${serialNumber}2'`)
  await assert.rejects(showStep(NOW + 1), IntegrityError)
  const moved = write((tx) => findRow(app, tx, MFA_DEVICE, [account, `${serialNumber}2`]))
  await assert.rejects(moved, IntegrityError)
})

test('seeds are sealed anew under the newest domain key, and their codes stay', async (t) => {
  const { app, database, write, read, account, serialNumber, enable, showStep } = await withDevice(t)
  await enable(NOW - 2)
  const table = mfaDeviceTable(app)
  const sealed = async () =>
    (await read((tx) => findRow(app, tx, MFA_DEVICE, [account, serialNumber])))!.body.sealedSeed
  const before = await sealed()
  assert.equal(await write((tx) => table.reseal(tx, 2, 10)), 1)
  assert.notEqual(await sealed(), before)
  assert.equal(await write((tx) => table.reseal(tx, 1, 10)), 0)
  assert.deepEqual(
    await Promise.all([1, 2].map((version) => database.transaction('read', (tx) => table.refersTo(tx, version)))),
    [true, false],
  )
  assert.equal(await showStep(NOW), 'accepted')
})
