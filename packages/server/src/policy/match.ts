// Wildcards as AWS matches them, without regular expressions: `*` is any run of characters, `?` is exactly one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

import type { ActionSet, Glob, Pattern } from './engine.ts'

export const STAR = -1
export const QUESTION = -2

/** A text whose `*` and `?` are wildcards. */
export function patternOf(text: string): Pattern {
  return literally(text).map((code) => (code === 42 ? STAR : code === 63 ? QUESTION : code))
}

/** A text whose `*` and `?` are themselves. */
export function literally(text: string): Pattern {
  const pattern: number[] = []
  appendLiterally(pattern, text)
  return pattern
}

export function appendLiterally(pattern: number[], text: string): void {
  for (let at = 0; at < text.length; at += 1) pattern.push(text.charCodeAt(at))
}

/**
 * Whether `text` from `from` up to `to` matches as a whole. Two pointers, and only the last `*` is ever tried again, so that the cost is at
 * most the product of the lengths whatever the pattern. A character is a UTF-16 code unit.
 */
export function matchGlob(pattern: Pattern, text: string, from = 0, to = text.length): boolean {
  let at = 0
  let seen = from
  let star = -1
  let resume = from
  while (seen < to) {
    const code = pattern[at]
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
  while (pattern[at] === STAR) at += 1
  return at === pattern.length
}

export function compileGlob(pattern: Pattern): Glob {
  const first = pattern.findIndex(isWildcard)
  if (first < 0) return { head: textOf(pattern), middle: [], tail: '' }
  const end = pattern.findLastIndex(isWildcard) + 1
  return { head: textOf(pattern.slice(0, first)), middle: pattern.slice(first, end), tail: textOf(pattern.slice(end)) }
}

const isWildcard = (code: number): boolean => code < 0

function textOf(pattern: Pattern): string {
  let text = ''
  for (const code of pattern) text += String.fromCharCode(code)
  return text
}

/** The same as matchGlob of the pattern it was compiled from. */
export function matchesGlob({ head, middle, tail }: Glob, text: string, from = 0, to = text.length): boolean {
  const size = to - from
  if (middle.length === 0) return size === head.length && standsAt(head, text, from)
  return (
    size >= head.length + tail.length &&
    standsAt(head, text, from) &&
    standsAt(tail, text, to - tail.length) &&
    ((middle.length === 1 && middle[0] === STAR) || matchGlob(middle, text, from + head.length, to - tail.length))
  )
}

/** From its end: names that differ mostly begin alike. */
function standsAt(part: string, text: string, at: number): boolean {
  for (let i = part.length - 1; i >= 0; i -= 1) {
    if (part.charCodeAt(i) !== text.charCodeAt(at + i)) return false
  }
  return true
}

/** @param action in lower case */
export function matchesAction(set: ActionSet, action: string): boolean {
  for (const pattern of set.patterns) {
    if (matchesGlob(pattern, action)) return !set.inverted
  }
  return set.inverted
}
