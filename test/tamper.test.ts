// Someone who can write to the database alters, swaps and deletes rows and columns with plain SQL, under a running server: every answer is
// then exactly the right one or a refusal, never a wrong value and never a wider right; and the refusal is counted and audited.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { attachPolicy, replaceBoundary } from '../packages/server/src/services/iam/attachments.ts'
import { addToGroup, createGroup } from '../packages/server/src/services/iam/groups.ts'
import { createPolicy } from '../packages/server/src/services/iam/policies.ts'
import { findRow, GROUP, ROLE, USER } from '../packages/server/src/services/iam/store.ts'
import { policyDocument } from '../packages/server/src/services/iam/testing.ts'
import { attachUserPolicy, readUser } from '../packages/server/src/services/iam/users.ts'
import { call, createCaller, events, token } from '../packages/server/src/services/secretsmanager/testing.ts'
import { EVERYTHING, newRole, sessionOf } from '../packages/server/src/services/sts/testing.ts'
import { startTestServer, type TestCredentials, type TestServer } from '../packages/server/src/testing.ts'
import { isSampled, SOAK } from '../packages/server/src/testing-sample.ts'
import { type Cell, openPostgresUrl, openSqliteFile, type RawSql, type Row, type Statement } from './raw-sql.ts'

/** In a plain run one in so many tamperings is tried. */
const ONE_IN = 6

/** Tables that no MAC covers, and why that gives nobody a secret or a right. */
const OUTSIDE = new Map([
  ['schema_migration', 'which migrations ran: a wrong one stops the next start'],
  ['job', 'when something is due: a purge trusts only the sealed row of its secret, a policy that of its parameter'],
  ['event', 'what changed, without values: a stream sends it only to who may read its secret by the sealed rows'],
  ['event_log', 'how far change events are numbered'],
  ['event_sink', 'how far a sink has come'],
  ['iam_attachment', 'who a policy is attached to: the bodies of users, groups and roles decide'],
  ['iam_group_member', 'the same of groups'],
  ['kms_retirable_grant', 'who may retire a grant: the grants themselves decide, this only finds them'],
  ['kms_key_usage', 'when a KMS key was used last: shown by GetKeyLastUsage, and kms:TrailingDaysWithoutKeyUsage'],
  ['quota_usage', 'how many secrets and parameters there are: only the quota reads it'],
  ['published_secret', 'of which secrets something is published: their sealed rows decide, and have it'],
  ['lambda_lease', 'which invocations are under way: it only counts them'],
  ['rotation_target', 'whose turn it is to rotate: the sealed rows say whether anything does'],
  ['call_count', 'how often calls were made, by day: only advice and its cost read it'],
  ['audit_block', 'the trail: `audit verify` finds it, audit/verify.test.ts'],
  ['audit_segment', 'the same'],
  ['audit_head', 'the same'],
  ['audit_checkpoint', 'the same'],
])
/** Columns outside the MAC of their row: when something was last used, shown as LastAccessedDate and the like and nothing more. */
const DAYS = ['accessed_day', 'used_at', 'used_service', 'used_region']

type Who = 'admin' | 'limited' | 'session'
type Callers = { readonly [who in Who]: TestCredentials }

