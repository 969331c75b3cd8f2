import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pagesOf } from './pages.ts'

test('each page is asked for with the token of the one before, until there is none', async () => {
  const asked: (string | undefined)[] = []
  const next: { readonly [token: string]: string } = { first: 'a', a: 'b' }
  const seen: string[] = []
  const ask = async (token: string | undefined) => {
    asked.push(token)
    const NextToken = next[token ?? 'first']
    return { name: token ?? 'first', ...(NextToken !== undefined && { NextToken }) }
  }
  for await (const { name } of pagesOf(ask)) seen.push(name)
  assert.deepEqual(seen, ['first', 'a', 'b'])
  assert.deepEqual(asked, [undefined, 'a', 'b'])
})

test('a listing without end is an error, however its tokens are called', async () => {
  for (const token of [() => 'same', (page: number) => `other-${page}`]) {
    let pages = 0
    const all = async (): Promise<void> => {
      for await (const _ of pagesOf(async () => ({ NextToken: token(pages++) })));
    }
    await assert.rejects(all(), { name: 'UsageError', message: /^the listing does not end: after 20000 pages/ })
    assert.equal(pages, 20_000)
  }
})
