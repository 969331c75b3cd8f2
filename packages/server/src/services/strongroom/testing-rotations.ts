// What the tests of rotations share: our own routes.

import { signedCall, type TestAnswer, type TestCredentials, type TestServer } from '../../testing.ts'

export const ask = (
  server: TestServer,
  route: 'list' | 'dry-run' | 'abandon' | 'roll-back',
  input: object,
  credentials: TestCredentials = server.credentials,
): Promise<TestAnswer> =>
  signedCall(`${server.url}/_strongroom/rotations/${route}`, 'secretsmanager', undefined, input, {
    credentials,
    region: server.region,
  })
