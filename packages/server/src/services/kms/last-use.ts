// The last use of a key as answers and policies see it.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html

import type { Call } from '../../call.ts'
import type { KmsKey } from './model.ts'
import { findKeyUse, type KeyUse } from './store.ts'
import type { KeyTarget } from './target.ts'

const DAY_MS = 86_400_000

/** The later of what is written and what this process knows. */
export async function lastUse(call: Call, key: KmsKey): Promise<KeyUse | undefined> {
  const { accountId: account, region, keyId } = key
  const written = await findKeyUse(call, { account, region, keyId })
  const known = call.app.keyUses.last(key)
  if (written === undefined || known === undefined) return written ?? known
  return known.usedAt >= written.usedAt ? known : written
}

/** A target with kms:TrailingDaysWithoutKeyUsage: whole days since the key was used, or since it was made. */
export async function idleDays(call: Call, target: KeyTarget): Promise<KeyTarget> {
  if (target.stored === undefined) return target
  const { key } = target.stored
  const since = (await lastUse(call, key))?.usedAt ?? key.createdAt
  const days = Math.max(0, Math.floor((call.now - since) / DAY_MS))
  return { ...target, context: { ...target.context, 'kms:TrailingDaysWithoutKeyUsage': String(days) } }
}
