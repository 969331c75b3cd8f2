// Rows changed with plain SQL, as somebody with the database could change them; and what is kept of rows between calls.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { findSecret, readPolicy } from './store.ts'
import { call, token } from './testing.ts'

/** Changes rows as somebody with the database could. */
async function alter(server: TestServer, sql: string, ...values: readonly (string | number | Uint8Array)[]) {
  const { changes } = await server.app.database.transaction('write', (tx) => tx.run(sql, ...values))
  assert.ok(changes > 0)
}

test('Rows that were altered outside the server are refused', async (t) => {
  const server = await startTestServer(t)
  const { database } = server.app
  const [one, two] = [token('one'), token('two')]
  const { ARN } = await call(server, 'CreateSecret', { Name: 'mine', ClientRequestToken: one, SecretString: 'one' })
  await call(server, 'PutSecretValue', { SecretId: 'mine', ClientRequestToken: two, SecretString: 'two' })
  await call(server, 'CreateSecret', { Name: 'other', ClientRequestToken: one, SecretString: 'other' })
  const read = (input: object = {}) => server.call('secretsmanager', 'GetSecretValue', { SecretId: 'mine', ...input })
  const answers = async (input?: object) => {
    const { status, body } = await read(input)
    assert.equal(status, 200, JSON.stringify(body))
    return (body as Record<string, unknown>).SecretString
  }
  const assertFault = async (input?: object): Promise<void> => {
    const { status, body } = await read(input)
    const { __type, Message } = body as Record<string, string>
    assert.deepEqual([status, __type], [500, 'InternalServiceError'])
    assert.equal(Message, 'A stored record failed its integrity check and was not used.')
  }

  type Row = { readonly rev: number; readonly body: Uint8Array; readonly mac: Uint8Array }
  const versionRow = (id: string, arn = ARN): Promise<Row> =>
    database.transaction('read', async (tx) => {
      const sql = 'SELECT rev, body, mac FROM secret_version WHERE secret_arn = $1 AND version_id = $2'
      return (await tx.get<Row>(sql, arn, id))!
    })
  const putVersion = (id: string, { rev, body, mac }: Row) => {
    const sql = 'UPDATE secret_version SET rev = $1, body = $2, mac = $3 WHERE secret_arn = $4 AND version_id = $5'
    return alter(server, sql, rev, body, mac, ARN, id)
  }

  await t.test("another version's row, under its own MAC", async () => {
    const good = await versionRow(two)
    await putVersion(two, await versionRow(one))
    await assertFault()
    assert.equal(await answers({ VersionId: one }), 'one')
    await putVersion(two, good)
    assert.equal(await answers(), 'two')
  })

  await t.test('an older row of the same version, which still carries a good MAC', async () => {
    const older = await versionRow(two)
    const alias = await database.transaction('read', (tx) => tx.get<{ key_id: string }>('SELECT key_id FROM kms_key'))
    const key = `arn:aws:kms:${server.region}:${server.accountId}:key/${alias!.key_id}`
    await call(server, 'UpdateSecret', { SecretId: 'mine', KmsKeyId: key })
    const good = await versionRow(two)
    assert.notDeepEqual(good, older)
    await putVersion(two, older)
    await assertFault()
    await putVersion(two, good)
    assert.equal(await answers(), 'two')
  })

  await t.test('a changed byte, and a row that is gone', async () => {
    const good = await versionRow(two)
    for (const at of [0, 1, 40, good.body.length - 1]) {
      const body = Uint8Array.from(good.body)
      body[at]! ^= 1
      await putVersion(two, { ...good, body })
      await assertFault()
    }
    await putVersion(two, good)
    assert.equal(await answers(), 'two')
    const gone = await versionRow(one)
    await alter(server, 'DELETE FROM secret_version WHERE secret_arn = $1 AND version_id = $2', ARN, one)
    await assertFault({ VersionId: one })
    await alter(
      server,
      'INSERT INTO secret_version (secret_arn, version_id, rev, body, mac) VALUES ($1, $2, $3, $4, $5)',
      ARN,
      one,
      gone.rev,
      gone.body,
      gone.mac,
    )
    assert.equal(await answers({ VersionId: one }), 'one')
  })

  await t.test('a lookup column that differs from the body, and a secret under the name of another', async () => {
    for (const column of ['created_at', 'changed_at']) {
      await alter(server, `UPDATE secret SET ${column} = ${column} + 1 WHERE name = 'mine'`)
      await assertFault()
      await alter(server, `UPDATE secret SET ${column} = ${column} - 1 WHERE name = 'mine'`)
    }
    await alter(server, "UPDATE secret SET name = 'hidden' WHERE name = 'mine'")
    await alter(server, "UPDATE secret SET name = 'mine' WHERE name = 'other'")
    await assertFault()
    await alter(server, "UPDATE secret SET name = 'other' WHERE name = 'mine'")
    await alter(server, "UPDATE secret SET name = 'mine' WHERE name = 'hidden'")
    assert.equal(await answers(), 'two')
  })

  await t.test('but not the day of access, which no decision depends on', async () => {
    await alter(server, "UPDATE secret SET accessed_day = 86400000 WHERE name = 'mine'")
    assert.equal(await answers(), 'two')
  })
})

test('No value stands in the database in plaintext', async (t) => {
  const server = await startTestServer(t)
  const marker = 'marker-7f3a-of-a-secret-value'
  await call(server, 'CreateSecret', { Name: 'plain', ClientRequestToken: token(), SecretString: marker })
  const found = await server.app.database.transaction('read', async (tx) => {
    const rows = [
      ...(await tx.all<{ readonly body: Uint8Array }>('SELECT body FROM secret')),
      ...(await tx.all<{ readonly body: Uint8Array }>('SELECT body FROM secret_version')),
    ]
    return rows.filter(({ body }) => Buffer.from(body).includes(marker)).length
  })
  assert.equal(found, 0)
})

test('a policy is the same object until its row is another, however long it is, so that it is compiled once', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId, region } = server
  await call(server, 'CreateSecret', { Name: 'db' })
  const put = (padding: number) => {
    const statement = { Effect: 'Allow', Principal: { AWS: accountId }, Action: 'secretsmanager:*', Resource: '*' }
    const ResourcePolicy = policyDocument(statement).padEnd(padding)
    return call(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy })
  }
  const read = () =>
    app.database.transaction('read', async (tx) => {
      const stored = await findSecret({ app, tx }, accountId, region, 'db')
      return readPolicy({ app, tx }, stored!.secret)
    })
  for (const length of [1, 20_000]) {
    await put(length)
    const first = await read()
    assert.ok(first !== undefined)
    await call(server, 'TagResource', { SecretId: 'db', Tags: [{ Key: `${length}`, Value: '' }] })
    assert.equal(await read(), first)
    await put(length + 480)
    assert.notEqual(await read(), first)
  }
})
