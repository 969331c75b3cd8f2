// AllowedPattern: a regular expression that values must match, as a whole. RE2's language and engine: what a pattern costs grows with its length
// times the value's, so none can hang the server. It has neither look-around nor back-references, which are refused.
// https://github.com/google/re2/wiki/Syntax

import { RE2JS, RE2JSException } from 're2js'
import * as errors from './errors.ts'

/**
 * Whether a value matches, as a whole.
 * @throws ServiceError InvalidAllowedPatternException
 */
export function matches(pattern: string, value: string): boolean {
  return compile(pattern).matcher(value).matches()
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) throw errors.invalidPattern(error.message)
    throw error
  }
}
