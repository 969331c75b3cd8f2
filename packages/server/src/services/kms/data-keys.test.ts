// The KMS port over a real database and keyring: data keys of the AWS managed key, and everything that must be refused.

import assert from 'node:assert/strict'
import { type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { App } from '../../app.ts'
import type { Call, Identity, Principal } from '../../call.ts'
import { sealBlob } from '../../crypto/ciphertext.ts'
import { canonicalContext } from '../../crypto/encryption-context.ts'
import { IntegrityError, ServiceError } from '../../errors.ts'
import { compilePolicy } from '../../policy/compile.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { testKeyring, testStorage } from '../../seal/testing.ts'
import type { Access, Database } from '../../storage/database.ts'
import { createRows } from '../../storage/sealed.ts'
import { openTestDatabase } from '../../storage/testing.ts'
import { createKms, type KmsOptions } from './data-keys.ts'
import { openMaterial } from './material.ts'
import type { KmsAlias, KmsKey, KmsMaterial } from './model.ts'
import type { DataKey, Kms } from './port.ts'
import { createKmsRows } from './store.ts'

const ACCOUNT = '111122223333'
const context = { SecretARN: `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:db-AbCdEf`, SecretVersionId: 'v1' }
const bytesOf = (key: KeyObject): string => key.export().toString('hex')

async function setUp(t: TestContext, options: Partial<KmsOptions> = {}) {
  const database = await openTestDatabase(t)
  const keyring = testKeyring()
  const rows = createRows(keyring)
  const clock = { wall: 1_000_000 }
  const kms = inProcess(keyring, { wallNow: () => clock.wall, ...options })
  return { database, keyring, rows, kms, clock }
}

/** The port and its caches as one process has them. */
function inProcess(keyring: Keyring, options: Partial<KmsOptions> = {}): Process {
  const wallNow = options.wallNow ?? Date.now
  const all = { wallNow, randomBytes, ...options }
  const app = {
    partition: 'aws',
    rows: createRows(keyring),
    keyring,
    kmsRows: createKmsRows(wallNow),
    keyUses: { note: () => undefined, last: () => undefined },
    uuid: randomUUID,
    randomBytes: all.randomBytes,
  } as unknown as App
  return { ...createKms(all), app }
}

type Process = Kms & { readonly app: App }

type Caller = { access?: Access; account?: string; region?: string; policy?: object; app?: App }

/** Runs work as one call of a user of the account. */
const asCaller = <T>(
  database: Database,
  work: (call: Call) => Promise<T>,
  { access = 'write', account = ACCOUNT, region = 'us-east-1', policy, app }: Caller = {},
): Promise<T> =>
  database.transaction(access, (tx) => {
    const arn = `arn:aws:iam::${account}:user/u`
    const identity: Identity = { accessKeyId: 'AKIA', account, kind: 'user', userId: 'AIDA', arn }
    const policies =
      policy === undefined ? [] : [{ name: 'own', policy: compilePolicy(JSON.stringify(policy), 'identity') }]
    const principal: Principal = { ...identity, identity, policies, tags: {} }
    const decide: Call['decide'] = (permission) =>
      evaluate({ principal, permission, context: () => ({}), layers: { identity: policies } })
    return work({ app, tx, now: 5, partition: 'aws', region, account, identity, principal, decide } as Call)
  })

const generate = (database: Database, kms: Process, keyId?: string, caller = {}): Promise<DataKey> =>
  asCaller(database, (call) => kms.generateDataKey(call, 'secretsmanager', keyId, context), { app: kms.app, ...caller })

const decrypt = (
  database: Database,
  kms: Process,
  blob: Uint8Array,
  caller = {},
  given: Record<string, string> = context,
) =>
  asCaller(database, (call) => kms.decryptDataKey(call, 'secretsmanager', blob, given), {
    access: 'read',
    app: kms.app,
    ...caller,
  })

const answers = (code: string, message: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof ServiceError, String(error))
  assert.deepEqual([error.code, error.status, error.messageKey], [code, 400, 'message'])
  if (typeof message === 'string') assert.equal(error.message, message)
  else assert.match(error.message, message)
  return true
}

/** Changes the managed key's row as an operation of KMS would. */
async function changeKey(database: Database, rows: ReturnType<typeof createRows>, change: Partial<KmsKey>) {
  await database.transaction('write', async (tx) => {
    const row = await tx.get<{ key_id: string; rev: number; body: Uint8Array; mac: Uint8Array }>(
      'SELECT * FROM kms_key',
    )
    const primary = [ACCOUNT, 'us-east-1', row!.key_id]
    const next = { ...rows.open<KmsKey>('kms_key', primary, row!), ...change }
    const { rev, body, mac } = rows.seal('kms_key', primary, row!.rev + 1, next)
    await tx.run('UPDATE kms_key SET rev = $1, body = $2, mac = $3 WHERE key_id = $4', rev, body, mac, row!.key_id)
  })
}

