// Associations of service accounts with roles: made, listed and deleted, by whom, and what they cannot be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller } from '../../secretsmanager/testing.ts'
import { newRole } from '../../sts/testing.ts'
import { callAssociations, startCluster, TRUSTS_PODS } from '../testing-pods.ts'

test('an association is made once for a service account, listed in pages, and deleted by its id', async (t) => {
  const { server, association, associationId } = await startCluster(t)
  const create = (changes: object) =>
    callAssociations(server, 'CreatePodIdentityAssociation', { ...association, ...changes })
  const list = async (input: object = {}) => (await callAssociations(server, 'ListPodIdentityAssociations', input)).body
  assert.match(associationId, /^a-[a-z2-7]{17}$/)
  const other = await newRole(server, 'Other', { trustPolicy: TRUSTS_PODS })
  const taken = await create({ roleArn: other.arn, clusterName: 'other' })
  assert.deepEqual(
    [taken.status, taken.body.__type, taken.body.Message],
    [409, 'ResourceInUseException', `Association already exists: ${associationId}`],
  )
  const more = await create({ serviceAccount: 'worker' })
  await create({ namespace: 'accounts' })
  const all = (await list()).associations
  const { createdAt, ...shown } = all[1]
  assert.ok(Math.abs(createdAt - Date.now() / 1_000) < 60)
  assert.deepEqual(shown, { associationId, ...association })
  assert.deepEqual(
    all.map((one: typeof association) => `${one.namespace}/${one.serviceAccount}`),
    ['accounts/api', 'payments/api', 'payments/worker'],
  )
  const first = await list({ maxResults: 2 })
  assert.deepEqual(first.associations, all.slice(0, 2))
  assert.deepEqual(await list({ maxResults: 2, nextToken: first.nextToken }), { associations: all.slice(2) })
  assert.equal((await list({ nextToken: 'none' })).__type, 'ValidationError')

  const remove = (id: string) => callAssociations(server, 'DeletePodIdentityAssociation', { associationId: id })
  const removed = await remove(more.body.association.associationId)
  assert.deepEqual(removed.body.association, more.body.association)
  const gone = await remove(more.body.association.associationId)
  assert.deepEqual([gone.status, gone.body.__type], [404, 'ResourceNotFoundException'])
  assert.equal((await list()).associations.length, 2)
})

test('what cannot be associated is refused', async (t) => {
  const { server, association, provider } = await startCluster(t)
  const refused = async (changes: object, code: string) => {
    const { body } = await callAssociations(server, 'CreatePodIdentityAssociation', {
      ...association,
      serviceAccount: 'worker',
      ...changes,
    })
    assert.equal(body.__type, code, JSON.stringify(changes))
  }
  await refused({ roleArn: `${association.roleArn}-none` }, 'InvalidParameterException')
  await refused({ roleArn: `arn:aws:iam::${server.accountId}:user/administrator` }, 'InvalidParameterException')
  await refused({ roleArn: association.roleArn.replace(server.accountId, '111122223333') }, 'AccessDeniedException')
  await refused({ OpenIDConnectProviderArn: `${provider}/none` }, 'NoSuchEntity')
  for (const serviceAccount of ['', 'Api', 'api-', 'a:b', 'a/b', 'x'.repeat(254)]) {
    await refused({ serviceAccount }, 'ValidationException')
  }
  for (const namespace of ['', 'a.b', 'x'.repeat(64)]) await refused({ namespace }, 'ValidationException')
  await refused({ clusterName: '-c' }, 'ValidationException')
})

test('it takes the permission on the provider, and to pass the role to the service', async (t) => {
  const { server, association, associationId, provider, role } = await startCluster(t)
  const allow = (Action: string, Resource: string, Condition?: object) => ({
    Effect: 'Allow',
    Action,
    Resource,
    ...(Condition && { Condition }),
  })
  const input = { ...association, serviceAccount: 'worker' }
  const callerOf = async (name: string, ...statements: readonly object[]) =>
    (await createCaller(server, name, statements)).credentials
  const create = async (credentials: typeof server.credentials) =>
    (await callAssociations(server, 'CreatePodIdentityAssociation', input, credentials)).body
  const mayCreate = allow('strongroom:CreatePodIdentityAssociation', provider)
  const passedTo = (service: string) => ({ StringEquals: { 'iam:PassedToService': service } })

  const nobody = await callerOf('nobody', allow('iam:PassRole', '*'))
  assert.match((await create(nobody)).Message, /not authorized to perform: strongroom:CreatePodIdentityAssociation/)
  const elsewhere = await callerOf('elsewhere', allow('strongroom:*', `${provider}x`), allow('iam:PassRole', '*'))
  assert.match((await create(elsewhere)).Message, /not authorized to perform: strongroom:CreatePodIdentityAssociation/)
  for (const credentials of [
    await callerOf('no-pass', mayCreate),
    await callerOf('other-role', mayCreate, allow('iam:PassRole', `${role.arn}x`)),
    await callerOf('other-service', mayCreate, allow('iam:PassRole', role.arn, passedTo('lambda.amazonaws.com'))),
  ]) {
    assert.match((await create(credentials)).Message, /not authorized to perform: iam:PassRole on resource: /)
  }
  const may = await callerOf('may', mayCreate, allow('iam:PassRole', role.arn, passedTo('pods.eks.amazonaws.com')))
  assert.ok((await create(may)).association)

  const list = await callAssociations(server, 'ListPodIdentityAssociations', {}, may)
  assert.match(list.body.Message, /not authorized to perform: strongroom:ListPodIdentityAssociations on resource: \*/)
  const remove = async (id: string, credentials = may) =>
    (await callAssociations(server, 'DeletePodIdentityAssociation', { associationId: id }, credentials)).body.Message
  // To who may not delete, one that is there and one that is not are alike.
  const refusal = (id: string) =>
    `User: arn:aws:iam::${server.accountId}:user/may is not authorized to perform: strongroom:DeletePodIdentityAssociation on resource: association ${id} because no identity-based policy allows the strongroom:DeletePodIdentityAssociation action`
  assert.equal(await remove(associationId), refusal(associationId))
  assert.equal(await remove('a-none'), refusal('a-none'))
  const cleaner = await callerOf('cleaner', allow('strongroom:DeletePodIdentityAssociation', provider))
  assert.equal(await remove(associationId, cleaner), undefined)
})
