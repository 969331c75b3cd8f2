// The SDK's clients of both ends of an import. They wait where a service throttles them, as its own clients do.

import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SSMClient } from '@aws-sdk/client-ssm'
import type { ClientOptions } from '../command-line.ts'
import { sdkConfigOf } from '../sdk.ts'
import { UsageError } from '../usage-error.ts'
import type { Target } from './carry.ts'

export type SourceOptions = {
  readonly sourceEndpointUrl?: string
  readonly sourceRegion?: string
  readonly sourceProfile?: string
}

/** A service that is busy for long is waited for. */
export const PATIENCE = { retryMode: 'adaptive', maxAttempts: 12 } as const

/** Of what the usual options of a command name. @throws UsageError */
export function clientsOf(given: ClientOptions): Target {
  const config = { ...sdkConfigOf(given), ...PATIENCE }
  return { secrets: new SecretsManagerClient(config), ssm: new SSMClient(config) }
}

/** Of the source: AWS itself, unless an endpoint is named. Its Region is the target's unless named. @throws UsageError */
export function sourceClientsOf(given: SourceOptions & ClientOptions): Target {
  const { sourceEndpointUrl, sourceRegion, sourceProfile: profile } = given
  const region = sourceRegion ?? sdkConfigOf(given).region
  if (!/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region)) throw new UsageError(`--source-region ${region} is not a Region`)
  // Named always: AWS_ENDPOINT_URL is where the target is.
  const endpointOf = (service: string): string =>
    sourceEndpointUrl ?? `https://${service}.${region}.${domainOf(region)}`
  const url = URL.parse(endpointOf('secretsmanager'))
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--source-endpoint-url ${sourceEndpointUrl} is not an address: https://HOST:PORT`)
  }
  const config = { region, ...PATIENCE, ...(profile !== undefined && { profile }) }
  return {
    secrets: new SecretsManagerClient({ ...config, endpoint: endpointOf('secretsmanager') }),
    ssm: new SSMClient({ ...config, endpoint: endpointOf('ssm') }),
  }
}

const domainOf = (region: string): string => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com')
