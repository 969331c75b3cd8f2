// Where the server is and what a command signs with, for commands that call it as any AWS client could: as the AWS tools find it, and on the
// machine of the server by the credentials file of its data directory.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isLoopback, loadClientSettings } from '@strongroom/server/config.ts'
import { awsFile, profileSetting } from './aws-profile.ts'
import { trustBundle } from './ca-bundle.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import { UsageError } from './usage-error.ts'

export type Connection = {
  /** No path. */
  readonly endpoint: URL
  readonly region: string
  readonly credentials: Credentials
}

/** Who names one of these has chosen the keys: the SDK finds them. */
const CHOICES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
]

/** `endpointUrl` is what the command line says. @throws UsageError */
export async function findConnection(endpointUrl: string | undefined, dataDir: string): Promise<Connection> {
  if (endpointUrl === AWS) throw new UsageError('--endpoint-url aws: AWS has nothing like this command')
  const endpoint = endpointOf(endpointUrl)
  trustBundle(endpoint)
  return { endpoint, region: regionOf(), credentials: ownCredentials(endpoint, dataDir) ?? (await sdkCredentials()) }
}

/** Of `--endpoint-url`: AWS itself. */
export const AWS = 'aws'

/** `given` is what the command line says. @throws UsageError */
export function endpointOf(given: string | undefined): URL {
  const text = given ?? loadClientSettings().endpointUrl ?? 'http://127.0.0.1:4650'
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--endpoint-url ${text} is not an address: give http://HOST:PORT or https://HOST:PORT`)
  }
  return url
}

/** As the AWS tools find it; absent everywhere: us-east-1. */
export const regionOf = (): string => loadClientSettings().region ?? profileSetting('region') ?? 'us-east-1'

/**
 * The keys in the data directory of a server on this machine. Undefined where the SDK is to find others: the environment has or names some, the
 * server is elsewhere, or the data directory has none and ~/.aws may.
 * @throws UsageError
 */
export function ownCredentials(endpoint: URL, dataDir: string): Credentials | undefined {
  if (CHOICES.some((name) => process.env[name]) || !isLoopback(endpoint.hostname.replaceAll(/^\[|\]$/g, ''))) {
    return undefined
  }
  const file = join(dataDir, 'credentials')
  if (!existsSync(file) && (existsSync(awsFile('credentials')) || existsSync(awsFile('config')))) return undefined
  return readCredentials(file, 'default')
}

async function sdkCredentials(): Promise<Credentials> {
  const { accessKeyId, secretAccessKey, sessionToken } = loadClientSettings()
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
  }
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  return defaultProvider()().catch((error: Error) => {
    throw noCredentials(error)
  })
}

/** What the SDK says where it finds no keys. */
export const noCredentials = ({ message }: Error): UsageError =>
  new UsageError(
    `no credentials (${message}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or name the data directory of a server on this machine with --data-dir`,
  )

/** What a call that had no answer is told as. */
export function noAnswer(endpoint: URL, error: Error): UsageError {
  const { code, cause } = error as NodeJS.ErrnoException & { readonly cause?: Partial<NodeJS.ErrnoException> }
  if (error.name === 'TimeoutError') {
    return new UsageError(`${endpoint.origin} does not answer in time: see strongroom doctor`)
  }
  const why = cause?.code ?? cause?.message ?? code ?? error.message
  if (/CERT|ALTNAME|ISSUER/.test(why)) {
    return new UsageError(`the certificate of ${endpoint.origin} is not trusted (${why}): see strongroom doctor`)
  }
  return new UsageError(`no server answers at ${endpoint.origin} (${why}): give its address with --endpoint-url`)
}
