// Every operation on sessions, each once with success, and what a session does with what it got.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { IAM } from '@aws-sdk/client-iam'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { type Credentials, STS } from '@aws-sdk/client-sts'
import { AUDIENCE, type TestIssuer } from '../packages/server/src/services/sts/testing-issuer.ts'
import { COMMAND, REGION, type ServerProcess } from './server-process.ts'

const run = promisify(execFile)

const policy = (statement: object): string => JSON.stringify({ Version: '2012-10-17', Statement: statement })

/**
 * By `service operation`; each resolves with what was answered, as text, but for the secret access key and the session token, which `know`
 * gets. The clients are there until `after` is run.
 */
export function sessionJourneys(
  { url, dataDir, credentials }: Pick<ServerProcess, 'url' | 'dataDir' | 'credentials'>,
  know: (secret: string) => void,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const options = { endpoint: url, region: REGION, maxAttempts: 1 }
  const [iam, sts] = [
    new IAM({ ...options, credentials: { ...credentials } }),
    new STS({ ...options, credentials: { ...credentials } }),
  ]
  after(() => {
    iam.destroy()
    sts.destroy()
  })
  const RoleName = 'Canary'
  let AccessKeyId = ''

  /** With the right token, and with one that nobody made. */
  const useSession = async (accessKeyId: string, secretAccessKey: string, sessionToken: string): Promise<void> => {
    const list = async (token: string): Promise<void> => {
      const session = { accessKeyId, secretAccessKey, sessionToken: token }
      const client = new SecretsManager({ ...options, credentials: session })
      await client.listSecrets({}).finally(() => client.destroy())
    }
    await list(sessionToken)
    await assert.rejects(list(`${sessionToken.slice(0, -8)}AAAAAAAA`), { name: 'UnrecognizedClientException' })
  }

  const calls: { readonly [operation: string]: () => Promise<object> } = {
    'sts GetCallerIdentity': () => sts.getCallerIdentity({}),
    'sts AssumeRole': async () => {
      const { Account } = await sts.getCallerIdentity({})
      const trust = policy({ Effect: 'Allow', Principal: { AWS: Account }, Action: 'sts:AssumeRole' })
      const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust })
      const everything = policy({ Effect: 'Allow', Action: '*', Resource: '*' })
      await iam.putRolePolicy({ RoleName, PolicyName: 'all', PolicyDocument: everything })
      const { Credentials, ...shown } = await sts.assumeRole({ RoleArn: Role!.Arn!, RoleSessionName: 'canary' })
      const { SecretAccessKey, SessionToken, ...kept } = Credentials!
      know(SecretAccessKey!)
      know(SessionToken!)
      AccessKeyId = kept.AccessKeyId!
      await useSession(AccessKeyId, SecretAccessKey!, SessionToken!)
      return { ...shown, ...kept }
    },
    'sts GetAccessKeyInfo': () => sts.getAccessKeyInfo({ AccessKeyId }),
    'strongroom RevokeSession': async () => {
      const args = ['session', 'revoke', AccessKeyId, '--endpoint-url', url, '--data-dir', dataDir]
      return JSON.parse((await run(process.execPath, [COMMAND, ...args])).stdout)
    },
  }
  return told(calls)
}

