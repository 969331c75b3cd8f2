import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IntegrityError } from '../../errors.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Transaction } from '../../storage/database.ts'
import { openTestDatabase } from '../../storage/testing.ts'
import { createAccessKey, deleteAccessKey, listAccessKeys, setAccessKeyStatus } from './access-keys.ts'
import { bootstrapIdentity, type Preset, PresetError, recoverAdministrator } from './bootstrap.ts'
import { findAccessKey, findFirstAccount, type IamWriter, readPrincipal } from './store.ts'
import { iamOn } from './testing.ts'
import { accountOfAccessKeyId } from './unique-id.ts'
import { createAccount, findAccount } from './users.ts'

const now = 1_700_000_000_000
const administrator = { userName: 'administrator' }

/** Whether the access key is active, has this secret, and may do everything in its account. */
async function mayDoAnything(
  app: IamWriter,
  tx: Transaction,
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Promise<boolean> {
  const key = await findAccessKey(app, tx, accessKeyId)
  if (!key?.active || key.secretAccessKey.export().toString() !== secretAccessKey) return false
  const principal = await readPrincipal(app, tx, key.identity)
  const permission = { action: 'iam:DeleteUser', resource: '*', resourceAccount: principal.account }
  return evaluate({ principal, permission, context: () => ({}), layers: { identity: principal.policies } }).allow
}

test('the first start makes an account whose administrator may do everything and whose root has no key', async (t) => {
  const { app, write, read } = iamOn(await openTestDatabase(t))
  const made = await write((tx) => bootstrapIdentity(app, tx, now))
  assert.ok(made)
  assert.match(made.accountId, /^[1-9]\d{11}$/)
  assert.equal(accountOfAccessKeyId(made.accessKeyId), made.accountId)
  assert.match(made.secretAccessKey, /^[A-Za-z0-9+/]{40}$/)
  await read(async (tx) => {
    assert.equal(await findFirstAccount(app, tx), made.accountId)
    assert.deepEqual(await findAccount(app, tx, made.accountId), {
      name: 'first account',
      createdAt: now,
      accessKeys: [],
    })
    assert.ok(await mayDoAnything(app, tx, made))
    const key = await findAccessKey(app, tx, made.accessKeyId)
    assert.equal(key?.identity.arn, `arn:aws:iam::${made.accountId}:user/administrator`)
  })
})

test('a later start makes nothing', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  assert.ok(await write((tx) => bootstrapIdentity(app, tx, now)))
  assert.equal(await write((tx) => bootstrapIdentity(app, tx, now)), undefined)
  assert.equal(await write((tx) => bootstrapIdentity(app, tx, now, { accountId: '111122223333' })), undefined)
  assert.equal(await write((tx) => findAccount(app, tx, '111122223333')), undefined)
})

test('a preset gives account, access key and secret; empty texts are none', async (t) => {
  const preset = {
    accountId: '000011112222',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: `${'s'.repeat(39)}#`,
  }
  const one = iamOn(await openTestDatabase(t))
  assert.deepEqual(await one.write((tx) => bootstrapIdentity(one.app, tx, now, preset)), preset)
  assert.ok(await one.read((tx) => mayDoAnything(one.app, tx, preset)))

  const two = iamOn(await openTestDatabase(t))
  const none = { accountId: '', accessKeyId: '', secretAccessKey: '' }
  assert.match((await two.write((tx) => bootstrapIdentity(two.app, tx, now, none)))!.accountId, /^\d{12}$/)
})

