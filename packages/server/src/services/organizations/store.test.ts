// The requests that are remembered: bounded in time and in number.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../storage/testing.ts'
import { iamOn } from '../iam/testing.ts'
import { findRequest, forgetRequests, insertRequest } from './store.ts'

test('requests are forgotten when they are old, and the oldest when there are too many', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const ids = ['car-00000001', 'car-00000002', 'car-00000003', 'car-00000004', 'car-00000005']
  const known = () =>
    write(async (tx) => {
      const found = await Promise.all(ids.map((id) => findRequest(app, tx, id)))
      return found.map((request) => request?.requestedAt)
    })
  await write(async (tx) => {
    for (const [i, id] of ids.entries()) {
      const request = { accountName: 'a', requestedAt: 100 + i, result: { accountId: '111122223333' } }
      await insertRequest(app, tx, id, request)
    }
  })
  await write((tx) => forgetRequests(tx, 101, 5))
  assert.deepEqual(await known(), [undefined, 101, 102, 103, 104])
  await write((tx) => forgetRequests(tx, 101, 3))
  assert.deepEqual(await known(), [undefined, undefined, 102, 103, 104])
})
