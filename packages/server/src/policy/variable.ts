// Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}` for the characters themselves.
// What a variable stands for is literal: a caller cannot put a wildcard into a policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html

import type { Lookup, Pattern, Piece, Template } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { appendLiterally, literally, patternOf } from './match.ts'

/**
 * The pieces of a text of a policy. With `variables` false, as in version 2008-10-17, `${` is two characters like any other.
 * @throws MalformedPolicyError where a variable is not closed, has no key, or its default is not in single quotes.
 */
export function parseTemplate(text: string, path: string, variables: boolean): Template {
  const pieces: Piece[] = []
  let at = 0
  while (at < text.length) {
    const open = variables ? text.indexOf('${', at) : -1
    if (open !== at) pieces.push(textPiece(text.slice(at, open < 0 ? text.length : open)))
    if (open < 0) break
    const { piece, end } = parseVariable(text, open + 2, path)
    pieces.push(piece)
    at = end
  }
  return templateOf(pieces)
}

export const textPiece = (text: string): Piece => ({ kind: 'text', text, pattern: patternOf(text) })

export function templateOf(pieces: readonly Piece[]): Template {
  const [first] = pieces
  return { head: first?.kind === 'text' ? first.text.slice(0, wildcardIn(first.pattern)) : '', pieces }
}

/** Where the first wildcard is. Undefined where there is none. */
function wildcardIn(pattern: Pattern): number | undefined {
  const at = pattern.findIndex((code) => code < 0)
  return at < 0 ? undefined : at
}

/** @param from where the variable's key begins */
function parseVariable(text: string, from: number, path: string): { readonly piece: Piece; readonly end: number } {
  const refuse = (): MalformedPolicyError =>
    new MalformedPolicyError(path, `The policy variable ${text.slice(from - 2, from + 64)} is not valid.`)
  const character = text.charAt(from)
  if (text[from + 1] === '}' && '*?$'.includes(character)) {
    return { piece: { kind: 'literal', text: character, pattern: literally(character) }, end: from + 2 }
  }
  const close = text.indexOf('}', from)
  if (close < 0) throw refuse()
  const comma = text.slice(from, close).indexOf(',')
  const key = text.slice(from, comma < 0 ? close : from + comma)
  if (key.trim() === '') throw refuse()
  if (comma < 0) return { piece: { kind: 'variable', key: key.toLowerCase(), fallback: undefined }, end: close + 1 }

  const quote = afterSpaces(text, from + comma + 1)
  const endQuote = text.indexOf("'", quote + 1)
  if (text[quote] !== "'" || endQuote < 0) throw refuse()
  const end = afterSpaces(text, endQuote + 1)
  if (text[end] !== '}') throw refuse()
  const fallback = text.slice(quote + 1, endQuote)
  return { piece: { kind: 'variable', key: key.toLowerCase(), fallback }, end: end + 1 }
}

function afterSpaces(text: string, from: number): number {
  let at = from
  while (text[at] === ' ') at += 1
  return at
}

export const hasVariable = ({ pieces }: Template): boolean => pieces.some(({ kind }) => kind === 'variable')

/** The text itself. Undefined where it has a variable, or a character written as one. */
export function plainText({ pieces }: Template): string | undefined {
  const [first] = pieces
  if (first === undefined) return ''
  return pieces.length === 1 && first.kind === 'text' ? first.text : undefined
}

/** With every wildcard of the policy as a wildcard. Undefined where a variable has no single value and no default. */
export function resolvePattern({ pieces }: Template, lookup: Lookup): Pattern | undefined {
  const pattern: number[] = []
  for (const piece of pieces) {
    if (piece.kind === 'variable') {
      const text = resolveVariable(piece, lookup)
      if (text === undefined) return undefined
      appendLiterally(pattern, text)
    } else {
      for (const code of piece.pattern) pattern.push(code)
    }
  }
  return pattern
}

/** With every character as itself. Undefined where a variable has no single value and no default. */
export function resolveText({ pieces }: Template, lookup: Lookup): string | undefined {
  let resolved = ''
  for (const piece of pieces) {
    const text = piece.kind === 'variable' ? resolveVariable(piece, lookup) : piece.text
    if (text === undefined) return undefined
    resolved += text
  }
  return resolved
}

function resolveVariable({ key, fallback }: Piece & { kind: 'variable' }, lookup: Lookup): string | undefined {
  const values = lookup(key)
  return values.length === 1 ? values[0] : fallback
}

/** For what has no variable. */
export const NOTHING_KNOWN: Lookup = () => []
