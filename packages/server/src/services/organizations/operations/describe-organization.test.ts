// DescribeOrganization through the server: one organization, the same for every account and after every start.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DescribeOrganizationCommand } from '@aws-sdk/client-organizations'
import { IntegrityError } from '../../../errors.ts'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { assertRefused, call, createAdministrator, createMember, organizationsClient } from '../testing.ts'

test('the first account manages an organization that is there from the first start on', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  const { Organization } = await organizationsClient(t, server).send(new DescribeOrganizationCommand({}))
  const { Id } = Organization!
  assert.match(Id!, /^o-[a-z0-9]{10}$/)
  assert.deepEqual(Organization, {
    Id,
    Arn: `arn:aws:organizations::${accountId}:organization/${Id}`,
    FeatureSet: 'ALL',
    MasterAccountArn: `arn:aws:organizations::${accountId}:account/${Id}/${accountId}`,
    MasterAccountId: accountId,
    MasterAccountEmail: `${accountId}@accounts.invalid`,
    AvailablePolicyTypes: [],
  })

  const again = await server.restart()
  const after = await organizationsClient(t, again).send(new DescribeOrganizationCommand({}))
  assert.deepEqual(after.Organization, Organization)
})

test('a member account is told the same, if its policies allow it', async (t) => {
  const server = await startTestServer(t)
  const client = organizationsClient(t, server)
  const { Organization } = await client.send(new DescribeOrganizationCommand({}))
  const member = await createMember(client, 'one')
  const asMember = organizationsClient(t, server, await createAdministrator(server, member))
  assert.deepEqual((await asMember.send(new DescribeOrganizationCommand({}))).Organization, Organization)

  const nobody = await createCaller(server, 'nobody', [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }], 'new')
  const action = 'organizations:DescribeOrganization'
  await assertRefused(
    call(server, 'DescribeOrganization', {}, nobody.credentials),
    'AccessDeniedException',
    `User: ${nobody.arn} is not authorized to perform: ${action} on resource: * because no identity-based policy allows the ${action} action`,
  )
})

test('a server whose organization was deleted or altered in the database does not start with another', async (t) => {
  for (const change of ['DELETE FROM setting WHERE name = $1', 'UPDATE setting SET rev = 7 WHERE name = $1']) {
    const server = await startTestServer(t)
    await server.app.database.transaction('write', (tx) => tx.run(change, 'organizations.organization'))
    await assert.rejects(server.restart(), IntegrityError, change)
  }
})