const PROBES: readonly [who: Who, operation: string, input: object, service?: string][] = [
  ['admin', 'GetSecretValue', { SecretId: 'a' }],
  ['admin', 'GetSecretValue', { SecretId: 'a', VersionStage: 'AWSPREVIOUS' }],
  ['admin', 'GetSecretValue', { SecretId: 'b' }],
  ['admin', 'DescribeSecret', { SecretId: 'a' }],
  ['admin', 'ListSecretVersionIds', { SecretId: 'b', IncludeDeprecated: true }],
  ['admin', 'ListSecrets', { SortBy: 'name', SortOrder: 'asc' }],
  ['limited', 'GetSecretValue', { SecretId: 'a' }],
  ['limited', 'GetSecretValue', { SecretId: 'b' }],
  ['limited', 'PutSecretValue', { SecretId: 'a', SecretString: 'mine', ClientRequestToken: token() }],
  ['limited', 'ListSecrets', {}],
  ['admin', 'GetResourcePolicy', { SecretId: 'b' }],
  ['limited', 'GetSecretValue', { SecretId: 'lent' }],
  ['limited', 'GetSecretValue', { SecretId: 'a-shut' }],
  ['session', 'GetSecretValue', { SecretId: 'a' }],
  ['session', 'GetSecretValue', { SecretId: 'b' }],
  ['session', 'PutSecretValue', { SecretId: 'a', SecretString: 'mine', ClientRequestToken: token() }],
  ['limited', 'GetSecretValue', { SecretId: 'a-keyed' }],
  ['session', 'GetSecretValue', { SecretId: 'a-keyed' }],
  ['admin', 'GetParameter', { Name: '/t/a', WithDecryption: true }, 'ssm'],
  ['admin', 'GetParameter', { Name: '/t/b:1' }, 'ssm'],
  ['admin', 'GetParametersByPath', { Path: '/t' }, 'ssm'],
  ['admin', 'GetParameterHistory', { Name: '/t/b' }, 'ssm'],
  ['limited', 'GetParameter', { Name: '/t/lent' }, 'ssm'],
  ['limited', 'GetParameter', { Name: '/t/shut' }, 'ssm'],
]

const REFUSALS = [
  'InternalServiceError',
  'InternalServerError',
  'UnrecognizedClientException',
  'ResourceNotFoundException',
  'AccessDeniedException',
  'DecryptionFailure',
  'ParameterNotFound',
  'InvalidKeyId',
]

test('whatever is altered, swapped or deleted in the database, no answer is wrong and no right is wider', async (t) => {
  const server = await startTestServer(t)
  const sql = await open(t, server)
  const credentials = await fill(t, server)
  const right = await answers(server, credentials)
  assert.deepEqual(
    right.map(({ status }) => status),
    [
      ...[200, 200, 200, 200, 200, 200, 200, 400, 400, 400, 200, 200, 400, 200, 400, 400, 200, 400],
      ...[200, 200, 200, 200, 200, 400],
    ],
  )

  let tried = 0
  let refused = 0
  let audited = false
  let number = 0
  for (const { what, apply, undo } of await tamperings(sql)) {
    if (!isSampled(number++, ONE_IN)) continue
    await apply()
    const now = await answers(server, credentials)
    for (const [at, answer] of now.entries()) {
      const [who, operation, input] = PROBES[at]!
      const where = `${what}: ${who} ${operation} ${JSON.stringify(input)} answered ${JSON.stringify(answer.body).slice(0, 300)}`
      if (answer.status === 200) {
        if (operation in LISTED) assertPart(LISTED[operation]!, answer.body, right[at]!.body, where)
        else assert.deepEqual(answer, right[at], where)
      } else {
        assert.ok(REFUSALS.includes(answer.body.__type), where)
        if (answer.status === 500) refused++
      }
    }
    tried++
    if (!audited && now[0]!.status === 500 && what.startsWith('secret')) {
      audited = (await events(server, 'GetSecretValue')).some(({ errorCode }) => errorCode === 'InternalServiceError')
    }
    await undo()
    assert.deepEqual(await answers(server, credentials), right, `${what}: undone`)
  }
  t.diagnostic(`${tried} tamperings, ${refused} answers refused`)
  assert.ok(tried > 20 && refused > tried)

  const metrics = await (await fetch(`${server.url}/_strongroom/metrics`)).text()
  assert.match(metrics, /strongroom_integrity_failures_total\{table="secret"\} [1-9]/)
  assert.match(metrics, /strongroom_integrity_failures_total\{table="secret_policy"\} [1-9]/)
  assert.match(metrics, /strongroom_integrity_failures_total\{table="iam_user"\} [1-9]/)
  assert.match(metrics, /strongroom_integrity_failures_total\{table="iam_role"\} [1-9]/)
  assert.ok(audited, 'the refusals are in the trail')
})

