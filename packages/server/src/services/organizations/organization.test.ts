// The organization as policies see it: in which one the caller is, and the resource, whatever either is called with.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DescribeOrganizationCommand } from '@aws-sdk/client-organizations'
import { startTestServer } from '../../testing.ts'
import { call, createCaller, token } from '../secretsmanager/testing.ts'
import { createAdministrator, createMember, organizationsClient } from './testing.ts'

test('policies may ask for the organization of the caller and of the resource, and for their path in it', async (t) => {
  const server = await startTestServer(t)
  const { Organization } = await organizationsClient(t, server).send(new DescribeOrganizationCommand({}))
  const id = Organization!.Id!
  const { rootId } = server.app.organization
  await call(server, 'CreateSecret', { Name: 'a', SecretString: 'x', ClientRequestToken: token() })
  const conditions: readonly (readonly [allowed: boolean, condition: object])[] = [
    [true, { StringEquals: { 'aws:PrincipalOrgID': id } }],
    [false, { StringEquals: { 'aws:PrincipalOrgID': 'o-another000' } }],
    [false, { StringNotEquals: { 'aws:PrincipalOrgID': id } }],
    [true, { StringEquals: { 'aws:ResourceOrgID': id } }],
    [true, { StringEquals: { 'aws:ResourceOrgID': `\${aws:PrincipalOrgID}` } }],
    [false, { StringNotEquals: { 'aws:ResourceOrgID': `\${aws:PrincipalOrgID}` } }],
    [true, { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgPaths': `${id}/${rootId}/` } }],
    [true, { 'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': `${id}/*` } }],
    [false, { 'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': `${id}/${rootId}/ou-*` } }],
    [
      true,
      {
        'ForAllValues:StringLike': { 'aws:ResourceOrgPaths': `${id}/r-*/` },
        Null: { 'aws:ResourceOrgPaths': 'false' },
      },
    ],
    [false, { Null: { 'aws:PrincipalOrgID': 'true' } }],
  ]
  for (const [i, [allowed, Condition]] of conditions.entries()) {
    const statement = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*', Condition }
    const { credentials } = await createCaller(server, `caller-${i}`, [statement])
    const answer = await server.call('secretsmanager', 'GetSecretValue', { SecretId: 'a' }, { credentials })
    assert.equal(answer.status, allowed ? 200 : 400, JSON.stringify(Condition))
    if (!allowed) assert.equal(answer.body.__type, 'AccessDeniedException')
  }
})

test('a secret can be shared with the organization, whichever account of it asks and whichever is made later', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'a', SecretString: 'x', ClientRequestToken: token() })
  const share = (id: string) => {
    const Condition = { StringEquals: { 'aws:PrincipalOrgID': id } }
    const Statement = { Effect: 'Allow', Principal: '*', Action: 'secretsmanager:*', Resource: '*', Condition }
    const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement })
    return call(server, 'PutResourcePolicy', { SecretId: 'a', ResourcePolicy, BlockPublicPolicy: true })
  }
  await share(server.app.organization.id)
  const credentials = await createAdministrator(server, await createMember(client, 'one'))
  const describe = () => server.call('secretsmanager', 'DescribeSecret', { SecretId: ARN }, { credentials })
  assert.equal((await describe()).body.Name, 'a')
  await share('o-another000')
  assert.equal((await describe()).body.__type, 'AccessDeniedException')
})
