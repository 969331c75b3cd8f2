// RemoveReplica through the server: it removes the replica of that primary only, and none that is newer than it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { ask, copyOf } from '../testing-replicas.ts'

test('a replica is removed once, by whom it may, and not by a removal that comes late', async (t) => {
  const server = await startTestServer(t)
  const { PrimaryArn } = copyOf(server, 5, 'x')
  await ask(server, 'put', copyOf(server, 5, 'x'))
  const nobody = await createCaller(server, 'nobody', [
    { Effect: 'Allow', Action: 'strongroom:PutReplica', Resource: '*' },
  ])
  const refused = await ask(server, 'remove', { PrimaryArn, Revision: 9 }, nobody.credentials)
  assert.equal(refused.body.__type, 'AccessDeniedException')
  const remove = async (input: object) => (await ask(server, 'remove', { PrimaryArn, ...input })).body
  assert.deepEqual(await remove({ Revision: 4 }), { Removed: false })
  const other = { PrimaryArn: PrimaryArn.replace('AbCdEf', 'XXXXXX'), Revision: 9 }
  assert.deepEqual(await remove(other), { Removed: false })
  assert.deepEqual(await remove({ Revision: 6 }), { Removed: true })
  assert.deepEqual(await remove({ Revision: 6 }), { Removed: false })

  await server.call('secretsmanager', 'CreateSecret', { Name: 'db' })
  assert.deepEqual(await remove({ Revision: 9 }), { Removed: false })
  assert.equal((await server.call('secretsmanager', 'DescribeSecret', { SecretId: 'db' })).status, 200)
})
