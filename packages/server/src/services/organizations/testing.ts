// What the tests of this service share: clients, accounts, and who is who in them.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { CreateAccountCommand, type CreateAccountRequest, OrganizationsClient } from '@aws-sdk/client-organizations'
import type { TestAnswer, TestCredentials, TestServer } from '../../testing.ts'
import { createAccessKey } from '../iam/access-keys.ts'
import { attachUserPolicy, createUser } from '../iam/users.ts'

/** AWS's own client, with the administrator's credentials of the management account unless others are given, and retries off. */
export function organizationsClient(
  t: TestContext,
  server: Pick<TestServer, 'url' | 'region' | 'credentials'>,
  credentials: TestCredentials = server.credentials,
): OrganizationsClient {
  const { url: endpoint, region } = server
  const client = new OrganizationsClient({ endpoint, region, credentials: { ...credentials }, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}

/** Makes an account through the API. @returns its id */
export async function createMember(
  client: OrganizationsClient,
  name: string,
  input: Partial<CreateAccountRequest> = {},
): Promise<string> {
  const Email = `${name}@example.com`
  const { CreateAccountStatus: status } = await client.send(
    new CreateAccountCommand({ AccountName: name, Email, ...input }),
  )
  assert.equal(status?.State, 'SUCCEEDED', JSON.stringify(status))
  return status!.AccountId!
}

/** The keys of a user of the account who may do everything in it. */
export async function createAdministrator(
  { app }: TestServer,
  account: string,
  userName = 'admin',
): Promise<TestCredentials> {
  return app.database.transaction('write', async (tx) => {
    await createUser(app, tx, account, { userName, now: app.now() })
    await attachUserPolicy(app, tx, account, userName, 'arn:aws:iam::aws:policy/AdministratorAccess')
    const { accessKeyId, secretAccessKey } = await createAccessKey(app, tx, account, { userName }, app.now())
    return { accessKeyId, secretAccessKey }
  })
}

/** Calls as SDKs do not: nothing is filled in and nothing checked. */
export const call = (
  server: TestServer,
  operation: string,
  input: object,
  credentials: TestCredentials = server.credentials,
): Promise<TestAnswer> => server.call('organizations', operation, input, { credentials })

/** The call is refused with exactly this type, text and reason. */
export async function assertRefused(
  answer: Promise<TestAnswer>,
  code: string,
  message: string,
  reason?: string,
): Promise<void> {
  const { status, body } = await answer
  const expected = { __type: code, Message: message, ...(reason !== undefined && { Reason: reason }) }
  assert.deepEqual({ status, body }, { status: 400, body: expected })
}

/** What everybody who is not in the management account is told, whatever their policies say. */
export const NOT_MANAGEMENT = ['AccessDeniedException', "You don't have permissions to access this resource."] as const
