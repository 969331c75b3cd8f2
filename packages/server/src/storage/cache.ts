// Bounded caches. What is mutable is remembered only for as long as the database says that nothing was committed since.

import type { Transaction } from './database.ts'

/** The least recently used entry goes first. */
export class Lru<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#max) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
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

  read(tx: Transaction, key: string, load: () => Promise<T | undefined>): T | undefined | Promise<T | undefined> {
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
