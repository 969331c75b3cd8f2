import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { SignatureError } from '../../auth/errors.ts'
import { IntegrityError } from '../../errors.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Database, Transaction, Value } from '../../storage/database.ts'
import { migrate } from '../../storage/migrate.ts'
import { createRows } from '../../storage/sealed.ts'
import { openSqlite } from '../../storage/sqlite.ts'
import { openTestDatabase, temporaryDirectory } from '../../storage/testing.ts'
import { createAccessKey, deleteAccessKey, setAccessKeyStatus } from './access-keys.ts'
import { attachPolicy } from './attachments.ts'
import { bootstrapIdentity } from './bootstrap.ts'
import { addToGroup, createGroup } from './groups.ts'
import { putInlinePolicy } from './inline-policies.ts'
import { createPolicy } from './policies.ts'
import { findAccessKey, findByName, findFirstAccount, GROUP, type IamWriter, readPrincipal } from './store.ts'
import { iamOn, policyDocument, testIam } from './testing.ts'
import { attachUserPolicy, createAccount, createUser, findAccount, putUserPolicy, readUser } from './users.ts'

const now = 1_700_000_000_000
const alice = { userName: 'alice' }
const mallory = { userName: 'mallory' }
const carl = { userName: 'carl' }

/** Everything that an access key lets its bearer do, as text: undefined where it is refused. */
async function power(app: IamWriter, tx: Transaction, accessKeyId: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const key = await findAccessKey(app, tx, accessKeyId)
    if (!key?.active) return undefined
    const principal = await readPrincipal(app, tx, key.identity)
    const powers = new Set([`is ${principal.arn} ${principal.userId} with ${key.secretAccessKey.export()}`])
    for (const resourceAccount of ['111111111111', '222222222222']) {
      for (const action of ['secretsmanager:GetSecretValue', 'secretsmanager:DeleteSecret', 'iam:CreateUser']) {
        const permission = { action, resource: '*', resourceAccount }
        const { policies: identity, boundary } = principal
        const layers = { identity, ...(boundary && { boundary }) }
        const asked = { principal, permission, context: () => ({}), layers }
        if (evaluate(asked).allow) powers.add(`${action} in ${resourceAccount}`)
      }
    }
    return powers
  } catch (error) {
    if (error instanceof IntegrityError || error instanceof SignatureError) return undefined
    throw error
  }
}

/** Two accounts with every kind of row, and policies, groups and a boundary that take rights away. */
async function createWorld(app: IamWriter, tx: Transaction): Promise<readonly string[]> {
  const one = { accountId: '111111111111', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'a'.repeat(40) }
  await bootstrapIdentity(app, tx, now, one)
  const { accountId } = one
  const other = await createAccount(app, tx, { name: 'two', now, accountId: '222222222222' })
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' }
  const noDelete = { Effect: 'Deny', Action: 'secretsmanager:Delete*', Resource: '*' }

  await createUser(app, tx, accountId, { ...alice, now })
  const secrets = policyDocument({ ...everything, Action: 'secretsmanager:*' })
  await putUserPolicy(app, tx, accountId, 'alice', 'secrets', secrets)
  const deny = await createPolicy(app, tx, accountId, { policyName: 'deny', document: policyDocument(noDelete), now })
  const wide = await createPolicy(app, tx, accountId, { policyName: 'wide', document: policyDocument(everything), now })
  await attachUserPolicy(app, tx, accountId, 'alice', deny)

  await createUser(app, tx, accountId, { ...mallory, now })
  await createUser(app, tx, accountId, { userName: 'boss', now })
  await attachUserPolicy(app, tx, accountId, 'boss', wide)
  await createUser(app, tx, other, { ...mallory, now })
  await putUserPolicy(app, tx, other, 'mallory', 'secrets', policyDocument(everything))

  // Carl may do anything in his own policy, anything with secrets within his boundary, and with that of his groups not delete.
  const limit = await createPolicy(app, tx, accountId, { policyName: 'limit', document: secrets, now })
  await createUser(app, tx, accountId, { ...carl, now, boundary: limit })
  await putUserPolicy(app, tx, accountId, 'carl', 'everything', policyDocument(everything))
  const noGet = { Effect: 'Deny', Action: 'iam:Get*', Resource: '*' }
  for (const groupName of ['one', 'two']) {
    const group = await createGroup(app, tx, accountId, { groupName, now })
    await addToGroup(app, tx, await readUser(app, tx, accountId, 'carl'), group)
    if (groupName === 'one') await attachPolicy(app, tx, GROUP, group, deny)
    else await putInlinePolicy(app, tx, GROUP, group, groupName, { policyName: 'no', document: policyDocument(noGet) })
  }

  const keys = [
    await createAccessKey(app, tx, accountId, 'root', now),
    await createAccessKey(app, tx, accountId, alice, now),
    await createAccessKey(app, tx, accountId, mallory, now),
    await createAccessKey(app, tx, accountId, mallory, now),
    await createAccessKey(app, tx, accountId, { userName: 'boss' }, now),
    await createAccessKey(app, tx, other, 'root', now),
    await createAccessKey(app, tx, other, mallory, now),
    await createAccessKey(app, tx, accountId, carl, now),
  ].map(({ accessKeyId }) => accessKeyId)
  await setAccessKeyStatus(app, tx, accountId, mallory, keys[3]!, 'Inactive')
  return [one.accessKeyId, ...keys]
}

