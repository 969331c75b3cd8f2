// Wildcards as AWS matches them, without regular expressions: `*` is any run of characters, `?` is exactly one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

import type { ActionSet, Glob, ResourcePattern, ResourceSet } from './engine.ts'

const STAR = 42
const QUESTION = 63

/** A text as resource patterns see it: the six segments of an ARN by where they begin. The last keeps its colons. */
export type ResourceName = { readonly text: string; readonly starts: readonly number[] }

/**
 * Whether `text` from `from` up to `to` matches as a whole. Two pointers, and only the last `*` is ever tried again, so that the cost is at
 * most the product of the lengths whatever the pattern. A character is a UTF-16 code unit.
 */
export function matchGlob(pattern: string, text: string, from = 0, to = text.length): boolean {
  let at = 0
  let seen = from
  let star = -1
  let resume = from
  while (seen < to) {
    const code = at < pattern.length ? pattern.charCodeAt(at) : -1
    if (code === STAR) {
      star = at
      at += 1
      resume = seen
      if (at === pattern.length) return true
    } else if (code === QUESTION || code === text.charCodeAt(seen)) {
      at += 1
      seen += 1
    } else if (star >= 0) {
      resume += 1
      at = star + 1
      seen = resume
    } else {
      return false
    }
  }
  while (at < pattern.length && pattern.charCodeAt(at) === STAR) at += 1
  return at === pattern.length
}

export function compileGlob(pattern: string): Glob {
  const first = pattern.search(/[*?]/)
  if (first < 0) return { head: pattern, middle: '', tail: '' }
  const end = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1
  return { head: pattern.slice(0, first), middle: pattern.slice(first, end), tail: pattern.slice(end) }
}

/** The same as matchGlob of the pattern it was compiled from. */
export function matchesGlob({ head, middle, tail }: Glob, text: string, from = 0, to = text.length): boolean {
  const size = to - from
  if (middle === '') return size === head.length && standsAt(head, text, from)
  return (
    size >= head.length + tail.length &&
    standsAt(head, text, from) &&
    standsAt(tail, text, to - tail.length) &&
    (middle === '*' || matchGlob(middle, text, from + head.length, to - tail.length))
  )
}

/** From its end: names that differ mostly begin alike. */
function standsAt(part: string, text: string, at: number): boolean {
  for (let i = part.length - 1; i >= 0; i -= 1) {
    if (part.charCodeAt(i) !== text.charCodeAt(at + i)) return false
  }
  return true
}

export const ARN_SEGMENTS = 6

/** Undefined where the text is no ARN: fewer than six segments, or it does not begin with `arn`. */
export function splitArn(text: string): ResourceName | undefined {
  if (!text.startsWith('arn:')) return undefined
  const starts = [0]
  while (starts.length < ARN_SEGMENTS) {
    const colon = text.indexOf(':', starts.at(-1))
    if (colon < 0) return undefined
    starts.push(colon + 1)
  }
  return { text, starts }
}

/** @param action in lower case */
export function matchesAction(set: ActionSet, action: string): boolean {
  for (const pattern of set.patterns) {
    if (matchesGlob(pattern, action)) return !set.inverted
  }
  return set.inverted
}

/** @param name undefined where the resource has no ARN, so that only `*` matches it. */
export function matchesResource(set: ResourceSet, name: ResourceName | undefined): boolean {
  for (const pattern of set.patterns) {
    if (matchesPattern(pattern, name)) return !set.inverted
  }
  return set.inverted
}

function matchesPattern(pattern: ResourcePattern, name: ResourceName | undefined): boolean {
  if (pattern === '*') return true
  if (name === undefined) return false
  const { text, starts } = name
  let to = text.length
  // From the end, which tells ARNs apart. The first segment is `arn` on both sides.
  for (let i = ARN_SEGMENTS - 1; i > 0; i -= 1) {
    if (!matchesGlob(pattern[i]!, text, starts[i]!, to)) return false
    to = starts[i]! - 1
  }
  return true
}