test('a data key comes back, with its cache, without it, and in another process', async (t) => {
  const { database, kms, keyring } = await setUp(t)
  const made = await generate(database, kms)
  assert.equal(made.key.symmetricKeySize, 32)
  assert.equal(made.ciphertextBlob.length, 144)
  assert.match(made.keyArn, /^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/)

  const other = inProcess(keyring, { dataKeyCache: false })
  for (const reader of [kms, kms, other, other])
    assert.equal(bytesOf(await decrypt(database, reader, made.ciphertextBlob)), bytesOf(made.key))
  assert.notEqual(bytesOf((await generate(database, kms)).key), bytesOf(made.key))
})

test('the managed key is made once for each account and region, with the alias and policy that AWS gives it', async (t) => {
  const { database, kms, rows } = await setUp(t)
  const arns = new Set<string>()
  for (const caller of [{}, {}, { region: 'eu-west-1' }, { account: '444455556666' }])
    arns.add((await generate(database, kms, undefined, caller)).keyArn)
  assert.equal(arns.size, 3)

  const { keys, aliases } = await database.transaction('read', async (tx) => ({
    keys: await tx.all<{
      account_id: string
      region: string
      key_id: string
      rev: number
      body: Uint8Array
      mac: Uint8Array
    }>('SELECT * FROM kms_key'),
    aliases: await tx.all<{
      account_id: string
      region: string
      alias_name: string
      rev: number
      body: Uint8Array
      mac: Uint8Array
    }>('SELECT * FROM kms_alias'),
  }))
  assert.equal(keys.length, 3)
  const alias = aliases.find((row) => row.account_id === ACCOUNT && row.region === 'us-east-1')!
  const { targetKeyId } = rows.open<KmsAlias>('kms_alias', [ACCOUNT, 'us-east-1', 'alias/aws/secretsmanager'], alias)
  const key = rows.open<KmsKey>(
    'kms_key',
    [ACCOUNT, 'us-east-1', targetKeyId],
    keys.find((row) => row.key_id === targetKeyId)!,
  )
  assert.equal(key.keyState, 'Enabled')
  assert.equal(key.keyManager, 'AWS')
  assert.equal(key.createdAt, 5)
  const policy = JSON.parse(key.policy)
  assert.equal(policy.Id, 'auto-secretsmanager-1')
  assert.deepEqual(policy.Statement[0].Principal, { AWS: '*' })
  assert.deepEqual(policy.Statement[0].Condition, {
    StringEquals: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com', 'kms:CallerAccount': ACCOUNT },
  })
  assert.deepEqual(policy.Statement[1].Principal, { AWS: `arn:aws:iam::${ACCOUNT}:root` })
})

test('first uses at once, in one process and in two, end with one key', async (t) => {
  const { open } = await testStorage(t)
  const keyring = testKeyring()
  const processes = await Promise.all(
    [0, 1].map(async () => {
      const database = await open()
      const kms = inProcess(keyring)
      return { database, kms }
    }),
  )
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, n) => generate(processes[n % 2]!.database, processes[n % 2]!.kms)),
  )
  assert.equal(new Set(made.map(({ keyArn }) => keyArn)).size, 1)
  for (const { database, kms } of processes)
    for (const { key, ciphertextBlob } of made)
      assert.equal(bytesOf(await decrypt(database, kms, ciphertextBlob)), bytesOf(key))
})

test('a first use that is rolled back leaves nothing, and the next one works', async (t) => {
  const { database, kms } = await setUp(t)
  await assert.rejects(
    asCaller(
      database,
      async (call) => {
        await kms.generateDataKey(call, 'secretsmanager', undefined, context)
        throw new Error('rolled back')
      },
      kms,
    ),
    /rolled back/,
  )
  const count = await database.transaction('read', (tx) =>
    tx.get<{ n: number }>(
      'SELECT (SELECT count(*) FROM kms_key) + (SELECT count(*) FROM kms_alias) + (SELECT count(*) FROM kms_material) AS n',
    ),
  )
  assert.equal(count?.n, 0)
  const made = await generate(database, kms)
  assert.equal(bytesOf(await decrypt(database, kms, made.ciphertextBlob)), bytesOf(made.key))
})