const TABLES: { readonly [table: string]: readonly string[] } = {
  account: ['account_id'],
  iam_user: ['account_id', 'user_id'],
  iam_group: ['account_id', 'group_id'],
  iam_access_key: ['access_key_id'],
  iam_policy: ['account_id', 'arn'],
  setting: ['name'],
}

type Row = { readonly [column: string]: Value }
type Change = { readonly sql: string; readonly values: readonly Value[]; readonly what: string }

/** Every way to write one column, or all that is sealed, with what another row or a careful hand would put there; and every deletion. */
async function tampering(tx: Transaction): Promise<readonly Change[]> {
  const changes: Change[] = []
  for (const [table, key] of Object.entries(TABLES)) {
    const rows = await tx.all<Row>(`SELECT * FROM ${table}`)
    assert.ok(rows.length > 0, table)
    for (const row of rows) {
      const where = (from: number) => key.map((column, i) => `${column} = $${from + i}`).join(' AND ')
      const keyValues = key.map((column) => row[column]!)
      const name = `${table} ${keyValues.join('/')}`
      changes.push({ sql: `DELETE FROM ${table} WHERE ${where(1)}`, values: keyValues, what: `delete ${name}` })
      for (const [column, value] of Object.entries(row)) {
        if (column.startsWith('used_')) continue // dates of use, outside the MAC
        const others = rows.map((other) => other[column]!).filter((other) => !same(other, value))
        for (const changed of [...others, ...alterations(value)]) {
          const sql = `UPDATE ${table} SET ${column} = $1 WHERE ${where(2)}`
          changes.push({ sql, values: [changed, ...keyValues], what: `${column} of ${name}` })
        }
      }
      for (const other of rows.filter((other) => other !== row)) {
        const sql = `UPDATE ${table} SET rev = $1, body = $2, mac = $3 WHERE ${where(4)}`
        changes.push({ sql, values: [other.rev!, other.body!, other.mac!, ...keyValues], what: `all of ${name}` })
      }
    }
  }
  return changes
}

const same = (a: Value, b: Value): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b

function alterations(value: Value): readonly Value[] {
  if (typeof value === 'number') return [value + 1, value - 1, 0]
  if (typeof value === 'string') return [`${value}x`, `x${value}`, value.slice(1), '']
  if (!(value instanceof Uint8Array)) return []
  const flip = (at: number) => {
    const altered = Buffer.from(value)
    altered[at]! ^= 1
    return altered
  }
  const text = Buffer.from(value).toString('latin1')
  const edits = [
    text.replace('"Inactive"', '"Active"'),
    text.replace('Deny', 'Allow'),
    text.replace(
      /"attachedPolicies":\[.*?\]/,
      '"attachedPolicies":[{"arn":"arn:aws:iam::aws:policy/AdministratorAccess"}]',
    ),
    text.replace(/,"groups":\[.*?\]/, ''),
    text.replace(/,"boundary":\{.*?\}/, ''),
  ].filter((edit) => edit !== text)
  return [
    flip(0),
    flip(value.length >> 1),
    flip(value.length - 1),
    Buffer.alloc(0),
    value.subarray(0, -1),
    ...edits.map((edit) => Buffer.from(edit, 'latin1')),
  ]
}

