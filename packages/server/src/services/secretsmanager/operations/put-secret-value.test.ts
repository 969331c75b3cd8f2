// PutSecretValue through the real server: labels, retries, placeholders, pruning, concurrency and every refusal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { findSecret, updateSecret } from '../store.ts'
import { assertRefused, call, labels, token, versions } from '../testing.ts'

test('PutSecretValue', async (t) => {
  const server = await startTestServer(t)
  const create = async (name: string) => {
    const id = token(`${name}-1`)
    const { ARN } = await call(server, 'CreateSecret', { Name: name, ClientRequestToken: id, SecretString: '1' })
    return { ARN, id }
  }
  const put = (SecretId: string, id: string, input: object = {}) =>
    call(server, 'PutSecretValue', { SecretId, ClientRequestToken: id, SecretString: id, ...input })

  await t.test('makes its version current and the former one previous', async () => {
    const { ARN, id: one } = await create('moves')
    const [two, three] = [token('two'), token('three')]
    assert.deepEqual(await put('moves', two), {
      ARN,
      Name: 'moves',
      VersionId: two,
      VersionStages: ['AWSCURRENT'],
    })
    assert.deepEqual(await labels(server, 'moves'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
    await put('moves', three)
    assert.deepEqual(await labels(server, 'moves'), { [two]: ['AWSPREVIOUS'], [three]: ['AWSCURRENT'] })
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'moves', VersionId: one })).SecretString, '1')
  })

  await t.test(
    'leaves AWSCURRENT and AWSPREVIOUS alone where other labels are asked for, and takes those',
    async () => {
      const { id: one } = await create('custom')
      const [two, three] = [token('two'), token('three')]
      await put('custom', two, { VersionStages: ['green', 'AWSPENDING'] })
      const answer = await put('custom', three, { VersionStages: ['green'] })
      assert.deepEqual(answer.VersionStages, ['green'])
      assert.deepEqual(await labels(server, 'custom'), {
        [one]: ['AWSCURRENT'],
        [two]: ['AWSPENDING'],
        [three]: ['green'],
      })
    },
  )

  await t.test('makes the first version current whatever labels are asked for', async () => {
    await call(server, 'CreateSecret', { Name: 'first' })
    const id = token('first')
    await put('first', id, { VersionStages: ['blue'] })
    assert.deepEqual(await labels(server, 'first'), { [id]: ['AWSCURRENT', 'blue'] })
  })

  await t.test('ignores a retry, and does not move the labels back', async () => {
    const { id: one } = await create('retry')
    const [two, three] = [token('two'), token('three')]
    const first = await put('retry', two)
    await put('retry', three)
    const before = await call(server, 'DescribeSecret', { SecretId: 'retry' })
    assert.deepEqual(await put('retry', two), { ...first, VersionStages: ['AWSPREVIOUS'] })
    assert.deepEqual((await put('retry', one, { SecretString: '1', VersionStages: ['x'] })).VersionStages, [])
    assert.deepEqual(await call(server, 'DescribeSecret', { SecretId: 'retry' }), before)
  })

  await t.test('refuses a token that has another value', async () => {
    const { ARN, id } = await create('reused')
    const message = `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${ARN}.`
    for (const value of [{ SecretString: '2' }, { SecretString: '11' }, { SecretBinary: 'MQ==' }]) {
      const input = { SecretId: 'reused', ClientRequestToken: id, ...value }
      await assertRefused(server, 'PutSecretValue', input, 'ResourceExistsException', message)
    }
  })

  await t.test(
    'fills a version that waits for its value; a RotationToken without a rotation is taken no notice of',
    async () => {
      const { id: one } = await create('rotating')
      const pending = token('pending')
      await server.app.database.transaction('write', async (tx) => {
        const store = { app: server.app, tx }
        const stored = await findSecret(store, server.accountId, server.region, 'rotating')
        const placeholder = { id: pending, stages: ['AWSPENDING'], createdAt: server.app.now() }
        const versions = [...stored!.secret.versions, placeholder]
        await updateSecret(store, stored!, { ...stored!.secret, versions })
      })
      assert.deepEqual(await labels(server, 'rotating'), { [one]: ['AWSCURRENT'], [pending]: ['AWSPENDING'] })
      await assertRefused(
        server,
        'GetSecretValue',
        { SecretId: 'rotating', VersionId: pending, VersionStage: 'AWSPENDING' },
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for VersionId: ${pending}`,
      )
      await put('rotating', pending, { VersionStages: ['AWSPENDING'], RotationToken: token() })
      assert.deepEqual(await labels(server, 'rotating'), { [one]: ['AWSCURRENT'], [pending]: ['AWSPENDING'] })
      const read = await call(server, 'GetSecretValue', { SecretId: 'rotating', VersionStage: 'AWSPENDING' })
      assert.equal(read.SecretString, pending)
      await put('rotating', token(), { RotationToken: token() })
    },
  )

  await t.test('refuses what the rules of values, tokens and labels forbid', async () => {
    await create('refused')
    const many = (count: number) => Array.from({ length: count }, (_, index) => `label-${index}`)
    for (const [input, code, message] of [
      [{ SecretString: null }, 'InvalidRequestException', 'You must provide either SecretString or SecretBinary.'],
      [
        { SecretBinary: 'MQ==' },
        'InvalidParameterException',
        "You can't specify both a binary secret value and a string secret value in the same secret.",
      ],
      [
        { ClientRequestToken: null },
        'InvalidRequestException',
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      ],
      [
        { VersionStages: many(20) },
        'LimitExceededException',
        'A secret can have at most 20 staging labels across all its versions.',
      ],
      [
        { VersionStages: [] },
        'ValidationException',
        "1 validation error detected: Value '[]' at 'versionStages' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
      [{ SecretId: 'none' }, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret."],
    ] as const) {
      const whole = { SecretId: 'refused', ClientRequestToken: token(), SecretString: 'x', ...input }
      await assertRefused(server, 'PutSecretValue', whole, code, message)
    }
    assert.equal(Object.keys(await labels(server, 'refused')).length, 1)
    await put('refused', token(), { VersionStages: many(19) })
  })

  await t.test(
    'takes tokens and labels of any characters, but for a NUL in a token, which no database keeps',
    async () => {
      await create('odd')
      const odd = { id: 'é😀'.repeat(16), stages: ['a\0b', '__proto__', 'ünï😀', ' '] }
      await put('odd', odd.id, { VersionStages: odd.stages })
      assert.deepEqual((await labels(server, 'odd'))[odd.id], odd.stages.sort())
      const byLabel = { SecretId: 'odd', VersionId: odd.id, VersionStage: 'a\0b' }
      assert.equal((await call(server, 'GetSecretValue', byLabel)).SecretString, odd.id)
      await put('odd', '__proto__'.padEnd(32, '_'))
      await assertRefused(
        server,
        'PutSecretValue',
        { SecretId: 'odd', ClientRequestToken: `${token()}\0`, SecretString: 'x' },
        'InvalidParameterException',
        'The ClientRequestToken contains characters that are not valid text.',
      )
    },
  )

  await t.test('changes LastChangedDate', async () => {
    await create('dated')
    const before = await call(server, 'DescribeSecret', { SecretId: 'dated' })
    server.clock.advance(2_500)
    await put('dated', token())
    const after = await call(server, 'DescribeSecret', { SecretId: 'dated' })
    assert.ok(after.LastChangedDate - before.LastChangedDate >= 2.5)
    assert.equal(after.CreatedDate, before.CreatedDate)
  })

  await t.test('gives every one of many concurrent calls a version of its own, and one is current', async () => {
    await create('raced')
    const ids = Array.from({ length: 10 }, () => token())
    await Promise.all(ids.map((id) => put('raced', id)))
    const held = Object.values(await labels(server, 'raced')).flat()
    assert.deepEqual(held.sort(), ['AWSCURRENT', 'AWSPREVIOUS'])
    for (const id of ids) {
      assert.equal((await call(server, 'GetSecretValue', { SecretId: 'raced', VersionId: id })).SecretString, id)
    }
  })
})

test('PutSecretValue prunes versions without labels that are older than a day', async (t) => {
  const server = await startTestServer(t)
  Object.assign(server.app.limits, { versionsPerSecret: 4 })
  const ids = Array.from({ length: 6 }, (_, index) => token(`v${index}`))
  const put = (index: number) => ({ SecretId: 'p', ClientRequestToken: ids[index], SecretString: `${index}` })
  const listed = async () => (await versions(server, 'p')).map((version) => version.VersionId).sort()
  await call(server, 'CreateSecret', { Name: 'p', ClientRequestToken: ids[0], SecretString: '0' })
  for (const index of [1, 2, 3]) await call(server, 'PutSecretValue', put(index))
  await assertRefused(
    server,
    'PutSecretValue',
    put(4),
    'LimitExceededException',
    'The secret has reached the quota of 4 versions, and none is both without staging labels and older than 24 hours.',
  )
  assert.deepEqual(await listed(), ids.slice(0, 4))

  server.clock.advance(86_400_001)
  await call(server, 'PutSecretValue', put(4))
  assert.deepEqual(await listed(), ids.slice(1, 5))
  await assertRefused(
    server,
    'GetSecretValue',
    { SecretId: 'p', VersionId: ids[0] },
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for VersionId: ${ids[0]}`,
  )
  const rows = await server.app.database.transaction('read', (tx) => tx.all('SELECT version_id FROM secret_version'))
  assert.equal(rows.length, 4)
})
