import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transaction } from '../../storage/database.ts'
import { openTestDatabase, type TestScope } from '../../storage/testing.ts'
import { POLICIES_PER_ACCOUNT_MAX, type PolicyBody } from './model.ts'
import {
  createPolicy,
  createPolicyVersion,
  deletePolicy,
  deletePolicyVersion,
  readPolicyVersion,
  setDefaultPolicyVersion,
} from './policies.ts'
import { deleteRow, findRow, insertRow, POLICY, POLICY_VERSION, type Stored } from './store.ts'
import { iamOn, policyDocument } from './testing.ts'

const now = 1_700_000_000_000
const account = '111111111111'
const document = (Action: string) => policyDocument({ Effect: 'Allow', Action, Resource: '*' })

async function withPolicy(t: TestScope) {
  const iam = iamOn(await openTestDatabase(t))
  const { app, write } = iam
  const create = () =>
    write((tx) => createPolicy(app, tx, account, { policyName: 'p', document: document('s3:*'), now }))
  const arn = await create()
  const onPolicy = <T>(work: (tx: Transaction, policy: Stored<PolicyBody>) => Promise<T>) =>
    write(async (tx) => work(tx, (await findRow(app, tx, POLICY, [account, arn]))!))
  return { ...iam, arn, create, onPolicy }
}

test('a version whose row is gone, or is one of an earlier policy of the same ARN, is refused', async (t) => {
  const { app, write, arn, create, onPolicy } = await withPolicy(t)
  const key = [account, arn, 'v2']
  const add = (action: string) =>
    onPolicy((tx, policy) =>
      createPolicyVersion(app, tx, policy, { document: document(action), setAsDefault: false, now }),
    )
  await add('iam:*')
  const before = await write((tx) => findRow(app, tx, POLICY_VERSION, key))
  await onPolicy((tx, policy) => deletePolicyVersion(app, tx, policy, 'v2'))
  await onPolicy((tx, policy) => deletePolicy(tx, policy))
  await create()
  await add('sqs:*')
  // As somebody with SQL could put it: the row of the earlier policy, which has a MAC of its own.
  await write(async (tx) => {
    await deleteRow(tx, POLICY_VERSION, key)
    await insertRow(app, tx, POLICY_VERSION, key, before!.body)
  })
  const altered = { name: 'IntegrityError', message: /is not the document that its policy vouches for/ }
  await assert.rejects(
    onPolicy((tx, policy) => setDefaultPolicyVersion(app, tx, policy, 'v2')),
    altered,
  )
  await write((tx) => deleteRow(tx, POLICY_VERSION, key))
  await assert.rejects(
    onPolicy((tx, policy) => readPolicyVersion(app, tx, policy, 'v2')),
    { name: 'IntegrityError' },
  )
})

test('deleting a policy leaves no version behind', async (t) => {
  const { app, write, arn, onPolicy } = await withPolicy(t)
  await onPolicy((tx, policy) =>
    createPolicyVersion(app, tx, policy, { document: document('iam:*'), setAsDefault: true, now }),
  )
  await onPolicy((tx, policy) => deletePolicyVersion(app, tx, policy, 'v1'))
  await onPolicy((tx, policy) => deletePolicy(tx, policy))
  for (const versionId of ['v1', 'v2']) {
    assert.equal(await write((tx) => findRow(app, tx, POLICY_VERSION, [account, arn, versionId])), undefined)
  }
})

test('an account has 1,500 policies at most', async (t) => {
  const { app, write, onPolicy } = await withPolicy(t)
  await onPolicy(async (tx, { body }) => {
    for (let i = 2; i < POLICIES_PER_ACCOUNT_MAX; i += 1) {
      const policyName = `p${i}`
      await insertRow(app, tx, POLICY, [account, `arn:aws:iam::${account}:policy/${policyName}`], {
        ...body,
        policyName,
      })
    }
  })
  const create = (policyName: string) =>
    write((tx) => createPolicy(app, tx, account, { policyName, document: document('s3:*'), now }))
  await create('last')
  const message = 'Cannot exceed quota for PoliciesPerAccount: 1500'
  await assert.rejects(create('more'), { code: 'LimitExceeded', status: 409, message })
})
