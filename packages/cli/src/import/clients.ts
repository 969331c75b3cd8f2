// The SDK's clients of both ends of an import. They wait where a service throttles them, as its own clients do.

import {
  ListSecretsCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager'
import { SSMClient } from '@aws-sdk/client-ssm'
import type { ClientOptions } from '../command-line.ts'
import { regionOf } from '../connection.ts'
import { sdkConfigOf, TIMEOUTS } from '../sdk.ts'
import { UsageError } from '../usage-error.ts'
import type { Target } from './carry.ts'
import { told } from './told.ts'

export type SourceOptions = {
  readonly sourceEndpointUrl?: string
  readonly sourceRegion?: string
  readonly sourceProfile?: string
}

/** A service that is busy for long is waited for. */
export const PATIENCE = { retryMode: 'adaptive', maxAttempts: 12 } as const

/** Of what the usual options of a command name. @throws UsageError where it does not answer, or not to these credentials. */
export async function openClients(given: ClientOptions, where: 'source' | 'target'): Promise<Target> {
  const config = sdkConfigOf(given)
  await mustAnswer(config, where)
  return {
    secrets: new SecretsManagerClient({ ...config, ...PATIENCE }),
    ssm: new SSMClient({ ...config, ...PATIENCE }),
  }
}

/** Of the source that the command line names. @throws UsageError as openClients */
export async function openSource(given: SourceOptions & ClientOptions): Promise<Target> {
  const [secrets, ssm] = [sourceConfigOf(given, 'secretsmanager'), sourceConfigOf(given, 'ssm')]
  await mustAnswer(secrets, 'source')
  return { secrets: new SecretsManagerClient({ ...secrets, ...PATIENCE }), ssm: new SSMClient({ ...ssm, ...PATIENCE }) }
}

/** AWS itself, unless an endpoint is named: AWS_ENDPOINT_URL is where the target is. Its Region is the target's unless named. @throws UsageError */
export function sourceConfigOf(given: SourceOptions, service: 'secretsmanager' | 'ssm') {
  const { sourceEndpointUrl, sourceRegion, sourceProfile: profile } = given
  const region = sourceRegion ?? regionOf()
  if (!/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region)) throw new UsageError(`--source-region ${region} is not a Region`)
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const endpoint = sourceEndpointUrl ?? `https://${service}.${region}.${domain}`
  const url = URL.parse(endpoint)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--source-endpoint-url ${endpoint} is not an address: https://HOST:PORT`)
  }
  return { region, endpoint, requestHandler: TIMEOUTS, ...(profile !== undefined && { profile }) }
}

/** With little patience, so that a wrong address or key is told at once, and once. What it may do is told later, call by call. */
async function mustAnswer(config: SecretsManagerClientConfig, where: 'source' | 'target') {
  const client = new SecretsManagerClient({ ...config, maxAttempts: 2 })
  try {
    await client.send(new ListSecretsCommand({ MaxResults: 1 }))
  } catch (error) {
    const { name, $fault } = error as { readonly name: string; readonly $fault?: string }
    if ($fault === undefined || !['AccessDeniedException', 'ThrottlingException'].includes(name)) {
      throw told(error, where)
    }
  } finally {
    client.destroy()
  }
}
