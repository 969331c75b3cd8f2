// RevokeSession ends one session of the caller's account: no server of the installation takes its credentials from the next request on. No
// AWS operation: docs/sessions.md.

import { operation } from '../../../operation.ts'
import { string, timestamp } from '../../../shape/shape.ts'
import { accountOfAccessKeyId, revokeSession as revoke } from '../../iam/port.ts'
import { SESSION_SECONDS_MAX } from '../../sts/port.ts'
import { notASession } from '../errors.ts'

export const revokeSession = operation({
  name: 'RevokeSession',
  readOnly: false,
  path: '/_strongroom/sessions/revoke',

  input: {
    /** ASIA...; it carries the account of the session. */
    AccessKeyId: string({ min: 16, max: 128 }),
  },

  output: {
    AccessKeyId: string(),
    /** When the session has expired in any case, and the revocation is forgotten. */
    RevokedUntil: timestamp(),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  responseElements: ({ AccessKeyId, RevokedUntil }) => ({
    accessKeyId: AccessKeyId,
    revokedUntil: new Date(RevokedUntil).toISOString(),
  }),

  async run({ app, tx, account, input }) {
    const { AccessKeyId } = input
    if (!AccessKeyId.startsWith('ASIA') || accountOfAccessKeyId(AccessKeyId) !== account) throw notASession(account)
    const wallNow = app.wallNow()
    const expiresAt = wallNow + SESSION_SECONDS_MAX * 1_000
    await revoke(app, tx, account, { accessKeyId: AccessKeyId, expiresAt }, wallNow)
    return { AccessKeyId, RevokedUntil: expiresAt }
  },
})
