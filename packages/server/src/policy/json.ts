// JSON of a policy, strictly: bounded, and no member twice, since readers differ in which of the two they keep.

import { MalformedPolicyError } from './errors.ts'

/** The longest policy that any API of AWS takes is a key policy of 32 KiB; white space is not counted there, so leave room. */
const POLICY_CHARACTERS_MAX = 65_536
const POLICY_DEPTH_MAX = 16

/** @throws MalformedPolicyError */
export function parsePolicyJson(text: string): unknown {
  if (text.length > POLICY_CHARACTERS_MAX) {
    throw new MalformedPolicyError('', `The policy has more than ${POLICY_CHARACTERS_MAX} characters.`)
  }
  refuseDeepNesting(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new MalformedPolicyError('', 'Syntax errors in policy.')
  }
  refuseDuplicateMembers(text)
  return value
}

type Position = { readonly Line: number; readonly Column: number }

/** Where a statement begins and ends in a document that compiled, from line 1 and column 1: at its first brace, and behind its last. */
export function statementPosition(text: string, index: number): { StartPosition: Position; EndPosition: Position } {
  const from = startsOfObjects(text, startOfStatement(text))[index]!
  return { StartPosition: positionOf(text, from), EndPosition: positionOf(text, endOfValue(text, from)) }
}

/** Where the value of the member Statement begins. */
function startOfStatement(text: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (character === '"') {
      const end = endOfString(text, at)
      const isName = depth === 1 && followedByColon(text, end + 1)
      if (isName && JSON.parse(text.slice(at, end + 1)) === 'Statement') return text.indexOf(':', end) + 1
      at = end
    }
  }
  return text.length
}

/** Of an object that stands at `from` alone, or of each in a list. */
function startsOfObjects(text: string, from: number): readonly number[] {
  const starts: number[] = []
  let at = from
  while (/\s/.test(text[at] ?? '')) at += 1
  if (text[at] !== '[') return [at]
  for (at += 1; text[at] !== ']' && at < text.length; at += 1) {
    if (text[at] !== '{') continue
    starts.push(at)
    at = endOfValue(text, at) - 1
  }
  return starts
}

/** Behind the brace that closes the one at `from`. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{') depth += 1
    else if (character === '}') {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

function positionOf(text: string, at: number): Position {
  const before = text.slice(0, at)
  return { Line: before.split('\n').length, Column: at - before.lastIndexOf('\n') }
}

/** Before parsing. Brackets inside strings do not count. */
function refuseDeepNesting(text: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    if (depth > POLICY_DEPTH_MAX) throw new MalformedPolicyError('', 'The policy is nested too deeply.')
  }
}

/** After parsing, so the text is known to be JSON: a string that a colon follows is a member's name. */
function refuseDuplicateMembers(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '{') open.push(new Set())
    else if (character === '[') open.push(undefined)
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const end = endOfString(text, at)
      if (followedByColon(text, end + 1)) {
        const name: string = JSON.parse(text.slice(at, end + 1))
        const names = open.at(-1)!
        if (names.has(name)) {
          const shown = name.slice(0, 64)
          throw new MalformedPolicyError(shown, `The policy has the member "${shown}" twice in one object.`)
        }
        names.add(name)
      }
      at = end
    }
  }
}

/** Where the string that opens at `at` closes; the end of the text if it does not. */
function endOfString(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end
}

function followedByColon(text: string, from: number): boolean {
  let at = from
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1
  return text[at] === ':'
}
