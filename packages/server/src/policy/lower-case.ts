// Lower case of names that come again with every request: actions and condition keys. The same name gives the same string, so that looking
// it up compares no characters.

/** More than the actions and keys of all services; tag keys of callers may push the others out, which costs only time. */
const REMEMBERED_MAX = 4_096

const remembered = new Map<string, string>()

export function lowerCase(name: string): string {
  const known = remembered.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(name, lower)
  return lower
}
