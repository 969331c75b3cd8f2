// `strongroom clock advance`: POST /_strongroom/clock.

import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'

/** @throws UsageError */
export async function advanceClock(duration: string, connection: Connection): Promise<object> {
  type Answer = { readonly now: number; readonly aheadMs: number }
  const { now, aheadMs } = await signedCall<Answer>('/_strongroom/clock', { advance: duration }, connection)
  return { now: new Date(now * 1000).toISOString(), aheadMs }
}
