// Work in many small steps that lets other requests in: after each step it asks whether it is time for a pause.

import { setImmediate as nextTurn } from 'node:timers/promises'

/** Longer than this nobody waits for the work. */
const WORK_MS = 5

/** @returns what is asked after each step: a promise to wait for where the work has held the event loop for long enough */
export function createPauses(): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < WORK_MS) return undefined
    return nextTurn().then(() => {
      since = performance.now()
    })
  }
}
