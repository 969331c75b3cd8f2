import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../storage/testing.ts'
import { ROLES_PER_ACCOUNT_MAX } from './model.ts'
import { createRole, deleteRole } from './roles.ts'
import { insertRow, ROLE } from './store.ts'
import { iamOn, TRUSTS_LAMBDA } from './testing.ts'

test('an account has 1,000 roles at most', async (t) => {
  const { app, write } = iamOn(await openTestDatabase(t))
  const account = '111111111111'
  const create = (roleName: string) =>
    write((tx) => createRole(app, tx, account, { roleName, trustPolicy: TRUSTS_LAMBDA, now: 0 }))
  const first = await create('first')
  await write(async (tx) => {
    for (let i = 2; i < ROLES_PER_ACCOUNT_MAX; i += 1) {
      await insertRow(app, tx, ROLE, [account, `AROA${i}`], { ...first.body, roleName: `r${i}` })
    }
  })
  await create('last')
  const message = 'Cannot exceed quota for RolesPerAccount: 1000'
  await assert.rejects(create('more'), { code: 'LimitExceeded', status: 409, message })
  await write((tx) => deleteRole(tx, first))
  await create('more')
})
