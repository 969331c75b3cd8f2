// Regions as credential scopes and SigV4a region sets name them. No regular expression ever sees a pattern of a client.

const REGION = /^(?:[a-z]+-)+\d+$/
const REGION_LENGTH_MAX = 32
const SET_MAX = 32

/** Whether it looks like a region: `eu-central-1`, `us-gov-west-1`. */
export const isRegion = (name: string): boolean => name.length <= REGION_LENGTH_MAX && REGION.test(name)

/**
 * The region of a request signed for a set of them, such as `eu-west-1,us-*`: the first that the set names in full, in the set's own
 * order; where it holds only patterns, the server's own region if one of them matches it. Undefined where neither is so.
 */
export function pickRegion(set: string, own: string): string | undefined {
  if (set.length > SET_MAX * REGION_LENGTH_MAX) return undefined
  const patterns = set.split(',').map((pattern) => pattern.trim())
  if (patterns.length > SET_MAX || patterns.some((pattern) => pattern.length > REGION_LENGTH_MAX)) return undefined
  return patterns.find(isRegion) ?? (patterns.some((pattern) => matches(pattern, own)) ? own : undefined)
}

/** Whether the pattern, in which each `*` stands for any text, covers the whole name. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return pattern === name
  const [first, last] = [parts[0]!, parts.at(-1)!]
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  const end = name.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
