// AddTagsToResource, RemoveTagsFromResource and ListTagsForResource.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { call, outcome, put, read } from '../testing.ts'

test('tags are attached, replaced and taken off, up to fifty', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/t', 'x', { Tags: [{ Key: 'a', Value: '1' }] })
  const of = { ResourceType: 'Parameter', ResourceId: '/t' }
  const tags = async () => (await call(server, 'ListTagsForResource', of)).TagList
  const before = (await read(server, '/t')).LastModifiedDate
  const added = [
    { Key: 'b', Value: '' },
    { Key: 'a', Value: 'zwei ä' },
  ]
  assert.deepEqual(await call(server, 'AddTagsToResource', { ...of, Tags: added }), {})
  assert.deepEqual(await tags(), [
    { Key: 'a', Value: 'zwei ä' },
    { Key: 'b', Value: '' },
  ])
  assert.deepEqual(await call(server, 'RemoveTagsFromResource', { ...of, TagKeys: ['a', 'none'] }), {})
  assert.deepEqual(await tags(), [{ Key: 'b', Value: '' }])
  const { Version, LastModifiedDate } = await read(server, '/t')
  assert.deepEqual([Version, LastModifiedDate], [1, before])

  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ Key: `k${at}`, Value: '' }))
  assert.equal(await outcome(server, 'AddTagsToResource', { ...of, Tags: many(50) }), 'TooManyTagsError: ')
  await call(server, 'AddTagsToResource', { ...of, Tags: many(49) })
  assert.match(
    await outcome(server, 'AddTagsToResource', { ...of, Tags: [{ Key: '', Value: '' }] }),
    /^ValidationException/,
  )
  assert.match(
    await outcome(server, 'AddTagsToResource', { ...of, Tags: [{ Key: 'a#', Value: '' }] }),
    /^ValidationException/,
  )
  for (const [operation, more] of [
    ['AddTagsToResource', { Tags: [{ Key: 'x', Value: 'y' }] }],
    ['RemoveTagsFromResource', { TagKeys: ['x'] }],
    ['ListTagsForResource', {}],
  ] as const) {
    const told = (given: object) => outcome(server, operation, { ...of, ...more, ...given })
    assert.equal(await told({ ResourceId: '/none' }), 'InvalidResourceId: ')
    assert.equal(
      await told({ ResourceId: `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/t` }),
      'InvalidResourceId: ',
    )
    assert.equal(await told({ ResourceId: 'a b' }), 'InvalidResourceId: ')
    assert.equal(await told({ ResourceType: 'Document' }), 'InvalidResourceType: ')
    assert.match(await told({ ResourceType: 'parameter' }), /^ValidationException: .*enum value set/)
  }
})
