// A secret that a service owns is that service's to change: everybody may read it, nobody may change or delete it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { findSecret, updateSecret } from './store.ts'
import { assertRefused, call, token } from './testing.ts'

test('a secret of a service can be read and tagged, and neither changed nor deleted', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId, region } = server
  const { VersionId } = await call(server, 'CreateSecret', {
    Name: 'owned',
    ClientRequestToken: token(),
    SecretString: 'x',
  })
  // What a service would do: no operation of a caller can.
  await app.database.transaction('write', async (tx) => {
    const stored = await findSecret({ app, tx }, accountId, region, 'owned')
    await updateSecret({ app, tx }, stored!, { ...stored!.secret, owningService: 'rds' })
  })

  const SecretId = 'owned'
  for (const [operation, input] of [
    ['PutSecretValue', { ClientRequestToken: token(), SecretString: 'y' }],
    ['UpdateSecret', { Description: 'y' }],
    ['UpdateSecretVersionStage', { VersionStage: 'green', MoveToVersionId: VersionId }],
    ['DeleteSecret', {}],
    ['DeleteSecret', { ForceDeleteWithoutRecovery: true }],
  ] as const) {
    const message = "You can't perform this operation on secret managed by rds."
    await assertRefused(server, operation, { SecretId, ...input }, 'InvalidRequestException', message)
  }
  assert.equal((await call(server, 'GetSecretValue', { SecretId })).SecretString, 'x')
  assert.equal((await call(server, 'DescribeSecret', { SecretId })).OwningService, 'rds')
  await call(server, 'TagResource', { SecretId, Tags: [{ Key: 'a', Value: 'b' }] })
  const byTag = { Key: 'tag-key', Values: ['aws:secretsmanager:owningService'] }
  for (const filter of [{ Key: 'owning-service', Values: ['rds'] }, byTag]) {
    const { SecretList } = await call(server, 'ListSecrets', { Filters: [filter] })
    assert.equal(SecretList.length, 1)
  }
})
