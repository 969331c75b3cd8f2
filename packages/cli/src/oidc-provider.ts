// `strongroom oidc-provider`: the routes under /_strongroom/oidc-providers/.

import { readFileSync } from 'node:fs'
import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'
import { UsageError } from './usage-error.ts'

type Provider = { readonly OpenIDConnectProviderArn: string }

/** @throws UsageError */
export function setProviderKeys(arn: string, file: string, connection: Connection): Promise<object> {
  let Keys: string
  try {
    Keys = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}): give the path of a JWK Set`,
    )
  }
  return signedCall<object>('/_strongroom/oidc-providers/set-keys', { ...providerOf(arn), Keys }, connection)
}

/** As a JWK Set; `{}` where none were set. @throws UsageError */
export async function getProviderKeys(arn: string, connection: Connection): Promise<object> {
  type Answer = Provider & { readonly Keys?: string }
  const { Keys } = await signedCall<Answer>('/_strongroom/oidc-providers/get-keys', providerOf(arn), connection)
  return Keys === undefined ? {} : JSON.parse(Keys)
}

/** @throws UsageError */
export const removeProviderKeys = (arn: string, connection: Connection): Promise<object> =>
  signedCall<object>('/_strongroom/oidc-providers/remove-keys', providerOf(arn), connection)

const providerOf = (arn: string): Provider => ({ OpenIDConnectProviderArn: arn })
