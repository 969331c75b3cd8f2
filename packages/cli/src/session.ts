// `strongroom session revoke`: POST /_strongroom/sessions/revoke.

import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'

/** @throws UsageError */
export async function revokeSession(accessKeyId: string, connection: Connection): Promise<object> {
  type Answer = { readonly AccessKeyId: string; readonly RevokedUntil: number }
  const input = { AccessKeyId: accessKeyId }
  const { AccessKeyId, RevokedUntil } = await signedCall<Answer>('/_strongroom/sessions/revoke', input, connection)
  return { AccessKeyId, RevokedUntil: new Date(RevokedUntil * 1000).toISOString() }
}
