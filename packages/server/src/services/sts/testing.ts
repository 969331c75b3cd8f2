// Accounts, users and roles for tests of sessions, made as IAM makes them, and AWS's own clients with the credentials of a session.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type AssumeRoleCommandOutput,
  STSClient,
} from '@aws-sdk/client-sts'
import { TEST_REGION, type TestCredentials, type TestServer } from '../../testing.ts'
import { createAccessKey } from '../iam/access-keys.ts'
import { putInlinePolicy } from '../iam/inline-policies.ts'
import { roleArn, userArn } from '../iam/model.ts'
import { createRole, type NewRole } from '../iam/roles.ts'
import { ROLE, USER } from '../iam/store.ts'
import { policyDocument } from '../iam/testing.ts'
import { createAccount, createUser, readUser } from '../iam/users.ts'
import { openAuthorizationMessage } from './authorization-message.ts'

type Server = Pick<TestServer, 'url' | 'app' | 'accountId'>

export const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }

/** A trust policy that lets these pass, by AWS principal, whatever they do with STS. */
export const trusting = (...principals: readonly string[]): string =>
  policyDocument({ Effect: 'Allow', Principal: { AWS: principals }, Action: 'sts:*' })

/** Returns the id of the account. */
export const newAccount = ({ app }: Server, name: string): Promise<string> =>
  app.database.transaction('write', (tx) => createAccount(app, tx, { name, now: app.now() }))

export type TestUser = TestCredentials & { readonly arn: string }

/** A user with the statements as inline policy, of the first account unless told. */
export function newUser(
  { app, accountId }: Server,
  userName: string,
  { account = accountId, statements = [] }: { readonly account?: string; readonly statements?: readonly object[] } = {},
): Promise<TestUser> {
  return app.database.transaction('write', async (tx) => {
    await createUser(app, tx, account, { userName, now: app.now() })
    if (statements.length > 0) {
      const user = await readUser(app, tx, account, userName)
      const policy = { policyName: 'own', document: policyDocument(...statements) }
      await putInlinePolicy(app, tx, USER, user, userName, policy)
    }
    const { accessKeyId, secretAccessKey } = await createAccessKey(app, tx, account, { userName }, app.now())
    return { accessKeyId, secretAccessKey, arn: userArn(app.partition, account, { userName, path: '/' }) }
  })
}

export type TestRole = { readonly arn: string; readonly roleId: string }

/** A role with the statements as inline policy, of the first account unless told, which trusts its own account unless told. */
export function newRole(
  { app, accountId }: Server,
  roleName: string,
  {
    account = accountId,
    statements = [],
    trustPolicy = trusting(account),
    ...more
  }: Partial<NewRole> & { readonly account?: string; readonly statements?: readonly object[] } = {},
): Promise<TestRole> {
  return app.database.transaction('write', async (tx) => {
    const role = await createRole(app, tx, account, { roleName, trustPolicy, now: app.now(), ...more })
    if (statements.length > 0) {
      const policy = { policyName: 'own', document: policyDocument(...statements) }
      await putInlinePolicy(app, tx, ROLE, role, roleName, policy)
    }
    return { arn: roleArn(app.partition, account, role.body), roleId: role.key[1]! }
  })
}

export function stsClient(
  t: TestContext,
  { url }: Pick<TestServer, 'url'>,
  credentials: TestCredentials,
  region = TEST_REGION,
): STSClient {
  const client = new STSClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}

export function secretsClient(
  t: TestContext,
  { url }: Pick<TestServer, 'url'>,
  credentials: TestCredentials,
): SecretsManagerClient {
  const client = new SecretsManagerClient({
    endpoint: url,
    region: TEST_REGION,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}

/** AssumeRole as `credentials`, and the whole answer. */
export const assume = (
  t: TestContext,
  server: Pick<TestServer, 'url'>,
  credentials: TestCredentials,
  RoleArn: string,
  more: Partial<AssumeRoleCommandInput> = {},
) => stsClient(t, server, credentials).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'session', ...more }))

export function credentialsOf({ Credentials }: AssumeRoleCommandOutput): TestCredentials {
  assert.ok(Credentials?.AccessKeyId && Credentials.SecretAccessKey && Credentials.SessionToken)
  return {
    accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
  }
}

/** AssumeRole for who needs nothing but the credentials. */
export const sessionOf = async (...asked: Parameters<typeof assume>): Promise<TestCredentials> =>
  credentialsOf(await assume(...asked))

/** What GetSecretValue answers to these credentials. */
export const readSecret = async (
  t: TestContext,
  server: Pick<TestServer, 'url'>,
  credentials: TestCredentials,
  SecretId: string,
): Promise<string | undefined> =>
  (await secretsClient(t, server, credentials).send(new GetSecretValueCommand({ SecretId }))).SecretString

/** What the caller can be told of its refusal, but for the time. */
export function decodedFor(app: TestServer['app'], account: string, message: string): object {
  const { context, ...rest } = JSON.parse(openAuthorizationMessage(app, account, message)!)
  const conditions = context.conditions.items.filter(
    ({ key }: { readonly key: string }) => key !== 'aws:CurrentTime' && key !== 'aws:EpochTime',
  )
  return { ...rest, context: { ...context, conditions } }
}
