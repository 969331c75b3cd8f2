// The AWS SDK's clients of the commands that call Strongroom, or AWS itself, as any program would.

import { loadDataDir } from '@strongroom/server/config.ts'
import { trustBundle } from './ca-bundle.ts'
import type { ClientOptions } from './command-line.ts'
import { AWS, type Connection, endpointOf, noAnswer, noCredentials, ownCredentials, regionOf } from './connection.ts'
import { UsageError } from './usage-error.ts'

/** What an SDK client is made with. */
export type SdkConfig = {
  /** Absent: AWS's own of each service. */
  readonly endpoint?: string
  /** Where AWS is meant: AWS_ENDPOINT_URL does not hold. */
  readonly ignoreConfiguredEndpointUrls?: true
  readonly region: string
  /** Absent: what the SDK finds by itself, and renews when it expires. */
  readonly credentials?: Connection['credentials']
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: true
  }
}

const CONNECT_MS_MAX = 5_000
/** For each of the attempts, of which the SDK makes three. */
const ANSWER_MS_MAX = 20_000
/** How long a client waits for any server. */
export const TIMEOUTS = {
  connectionTimeout: CONNECT_MS_MAX,
  requestTimeout: ANSWER_MS_MAX,
  throwOnRequestTimeout: true,
} as const

/** Keys as `ownCredentials` tells. `--endpoint-url aws` is AWS itself. @throws UsageError */
export function sdkConfigOf(given: ClientOptions): SdkConfig {
  const shared = { region: regionOf(), requestHandler: TIMEOUTS } as const
  if (given.endpointUrl === AWS) {
    trustBundle(new URL('https://amazonaws.com'))
    return { ...shared, ignoreConfiguredEndpointUrls: true }
  }
  const endpoint = endpointOf(given.endpointUrl)
  trustBundle(endpoint)
  const credentials = ownCredentials(endpoint, loadDataDir(given))
  return { ...shared, endpoint: endpoint.href, ...(credentials && { credentials: { ...credentials } }) }
}

/** What a service answered, with its error code. Of some errors AWS says nothing but the code, and the SDK has a word of its own for that. */
export function saidBy({ name, message }: Error): string {
  if (message !== '' && message !== 'UnknownError') return `${message} (${name})`
  return name === 'ParameterNotFound' ? `there is no such parameter (${name})` : `the service refuses it (${name})`
}

/** What a call that failed is told as: what the server says with its error code, or that it cannot be reached. A fault of ours stays what it is. */
export function callError(error: unknown, { endpoint }: Pick<SdkConfig, 'endpoint'>): Error {
  const { name, code } = error as NodeJS.ErrnoException
  if ('$fault' in (error as Error)) return new UsageError(saidBy(error as Error))
  if (name === 'CredentialsProviderError') return noCredentials(error as Error)
  if ('$response' in (error as Error) || name === 'SyntaxError') {
    return new UsageError(`${endpoint ?? 'AWS'} answered as no AWS service would: is it a Strongroom server?`)
  }
  if (code === undefined && name !== 'TimeoutError') return error as Error
  return noAnswer(new URL(endpoint ?? 'https://amazonaws.com'), error as Error)
}
