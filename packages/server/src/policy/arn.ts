// ARNs and patterns of ARNs: six segments, each matched by itself, so that a wildcard of one never reaches into the next.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

import type { ArnPattern, Glob, Lookup, Piece, ResourceSet, Template } from './engine.ts'
import { compileGlob, matchesGlob } from './match.ts'
import { hasVariable, NOTHING_KNOWN, resolvePattern } from './variable.ts'

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
      if (colon > 0) segments.at(-1)!.push({ kind: 'text', text: rest.slice(0, colon) })
      segments.push([])
      rest = rest.slice(colon + 1)
    }
    if (rest !== '') segments.at(-1)!.push({ kind: 'text', text: rest })
  }
  return segments.map((pieces) => ({ pieces }))
}

/** A pattern that ends early in `*` covers the rest. Undefined where it has too few segments and does not. */
export function completeSegments(segments: readonly Template[]): readonly Template[] | undefined {
  if (segments.length === ARN_SEGMENTS) return segments
  const last = segments.at(-1)?.pieces.at(-1)
  if (last?.kind !== 'text' || !last.text.endsWith('*')) return undefined
  const missing = Array.from({ length: ARN_SEGMENTS - segments.length }, () => ANYTHING)
  return [...segments, ...missing]
}

const ANYTHING: Template = { pieces: [{ kind: 'text', text: '*' }] }

export function compileArn(segments: readonly Template[]): ArnPattern {
  const compiled = segments.map((segment) =>
    hasVariable(segment) ? segment : compileGlob(resolvePattern(segment, NOTHING_KNOWN)!),
  )
  return { segments: compiled, variable: compiled.some(isTemplate) }
}

const isTemplate = (segment: Glob | Template): segment is Template => 'pieces' in segment

/** A variable that cannot be resolved matches nothing. It is asked for only where the rest of the pattern matches. */
export function matchesArn(pattern: ArnPattern, name: ArnName, lookup: Lookup): boolean {
  const { segments } = pattern
  const { text, starts } = name
  let to = text.length
  // From the end, which tells ARNs apart. The first segment is `arn` on both sides.
  for (let i = ARN_SEGMENTS - 1; i > 0; i -= 1) {
    const segment = segments[i]!
    if (!isTemplate(segment) && !matchesGlob(segment, text, starts[i]!, to)) return false
    to = starts[i]! - 1
  }
  if (!pattern.variable) return true
  const resolved = resolveArn(pattern, lookup)
  return resolved !== undefined && matchesArn(resolved, name, lookup)
}

/** Without variables. Undefined where one has no single value and no default. */
export function resolveArn(pattern: ArnPattern, lookup: Lookup): ArnPattern | undefined {
  if (!pattern.variable) return pattern
  const segments: Glob[] = []
  for (const segment of pattern.segments) {
    if (!isTemplate(segment)) {
      segments.push(segment)
      continue
    }
    const resolved = resolvePattern(segment, lookup)
    if (resolved === undefined) return undefined
    segments.push(compileGlob(resolved))
  }
  return { segments, variable: false }
}

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
  if (inverted && effect === 'Allow' && patterns.some((pattern) => cannotResolve(pattern, lookup))) return false
  for (const pattern of patterns) {
    if (pattern === '*' || (name !== undefined && matchesArn(pattern, name, lookup))) return !inverted
  }
  return inverted
}

const cannotResolve = (pattern: ArnPattern | '*', lookup: Lookup): boolean =>
  pattern !== '*' && resolveArn(pattern, lookup) === undefined