test('all four forms name the managed key', async (t) => {
  const { database, kms } = await setUp(t)
  const { keyArn } = await generate(database, kms, 'alias/aws/secretsmanager') // makes it
  for (const keyId of [
    keyArn,
    keyArn.split('/')[1],
    'alias/aws/secretsmanager',
    `arn:aws:kms:us-east-1:${ACCOUNT}:alias/aws/secretsmanager`,
    undefined,
  ])
    assert.equal((await generate(database, kms, keyId)).keyArn, keyArn)
})

test('keys and aliases that do not exist are refused in the words of KMS', async (t) => {
  const { database, kms } = await setUp(t)
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab'
  const arn = `arn:aws:kms:us-east-1:${ACCOUNT}:key/${id}`
  const alias = `arn:aws:kms:us-east-1:${ACCOUNT}:alias/mine`
  const denied = `User: arn:aws:iam::${ACCOUNT}:user/u is not authorized to perform: kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`
  const cases: readonly (readonly [string, string, string])[] = [
    [id, 'NotFoundException', `Key '${arn}' does not exist`],
    [arn, 'NotFoundException', `Key '${arn}' does not exist`],
    [
      `mrk-${'0'.repeat(32)}`,
      'NotFoundException',
      `Key 'arn:aws:kms:us-east-1:${ACCOUNT}:key/mrk-${'0'.repeat(32)}' does not exist`,
    ],
    ['alias/mine', 'NotFoundException', `Alias ${alias} is not found.`],
    [alias, 'NotFoundException', `Alias ${alias} is not found.`],
    ['alias/aws/ssm', 'NotFoundException', `Alias arn:aws:kms:us-east-1:${ACCOUNT}:alias/aws/ssm is not found.`],
    ['mine', 'NotFoundException', "Invalid keyId 'mine'"],
    ['', 'NotFoundException', "Invalid keyId ''"],
    ['arn:aws:iam::111122223333:user/u', 'NotFoundException', "Invalid keyId 'arn:aws:iam::111122223333:user/u'"],
    [`arn:aws:kms:eu-west-1:${ACCOUNT}:key/${id}`, 'NotFoundException', 'Invalid arn eu-west-1'],
    [`arn:aws:kms:us-east-1:444455556666:key/${id}`, 'AccessDeniedException', denied],
    ['arn:aws:kms:us-east-1:444455556666:alias/aws/secretsmanager', 'AccessDeniedException', denied],
  ]
  for (const [keyId, code, message] of cases)
    await assert.rejects(generate(database, kms, keyId), answers(code, message))
})

test('another account’s existing key and one that does not exist are refused alike', async (t) => {
  const { database, kms } = await setUp(t)
  const { keyArn } = await generate(database, kms, undefined, { account: '444455556666' })
  const refusal = async (keyId: string) => {
    const error = await generate(database, kms, keyId).catch((thrown: ServiceError) => thrown)
    return error instanceof ServiceError ? [error.code, error.message] : 'no refusal'
  }
  assert.deepEqual(await refusal(keyArn), await refusal(keyArn.replace(/[0-9a-f]{8}$/, '00000000')))
})

test('a blob opens in no other account, region, context or service, cached or not', async (t) => {
  const { database, kms } = await setUp(t)
  const { ciphertextBlob } = await generate(database, kms)
  await generate(database, kms, undefined, { account: '444455556666' })
  for (let round = 0; round < 2; round++) {
    const refused = (caller: object, given: Record<string, string>, code: string, message: string | RegExp) =>
      assert.rejects(decrypt(database, kms, ciphertextBlob, caller, given), answers(code, message))
    await refused({ account: '444455556666' }, context, 'AccessDeniedException', /^The ciphertext refers to/)
    await refused({ region: 'eu-west-1' }, context, 'InvalidCiphertextException', '')
    for (const wrong of [
      {},
      { ...context, SecretVersionId: 'v2' },
      { ...context, more: '' },
      { SecretARN: context.SecretARN },
    ])
      await refused({}, wrong as Record<string, string>, 'InvalidCiphertextException', '')
    await assert.rejects(
      asCaller(database, (call) => kms.decryptDataKey(call, 'ssm', ciphertextBlob, context), kms),
      answers('AccessDeniedException', /kms:Decrypt/),
    )
    await decrypt(database, kms, ciphertextBlob) // now it is cached
  }
  // The order of the pairs is nothing that a cache may depend on.
  await decrypt(database, kms, ciphertextBlob, {}, { SecretVersionId: 'v1', SecretARN: context.SecretARN })
})

