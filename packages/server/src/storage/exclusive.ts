// Work that one process at a time may do on a database, such as migrations: a lock that may be taken again inside itself.

import { AsyncLocalStorage } from 'node:async_hooks'

export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>

/** `hold` runs work under the lock proper; work that asks for it again, however deep, has it already. */
export function reentrant(hold: Exclusively): Exclusively {
  const held = new AsyncLocalStorage<true>()
  return (work) => (held.getStore() === true ? work() : hold(() => held.run(true, work)))
}
