import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListAttachedUserPolicies } from '@aws-sdk/client-iam'
import { createPolicy } from '../policies.ts'
import { noSuchEntity, startIam } from '../testing.ts'

test('attached policies are listed with name and ARN, in pages, by a prefix of their paths', async (t) => {
  const { server, account, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const { AttachedPolicies: none, IsTruncated } = await iam.listAttachedUserPolicies({ UserName: 'alice' })
  assert.deepEqual([none, IsTruncated], [[], false])
  const { app } = server
  const document = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: '*', Resource: '*' } })
  const path = `/${'long'.repeat(127)}/`
  const own = await app.database.transaction('write', (tx) =>
    createPolicy(app, tx, account, { policyName: 'o'.repeat(128), document, now: app.now(), path }),
  )
  const all = [own, 'arn:aws:iam::aws:policy/AdministratorAccess', 'arn:aws:iam::aws:policy/ReadOnlyAccess']
  for (const PolicyArn of all.toReversed()) await iam.attachUserPolicy({ UserName: 'alice', PolicyArn })
  const listed = async (input: object) =>
    (await iam.listAttachedUserPolicies({ UserName: 'alice', ...input })).AttachedPolicies!
  assert.deepEqual(await listed({}), [
    { PolicyName: 'o'.repeat(128), PolicyArn: own },
    { PolicyName: 'AdministratorAccess', PolicyArn: all[1] },
    { PolicyName: 'ReadOnlyAccess', PolicyArn: all[2] },
  ])
  assert.deepEqual(
    (await listed({ PathPrefix: path })).map(({ PolicyArn }) => PolicyArn),
    [own],
  )
  const pages = []
  const client = { client: iam, pageSize: 1 }
  for await (const { AttachedPolicies } of paginateListAttachedUserPolicies(client, { UserName: 'alice' })) {
    pages.push(AttachedPolicies!.map(({ PolicyArn }) => PolicyArn))
  }
  assert.deepEqual(
    pages,
    all.map((arn) => [arn]),
  )
  const absent = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.listAttachedUserPolicies({ UserName: 'absent' }), absent)
})