test('a policy that a secret had before comes back to nobody, however its row does', async (t) => {
  const server = await startTestServer(t)
  const sql = await open(t, server)
  const { arn, credentials } = await createCaller(server, 'guest', [])
  await call(server, 'CreateSecret', { Name: 'a', SecretString: 'x', ClientRequestToken: token() })
  const put = (Effect: string) => {
    const statement = { Effect, Principal: { AWS: arn }, Action: 'secretsmanager:GetSecretValue', Resource: '*' }
    return call(server, 'PutResourcePolicy', { SecretId: 'a', ResourcePolicy: policyDocument(statement) })
  }
  const read = async () =>
    (await server.call('secretsmanager', 'GetSecretValue', { SecretId: 'a' }, { credentials })).body
  const columns = 'secret_arn, rev, body, mac'
  const stored = async () => (await sql.query(`SELECT ${columns} FROM secret_policy`))[0]!
  const putBack = ({ rev, body, mac }: Row) =>
    sql.query('UPDATE secret_policy SET rev = $1, body = $2, mac = $3', rev!, body!, mac!)
  await put('Allow')
  const allowing = await stored()
  assert.equal((await read()).SecretString, 'x')

  await put('Deny')
  const denying = await stored()
  assert.match((await read()).Message, /explicit deny in a resource-based policy/)
  await putBack(allowing)
  assert.equal((await read()).__type, 'InternalServiceError')
  assert.ok((await events(server, 'GetSecretValue')).some(({ errorCode }) => errorCode === 'InternalServiceError'))

  // Where a secret has none, a row that stands there is none.
  await putBack(denying)
  await call(server, 'DeleteResourcePolicy', { SecretId: 'a' })
  const { secret_arn, rev, body, mac } = allowing
  await sql.query(`INSERT INTO secret_policy (${columns}) VALUES ($1, $2, $3, $4)`, secret_arn!, rev!, body!, mac!)
  assert.match((await read()).Message, /no identity-based policy allows/)
  // And the next policy takes its place.
  await put('Deny')
  assert.match((await read()).Message, /explicit deny in a resource-based policy/)
})

test('every table is either under a MAC or listed with the reason why not', async (t) => {
  const server = await startTestServer(t)
  const sql = await open(t, server)
  for (const [table, { columns }] of await sql.tables()) {
    const sealed = columns.includes('mac') || (table === 'keyring' && columns.includes('sealed'))
    assert.ok(sealed || OUTSIDE.has(table), `${table} is under no MAC`)
  }
})

