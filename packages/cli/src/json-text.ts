// Values that are JSON, changed without touching what is not meant: numbers keep their digits, and members their order.

import { UsageError } from './usage-error.ts'

/** Of JSON. Numbers are as they were written. */
export type JsonValue = unknown
type Members = { readonly [name: string]: JsonValue }
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown

const { parse, rawJSON, isRawJSON } = JSON as unknown as {
  readonly parse: (text: string, reviver: Reviver) => JsonValue
  readonly rawJSON: (text: string) => object
  readonly isRawJSON: (value: unknown) => boolean
}

/** Undefined where it is not JSON. */
export function parseJson(text: string): JsonValue {
  try {
    return parse(text, (_, value, { source }) => (typeof value === 'number' ? rawJSON(source!) : value))
  } catch {
    return undefined
  }
}

/** An object, and no array or number. */
export const isMembers = (value: JsonValue): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value)

/** Of a value that is an object. @throws UsageError, which holds nothing of the value. */
export function membersOf(text: string | undefined): Members {
  const value = text === undefined ? undefined : parseJson(text)
  if (!isMembers(value)) throw new UsageError('the value is not a JSON object: it has no fields')
  return value
}

/** Of JSON: a string, a mark, or a number or word. What is between them is white space. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

type Span = { readonly start: number; readonly end: number }

/** Where the values of an object's own members stand in its text, by their names; of one that is there twice the last. */
function spansOf(text: string): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  let depth = 0
  let name: string | undefined
  let start = -1
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const isValue = depth === 1 && name !== undefined && token !== ':'
    if (isValue) start = index
    else if (depth === 1 && token.startsWith('"')) name = JSON.parse(token)
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (!isValue) continue
    if (depth !== 1 || name === undefined) continue
    spans.set(name, { start, end: index + token.length })
    name = undefined
  }
  return spans
}

/** A text as it is, anything else as JSON. @throws UsageError where there is no such member. */
export function memberText(text: string | undefined, name: string): string {
  membersOf(text)
  const span = spansOf(text!).get(name)
  if (span === undefined) throw new UsageError(`the value has no field ${name}`)
  const member = text!.slice(span.start, span.end)
  return member.startsWith('"') ? JSON.parse(member) : narrow(member)
}

/** The text with one member set; all else is as it was. @throws UsageError where it is no object. */
export function withMember(text: string, name: string, value: string): string {
  membersOf(text)
  const spans = spansOf(text)
  const { start, end } = spans.get(name) ?? {}
  if (start !== undefined) return text.slice(0, start) + JSON.stringify(value) + text.slice(end)
  const last = Math.max(...[...spans.values()].map((span) => span.end), text.indexOf('{') + 1)
  const space = /^\s*\{\s*"(?:[^"\\]|\\.)*"\s*: /.test(text) ? ' ' : ''
  const before = spans.size === 0 ? '' : `,${/^\s*\{(\r?\n[ \t]+)/.exec(text)?.[1] ?? space}`
  return `${text.slice(0, last)}${before}${JSON.stringify(name)}:${space}${JSON.stringify(value)}${text.slice(last)}`
}

/** Characters. Deep arrays on many lines are mostly indentation. */
const SPREAD_MAX = 262_144

/** As it is nice to edit; the same text where it is no object or array of one line, or would be too long. */
export function spread(text: string): string {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || isRawJSON(value) || text.trimEnd().includes('\n')) return text
  let shown = ''
  let depth = 0
  let before = ''
  for (const [token] of text.matchAll(TOKEN)) {
    const isEnd = token === '}' || token === ']'
    if (isEnd) depth--
    const isBegun = before === '{' || before === '['
    if (isEnd ? !isBegun : isBegun || before === ',') shown += `\n${'  '.repeat(depth)}`
    shown += token === ':' ? ': ' : token
    if (token === '{' || token === '[') depth++
    if (shown.length > SPREAD_MAX) return text
    before = token
  }
  return shown
}

/** On one line, where it is JSON. */
export const narrow = (text: string): string =>
  parseJson(text) === undefined ? text : (text.match(TOKEN) ?? []).join('')
