// Accounts as an operator makes them with the AWS CLI, as docs/accounts.md shows it, on a server in a process of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Organizations } from '@aws-sdk/client-organizations'
import { STS } from '@aws-sdk/client-sts'
import { awsCli, hasAwsCli } from './aws-tools.ts'
import { makeHome, sdkOptions, startProcess } from './server-process.ts'

test('the AWS CLI makes an account, gets into it through its role, and closes it', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const aws = awsCli(server)
  const { Organization } = await aws('organizations', 'describe-organization')
  assert.match(Organization.Arn, /^arn:aws:organizations::\d{12}:organization\/o-[a-z0-9]{10}$/)
  const { CreateAccountStatus: asked } = await aws(
    ...['organizations', 'create-account', '--account-name', 'team', '--email', 'team@example.com'],
  )
  const sdk = new Organizations(sdkOptions(server))
  t.after(() => sdk.destroy())
  const { CreateAccountStatus: status } = await sdk.describeCreateAccountStatus({ CreateAccountRequestId: asked.Id })
  assert.equal(status!.State, 'SUCCEEDED')
  const id = status!.AccountId!
  const { Accounts } = await aws('organizations', 'list-accounts', '--page-size', '1')
  const ids = Accounts.map(({ Id }: { readonly Id: string }) => Id)
  assert.deepEqual(ids.sort(), [Organization.MasterAccountId, id].sort())

  const role = `arn:aws:iam::${id}:role/OrganizationAccountAccessRole`
  const { Credentials: keys } = await aws('sts', 'assume-role', '--role-arn', role, '--role-session-name', 'me')
  const credentials = {
    accessKeyId: keys.AccessKeyId,
    secretAccessKey: keys.SecretAccessKey,
    sessionToken: keys.SessionToken,
  }
  const member = awsCli(server, credentials)
  const sts = new STS(sdkOptions({ url: server.url, credentials }))
  t.after(() => sts.destroy())
  assert.equal((await sts.getCallerIdentity({})).Account, id)
  assert.equal((await member('organizations', 'describe-organization')).Organization.Id, Organization.Id)
  await assert.rejects(
    member('organizations', 'list-accounts'),
    /AccessDeniedException.*You don't have permissions to access this resource\./,
  )

  assert.deepEqual(await aws('organizations', 'close-account', '--account-id', id), {})
  const { Account } = await sdk.describeAccount({ AccountId: id })
  assert.deepEqual([Account!.Status, Account!.State], ['SUSPENDED', 'CLOSED'])
  await assert.rejects(sts.getCallerIdentity({}), { name: 'InvalidClientTokenId' })
})
