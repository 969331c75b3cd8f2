// Every operation for workloads without keys of their own, each once with success: the keys of their issuer, and roles of pods.

import assert from 'node:assert/strict'
import { IAM } from '@aws-sdk/client-iam'
import {
  askForCredentials,
  NAMESPACE,
  POD_AUDIENCE,
  podClaims,
  SERVICE_ACCOUNT,
  TRUSTS_PODS,
} from '../packages/server/src/services/strongroom/testing-pods.ts'
import type { TestIssuer } from '../packages/server/src/services/sts/testing-issuer.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { REGION, type ServerProcess } from './server-process.ts'

/** As `sessionJourneys`. The issuer must not be known to the account yet. */
export function workloadJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  issuer: TestIssuer,
  know: (secret: string) => string,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const iam = new IAM({ endpoint: url, region: REGION, maxAttempts: 1, credentials: { ...credentials } })
  after(() => iam.destroy())
  let OpenIDConnectProviderArn = ''
  let account = ''
  let associationId = ''
  const route = async (path: string, input: object) => {
    const options = { credentials, region: REGION }
    const { status, body } = await signedCall(`${url}/_strongroom/${path}`, 'secretsmanager', undefined, input, options)
    return { status, text: `${status} ${JSON.stringify(body)}` }
  }
  const provider = () => ({ OpenIDConnectProviderArn })

  const calls: { readonly [operation: string]: () => Promise<{ readonly status: number; readonly text: string }> } = {
    'strongroom SetOpenIDConnectProviderKeys': async () => {
      const answer = await iam.createOpenIDConnectProvider({ Url: issuer.url })
      OpenIDConnectProviderArn = answer.OpenIDConnectProviderArn!
      // The mistake that is feared most: a private key among those that are to be published.
      const [key] = JSON.parse(issuer.jwks()).keys
      const d = know(`${'private'.repeat(5)}${key.n.slice(0, 20)}`)
      const mistake = JSON.stringify({ keys: [{ ...key, d }] })
      const refused = await route('oidc-providers/set-keys', { ...provider(), Keys: mistake })
      assert.equal(refused.status, 400)
      const set = await route('oidc-providers/set-keys', { ...provider(), Keys: issuer.jwks() })
      return { ...set, text: `${set.text} ${refused.text}` }
    },
    'strongroom GetOpenIDConnectProviderKeys': () => route('oidc-providers/get-keys', provider()),
    'strongroom CreatePodIdentityAssociation': async () => {
      const { Role } = await iam.createRole({ RoleName: 'Pod', AssumeRolePolicyDocument: TRUSTS_PODS })
      account = Role!.Arn!.split(':')[4]!
      const asked = { clusterName: 'c', namespace: NAMESPACE, serviceAccount: SERVICE_ACCOUNT, roleArn: Role!.Arn! }
      const created = await route('pod-identity/create-association', { ...provider(), ...asked })
      associationId = JSON.parse(created.text.slice(4)).association.associationId
      return created
    },
    'strongroom ListPodIdentityAssociations': () => route('pod-identity/list-associations', {}),
    'strongroom AssumeRoleForPodIdentity': async () => {
      await iam.addClientIDToOpenIDConnectProvider({ ...provider(), ClientID: POD_AUDIENCE })
      const token = know(await issuer.sign(podClaims()))
      const forged = `${token.slice(0, -8)}AAAAAAAA`
      const refused = await askForCredentials(url, account, forged)
      const { status, body } = await askForCredentials(url, account, token)
      const { SecretAccessKey, Token, ...shown } = body
      know(SecretAccessKey)
      know(Token)
      return { status, text: `${status} ${JSON.stringify([shown, refused])}` }
    },
    'strongroom DeletePodIdentityAssociation': () => route('pod-identity/delete-association', { associationId }),
    'strongroom RemoveOpenIDConnectProviderKeys': () => route('oidc-providers/remove-keys', provider()),
  }
  return Object.fromEntries(
    Object.entries(calls).map(([operation, call]) => [
      operation,
      async () => `${operation.split(' ')[1]} ${(await call()).text}`,
    ]),
  )
}
