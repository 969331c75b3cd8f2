// ListSecretVersionIds through the server.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  type ListSecretVersionIdsRequest,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'

/** A secret with five versions: the last is current, the one before previous, and of the others the second has a label of its own. */
async function start(t: TestContext) {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const { ARN: arn } = await client.send(new CreateSecretCommand({ Name: 'db' }))
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    await server.clock.advance(1_000)
    const VersionStages = n === 1 ? ['AWSCURRENT', 'green'] : undefined
    const put = await client.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: `v${n}`, VersionStages }))
    ids.push(put.VersionId as string)
  }
  const list = (input: Partial<ListSecretVersionIdsRequest> = {}) =>
    client.send(new ListSecretVersionIdsCommand({ SecretId: 'db', ...input }))
  return { server, client, arn, ids, list }
}

test('versions with labels are listed, newest first; the others where they are asked for', async (t) => {
  const { arn, ids, list } = await start(t)
  const labelled = await list()
  assert.equal(labelled.ARN, arn)
  assert.equal(labelled.Name, 'db')
  assert.deepEqual(
    labelled.Versions?.map(({ VersionId, VersionStages }) => [VersionId, VersionStages]),
    [
      [ids[4], ['AWSCURRENT']],
      [ids[3], ['AWSPREVIOUS']],
      [ids[1], ['green']],
    ],
  )
  const all = await list({ IncludeDeprecated: true })
  assert.deepEqual(
    all.Versions?.map(({ VersionId }) => VersionId),
    [...ids].reverse(),
  )
  assert.equal(all.Versions?.[4]?.VersionStages, undefined)
  const dates = all.Versions!.map(({ CreatedDate }) => CreatedDate!.getTime())
  assert.deepEqual(
    dates,
    dates.toSorted((a, b) => b - a),
  )
  for (const { KmsKeyIds } of all.Versions!) assert.deepEqual(KmsKeyIds, ['DefaultEncryptionKey'])
})

test('pages of any size make up the whole list', async (t) => {
  const { ids, list } = await start(t)
  for (const MaxResults of [1, 2, 5, 100]) {
    const found: (string | undefined)[] = []
    let NextToken: string | undefined
    do {
      const page = await list({ IncludeDeprecated: true, MaxResults, NextToken })
      assert.ok(page.Versions!.length > 0 && page.Versions!.length <= MaxResults)
      found.push(...page.Versions!.map(({ VersionId }) => VersionId))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    assert.deepEqual(found, [...ids].reverse(), String(MaxResults))
  }
})

test('a token belongs to one secret and cannot be made up', async (t) => {
  const { client, list } = await start(t)
  const { NextToken } = await list({ MaxResults: 1 })
  await client.send(new CreateSecretCommand({ Name: 'other', SecretString: 'x' }))
  for (const [SecretId, token] of [
    ['other', NextToken],
    ['db', 'x'],
    ['db', `${NextToken}AA`],
  ] as const) {
    await assert.rejects(client.send(new ListSecretVersionIdsCommand({ SecretId, NextToken: token })), {
      name: 'InvalidNextTokenException',
      message: `Invalid token: ${token}`,
    })
  }
})

test('the day on which a version was last read is told, and only of that version', async (t) => {
  const { server, client, ids, list } = await start(t)
  await client.send(new GetSecretValueCommand({ SecretId: 'db', VersionId: ids[3] as string }))
  const midnight = new Date(server.app.now()).setUTCHours(0, 0, 0, 0)
  for (const flushed of [false, true]) {
    if (flushed) await server.app.accesses.flush()
    const { Versions } = await list()
    assert.deepEqual(
      Versions?.map(({ LastAccessedDate }) => LastAccessedDate?.getTime()),
      [undefined, midnight, undefined],
    )
  }
})

test('a secret without versions lists none, and one that does not exist is not found', async (t) => {
  const { client } = await start(t)
  await client.send(new CreateSecretCommand({ Name: 'empty' }))
  const { Versions } = await client.send(new ListSecretVersionIdsCommand({ SecretId: 'empty' }))
  assert.deepEqual(Versions, [])
  await assert.rejects(client.send(new ListSecretVersionIdsCommand({ SecretId: 'no' })), {
    name: 'ResourceNotFoundException',
  })
  for (const MaxResults of [0, 101]) {
    await assert.rejects(client.send(new ListSecretVersionIdsCommand({ SecretId: 'empty', MaxResults })), {
      name: 'ValidationException',
    })
  }
})
