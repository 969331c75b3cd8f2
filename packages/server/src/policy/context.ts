// The context of one request as conditions ask for it: by key in lower case, whatever the spelling of whoever filled it in.

import { type AuthorizationRequest, type Context, type Lookup, ownContext } from './engine.ts'
import { lowerCase } from './lower-case.ts'

/**
 * Asks `request.context` once, when first a key is looked up. Entries whose names differ only in case are one key with all their values;
 * those of the permission stand for those of the request of the same name.
 */
export function createLookup({ context, permission, onTime }: AuthorizationRequest): Lookup {
  let index: Index | undefined
  return (key) => {
    if (onTime !== undefined && OF_TIME.has(key)) onTime()
    index ??= indexOf(context(), ownContext(permission))
    const value = index.get(key)
    return value === undefined ? ABSENT : listOf(value)
  }
}

/** Keys whose value is another from one moment to the next, in lower case. */
const OF_TIME: ReadonlySet<string> = new Set(['aws:currenttime', 'aws:epochtime', 'aws:multifactorauthage'])

type Index = Map<string, string | readonly string[]>

const ABSENT: readonly string[] = []

const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value)

function indexOf(base: Context, over: Context = {}): Index {
  const index: Index = new Map()
  const replaced = Object.keys(over).filter((name) => Object.hasOwn(base, name))
  for (const name of Object.keys(base)) if (!replaced.includes(name)) add(index, name, base[name])
  for (const name of Object.keys(over)) add(index, name, over[name])
  return index
}

function add(index: Index, name: string, value: Context[string]): void {
  if (value === undefined) return
  const key = lowerCase(name)
  const known = index.get(key)
  index.set(key, known === undefined ? value : [...listOf(known), ...listOf(value)])
}
