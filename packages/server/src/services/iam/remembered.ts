// What was made of rows, kept for as long as these rows stand: an opened secret access key, compiled policies. Nothing here outlives a change
// of what it was made of, whichever process made the change.

import { type Awaitable, Lru } from '../../storage/cache.ts'
import type { Transaction } from '../../storage/database.ts'

export type Found<T> = {
  /** What the value depends on, compared by identity: bodies as opened, which stay the same object while their row does. */
  readonly sources: readonly object[]
  readonly make: () => T
}

type Entry<T> = { readonly snapshot: number | undefined; readonly sources: readonly object[]; readonly value: T }

export class Remembered<T, Name = string> {
  readonly #entries: Lru<Name, Entry<T>>

  constructor(max: number) {
    this.#entries = new Lru(max)
  }

  /**
   * Reads only where something was committed since; makes the value anew only where a source is another. What was not found is not
   * remembered, so that strangers cannot push out what is.
   */
  read(tx: Transaction, name: Name, find: () => Promise<Found<T> | undefined>): Awaitable<T | undefined> {
    const { snapshot } = tx
    const known = this.#entries.get(name)
    if (known !== undefined && snapshot !== undefined && known.snapshot === snapshot) return known.value
    return this.#find(snapshot, name, known, find)
  }

  async #find(
    snapshot: number | undefined,
    name: Name,
    known: Entry<T> | undefined,
    find: () => Promise<Found<T> | undefined>,
  ): Promise<T | undefined> {
    let found: Found<T> | undefined
    try {
      found = await find()
    } finally {
      if (found === undefined) this.#entries.delete(name)
    }
    if (found === undefined) return undefined
    const { sources, make } = found
    const value = known !== undefined && sameObjects(known.sources, sources) ? known.value : make()
    this.#entries.set(name, { snapshot, sources, value })
    return value
  }
}

const sameObjects = (a: readonly object[], b: readonly object[]): boolean =>
  a.length === b.length && a.every((one, i) => one === b[i])