/** The same for the sessions of users, the OIDC providers of IAM with the tokens of one, and simulated policies. */
export function federationJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  issuer: TestIssuer,
  know: (secret: string) => void,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const options = { endpoint: url, region: REGION, maxAttempts: 1, credentials: { ...credentials } }
  const [iam, sts] = [new IAM(options), new STS(options)]
  after(() => {
    iam.destroy()
    sts.destroy()
  })
  let OpenIDConnectProviderArn = ''
  const provider = () => ({ OpenIDConnectProviderArn })
  const Tags = [{ Key: 'a', Value: 'b' }]
  const asked = {
    ActionNames: ['secretsmanager:GetSecretValue'],
    PolicyInputList: [policy({ Effect: 'Allow', Action: '*', Resource: '*' })],
  }
  const hidden = <T extends { readonly Credentials?: Credentials | undefined }>({
    Credentials,
    ...shown
  }: T): object => {
    const { SecretAccessKey, SessionToken, ...kept } = Credentials!
    know(SecretAccessKey!)
    know(SessionToken!)
    return { ...shown, ...kept }
  }
  const calls: { readonly [operation: string]: () => Promise<object> } = {
    'iam CreateOpenIDConnectProvider': async () => {
      const answer = await iam.createOpenIDConnectProvider({
        Url: issuer.url,
        ClientIDList: [AUDIENCE],
        ThumbprintList: [issuer.thumbprint],
      })
      OpenIDConnectProviderArn = answer.OpenIDConnectProviderArn!
      return answer
    },
    'iam GetOpenIDConnectProvider': () => iam.getOpenIDConnectProvider(provider()),
    'iam ListOpenIDConnectProviders': () => iam.listOpenIDConnectProviders({}),
    'iam AddClientIDToOpenIDConnectProvider': () =>
      iam.addClientIDToOpenIDConnectProvider({ ...provider(), ClientID: 'other' }),
    'iam RemoveClientIDFromOpenIDConnectProvider': () =>
      iam.removeClientIDFromOpenIDConnectProvider({ ...provider(), ClientID: 'other' }),
    'iam UpdateOpenIDConnectProviderThumbprint': () =>
      iam.updateOpenIDConnectProviderThumbprint({ ...provider(), ThumbprintList: [issuer.thumbprint] }),
    'iam TagOpenIDConnectProvider': () => iam.tagOpenIDConnectProvider({ ...provider(), Tags }),
    'iam ListOpenIDConnectProviderTags': () => iam.listOpenIDConnectProviderTags(provider()),
    'iam UntagOpenIDConnectProvider': () => iam.untagOpenIDConnectProvider({ ...provider(), TagKeys: ['a'] }),
    'sts AssumeRoleWithWebIdentity': async () => {
      const Statement = {
        Effect: 'Allow',
        Principal: { Federated: OpenIDConnectProviderArn },
        Action: 'sts:AssumeRoleWithWebIdentity',
      }
      const { Role } = await iam.createRole({ RoleName: 'Workload', AssumeRolePolicyDocument: policy(Statement) })
      const WebIdentityToken = await issuer.sign()
      know(WebIdentityToken)
      return hidden(
        await sts.assumeRoleWithWebIdentity({ RoleArn: Role!.Arn!, RoleSessionName: 'pod', WebIdentityToken }),
      )
    },
    'iam DeleteOpenIDConnectProvider': () => iam.deleteOpenIDConnectProvider(provider()),
    'sts DecodeAuthorizationMessage': async () => {
      const secrets = new SecretsManager({ ...options, credentials: { ...credentials } })
      after(() => secrets.destroy())
      const SecretId = `arn:aws:secretsmanager:${REGION}:999999999999:secret:theirs-AbCdEf`
      const refusal = await secrets.getSecretValue({ SecretId }).catch((error) => error)
      const EncodedMessage = refusal.$response.headers['x-strongroom-authorization-message']
      return sts.decodeAuthorizationMessage({ EncodedMessage })
    },
    'sts GetSessionToken': async () => hidden(await sts.getSessionToken({})),
    'sts GetFederationToken': async () => hidden(await sts.getFederationToken({ Name: 'federated' })),
    'iam SimulateCustomPolicy': () => iam.simulateCustomPolicy(asked),
    'iam SimulatePrincipalPolicy': async () => {
      const { Role } = await iam.getRole({ RoleName: 'Workload' })
      return iam.simulatePrincipalPolicy({ ...asked, PolicySourceArn: Role!.Arn! })
    },
  }
  return told(calls)
}

/** Each with its answer as text. */
const told = (calls: { readonly [operation: string]: () => Promise<object> }) =>
  Object.fromEntries(
    Object.entries(calls).map(([operation, call]) => [
      operation,
      async () => `${operation.split(' ')[1]} 200 ${JSON.stringify(await call())}`,
    ]),
  )
