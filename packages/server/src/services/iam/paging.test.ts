import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testKeyring } from '../../seal/testing.ts'
import { EXAMINED_MAX, listed, type Page, pageOf, type Source } from './paging.ts'

const app = { keyring: testKeyring() }
const account = '111122223333'

/** So many items, whose places sort as their numbers do. */
const numbers = (count: number, passes?: (item: number) => boolean): Source<number> => {
  const place = (item: number) => String(item).padStart(9, '0')
  const items = Array.from({ length: count }, (_, i) => i + 1)
  return {
    place,
    read: async (after, limit) => items.filter((item) => place(item) > after).slice(0, limit),
    ...(passes && { passes }),
  }
}

async function allPages(source: Source<number>, MaxItems?: number): Promise<readonly Page<number>[]> {
  const pages: Page<number>[] = []
  let Marker: string | undefined
  do {
    pages.push(await pageOf({ app, account, input: { MaxItems, Marker } }, 'ListNumbers', source))
    Marker = pages.at(-1)!.more.Marker
  } while (Marker !== undefined)
  return pages
}

test('pages hold 100 items unless the caller says otherwise, each item once and in order', async () => {
  for (const [count, max, sizes] of [
    [0, undefined, [0]],
    [99, undefined, [99]],
    [100, undefined, [100]],
    [101, undefined, [100, 1]],
    [5, 2, [2, 2, 1]],
    [1_200, 1_000, [1_000, 200]],
    [400, 200, [200, 200]],
  ] as const) {
    const pages = await allPages(numbers(count), max)
    assert.deepEqual(
      pages.map(({ items }) => items.length),
      sizes,
    )
    assert.deepEqual(
      pages.flatMap(({ items }) => items),
      Array.from({ length: count }, (_, i) => i + 1),
    )
    for (const { more } of pages.slice(0, -1)) assert.equal(more.IsTruncated, true)
    assert.deepEqual(pages.at(-1)!.more, { IsTruncated: false })
  }
})

test('a page looks at a bounded number of items, and may be empty and not the last', async () => {
  let examined = 0
  const rare = numbers(EXAMINED_MAX * 2 + 1, (item) => {
    examined += 1
    return item > EXAMINED_MAX * 2
  })
  const [first, second, third] = await allPages(rare)
  for (const page of [first!, second!]) {
    assert.deepEqual(page.items, [])
    assert.equal(page.more.IsTruncated, true)
  }
  assert.deepEqual(third!.items, [EXAMINED_MAX * 2 + 1])
  assert.equal(examined, EXAMINED_MAX * 2 + 1)
})

test('a marker works for its operation and account only', async () => {
  const { more } = await pageOf({ app, account, input: { MaxItems: 1 } }, 'ListNumbers', numbers(2))
  const { Marker } = more
  const page = (account: string, operation: string, Marker: string | undefined) =>
    pageOf({ app, account, input: { Marker } }, operation, numbers(2))
  assert.deepEqual((await page(account, 'ListNumbers', Marker)).items, [2])
  const invalid = { code: 'ValidationError', message: 'Invalid Marker.' }
  await assert.rejects(page('999999999999', 'ListNumbers', Marker), invalid)
  await assert.rejects(page(account, 'ListOthers', Marker), invalid)
  await assert.rejects(page(account, 'ListNumbers', `${Marker}A`), invalid)
})

test('what one row lists comes in the order of its places, and goes on where it ended though items come and go', async () => {
  const page = (items: readonly string[], Marker?: string) =>
    pageOf(
      { app, account, input: { MaxItems: 2, Marker } },
      'ListLetters',
      listed(items, (item) => item),
    )
  const first = await page(['d', 'b', 'a', 'c'])
  assert.deepEqual(first.items, ['a', 'b'])
  const second = await page(['aa', 'd', 'e', 'c', 'a'], first.more.Marker)
  assert.deepEqual(second.items, ['c', 'd'])
})
