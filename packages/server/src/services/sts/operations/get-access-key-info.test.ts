// GetAccessKeyInfo through AWS's own client.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetAccessKeyInfoCommand } from '@aws-sdk/client-sts'
import { startTestServer, type TestCredentials } from '../../../testing.ts'
import { EVERYTHING, newAccount, newRole, newUser, sessionOf, stsClient } from '../testing.ts'

test('an access key id tells its account: long-term or of a session, of whatever account, deleted or not', async (t) => {
  const server = await startTestServer(t)
  const account = await newAccount(server, 'other')
  const stranger = await newUser(server, 'stranger', { account, statements: [EVERYTHING] })
  const role = await newRole(server, 'Open', { account })
  const session = await sessionOf(t, server, stranger, role.arn)
  const accountOf = async (AccessKeyId: string, credentials: TestCredentials = server.credentials) =>
    (await stsClient(t, server, credentials).send(new GetAccessKeyInfoCommand({ AccessKeyId }))).Account
  assert.equal(await accountOf(server.credentials.accessKeyId), server.accountId)
  assert.equal(await accountOf(stranger.accessKeyId), account)
  assert.equal(await accountOf(session.accessKeyId), account)
  assert.equal(await accountOf(server.credentials.accessKeyId, stranger), server.accountId)
  assert.equal(await accountOf('ASIAY34FZKBOKMUTVV7A'), '609629065308', 'the id itself says it')

  await assert.rejects(accountOf('AKIA0000000000000000'), {
    name: 'ValidationError',
    message: 'The access key AKIA0000000000000000 does not exist.',
  })
  const nobody = await newUser(server, 'nobody')
  await assert.rejects(accountOf(session.accessKeyId, nobody), {
    name: 'AccessDenied',
    message: /is not authorized to perform: sts:GetAccessKeyInfo/,
  })
})

test('a key whose id was chosen belongs to the account that has it, whatever the id says', async (t) => {
  const server = await startTestServer(t, {
    bootstrapAccountId: '123456789012',
    bootstrapAccessKeyId: 'AKIAY34FZKBOKMUTVV7A',
    bootstrapSecretAccessKey: 'k'.repeat(40),
  })
  const { Account } = await stsClient(t, server, server.credentials).send(
    new GetAccessKeyInfoCommand({ AccessKeyId: 'AKIAY34FZKBOKMUTVV7A' }),
  )
  assert.equal(Account, '123456789012')
})
