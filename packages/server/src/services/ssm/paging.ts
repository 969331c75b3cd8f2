// Pages of parameters: in the order of their names, each from where the last one ended, and never more than a bounded number examined.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html

import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Call } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import * as errors from './errors.ts'
import { listParameters, type Range, type StoredParameter } from './store.ts'

/** The most parameters that one page looks at. What is left is for the next page. */
export const EXAMINED_MAX = 2_000
/** Rows read and opened between two turns of the event loop. */
const CHUNK_ROWS = 200

export type Page<T> = {
  readonly items: readonly T[]
  /** The path at which this page ended, unless it is the last. A page may be short, or empty, and not be the last. */
  readonly next: string | undefined
}

/**
 * One page of what `pick` makes of the parameters in a range; it passes over those of which it makes nothing.
 * @param everyOne whether `pick` takes them all, so that no more are read than are asked for
 */
export async function readPage<T>(
  call: Call,
  range: Range,
  after: string,
  max: number,
  pick: (stored: StoredParameter) => T | undefined,
  everyOne: boolean,
): Promise<Page<T>> {
  const items: T[] = []
  let examined = 0
  let last = after
  let limit = everyOne ? max + 1 : CHUNK_ROWS
  for (;;) {
    const chunk = await listParameters(call, call, range, last, limit)
    for (const stored of chunk) {
      if (examined === EXAMINED_MAX) return { items, next: last }
      examined += 1
      const item = pick(stored)
      if (item !== undefined) {
        // One match too many: there is a next page, and it begins here.
        if (items.length === max) return { items, next: last }
        items.push(item)
      }
      last = stored.path
    }
    if (chunk.length < limit) return { items, next: undefined }
    limit = CHUNK_ROWS
    await nextTurn()
  }
}

type PageToken = { readonly region: string; readonly of: string; readonly after: string }

const purposeOf = (operation: string): string => `ssm:${operation}`

/** What a page is of: the same question, but for its size. */
const questionOf = (question: readonly unknown[]): string => hash('sha256', JSON.stringify(question), 'base64url')

/** What continues a list, for this account, region, operation and question only. */
export function sealNextToken(
  { app, account, region }: Call,
  operation: string,
  question: readonly unknown[],
  next: string | undefined,
): string | undefined {
  if (next === undefined) return undefined
  const token: PageToken = { region, of: questionOf(question), after: next }
  return sealPageToken(app.keyring, purposeOf(operation), account, JSON.stringify(token))
}

/** Where a page begins. @throws ServiceError InvalidNextToken for a token that was not given for this. */
export function openNextToken(
  { app, account, region }: Call,
  operation: string,
  question: readonly unknown[],
  token: string | undefined,
): string {
  if (token === undefined) return ''
  const json = openPageToken(app.keyring, purposeOf(operation), account, token)
  const opened = json === undefined ? undefined : (JSON.parse(json) as PageToken)
  if (opened?.region !== region || opened.of !== questionOf(question)) throw errors.invalidNextToken()
  return opened.after
}
