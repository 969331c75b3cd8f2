// The JSON of a policy's elements: objects, and strings alone or in a list. Everything else is refused with its place.

import { MalformedPolicyError } from './errors.ts'

export type Members = { readonly [name: string]: unknown }

/** A string of a policy and where it stands. */
export type Placed = { readonly text: string; readonly path: string }

/** @throws MalformedPolicyError */
export function membersOf(value: unknown, path: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw syntaxError(path)
  return value as Members
}

/**
 * A string, or a list of strings that is not empty.
 * @throws MalformedPolicyError
 */
export function stringsOf(value: unknown, path: string): readonly Placed[] {
  return listOf(value, path).map(({ item, path }) => {
    if (typeof item !== 'string') throw syntaxError(path)
    return { text: item, path }
  })
}

/**
 * One value, or those of a list that is not empty.
 * @throws MalformedPolicyError
 */
export function listOf(value: unknown, path: string): readonly { readonly item: unknown; readonly path: string }[] {
  if (!Array.isArray(value)) return [{ item: value, path }]
  if (value.length === 0) throw syntaxError(path)
  return value.map((item, i) => ({ item, path: `${path}[${i}]` }))
}

/** A member's place. Names are the caller's own text: not more of it than tells. */
export const placeOf = (path: string, name: string): string =>
  path === '' ? name.slice(0, 64) : `${path}.${name.slice(0, 64)}`

export const syntaxError = (path: string): MalformedPolicyError =>
  new MalformedPolicyError(path, 'Syntax errors in policy.')