class Undo extends Error {}

/** Runs in a transaction that is rolled back. A change that the database itself refuses is undone too. */
async function undone(database: Database, work: (tx: Transaction) => Promise<void>): Promise<void> {
  const attempt = database.transaction('write', async (tx) => {
    await work(tx)
    throw new Undo()
  })
  await assert.rejects(attempt, (error) => error instanceof Undo)
}

test('no row or column altered, swapped or deleted in the database gives any access key more than it had', async (t) => {
  const { app, database, write } = iamOn(await openTestDatabase(t))
  const keys = await write((tx) => createWorld(app, tx))
  const powers = (tx: Transaction) => Promise.all(keys.map((key) => power(app, tx, key)))
  const before = await write(powers)
  assert.deepEqual(
    before.map((has) => has?.size),
    [4, 4, 2, 1, undefined, 4, 4, 4, 2],
  )

  let refused = 0
  for (const { sql, values, what } of await write(tampering)) {
    await undone(database, async (tx) => {
      try {
        await tx.run(sql, ...values)
      } catch {
        refused += 1
        throw new Undo() // a key that is taken
      }
      const after = await powers(tx)
      let lost = false
      for (const [i, has] of after.entries()) {
        if (has === undefined) lost ||= before[i] !== undefined
        else assert.deepEqual(has, before[i], `${what}: access key ${i}`)
      }
      if (!lost) await mustBeHarmless(app, tx, what, keys[4]!)
    })
  }
  assert.ok(refused > 0)
  assert.deepEqual(await write(powers), before)
})

/** A change that no access key notices is one of the setting, which its own reader refuses, or of the key that is inactive anyway. */
async function mustBeHarmless(app: IamWriter, tx: Transaction, what: string, inactiveKey: string): Promise<void> {
  if (/^(?:\w+ of |delete |all of )+setting /.test(what)) {
    await assert.rejects(findFirstAccount(app, tx), IntegrityError, what)
    return
  }
  assert.ok(what.endsWith(`iam_access_key ${inactiveKey}`), what)
}

