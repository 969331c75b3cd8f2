// ARNs and patterns of ARNs: six segments, each matched by itself, so that a wildcard of one never reaches into the next.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

import type { ArnPattern, Glob, Lookup, Piece, ResourceSet, Template } from './engine.ts'
import { compileGlob, matchesGlob, matchGlob } from './match.ts'
import { hasVariable, NOTHING_KNOWN, resolvePattern, templateOf, textPiece } from './variable.ts'

export const ARN_SEGMENTS = 6

/** A text as ARN patterns see it: the six segments by where they begin. The last keeps its colons. */
export type ArnName = { readonly text: string; readonly starts: readonly number[] }

/** Undefined where the text is no ARN: fewer than six segments, or it does not begin with `arn`. */
export function splitArn(text: string): ArnName | undefined {
  if (!text.startsWith('arn:')) return undefined
  const starts = [0]
  while (starts.length < ARN_SEGMENTS) {
    const colon = text.indexOf(':', starts.at(-1))
    if (colon < 0) return undefined
    starts.push(colon + 1)
  }
  return { text, starts }
}

/**
 * The segments of a pattern: six, or fewer where it has fewer colons. Colons of variables do not count. Undefined where the text does not
 * begin with `arn:`.
 */
export function splitTemplate({ pieces }: Template): readonly Template[] | undefined {
  const [first] = pieces
  if (first?.kind !== 'text' || !first.text.startsWith('arn:')) return undefined
  const segments: Piece[][] = [[]]
  for (const piece of pieces) {
    if (piece.kind !== 'text') {
      segments.at(-1)!.push(piece)
      continue
    }
    let rest = piece.text
    for (let colon = rest.indexOf(':'); colon >= 0 && segments.length < ARN_SEGMENTS; colon = rest.indexOf(':')) {
      if (colon > 0) segments.at(-1)!.push(textPiece(rest.slice(0, colon)))
      segments.push([])
      rest = rest.slice(colon + 1)
    }
    if (rest !== '') segments.at(-1)!.push(textPiece(rest))
  }
  return segments.map(templateOf)
}

/** A pattern that ends early in `*` covers the rest. Undefined where it has too few segments and does not. */
export function completeSegments(segments: readonly Template[]): readonly Template[] | undefined {
  if (segments.length === ARN_SEGMENTS) return segments
  const last = segments.at(-1)?.pieces.at(-1)
  if (last?.kind !== 'text' || !last.text.endsWith('*')) return undefined
  return [...segments, ...Array.from({ length: ARN_SEGMENTS - segments.length }, () => templateOf([textPiece('*')]))]
}

export function compileArn(segments: readonly Template[]): ArnPattern {
  const compiled = segments.map((segment) =>
    hasVariable(segment) ? segment : compileGlob(resolvePattern(segment, NOTHING_KNOWN)!),
  )
  return { segments: compiled, variable: compiled.some(isTemplate) }
}

const isTemplate = (segment: Glob | Template): segment is Template => 'pieces' in segment

/** A variable that cannot be resolved matches nothing. It is asked for only where all else matches. */
export function matchesArn({ segments, variable }: ArnPattern, { text, starts }: ArnName, lookup: Lookup): boolean {
  let to = text.length
  // From the end, which tells ARNs apart. The first segment is `arn` on both sides.
  for (let i = ARN_SEGMENTS - 1; i > 0; i -= 1) {
    const segment = segments[i]!
    const from = starts[i]!
    if (variable && isTemplate(segment)) {
      if (!text.startsWith(segment.head, from)) return false
    } else if (!matchesGlob(segment as Glob, text, from, to)) {
      return false
    }
    to = from - 1
  }
  if (!variable) return true
  return segments.every((segment, i) => {
    if (!isTemplate(segment)) return true
    const pattern = resolvePattern(segment, lookup)
    const end = i === ARN_SEGMENTS - 1 ? text.length : starts[i + 1]! - 1
    return pattern !== undefined && matchGlob(pattern, text, starts[i]!, end)
  })
}

/** Whether every variable has a single value or a default. */
export const isResolvable = ({ segments, variable }: ArnPattern, lookup: Lookup): boolean =>
  !variable || segments.every((segment) => !isTemplate(segment) || resolvePattern(segment, lookup) !== undefined)

/**
 * Whether a statement's resource element covers a resource. A variable of NotResource that cannot be resolved must not widen an Allow: the
 * statement does not apply. In a Deny its pattern is as if it were not there, so that the Deny covers more.
 * @param name undefined where the resource is no ARN, so that only `*` matches it
 */
export function coversResource(
  { inverted, patterns }: ResourceSet,
  effect: 'Allow' | 'Deny',
  name: ArnName | undefined,
  lookup: Lookup,
): boolean {
  if (inverted && effect === 'Allow') {
    for (const pattern of patterns) if (pattern !== '*' && !isResolvable(pattern, lookup)) return false
  }
  for (const pattern of patterns) {
    if (pattern === '*' || (name !== undefined && matchesArn(pattern, name, lookup))) return !inverted
  }
  return inverted
}
