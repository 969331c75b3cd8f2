// Bounded caches. What is mutable is remembered only for as long as the database says that nothing was committed since.

import type { Transaction } from './database.ts'

/** What is known already, or will be: a promise costs a turn of the microtask queue even where it has nothing to wait for. */
export type Awaitable<T> = T | Promise<T>

export const andThen = <T, U>(value: Awaitable<T>, next: (value: T) => U): Awaitable<U> =>
  value instanceof Promise ? value.then(next) : next(value)

/**
 * At most `max` entries; what was not used for long goes. Two generations instead of an order: looking up what is in use is one
 * look-up, and an entry is dropped after half of `max` others were new since its last use.
 */
export class Lru<K, V> {
  #young = new Map<K, V>()
  #old = new Map<K, V>()
  readonly #generation: number

  constructor(max: number) {
    this.#generation = Math.max(1, Math.floor(max / 2))
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const kept = this.#old.get(key)
    if (kept !== undefined) this.set(key, kept)
    return kept
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generation && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#old.delete(key)
    this.#young.set(key, value)
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  deleteWhere(isOver: (value: V) => boolean): void {
    for (const entries of [this.#young, this.#old]) {
      for (const [key, value] of entries) if (isOver(value)) entries.delete(key)
    }
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }
}

/**
 * What was read under a key, for as long as the snapshot it was read in is still the newest one. In a write transaction, and on a
 * database that does not number its snapshots, it reads every time.
 */
export class SnapshotCache<T extends object> {
  readonly #entries: Lru<string, { readonly snapshot: number; readonly value: T | undefined }>

  constructor(max: number) {
    this.#entries = new Lru(max)
  }

  read(tx: Transaction, key: string, load: () => Promise<T | undefined>): Awaitable<T | undefined> {
    const { snapshot } = tx
    if (snapshot === undefined) return load()
    const entry = this.#entries.get(key)
    if (entry?.snapshot === snapshot) return entry.value
    return load().then((value) => {
      this.#entries.set(key, { snapshot, value })
      return value
    })
  }
}
