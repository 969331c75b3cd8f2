// One client for what a command does, and what Strongroom has beyond AWS: writes on condition, and its own routes.

import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import type { Connection } from '../connection.ts'
import { callError, type SdkConfig, sdkConfigOf } from '../sdk.ts'

export type Secrets = { readonly client: SecretsManagerClient; readonly config: SdkConfig }

/** @throws UsageError with what the server says. */
export async function withSecrets<T>(given: ClientOptions, work: (secrets: Secrets) => Promise<T>): Promise<T> {
  const config = sdkConfigOf(given)
  const client = new SecretsManagerClient(config)
  try {
    return await work({ client, config })
  } catch (error) {
    throw callError(error, config)
  } finally {
    client.destroy()
  }
}

/** What our own routes are called with. Undefined where AWS is asked, which has none. */
export async function ownRoutes({ client, config }: Secrets): Promise<Connection | undefined> {
  const endpoint = config.endpoint === undefined ? undefined : new URL(config.endpoint)
  if (endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(endpoint.hostname)) return undefined
  return { endpoint, region: config.region, credentials: await client.config.credentials() }
}
