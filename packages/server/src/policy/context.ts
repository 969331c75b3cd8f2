// The context of one request as conditions ask for it: by key in lower case, whatever the spelling of whoever filled it in.

import type { AuthorizationRequest, Context, Lookup } from './engine.ts'

/**
 * Asks `request.context` once, when first a key is looked up. Entries whose names differ only in case are one key with all their values;
 * those of the permission stand for those of the request of the same name.
 */
export function createLookup({ context, permission }: AuthorizationRequest): Lookup {
  let index: Map<string, readonly string[]> | undefined
  return (key) => {
    index ??= indexOf(context(), permission.context)
    return index.get(key) ?? ABSENT
  }
}

const ABSENT: readonly string[] = []

function indexOf(base: Context, over: Context = {}): Map<string, readonly string[]> {
  const index = new Map<string, readonly string[]>()
  for (const name of Object.keys(base)) {
    if (!Object.hasOwn(over, name)) add(index, name, base[name])
  }
  for (const name of Object.keys(over)) add(index, name, over[name])
  return index
}

function add(index: Map<string, readonly string[]>, name: string, value: Context[string]): void {
  if (value === undefined) return
  const key = name.toLowerCase()
  const known = index.get(key)
  const values = typeof value === 'string' ? [value] : value
  index.set(key, known === undefined ? values : [...known, ...values])
}
