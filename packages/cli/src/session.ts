// `strongroom session revoke`: POST /_strongroom/sessions/revoke.

import { type Server, signedCall } from './signed-call.ts'

/** @throws UsageError */
export async function revokeSession(accessKeyId: string, server: Server): Promise<object> {
  type Answer = { readonly AccessKeyId: string; readonly RevokedUntil: number }
  const input = { AccessKeyId: accessKeyId }
  const { AccessKeyId, RevokedUntil } = await signedCall<Answer>('/_strongroom/sessions/revoke', input, server)
  return { AccessKeyId, RevokedUntil: new Date(RevokedUntil * 1000).toISOString() }
}
