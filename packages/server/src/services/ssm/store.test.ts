// Rows changed with plain SQL, as somebody with the database could change them; what lies in the database; and domain keys that are replaced.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rotateDomainKeys } from '../../seal/rotate.ts'
import { startTestServer, type TestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { createCaller } from '../secretsmanager/testing.ts'
import { parameterKeyTable } from './store.ts'
import { call, history, overwrite, put, read } from './testing.ts'

type Row = { readonly rev: number; readonly body: Uint8Array; readonly mac: Uint8Array }
type Value = string | number | Uint8Array

/** Changes rows as somebody with the database could. */
const alter = ({ app }: TestServer, sql: string, ...values: readonly Value[]) =>
  app.database.transaction('write', (tx) => tx.run(sql, ...values))

const rowsOf = <T>({ app }: TestServer, sql: string, ...values: readonly Value[]) =>
  app.database.transaction('read', (tx) => tx.all<T>(sql, ...values))

test('rows that were altered outside the server are refused', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/mine', 'one')
  await overwrite(server, '/mine', 'two')
  await put(server, '/other', 'other')
  const fault = {
    status: 500,
    body: {
      __type: 'InternalServerError',
      Message: 'A stored record failed its integrity check and was not used.',
    },
  }
  const assertFault = async (operation = 'GetParameter', input: object = { Name: '/mine' }) => {
    const { status, body } = await server.call('ssm', operation, input)
    assert.deepEqual({ status, body }, fault)
  }
  const answers = async (Name = '/mine') => (await read(server, Name)).Value
  const [version] = await rowsOf<Row & { readonly parameter_id: string }>(
    server,
    'SELECT parameter_id, rev, body, mac FROM parameter_version WHERE version = 2',
  )
  const id = version!.parameter_id
  const [first] = await rowsOf<Row>(
    server,
    'SELECT rev, body, mac FROM parameter_version WHERE parameter_id = $1 AND version = 1',
    id,
  )
  const putVersion = ({ rev, body, mac }: Row) =>
    alter(
      server,
      'UPDATE parameter_version SET rev = $1, body = $2, mac = $3 WHERE parameter_id = $4 AND version = 2',
      rev,
      body,
      mac,
      id,
    )
  // The row of another version; a byte; a row that is gone.
  await putVersion(first!)
  await assertFault()
  assert.equal(await answers('/mine:1'), 'one')
  const flipped = Uint8Array.from(version!.body)
  flipped[flipped.length - 5]! ^= 1
  await putVersion({ ...version!, body: flipped })
  await assertFault()
  await putVersion(version!)
  assert.equal(await answers(), 'two')
  await alter(server, 'DELETE FROM parameter_version WHERE parameter_id = $1 AND version = 1', id)
  await assertFault('GetParameterHistory')

  // The row of another parameter, and a parameter under another name.
  const [other] = await rowsOf<Row>(server, "SELECT rev, body, mac FROM parameter WHERE path = '/other'")
  const [mine] = await rowsOf<Row>(server, "SELECT rev, body, mac FROM parameter WHERE path = '/mine'")
  const putParameter = ({ rev, body, mac }: Row) =>
    alter(server, "UPDATE parameter SET rev = $1, body = $2, mac = $3 WHERE path = '/mine'", rev, body, mac)
  await putParameter(other!)
  await assertFault()
  await assertFault('GetParametersByPath', { Path: '/' })
  await assertFault('DescribeParameters', {})
  await putParameter(mine!)
  await alter(server, "UPDATE parameter SET path = '/moved' WHERE path = '/mine'")
  await assertFault('GetParameter', { Name: '/moved' })
  await alter(server, "UPDATE parameter SET path = '/mine' WHERE path = '/moved'")
  await alter(server, "UPDATE parameter SET parent = '/elsewhere' WHERE path = '/mine'")
  await assertFault()
  await assertFault('GetParametersByPath', { Path: '/elsewhere' })
  await alter(server, "UPDATE parameter SET parent = '' WHERE path = '/mine'")
  assert.equal(await answers(), 'two')
})

