// Which part of what takes long is tested: all of it in the soak, and otherwise a sample that the seed of the run decides.

import { createHash } from 'node:crypto'

/** Whether everything is to be tested, however long that takes: `npm run soak`. */
export const SOAK = process.env.STRONGROOM_TEST_SOAK !== undefined

/** TEST_SEED: a whole number, which test/run.ts chooses and tells where it is not given. The same seed gives the same samples. */
export const seed = (): number => Number(process.env.TEST_SEED ?? 0)

/** Whether the one at this place is tried: one in `oneIn`, another one with another seed. All in the soak. */
export const isSampled = (at: number, oneIn: number): boolean => SOAK || at % oneIn === seed() % oneIn

/** One in `oneIn` of the items, but at least one, in their order. All of them in the soak. */
export function sampleOf<T>(items: readonly T[], oneIn: number): readonly T[] {
  if (SOAK || items.length === 0) return items
  const drawn = items
    .map((_, at) => ({ at, lot: createHash('sha256').update(`${seed()} ${at}`).digest('hex') }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1))
    .slice(0, Math.ceil(items.length / oneIn))
  return drawn
    .map(({ at }) => at)
    .sort((a, b) => a - b)
    .map((at) => items[at]!)
}
