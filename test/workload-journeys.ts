// Every operation for workloads without keys of their own, each once with success: the keys of their issuer.

import assert from 'node:assert/strict'
import { IAM } from '@aws-sdk/client-iam'
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
    'strongroom RemoveOpenIDConnectProviderKeys': () => route('oidc-providers/remove-keys', provider()),
  }
  return Object.fromEntries(
    Object.entries(calls).map(([operation, call]) => [
      operation,
      async () => `${operation.split(' ')[1]} ${(await call()).text}`,
    ]),
  )
}
