// Whether the server can do its work. Anybody may ask, so the answer tells no secret and is worked out at most once a second.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Retention } from './audit/retention.ts'
import type { Trail } from './audit/trail.ts'
import type { Sinks } from './events/sinks.ts'
import type { Health } from './handle.ts'
import type { LiveKeyring } from './seal/lifecycle.ts'
import type { FunctionRunner } from './services/lambda/port.ts'
import { DatabaseError } from './storage/database.ts'

const FRESH_MS = 1_000
const PATIENCE_MS = 5_000

export type HealthOptions = {
  readonly keyring: Pick<LiveKeyring, 'refresh'>
  readonly trail: Pick<Trail, 'check'>
  readonly retention: Pick<Retention, 'usage'>
  readonly sinks?: Pick<Sinks, 'warnings'>
  readonly functions?: Pick<FunctionRunner, 'warnings'>
  /** How long an answer holds. 1,000 unless told. */
  readonly freshMs?: number
  /** How long whoever asks may wait. 5,000 unless told. */
  readonly patienceMs?: number
}

export function createHealth(options: HealthOptions): () => Promise<Health> {
  const { freshMs = FRESH_MS, patienceMs = PATIENCE_MS } = options
  let askedAt = Number.NEGATIVE_INFINITY
  let examining = false
  let answer: Promise<Health>
  return () => {
    const now = performance.now()
    // One at a time: where the database hangs, questions must not pile up in front of it.
    if (!examining && now - askedAt > freshMs) {
      askedAt = now
      examining = true
      const examined = examine(options).finally(() => {
        examining = false
      })
      answer = Promise.race([examined, silence(patienceMs)])
    }
    return answer
  }
}

async function examine({ keyring, trail, retention, sinks, functions }: HealthOptions): Promise<Health> {
  let doing: 'read' | 'written' = 'read'
  try {
    // Reads the database and, where another server changed them, opens the keys.
    await keyring.refresh()
    const { bytes, bytesMax, warns } = await retention.usage()
    doing = 'written'
    await trail.check()
    const percent = Math.floor((bytes / bytesMax) * 100)
    const warnings = warns
      ? [`the audit trail fills ${percent} % of --audit-max-bytes: the oldest events go early`]
      : []
    return {
      ok: true,
      problems: [],
      warnings: [...warnings, ...(sinks?.warnings() ?? []), ...(functions?.warnings() ?? [])],
    }
  } catch (error) {
    const problem =
      error instanceof DatabaseError
        ? `the database cannot be ${doing}: ${error.reason}`
        : 'the keyring cannot be opened'
    return { ok: false, problems: [problem], warnings: [] }
  }
}

const silence = (patienceMs: number): Promise<Health> =>
  sleep(patienceMs, { ok: false, problems: ['the database does not answer'], warnings: [] }, { ref: false })
