// Whether the server can do its work. Anybody may ask, so the answer tells no secret and is worked out at most once a second.

import type { Retention } from './audit/retention.ts'
import type { Health } from './handle.ts'
import type { LiveKeyring } from './seal/lifecycle.ts'
import { DatabaseError } from './storage/database.ts'

const FRESH_MS = 1_000

export function createHealth(keyring: LiveKeyring, retention: Retention): () => Promise<Health> {
  let askedAt = Number.NEGATIVE_INFINITY
  let answer: Promise<Health>
  return () => {
    const now = performance.now()
    if (now - askedAt > FRESH_MS) {
      askedAt = now
      answer = examine(keyring, retention)
    }
    return answer
  }
}

async function examine(keyring: LiveKeyring, retention: Retention): Promise<Health> {
  try {
    // Reads the database and, where another server changed them, opens the keys.
    await keyring.refresh()
    const { bytes, bytesMax, warns } = await retention.usage()
    const percent = Math.floor((bytes / bytesMax) * 100)
    const warnings = warns
      ? [`the audit trail fills ${percent} % of --audit-max-bytes: the oldest events go early`]
      : []
    return { ok: true, problems: [], warnings }
  } catch (error) {
    const problem =
      error instanceof DatabaseError ? `the database cannot be read: ${error.reason}` : 'the keyring cannot be opened'
    return { ok: false, problems: [problem], warnings: [] }
  }
}
