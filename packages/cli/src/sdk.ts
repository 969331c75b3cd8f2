// The AWS SDK's clients of the commands that call Strongroom, or AWS itself, as any program would.

import { join } from 'node:path'
import { isLoopback, loadClientSettings, loadDataDir } from '@strongroom/server/config.ts'
import { findCredentials } from '@strongroom/server/credentials-file.ts'
import type { ClientOptions } from './command-line.ts'
import { type Connection, endpointOf, noAnswer } from './connection.ts'
import { UsageError } from './usage-error.ts'

/** What an SDK client is made with. */
export type SdkConfig = {
  readonly endpoint: string
  readonly region: string
  /** Absent: what the SDK finds by itself, and renews when it expires. */
  readonly credentials?: Connection['credentials']
}

/** What the environment names is signed with; else, with a server of this machine, the credentials file of its data directory. @throws UsageError */
export function sdkConfigOf(given: ClientOptions): SdkConfig {
  const settings = loadClientSettings()
  const endpoint = endpointOf(given.endpointUrl)
  const own =
    settings.accessKeyId === undefined && settings.credentialsFile === undefined && isLoopback(endpoint.hostname)
  const credentials = own ? findOwn(join(loadDataDir(given), 'credentials'), settings.profile) : undefined
  return { endpoint: endpoint.href, region: settings.region ?? 'us-east-1', ...(credentials && { credentials }) }
}

function findOwn(file: string, profile: string | undefined): Connection['credentials'] | undefined {
  try {
    return findCredentials(file, profile)
  } catch {
    return undefined
  }
}

/** What a call that failed is told as: what the server says with its error code, or that it cannot be reached. */
export function callError(error: unknown, { endpoint }: SdkConfig): UsageError {
  if (error instanceof UsageError) return error
  const { name, message } = error as Error
  if ('$fault' in (error as Error)) return new UsageError(`${message} (${name})`)
  return noAnswer(new URL(endpoint), error as Error)
}
