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

type Stack = { add(middleware: unknown, where: object): void }

/** The command, to be carried out only while the version is AWSCURRENT: docs/conditional-writes.md. AWS does not look at it. */
export function ifVersion<C extends { readonly middlewareStack: unknown }>(versionId: string, command: C): C {
  const middleware =
    (next: (args: unknown) => unknown) => (args: { readonly request: { headers: { [name: string]: string } } }) => {
      args.request.headers['x-strongroom-if-version'] = versionId
      return next(args)
    }
  ;(command.middlewareStack as Stack).add(middleware, { step: 'build', name: 'ifVersion' })
  return command
}

/** By its name: the SDK knows AWS's errors only. */
export const isOutdated = (error: unknown): boolean => (error as Error).name === 'PreconditionNotMetException'

/** What our own routes are called with. Undefined where AWS is asked, which has none. */
export async function ownRoutes({ client, config }: Secrets): Promise<Connection | undefined> {
  const endpoint = config.endpoint === undefined ? undefined : new URL(config.endpoint)
  if (endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(endpoint.hostname)) return undefined
  return { endpoint, region: config.region, credentials: await client.config.credentials() }
}