test('a preset that cannot be used is refused in one line that does not hold the secret, and nothing is made', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const secretAccessKey = 'sesame'.repeat(7)
  const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
  const cases: readonly (readonly [Preset, RegExp])[] = [
    [{ accountId: '12345' }, /^STRONGROOM_BOOTSTRAP_ACCOUNT_ID=12345 is not allowed: give 12 digits$/],
    [{ accountId: '1111\n2222333' }, /^STRONGROOM_BOOTSTRAP_ACCOUNT_ID=1111\?2222333 is not allowed/],
    [{ accessKeyId }, /^STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY is missing: give/],
    [{ secretAccessKey }, /^STRONGROOM_BOOTSTRAP_ACCESS_KEY_ID is missing: give/],
    [{ accessKeyId: 'akia', secretAccessKey }, /^STRONGROOM_BOOTSTRAP_ACCESS_KEY_ID=akia is not allowed: give 16/],
    [
      { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', secretAccessKey },
      /=ASIAIOSFODNN7EXAMPLE is not allowed: ASIA begins temp/,
    ],
    [
      { accessKeyId, secretAccessKey: 'sesame' },
      /^STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY=\(not shown\) is not allowed/,
    ],
    [{ accessKeyId, secretAccessKey: `sesame ${secretAccessKey}` }, /\(not shown\)/],
  ]
  for (const [preset, message] of cases) {
    await assert.rejects(
      write((tx) => bootstrapIdentity(app, tx, now, preset)),
      (error) => {
        assert.ok(error instanceof PresetError)
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /sesame|\n/)
        return true
      },
    )
  }
  assert.equal(await write((tx) => findFirstAccount(app, tx)), undefined)
})

test('where accounts exist and the first is not known, nothing is made', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  await write((tx) => createAccount(app, tx, { name: 'any', now }))
  await assert.rejects(
    write((tx) => bootstrapIdentity(app, tx, now)),
    IntegrityError,
  )
})

test('recovery gives an administrator with a full set of keys a new one for the oldest inactive one', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const first = (await write((tx) => bootstrapIdentity(app, tx, now)))!
  const { accountId } = first
  const second = await write((tx) => recoverAdministrator(app, tx, now + 1))
  assert.equal(second.accountId, accountId)
  await write((tx) => setAccessKeyStatus(app, tx, accountId, administrator, second.accessKeyId, 'Inactive'))

  const third = await write((tx) => recoverAdministrator(app, tx, now + 2))
  const ids = async () =>
    (await write((tx) => listAccessKeys(app, tx, accountId, administrator))).map(({ accessKeyId }) => accessKeyId)
  assert.deepEqual(await ids(), [first.accessKeyId, third.accessKeyId])
  assert.equal(await write(async (tx) => findAccessKey(app, tx, second.accessKeyId)), undefined)

  const fourth = await write((tx) => recoverAdministrator(app, tx, now + 3))
  assert.deepEqual(await ids(), [third.accessKeyId, fourth.accessKeyId])
  assert.equal(await write(async (tx) => findAccessKey(app, tx, first.accessKeyId)), undefined)
  assert.ok(await write((tx) => mayDoAnything(app, tx, fourth)))
})

test('recovery makes the administrator again where the user, its policy or its keys are lost', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const first = (await write((tx) => bootstrapIdentity(app, tx, now)))!
  const { accountId } = first

  await write((tx) => deleteAccessKey(app, tx, accountId, administrator, first.accessKeyId))
  assert.ok(await write(async (tx) => mayDoAnything(app, tx, await recoverAdministrator(app, tx, now))))

  await write((tx) => tx.run('DELETE FROM iam_access_key'))
  await write((tx) => createAccessKey(app, tx, accountId, administrator, now))
  assert.ok(await write(async (tx) => mayDoAnything(app, tx, await recoverAdministrator(app, tx, now))))

  await write((tx) => tx.run('DELETE FROM iam_user'))
  assert.ok(await write(async (tx) => mayDoAnything(app, tx, await recoverAdministrator(app, tx, now))))
})

test('recovery refuses an administrator whose row was altered, and a server without accounts', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  await assert.rejects(
    write((tx) => recoverAdministrator(app, tx, now)),
    /there is no account yet/,
  )
  await write((tx) => bootstrapIdentity(app, tx, now))
  await write((tx) => tx.run('UPDATE iam_user SET rev = rev + 1'))
  await assert.rejects(
    write((tx) => recoverAdministrator(app, tx, now)),
    IntegrityError,
  )
})
