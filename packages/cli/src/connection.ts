// Where the server is and what a command signs with, for commands that call it as any AWS client could: from the environment, as the AWS
// tools take it, else from the credentials file in the data directory.

import { join } from 'node:path'
import { loadClientSettings } from '@strongroom/server/config.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import { UsageError } from './usage-error.ts'

export type Connection = {
  /** No path. */
  readonly endpoint: URL
  readonly region: string
  readonly credentials: Credentials
}

/** `endpointUrl` is what the command line says. @throws UsageError */
export function findConnection(endpointUrl: string | undefined, dataDir: string): Connection {
  const settings = loadClientSettings()
  const { accessKeyId, secretAccessKey, sessionToken } = settings
  const credentials =
    accessKeyId !== undefined && secretAccessKey !== undefined
      ? { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
      : readCredentials(settings.credentialsFile ?? join(dataDir, 'credentials'), settings.profile ?? 'default')
  return {
    endpoint: endpointOf(endpointUrl),
    region: settings.region ?? 'us-east-1',
    credentials,
  }
}

/** `given` is what the command line says. @throws UsageError */
export function endpointOf(given: string | undefined): URL {
  const text = given ?? loadClientSettings().endpointUrl ?? 'http://127.0.0.1:4650'
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--endpoint-url ${text} is not an address: give http://HOST:PORT or https://HOST:PORT`)
  }
  return url
}

/** What a call that had no answer is told as. */
export function noAnswer(endpoint: URL, error: Error): UsageError {
  const { code, cause } = error as NodeJS.ErrnoException & { readonly cause?: Partial<NodeJS.ErrnoException> }
  const why = cause?.code ?? cause?.message ?? code ?? error.message
  return new UsageError(`no server answers at ${endpoint.origin} (${why}): give its address with --endpoint-url`)
}
