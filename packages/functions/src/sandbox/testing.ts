// What tests of the sandbox share: which levels this machine has, and a plan to launch.

import type { ConfinedLevel } from './confined.ts'
import { probeSandbox } from './probe.ts'

const reasons = new Map<ConfinedLevel, string | undefined>()
for (const level of ['A', 'B', 'B-'] as const) {
  const reason = await probeSandbox({ levels: [level] }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  reasons.set(level, reason)
}

/** Why this machine does not have a level, for `skip`; false where it does. */
export const machineLacks = (level: ConfinedLevel): string | false => reasons.get(level) ?? false