/** Secrets, a user and a session of a role who may read one of them and write neither; and a role that may do everything. */
async function fill(t: TestContext, server: TestServer): Promise<Callers> {
  for (const name of ['a', 'b', 'lent', 'a-shut']) {
    await call(server, 'CreateSecret', { Name: name, SecretString: `first of ${name}`, ClientRequestToken: token() })
    await call(server, 'PutSecretValue', {
      SecretId: name,
      SecretString: `second of ${name}`,
      ClientRequestToken: token(),
    })
  }
  const read = {
    Effect: 'Allow',
    Action: 'secretsmanager:GetSecretValue',
    Resource: ['a', 'a-shut', 'a-keyed'].map((name) => `arn:aws:secretsmanager:*:*:secret:${name}-??????`),
  }
  const { arn, credentials } = await createCaller(server, 'limited', [read])
  // One policy of a secret gives a right and one takes it away: losing or changing either must do neither. One is shown.
  for (const [SecretId, Effect, AWS] of [
    ['lent', 'Allow', arn],
    ['a-shut', 'Deny', arn],
    ['b', 'Allow', server.accountId],
  ] as const) {
    const statement = { Effect, Principal: { AWS }, Action: 'secretsmanager:GetSecretValue', Resource: '*' }
    await call(server, 'PutResourcePolicy', { SecretId, ResourcePolicy: policyDocument(statement) })
  }
  // Parameters: one of each kind of value, and two with a policy that gives a right and takes one away.
  for (const [name, more] of [
    ['a', { Type: 'SecureString' }],
    ['b', { Type: 'String' }],
    ['lent', { Type: 'String', Tier: 'Advanced' }],
    ['shut', { Type: 'SecureString', Tier: 'Advanced' }],
  ] as const) {
    const parameter = { Name: `/t/${name}`, Overwrite: true, ...more }
    for (const Value of ['first', 'second']) await server.call('ssm', 'PutParameter', { ...parameter, Value })
  }
  for (const [name, Effect] of [
    ['lent', 'Allow'],
    ['shut', 'Deny'],
  ] as const) {
    const ResourceArn = `arn:aws:ssm:${server.region}:${server.accountId}:parameter/t/${name}`
    const Policy = policyDocument({ Effect, Principal: { AWS: arn }, Action: 'ssm:GetParameter', Resource: '*' })
    await server.call('ssm', 'PutResourcePolicy', { ResourceArn, Policy })
  }
  // A secret under a customer key that only a grant lets one of them use.
  const { body: made } = await server.call('kms', 'CreateKey', {})
  const KeyId = made.KeyMetadata.KeyId
  await server.call('kms', 'CreateAlias', { AliasName: 'alias/keyed', TargetKeyId: KeyId })
  await server.call('kms', 'CreateGrant', { KeyId, GranteePrincipal: arn, Operations: ['Decrypt'] })
  await call(server, 'CreateSecret', {
    Name: 'a-keyed',
    SecretString: 'keyed',
    KmsKeyId: 'alias/keyed',
    ClientRequestToken: token(),
  })
  // A managed policy that takes rights away: losing it must not give them back.
  const document = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'secretsmanager:PutSecretValue', Resource: '*' }],
  })
  await server.app.database.transaction('write', async (tx) => {
    const now = server.app.wallNow()
    const policy = await createPolicy(server.app, tx, server.accountId, { policyName: 'no-writes', document, now })
    await attachUserPolicy(server.app, tx, server.accountId, 'limited', policy)
    // Groups that take them away too, and a boundary.
    for (const groupName of ['readers', 'writers']) {
      const group = await createGroup(server.app, tx, server.accountId, { groupName, now })
      await attachPolicy(server.app, tx, GROUP, group, policy)
      await addToGroup(server.app, tx, await readUser(server.app, tx, server.accountId, 'limited'), group)
    }
    const boundary = { arn: 'arn:aws:iam::aws:policy/SecretsManagerReadWrite' }
    const user = await readUser(server.app, tx, server.accountId, 'limited')
    await replaceBoundary(server.app, tx, USER, user, boundary)
  })
  const reader = await newRole(server, 'reader', { statements: [{ ...read, Action: 'secretsmanager:*' }] })
  await server.app.database.transaction('write', async (tx) => {
    const role = await findRow(server.app, tx, ROLE, [server.accountId, reader.roleId])
    const policy = `arn:aws:iam::${server.accountId}:policy/no-writes`
    await attachPolicy(server.app, tx, ROLE, role!, policy)
  })
  await newRole(server, 'wide', { statements: [EVERYTHING] })
  const session = await sessionOf(t, server, server.credentials, reader.arn)
  return { admin: server.credentials, limited: credentials, session }
}

type Answer = { readonly status: number; readonly body: { readonly __type: string } }

async function answers(server: TestServer, credentials: Callers): Promise<readonly Answer[]> {
  return Promise.all(
    PROBES.map(async ([who, operation, input, service = 'secretsmanager']) => {
      const { status, body } = await server.call(service, operation, input, { credentials: credentials[who] })
      return { status, body: withoutDays(body) }
    }),
  )
}

const withoutDays = (body: Answer['body']): Answer['body'] =>
  JSON.parse(JSON.stringify(body, (key, value) => (key === 'LastAccessedDate' ? undefined : value)))