test('a policy by which a parameter was shared comes back to nobody', async (t) => {
  const server = await startTestServer(t)
  const guest = await createCaller(server, 'guest', [{ Effect: 'Allow', Action: 'ssm:*', Resource: '*' }], 'new')
  await put(server, '/s', 'x', { Tier: 'Advanced' })
  const ResourceArn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/s`
  const Policy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: guest.account },
    Action: 'ssm:GetParameter',
    Resource: '*',
  })
  const shared = await call(server, 'PutResourcePolicy', { ResourceArn, Policy })
  const status = async () => (await server.call('ssm', 'GetParameter', { Name: ResourceArn }, guest)).status
  assert.equal(await status(), 200)
  const [row] = await rowsOf<Row & { readonly parameter_id: string }>(
    server,
    'SELECT parameter_id, rev, body, mac FROM parameter_sharing',
  )
  await call(server, 'DeleteResourcePolicy', { ResourceArn, ...shared })
  await alter(
    server,
    'INSERT INTO parameter_sharing (parameter_id, rev, body, mac) VALUES ($1, $2, $3, $4)',
    row!.parameter_id,
    row!.rev,
    row!.body,
    row!.mac,
  )
  assert.equal(await status(), 400)
  const narrow = Policy.replace('ssm:GetParameter', 'ssm:GetParameters')
  await call(server, 'PutResourcePolicy', { ResourceArn, Policy: narrow })
  await alter(server, 'UPDATE parameter_sharing SET rev = $1, body = $2, mac = $3', row!.rev, row!.body, row!.mac)
  assert.equal(await status(), 500)
  await alter(server, 'DELETE FROM parameter_sharing')
  assert.equal(await status(), 500)
})

test('no value lies in the database in plaintext, of whatever type', async (t) => {
  const server = await startTestServer(t)
  const marker = 'marker-51d2-of-a-value'
  for (const [Name, more] of [
    ['/a', {}],
    ['/b', { Type: 'StringList' }],
    ['/c', { Type: 'SecureString' }],
    ['/d', { Type: 'SecureString', Tier: 'Advanced' }],
  ] as const) {
    await put(server, Name, `${marker},${Name}`, more)
    assert.equal((await read(server, Name, { WithDecryption: true })).Value, `${marker},${Name}`)
  }
  const forms = [marker, ...[0, 1, 2].map((offset) => inBase64(marker, offset))]
  for (const table of ['parameter', 'parameter_version', 'event', 'job']) {
    const rows = await rowsOf<{ readonly body?: Uint8Array | string }>(server, `SELECT * FROM ${table}`)
    for (const row of rows) {
      const text = Object.values(row)
        .map((value) => (typeof value === 'object' ? Buffer.from(value).toString('latin1') : value))
        .join()
      for (const form of forms) assert.ok(!text.includes(form), table)
    }
  }
})

/** As it looks within the base64 of something longer. */
const inBase64 = (text: string, offset: number): string =>
  Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
    .toString('base64')
    .slice(offset === 0 ? 0 : offset + 1, -4)

test('data keys are sealed anew with the domain keys, and open what they opened', async (t) => {
  const server = await startTestServer(t)
  for (const name of ['/a', '/b', '/c']) await put(server, name, `value of ${name}`)
  await overwrite(server, '/a', 'second')
  const { keyring, rows, wallNow } = server.app
  const live = keyring as Parameters<typeof rotateDomainKeys>[0]
  const table = parameterKeyTable(keyring, rows)
  const keysBefore = await rowsOf<{ readonly domain_key_version: number }>(
    server,
    'SELECT domain_key_version FROM parameter',
  )
  const { resealed } = await rotateDomainKeys(live, [table], {
    randomBytes: server.app.randomBytes,
    wallNow,
    batchRows: 2,
    families: ['domain'],
    activationDelayMs: 0,
  })
  assert.equal(resealed, 3)
  assert.ok(keysBefore.every(({ domain_key_version }) => domain_key_version === 1))
  const keysAfter = await rowsOf<{ readonly domain_key_version: number }>(
    server,
    'SELECT domain_key_version FROM parameter',
  )
  assert.ok(keysAfter.every(({ domain_key_version }) => domain_key_version === 2))
  assert.deepEqual(
    (await history(server, '/a')).map(({ Value }: { Value: string }) => Value),
    ['value of /a', 'second'],
  )
  assert.equal((await read(server, '/c')).Value, 'value of /c')
})
