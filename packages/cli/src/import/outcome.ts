// What became of one secret or parameter, or would become of it.

import { UsageError } from '../usage-error.ts'
import type { Mapping } from './mapping.ts'

export type Action = 'create' | 'update' | 'leave' | 'leave out' | 'refuse' | 'fail'

export type Outcome = {
  readonly action: Action
  /** What is carried over, what is not, and the mend. Never a value. */
  readonly details: readonly string[]
  /** It was left alone because the target has it as it is to be. */
  readonly isSame?: true
}

export type CarryOptions = {
  readonly mapping: Mapping
  /** Only tell what would be done: nothing is written. */
  readonly dryRun: boolean
  /** What the target has of its own gets the source's current value as a new version, and the source's description, key, tags and policy. */
  readonly overwrite: boolean
  readonly policies: boolean
  readonly rotation: boolean
}

/** Others that come between, one after another: so many are no chance any more. */
const TRIES_MAX = 20

/** What is written has changed since it was looked at, as by another import. */
export class ChangedError extends UsageError {
  constructor() {
    super('somebody else changes it at the same time: import it again')
  }
}

/** Once more, from what is there then, where somebody came between. `begin` is told what is going to be done, and the first of that is told in the end. */
export async function untilSettled(carry: (begin: (planned: Outcome) => void) => Promise<Outcome>): Promise<Outcome> {
  let begun: Outcome | undefined
  let first: Outcome | undefined
  for (let tries = 1; ; tries++) {
    try {
      const outcome = await carry((planned) => {
        begun = planned
      })
      return outcome.isSame || outcome.action === 'update' ? (first ?? outcome) : outcome
    } catch (error) {
      if (!(error instanceof ChangedError) || tries === TRIES_MAX) throw error
      first ??= begun
    }
  }
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
