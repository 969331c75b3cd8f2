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

/** A text as it is, anything else as JSON. @throws UsageError where there is no such member. */
export function memberText(text: string | undefined, name: string): string {
  const members = membersOf(text)
  if (!Object.hasOwn(members, name)) throw new UsageError(`the value has no field ${name}`)
  const member = members[name]
  return typeof member === 'string' ? member : JSON.stringify(member)
}

/** The text with one member set, indented as it was. @throws UsageError where it is no object. */
export function withMember(text: string, name: string, value: string): string {
  return JSON.stringify(Object.fromEntries([...Object.entries(membersOf(text)), [name, value]]), null, indentOf(text))
}

/** As it is nice to edit; the same text where it is not JSON of one line. */
export function spread(text: string): string {
  const value = parseJson(text)
  return typeof value !== 'object' || value === null || text.trimEnd().includes('\n')
    ? text
    : JSON.stringify(value, null, 2)
}

/** On one line, where it is JSON. */
export function narrow(text: string): string {
  const value = parseJson(text)
  return value === undefined ? text : JSON.stringify(value)
}

const indentOf = (text: string): string | number => /^\{\r?\n([ \t]+)/.exec(text)?.[1] ?? 0
