// A listing, page by page.

import { UsageError } from '../usage-error.ts'

/** Two million secrets: no server has as many, but one that always has a next page. */
const PAGES_MAX = 20_000

/** @throws UsageError where the listing does not end, and what `ask` throws */
export async function* pagesOf<P extends { readonly NextToken?: string | undefined }>(
  ask: (NextToken: string | undefined) => Promise<P>,
): AsyncGenerator<P> {
  let token: string | undefined
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await ask(token)
    yield page
    token = page.NextToken
    if (token === undefined) return
  }
  throw new UsageError(`the listing does not end: after ${PAGES_MAX} pages there is one more`)
}