test('an access key that was deleted stays deleted when its row is put back', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  await write((tx) => createWorld(app, tx))
  const { accessKeyId } = await write((tx) => createAccessKey(app, tx, '111111111111', alice, now))
  const row = await write((tx) => tx.get<Row>('SELECT * FROM iam_access_key WHERE access_key_id = $1', accessKeyId))
  await write((tx) => deleteAccessKey(app, tx, '111111111111', alice, accessKeyId))
  assert.equal(await write(async (tx) => findAccessKey(app, tx, accessKeyId)), undefined)
  const columns = Object.keys(row!)
  await write((tx) =>
    tx.run(
      `INSERT INTO iam_access_key (${columns.join(', ')}) VALUES (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
      ...Object.values(row!),
    ),
  )
  await assert.rejects(
    write(async (tx) => findAccessKey(app, tx, accessKeyId)),
    /is not among the keys of its owner/,
  )
})

test('a policy made again under the ARN of an attached one does not stand in for it', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const keys = await write((tx) => createWorld(app, tx))
  const arn = 'arn:aws:iam::111111111111:policy/deny'
  await write((tx) => tx.run('DELETE FROM iam_policy WHERE arn = $1', arn))
  await write((tx) => tx.run('DELETE FROM iam_policy_version WHERE arn = $1', arn))
  const document = policyDocument({ Effect: 'Allow', Action: '*', Resource: '*' })
  await write((tx) => createPolicy(app, tx, '111111111111', { policyName: 'deny', document, now }))
  const key = await write(async (tx) => findAccessKey(app, tx, keys[2]!))
  await assert.rejects(
    write(async (tx) => readPrincipal(app, tx, key!.identity)),
    IntegrityError,
  )
})

test('rows of another installation, with other keys, are refused', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const keys = await write((tx) => createWorld(app, tx))
  const stranger = testIam()
  await assert.rejects(
    write(async (tx) => findAccessKey(stranger, tx, keys[0]!)),
    IntegrityError,
  )
  await assert.rejects(
    write((tx) => findAccount(stranger, tx, '111111111111')),
    IntegrityError,
  )
})

test('an unknown access key is undefined', async (t) => {
  const { app, read } = iamOn(await openTestDatabase(t))
  assert.equal(await read(async (tx) => findAccessKey(app, tx, 'AKIAIOSFODNN7EXAMPLE')), undefined)
})

test('nothing stored holds a secret access key', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  await write((tx) => createWorld(app, tx))
  const chosen = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'sesame'.repeat(7) }
  await write((tx) => createAccessKey(app, tx, '111111111111', alice, now, chosen))
  const rows = await write((tx) => tx.all<Row>('SELECT * FROM iam_access_key'))
  const stored = rows.map(({ body }) => Buffer.from(body as Uint8Array).toString('latin1')).join('\n')
  assert.ok(stored.includes('sealedSecret'))
  for (const form of ['sesame', Buffer.from('sesamesesame').toString('base64').slice(0, 15), 'aaaaaaaa'])
    assert.ok(!stored.includes(form), form)
})

test('what did not change is remembered as the same objects; a change by any process is seen at the next request', async (t) => {
  const path = join(temporaryDirectory(t), 'test.db')
  const open = async () => {
    const database = await openSqlite({ path, durability: 'none' })
    t.after(() => database.close())
    return database
  }
  const here = await open()
  await migrate(here, ['main', 'audit'])
  const there = await open()
  const app = testIam()
  const elsewhere = { ...app, rows: createRows(app.keyring) }

  const keys = await here.transaction('write', (tx) => createWorld(app, tx))
  const [, , accessKeyId] = keys
  const ask = (accessKeyId = keys[2]!) =>
    here.transaction('read', async (tx) => {
      const key = (await findAccessKey(app, tx, accessKeyId))!
      return { key, principal: key.active ? await readPrincipal(app, tx, key.identity) : undefined }
    })
  const first = await ask()
  const again = await ask()
  assert.equal(again.key, first.key)
  assert.equal(again.principal, first.principal)
  const ofCarl = await ask(keys[8])

  await there.transaction('write', (tx) => createUser(elsewhere, tx, '222222222222', { userName: 'someone', now }))
  const unrelated = await ask()
  assert.equal(unrelated.key, first.key)
  assert.equal(unrelated.principal, first.principal)

  await there.transaction('write', async (tx) => {
    const group = (await findByName(elsewhere, tx, GROUP, '111111111111', 'two'))!
    const policy = { policyName: 'more', document: policyDocument({ Effect: 'Deny', Action: '*', Resource: '*' }) }
    await putInlinePolicy(elsewhere, tx, GROUP, group, 'two', policy)
  })
  const afterGroup = await ask(keys[8])
  assert.equal(afterGroup.key, ofCarl.key)
  assert.equal(afterGroup.principal?.policies.length, ofCarl.principal!.policies.length + 1)
  assert.equal((await ask()).principal, first.principal)

  const admin = 'arn:aws:iam::aws:policy/AdministratorAccess'
  await there.transaction('write', (tx) => attachUserPolicy(elsewhere, tx, '111111111111', 'alice', admin))
  assert.equal((await ask()).principal?.policies.length, first.principal!.policies.length + 1)

  await there.transaction('write', (tx) =>
    setAccessKeyStatus(elsewhere, tx, '111111111111', alice, accessKeyId!, 'Inactive'),
  )
  assert.equal((await ask()).key.active, false)
  await assert.rejects(
    here.transaction('read', async (tx) => readPrincipal(app, tx, first.key.identity)),
    { kind: 'unrecognized', message: 'The security token included in the request is invalid.' },
  )

  await there.transaction('write', (tx) =>
    setAccessKeyStatus(elsewhere, tx, '111111111111', alice, accessKeyId!, 'Active'),
  )
  assert.equal((await ask()).key.active, true)
  await there.transaction('write', (tx) => tx.run('UPDATE iam_policy SET rev = rev + 1'))
  await assert.rejects(ask(), IntegrityError)
  await there.transaction('write', (tx) => tx.run('UPDATE iam_policy SET rev = rev - 1'))
  assert.ok((await ask()).principal)

  await there.transaction('write', (tx) => deleteAccessKey(elsewhere, tx, '111111111111', alice, accessKeyId!))
  assert.equal(await here.transaction('read', async (tx) => findAccessKey(app, tx, accessKeyId!)), undefined)
})