test('the caller needs no permission of KMS for the managed key, but may be denied it', async (t) => {
  const { database, kms } = await setUp(t)
  const { ciphertextBlob, keyArn } = await generate(database, kms)
  await decrypt(database, kms, ciphertextBlob)
  const deny = (Action: string, Resource: string) => ({
    policy: { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action, Resource }] },
  })
  for (const caller of [deny('kms:*', '*'), deny('kms:Decrypt', keyArn)])
    await assert.rejects(
      decrypt(database, kms, ciphertextBlob, caller),
      answers(
        'AccessDeniedException',
        `User: arn:aws:iam::${ACCOUNT}:user/u is not authorized to perform: kms:Decrypt on resource: ${keyArn} with an explicit deny in an identity-based policy`,
      ),
    )
  await assert.rejects(
    generate(database, kms, undefined, deny('kms:Generate*', '*')),
    answers('AccessDeniedException', /explicit deny/),
  )
  await decrypt(database, kms, ciphertextBlob, deny('kms:Decrypt', keyArn.replace(/..$/, 'zz')))
  await decrypt(database, kms, ciphertextBlob, deny('kms:Encrypt', '*'))
})

test('alias/aws/ssm is a managed key too, of its own service alone', async (t) => {
  const { database, kms } = await setUp(t)
  const through = (service: string, keyId?: string) =>
    asCaller(database, (call) => kms.generateDataKey(call, service, keyId, context), kms)
  const own = await through('ssm')
  assert.notEqual(own.keyArn, (await through('secretsmanager')).keyArn)
  assert.equal((await through('ssm', 'alias/aws/ssm')).keyArn, own.keyArn)
  const opened = await asCaller(database, (call) => kms.decryptDataKey(call, 'ssm', own.ciphertextBlob, context), kms)
  assert.equal(bytesOf(opened), bytesOf(own.key))
  for (const keyId of ['alias/aws/ssm', own.keyArn])
    await assert.rejects(through('secretsmanager', keyId), answers('AccessDeniedException', /kms:GenerateDataKey/))
  await assert.rejects(through('lambda'), answers('NotFoundException', /alias\/aws\/lambda is not found/))
})

test('every altered byte of a blob ends with the same answer', async (t) => {
  const { database, kms } = await setUp(t)
  const { ciphertextBlob } = await generate(database, kms)
  await decrypt(database, kms, ciphertextBlob)
  for (let at = 0; at < ciphertextBlob.length; at++) {
    const altered = Buffer.from(ciphertextBlob)
    altered[at]! ^= 0x80
    await assert.rejects(decrypt(database, kms, altered), answers('InvalidCiphertextException', ''))
  }
  for (const blob of [Buffer.alloc(0), ciphertextBlob.subarray(0, 143), Buffer.alloc(7000)])
    await assert.rejects(decrypt(database, kms, blob), answers('InvalidCiphertextException', ''))
})

test('a blob that holds something other than a data key is none', async (t) => {
  const { database, kms, keyring, rows } = await setUp(t)
  await generate(database, kms)
  const material = await database.transaction('read', async (tx) => {
    const row = await tx.get<{ material_id: string; rev: number; body: Uint8Array; mac: Uint8Array }>(
      'SELECT * FROM kms_material',
    )
    return rows.open<KmsMaterial>('kms_material', [row!.material_id, 'us-east-1'], row!)
  })
  const blob = sealBlob(
    openMaterial(keyring, material),
    Buffer.from(material.materialId, 'hex'),
    Buffer.from('short'),
    canonicalContext(context),
  )
  await assert.rejects(decrypt(database, kms, blob), answers('InvalidCiphertextException', ''))
})

test('a disabled key stops at once, however warm the caches are', async (t) => {
  const { database, kms, rows } = await setUp(t)
  const { ciphertextBlob, key, keyArn } = await generate(database, kms)
  await decrypt(database, kms, ciphertextBlob)
  await decrypt(database, kms, ciphertextBlob)

  await changeKey(database, rows, { keyState: 'Disabled' })
  await assert.rejects(decrypt(database, kms, ciphertextBlob), answers('DisabledException', `${keyArn} is disabled.`))
  await assert.rejects(generate(database, kms), answers('DisabledException', `${keyArn} is disabled.`))
  await changeKey(database, rows, { keyState: 'PendingDeletion' })
  await assert.rejects(
    decrypt(database, kms, ciphertextBlob),
    answers('KMSInvalidStateException', `${keyArn} is pending deletion.`),
  )
  await changeKey(database, rows, { keyState: 'Enabled' })
  assert.equal(bytesOf(await decrypt(database, kms, ciphertextBlob)), bytesOf(key))
})

