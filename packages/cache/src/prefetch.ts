// Many values ahead, a few at a time.

const AT_ONCE = 8

export type Failed = { readonly id: string; readonly error: unknown }

/** @returns those that failed; never rejects */
export async function prefetch(ids: Iterable<string>, fetch: (id: string) => Promise<unknown>): Promise<Failed[]> {
  const left = [...ids]
  const failed: Failed[] = []
  const work = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      try {
        await fetch(id)
      } catch (error) {
        failed.push({ id, error })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return failed
}
