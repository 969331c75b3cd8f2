// GetResourcePolicy through the server: no policy, the text of one, and principals that are gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateRoleCommand, DeleteRoleCommand } from '@aws-sdk/client-iam'
import { CreateSecretCommand, GetResourcePolicyCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { assertRefused, call } from '../testing.ts'

test('a secret without a policy answers with its ARN and name alone', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await server.secretsManager.send(new CreateSecretCommand({ Name: 'db' }))
  const { body, status } = await server.call('secretsmanager', 'GetResourcePolicy', { SecretId: 'db' })
  assert.equal(status, 200)
  assert.deepEqual(body, { ARN, Name: 'db' })
})

test('a secret that does not exist has no policy to tell', async (t) => {
  const server = await startTestServer(t)
  await assert.rejects(server.secretsManager.send(new GetResourcePolicyCommand({ SecretId: 'no' })), {
    name: 'ResourceNotFoundException',
  })
})

test('a role that is gone is shown by its unique id, also when another has its name', async (t) => {
  const server = await startTestServer(t)
  const iam = iamClient(t, server)
  await call(server, 'CreateSecret', { Name: 'db' })
  const trust = policyDocument({ Effect: 'Allow', Principal: { AWS: server.accountId }, Action: 'sts:AssumeRole' })
  const create = async () => {
    const input = { RoleName: 'reader', Path: '/team/', AssumeRolePolicyDocument: trust }
    return (await iam.send(new CreateRoleCommand(input))).Role!
  }
  const first = await create()
  const read = (principal: string | undefined, condition: object) => ({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { AWS: [server.accountId, principal] },
      Action: 'secretsmanager:GetSecretValue',
      Resource: '*',
      Condition: condition,
    },
  })
  const condition = { StringLike: { 'aws:PrincipalTag/a': 'é*' } }
  const text = JSON.stringify(read(first.Arn, condition), null, 2)
  await call(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy: text })
  const shown = async (): Promise<string> =>
    (await call(server, 'GetResourcePolicy', { SecretId: 'db' })).ResourcePolicy
  assert.equal(await shown(), text)

  await iam.send(new DeleteRoleCommand({ RoleName: 'reader' }))
  assert.deepEqual(JSON.parse(await shown()), read(first.RoleId, condition))
  const second = await create()
  assert.notEqual(second.RoleId, first.RoleId)
  assert.deepEqual(JSON.parse(await shown()), read(first.RoleId, condition))

  // What names nobody is not put again, as on AWS.
  await assertRefused(
    server,
    'PutResourcePolicy',
    { SecretId: 'db', ResourcePolicy: await shown() },
    'MalformedPolicyDocumentException',
    'This resource policy contains an unsupported principal.',
  )
})
