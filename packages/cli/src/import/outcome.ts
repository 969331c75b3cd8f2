// What became of one secret or parameter, or would become of it.

import type { Mapping } from './mapping.ts'

export type Action = 'create' | 'update' | 'leave' | 'leave out' | 'refuse' | 'fail'

export type Outcome = {
  readonly action: Action
  /** What is carried over, what is not, and the mend. Never a value. */
  readonly details: readonly string[]
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

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
