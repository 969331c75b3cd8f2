// AllowedPattern: a regular expression that values must match, as a whole. RE2's language and engine: what a pattern costs grows with its size, all
// repetitions written out, times the value's length. Both are bounded, so none can hang the server. It has neither look-around nor
// back-references, which are refused.
// https://github.com/google/re2/wiki/Syntax

import { RE2JS, RE2JSException } from 're2js'
import * as errors from './errors.ts'

/** Instructions of a program. With a value of 8 KiB, as many take up to a second. */
const PROGRAM_MAX = 5_000
/** Characters, with repetitions written out, of what is compiled at all. */
const WRITTEN_OUT_MAX = 20_000

/**
 * Whether a value matches, as a whole. The caller has bounded the value.
 * @throws ServiceError InvalidAllowedPatternException
 */
export function matches(pattern: string, value: string): boolean {
  return compile(pattern).matcher(value).matches()
}

function compile(pattern: string): RE2JS {
  if (writtenOut(pattern) > WRITTEN_OUT_MAX) throw tooLarge()
  try {
    const compiled = RE2JS.compile(pattern)
    if (compiled.programSize() > PROGRAM_MAX) throw tooLarge()
    return compiled
  } catch (error) {
    if (error instanceof RE2JSException) throw errors.invalidPattern(error.message)
    throw error
  }
}

const tooLarge = () => errors.invalidPattern('The expression is too large.')

/** Quoted text, an escape, a class, a bound of repetition, or one character. */
const TOKEN = /\\Q.*?(?:\\E|$)|\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu

/** Characters that the engine would compile: it says how large a program is only when it has made it. */
function writtenOut(pattern: string): number {
  const outer: number[] = []
  let size = 0
  let last = 0
  for (const [token, min, max] of pattern.matchAll(TOKEN)) {
    if (token === '(') {
      outer.push(size)
      size = 0
    } else if (token === ')') {
      last = size + 1
      size = (outer.pop() ?? 0) + last
    } else if (min !== undefined) {
      const copies = Math.max(Number(min), Number(max ?? 0), 1)
      size += last * (copies - 1)
      last *= copies
    } else {
      last = token.startsWith('\\Q') ? token.length : 1
      size += last
    }
  }
  return outer.reduce((sum, part) => sum + part, size)
}
