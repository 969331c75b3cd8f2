// One client of Parameter Store for what a command does.

import { SSMClient } from '@aws-sdk/client-ssm'
import type { ClientOptions } from '../command-line.ts'
import { callError, sdkConfigOf } from '../sdk.ts'

/** @throws UsageError with what the server says. */
export async function withParameters<T>(given: ClientOptions, work: (client: SSMClient) => Promise<T>): Promise<T> {
  const config = sdkConfigOf(given)
  const client = new SSMClient(config)
  try {
    return await work(client)
  } catch (error) {
    throw callError(error, config)
  } finally {
    client.destroy()
  }
}
