// Unwrapped keys in memory: few, and not for long. Whoever asks has checked first that the key may be used now.

import { Lru } from '../../storage/cache.ts'

type Entry<V> = { readonly value: V; readonly storedAt: number }

/** Bounded by count (what was not used for long goes first) and by age, on the wall clock; what is too old is also forgotten unasked. */
export class KeyCache<V> {
  readonly #entries: Lru<string, Entry<V>>
  readonly #max: number
  readonly #ageMsMax: number
  readonly #wallNow: () => number
  #sweep: NodeJS.Timeout | undefined

  constructor(max: number, ageMsMax: number, wallNow: () => number) {
    this.#entries = new Lru(max)
    this.#max = max
    this.#ageMsMax = ageMsMax
    this.#wallNow = wallNow
  }

  get(name: string): V | undefined {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    if (this.#isFresh(entry.storedAt)) return entry.value
    this.#entries.delete(name)
    return undefined
  }

  set(name: string, value: V): void {
    if (this.#max === 0) return
    this.#entries.set(name, { value, storedAt: this.#wallNow() })
    this.#sweep ??= setTimeout(() => this.#forgetOld(), this.#ageMsMax / 4).unref()
  }

  clear(): void {
    this.#entries.clear()
    clearTimeout(this.#sweep)
    this.#sweep = undefined
  }

  get size(): number {
    return this.#entries.size
  }

  /** A clock that went back ends an entry's life rather than prolonging it. */
  #isFresh(storedAt: number): boolean {
    const age = this.#wallNow() - storedAt
    return age >= 0 && age < this.#ageMsMax
  }

  #forgetOld(): void {
    this.#entries.deleteWhere(({ storedAt }) => !this.#isFresh(storedAt))
    this.#sweep = this.#entries.size === 0 ? undefined : setTimeout(() => this.#forgetOld(), this.#ageMsMax / 4).unref()
  }
}