test('a data key stays in memory for a minute and no longer, and not at all where that is switched off', async (t) => {
  for (const dataKeyCache of [true, false]) {
    const { database, kms, clock } = await setUp(t, { dataKeyCache })
    const { ciphertextBlob } = await generate(database, kms)
    const first = await decrypt(database, kms, ciphertextBlob)
    const remembered = async () => (await decrypt(database, kms, ciphertextBlob)) === first
    clock.wall += 59_999
    assert.equal(await remembered(), dataKeyCache)
    clock.wall += 1
    assert.equal(await remembered(), false)
  }
})

test('a few bytes are encrypted and opened as the caller, and what was altered opens nothing, also under a key that is remembered', async (t) => {
  for (const dataKeyCache of [true, false]) {
    const { database, kms } = await setUp(t, { dataKeyCache })
    const asSsm = <T>(work: (call: Call) => Promise<T>, caller: Caller = {}) =>
      asCaller(database, work, { app: kms.app, ...caller })
    const { ciphertextBlob, keyArn } = await asSsm((call) =>
      kms.encrypt(call, 'ssm', undefined, Buffer.from('text'), context),
    )
    assert.match(keyArn, /^arn:aws:kms:us-east-1:111122223333:key\//)
    const open = (blob: Uint8Array, given: Record<string, string> = context, caller?: Caller) =>
      asSsm(async (call) => (await kms.findMessage(call, 'ssm', blob, given))(call)!, caller)
    for (let times = 0; times < 2; times++) assert.equal(String(await open(ciphertextBlob)), 'text')
    for (let at = 0; at < ciphertextBlob.length; at += 3) {
      const altered = Uint8Array.from(ciphertextBlob)
      altered[at]! ^= 1
      await assert.rejects(open(altered), { code: 'InvalidCiphertextException' }, `byte ${at}`)
    }
    for (const blob of [ciphertextBlob.subarray(0, 95), ciphertextBlob.subarray(0, -1), new Uint8Array()]) {
      await assert.rejects(open(blob), { code: 'InvalidCiphertextException' })
    }
    await assert.rejects(open(ciphertextBlob, { ...context, SecretVersionId: 'v2' }), {
      code: 'InvalidCiphertextException',
    })
    const policy = { Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' } }
    await assert.rejects(open(ciphertextBlob, context, { policy }), { code: 'AccessDeniedException' })
    assert.equal(String(await open(ciphertextBlob)), 'text')
  }
})

test('material moved to another row or altered by SQL is refused', async (t) => {
  const { database, kms, keyring } = await setUp(t)
  const { ciphertextBlob } = await generate(database, kms)
  await generate(database, kms, undefined, { account: '444455556666' })
  const fresh = () => inProcess(keyring)
  await decrypt(database, fresh(), ciphertextBlob)
  const sql = (text: string) => database.transaction('write', (tx) => tx.run(text))

  await sql(
    `UPDATE kms_material SET (body, mac) = (SELECT body, mac FROM kms_material WHERE account_id = '444455556666')`,
  )
  await assert.rejects(decrypt(database, kms, ciphertextBlob), IntegrityError)
  await assert.rejects(decrypt(database, fresh(), ciphertextBlob), IntegrityError)
  await assert.rejects(generate(database, fresh()), IntegrityError)
})

test('a key row deleted by SQL is an integrity failure, not another first use', async (t) => {
  const { database, kms } = await setUp(t)
  const { ciphertextBlob } = await generate(database, kms)
  await database.transaction('write', (tx) => tx.run('DELETE FROM kms_key'))
  await assert.rejects(generate(database, kms), IntegrityError)
  await assert.rejects(decrypt(database, kms, ciphertextBlob), IntegrityError)
})

test('nothing in the database is a key in the clear', async (t) => {
  const drawn: Buffer[] = []
  const { database, kms } = await setUp(t, {
    randomBytes: (size) => {
      const bytes = randomBytes(size)
      drawn.push(Buffer.from(bytes))
      return bytes
    },
  })
  const { key } = await generate(database, kms)
  const secrets = [key.export(), ...drawn]
  assert.ok(secrets.length >= 3)
  for (const table of ['kms_key', 'kms_alias', 'kms_material']) {
    const found = await database.transaction('read', (tx) => tx.all<{ body: Uint8Array }>(`SELECT body FROM ${table}`))
    for (const { body } of found) {
      for (const secret of secrets) {
        assert.ok(!Buffer.from(body).includes(secret))
        assert.ok(!Buffer.from(body).toString().includes(secret.toString('base64').slice(0, 40)))
        assert.ok(!Buffer.from(body).toString().includes(secret.toString('hex')))
      }
    }
  }
})