/** By operation, the member that lists. */
const LISTED: { readonly [operation: string]: string } = {
  ListSecrets: 'SecretList',
  GetParametersByPath: 'Parameters',
}

/** A listing may lack what has lost its row; what it shows is right. */
function assertPart(member: string, listed: object, right: object, where: string): void {
  const [some, all] = [listed, right].map((body) => (body as { readonly [member: string]: readonly object[] })[member]!)
  for (const entry of some!)
    assert.ok(
      all!.some((known) => JSON.stringify(known) === JSON.stringify(entry)),
      where,
    )
}

type Tampering = {
  readonly what: string
  readonly apply: () => Promise<unknown>
  readonly undo: () => Promise<unknown>
}

/** Every column of two rows of every table, every pair of bodies, and every row. */
async function tamperings(sql: RawSql): Promise<readonly Tampering[]> {
  const all: Tampering[] = []
  for (const [table, { columns, key }] of await sql.tables()) {
    if (OUTSIDE.has(table)) continue
    const present = await sql.query(`SELECT * FROM ${table}`)
    const rows = present.slice(0, SOAK ? 4 : 2)
    const where = (row: Row) => ({
      text: key.map((column, at) => `${column} = $${at + 1}`).join(' AND '),
      values: key.map((column) => row[column]!),
    })
    const set = (row: Row, cells: Row): Statement => {
      const { text, values } = where(row)
      const names = Object.keys(cells)
      const assignments = names.map((name, at) => `${name} = $${key.length + at + 1}`).join(', ')
      return [`UPDATE ${table} SET ${assignments} WHERE ${text}`, ...values, ...names.map((name) => cells[name]!)]
    }
    const insert = (row: Row) =>
      sql.query(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
        ...columns.map((column) => row[column]!),
      )
    for (const row of rows) {
      for (const column of columns) {
        if (DAYS.includes(column)) continue
        for (const changed of alterations(row[column]!)) {
          const other = { ...row, [column]: changed }
          // The database itself does not take the key of another row.
          if (present.some((one) => isDeepStrictEqual(where(one), where(other)) && one !== row)) continue
          all.push({
            what: `${table}.${column} altered`,
            apply: () => sql.query(...set(row, { [column]: changed })),
            undo: () => sql.query(...set(other, { [column]: row[column]! })),
          })
        }
      }
      const { text, values } = where(row)
      all.push({
        what: `${table} row deleted`,
        apply: () => sql.query(`DELETE FROM ${table} WHERE ${text}`, ...values),
        undo: () => insert(row),
      })
    }
    const [one, two] = rows
    if (one && two && columns.includes('mac')) {
      for (const swapped of [['body'], ['mac'], ['rev', 'body', 'mac']]) {
        const cells = (row: Row) => Object.fromEntries(swapped.map((column) => [column, row[column]!]))
        all.push({
          what: `${table} ${swapped.join(', ')} swapped`,
          apply: () => sql.batch([set(one, cells(two)), set(two, cells(one))]),
          undo: () => sql.batch([set(one, cells(one)), set(two, cells(two))]),
        })
      }
    }
  }
  return all
}

function alterations(cell: Cell): readonly Cell[] {
  if (cell instanceof Uint8Array) {
    const flipped = (at: number) => cell.map((byte, index) => (index === at ? byte ^ 1 : byte))
    return [flipped(Math.floor(cell.length / 2)), flipped(cell.length - 1), cell.subarray(0, -1), new Uint8Array()]
  }
  if (typeof cell === 'string') return [`${cell}x`]
  return [Number(cell) + 1]
}

const open = (t: TestContext, { app, dataDir, databaseUrl }: TestServer): Promise<RawSql> | RawSql =>
  app.database.dialect === 'sqlite'
    ? openSqliteFile(t, join(dataDir, 'strongroom.db'))
    : openPostgresUrl(t, databaseUrl)
