// Replicas as another server sends them.

import { signedCall, type TestServer } from '../../testing.ts'
import { token } from '../secretsmanager/testing.ts'

export const HOME = 'ap-south-1'
export const VERSION = token('version')

/** A signed call of one of the two routes. */
export const ask = (
  server: TestServer,
  route: 'put' | 'remove',
  input: object,
  credentials = server.credentials,
): ReturnType<typeof signedCall> =>
  signedCall(`${server.url}/_strongroom/replicas/${route}`, 'secretsmanager', undefined, input, {
    credentials,
    region: server.region,
  })

/** A copy of a secret with one version, as another server sends it. */
export const copyOf = (server: TestServer, Revision: number, value: string | undefined, more: object = {}) => ({
  PrimaryArn: `arn:aws:secretsmanager:${HOME}:${server.accountId}:secret:db-AbCdEf`,
  Revision,
  Create: true,
  Overwrite: false,
  Tags: [],
  CreatedAt: 1_000,
  ChangedAt: 2_000,
  Versions: [{ VersionId: VERSION, VersionStages: ['AWSCURRENT'], CreatedAt: 1_000, HasValue: true }],
  ...(value !== undefined && {
    Value: { VersionId: VERSION, Kind: 'string', Bytes: Buffer.from(value).toString('base64') },
  }),
  ...more,
})
