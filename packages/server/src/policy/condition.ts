// Conditions: every operator and every key must hold, any one of the values is enough. They ask of the context of a request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

import { compileArn, completeSegments, isResolvable, matchesArn, splitArn, splitTemplate } from './arn.ts'
import { listOf, membersOf, placeOf, syntaxError } from './elements.ts'
import type { ArnPattern, Condition, Lookup, Matcher, Resolver, Template } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { isInBlock, parseAddress, parseBlock } from './ip.ts'
import { compileGlob, matchesGlob } from './match.ts'
import { parseBinary, parseBoolean, parseDate, parseNumber } from './scalar.ts'
import { hasVariable, NOTHING_KNOWN, parseTemplate, resolvePattern, resolveText } from './variable.ts'

/** Compiles one value of a policy. Undefined where it is malformed. */
type ValueCompiler = (text: string, path: string, variables: boolean) => Compiled | undefined

type Compiled = { readonly matcher: Matcher } | { readonly resolver: Resolver }

type Operator = { readonly negated: boolean; readonly compile: ValueCompiler }

/**
 * The Condition element: none where it is empty.
 * @param variables whether `${` begins a policy variable
 * @throws MalformedPolicyError
 */
export function compileConditions(element: unknown, path: string, variables: boolean): readonly Condition[] {
  const operators = membersOf(element, path)
  return Object.keys(operators).flatMap((name) => {
    const operatorPath = placeOf(path, name)
    const parts = splitOperator(name)
    if (parts === undefined) {
      throw new MalformedPolicyError(operatorPath, `Invalid Condition type : ${name.slice(0, 64)}.`)
    }
    const keys = membersOf(operators[name], operatorPath)
    return Object.keys(keys).map((key) => {
      const keyPath = placeOf(operatorPath, key)
      if (!/^[^:]+:./s.test(key)) {
        const reason = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'
        throw new MalformedPolicyError(keyPath, reason)
      }
      return { ...parts, key: key.toLowerCase(), ...compileValues(keys[key], keyPath, parts.operator, variables) }
    })
  })
}

type OperatorParts = Pick<Condition, 'operator' | 'negated' | 'quantifier' | 'ifExists'>

/** `ForAnyValue:StringLikeIfExists`, taken apart. Undefined where there is no such operator. */
function splitOperator(name: string): OperatorParts | undefined {
  if (name === 'Null') return { operator: name, negated: false, quantifier: undefined, ifExists: false }
  const quantifier = QUANTIFIERS.find((prefix) => name.startsWith(`${prefix}:`))
  const ifExists = name.endsWith('IfExists')
  const operator = name.slice(
    quantifier === undefined ? 0 : quantifier.length + 1,
    ifExists ? -'IfExists'.length : undefined,
  )
  if (!Object.hasOwn(OPERATORS, operator)) return undefined
  return { operator, negated: OPERATORS[operator]!.negated, quantifier, ifExists }
}

const QUANTIFIERS = ['ForAllValues', 'ForAnyValue'] as const

function compileValues(
  element: unknown,
  path: string,
  operator: string,
  variables: boolean,
): Pick<Condition, 'values' | 'matchers' | 'resolvers'> {
  const values: string[] = []
  const matchers: Matcher[] = []
  const resolvers: Resolver[] = []
  for (const { item, path: place } of listOf(element, path)) {
    if (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'boolean') throw syntaxError(place)
    const text = String(item)
    const compiled = operator === 'Null' ? compileNull(text) : OPERATORS[operator]!.compile(text, place, variables)
    if (compiled === undefined) {
      const reason = `Invalid value for condition type ${operator}: ${text.slice(0, 256)}`
      throw new MalformedPolicyError(place, reason)
    }
    values.push(text)
    if ('matcher' in compiled) matchers.push(compiled.matcher)
    else resolvers.push(compiled.resolver)
  }
  return { values, matchers, resolvers }
}

/** Asks of the key, not of its values: what is compared is whether the key is absent. */
function compileNull(text: string): Compiled | undefined {
  const absent = parseBoolean(text)
  return absent === undefined ? undefined : { matcher: (value) => value === String(absent) }
}

/** What stands in the policy, now where it has no variable, else for each request. */
const texts =
  <T>(
    resolve: (template: Template, lookup: Lookup) => T | undefined,
    matcherOf: (listed: T) => Matcher,
  ): ValueCompiler =>
  (text, path, variables) => {
    const template = parseTemplate(text, path, variables)
    if (!hasVariable(template)) return { matcher: matcherOf(resolve(template, NOTHING_KNOWN)!) }
    return {
      resolver: (lookup) => {
        const listed = resolve(template, lookup)
        return listed === undefined ? undefined : matcherOf(listed)
      },
    }
  }

const equalTexts = texts(resolveText, (listed) => (value) => value === listed)

const equalTextsIgnoringCase = texts(resolveText, (listed) => {
  const lower = listed.toLowerCase()
  return (value) => value.toLowerCase() === lower
})

const likeTexts = texts(resolvePattern, (listed) => {
  const glob = compileGlob(listed)
  return (value) => matchesGlob(glob, value)
})

/** `*` alone is any ARN. A variable alone is a whole ARN, all of it literal; else it stays within its segment. */
const likeArns: ValueCompiler = (text, path, variables) => {
  if (text === '*') return { matcher: (value) => splitArn(value) !== undefined }
  const template = parseTemplate(text, path, variables)
  if (hasVariable(template) && template.pieces.length === 1) {
    return {
      resolver: (lookup) => {
        const listed = resolveText(template, lookup)
        return listed === undefined ? undefined : (value) => value === listed && splitArn(value) !== undefined
      },
    }
  }
  const segments = splitTemplate(template)
  const complete = segments && completeSegments(segments)
  if (complete === undefined) return undefined
  const pattern = compileArn(complete)
  if (!pattern.variable) return { matcher: arnMatcher(pattern, NOTHING_KNOWN) }
  return { resolver: (lookup) => (isResolvable(pattern, lookup) ? arnMatcher(pattern, lookup) : undefined) }
}

const arnMatcher =
  (pattern: ArnPattern, lookup: Lookup): Matcher =>
  (value) => {
    const name = splitArn(value)
    return name !== undefined && matchesArn(pattern, name, lookup)
  }

/** Values of a type of their own. What a request says that is malformed matches nothing. */
const typed =
  <A, L>(
    parseAsked: (text: string) => A | undefined,
    parseListed: (text: string) => L | undefined,
    matches: (asked: A, listed: L) => boolean,
  ): ValueCompiler =>
  (text) => {
    const listed = parseListed(text)
    if (listed === undefined) return undefined
    return {
      matcher: (value) => {
        const asked = parseAsked(value)
        return asked !== undefined && matches(asked, listed)
      },
    }
  }

const isEqual = <T>(asked: T, listed: T): boolean => asked === listed

const ordered = (name: string, parse: (text: string) => number | undefined): { readonly [name: string]: Operator } => ({
  [`${name}Equals`]: { negated: false, compile: typed(parse, parse, isEqual) },
  [`${name}NotEquals`]: { negated: true, compile: typed(parse, parse, isEqual) },
  [`${name}LessThan`]: { negated: false, compile: typed(parse, parse, (asked, listed) => asked < listed) },
  [`${name}LessThanEquals`]: { negated: false, compile: typed(parse, parse, (asked, listed) => asked <= listed) },
  [`${name}GreaterThan`]: { negated: false, compile: typed(parse, parse, (asked, listed) => asked > listed) },
  [`${name}GreaterThanEquals`]: { negated: false, compile: typed(parse, parse, (asked, listed) => asked >= listed) },
})

const OPERATORS: { readonly [name: string]: Operator } = {
  StringEquals: { negated: false, compile: equalTexts },
  StringNotEquals: { negated: true, compile: equalTexts },
  StringEqualsIgnoreCase: { negated: false, compile: equalTextsIgnoringCase },
  StringNotEqualsIgnoreCase: { negated: true, compile: equalTextsIgnoringCase },
  StringLike: { negated: false, compile: likeTexts },
  StringNotLike: { negated: true, compile: likeTexts },
  ...ordered('Numeric', parseNumber),
  ...ordered('Date', parseDate),
  Bool: { negated: false, compile: typed(parseBoolean, parseBoolean, isEqual) },
  BinaryEquals: { negated: false, compile: typed(parseBinary, parseBinary, isEqual) },
  IpAddress: { negated: false, compile: typed(parseAddress, parseBlock, isInBlock) },
  NotIpAddress: { negated: true, compile: typed(parseAddress, parseBlock, isInBlock) },
  ArnEquals: { negated: false, compile: likeArns },
  ArnLike: { negated: false, compile: likeArns },
  ArnNotEquals: { negated: true, compile: likeArns },
  ArnNotLike: { negated: true, compile: likeArns },
}

/**
 * A value of the policy whose variable cannot be resolved matches nothing. Under a negated operator that would widen an Allow: there the
 * condition does not hold.
 */
export function conditionHolds(condition: Condition, effect: 'Allow' | 'Deny', lookup: Lookup): boolean {
  const { operator, negated, quantifier } = condition
  const values = lookup(condition.key)
  if (operator === 'Null') return matchesAny(condition.matchers, String(values.length === 0))

  let { matchers } = condition
  if (condition.resolvers.length > 0) {
    const resolved = condition.resolvers.flatMap((resolve) => resolve(lookup) ?? [])
    if (negated && effect === 'Allow' && resolved.length < condition.resolvers.length) return false
    matchers = [...matchers, ...resolved]
  }
  if (values.length === 0) return holdsWhenAbsent(condition)

  const passes = (value: string): boolean => matchesAny(matchers, value) !== negated
  const every = quantifier === 'ForAllValues' || (quantifier === undefined && negated)
  return every ? values.every(passes) : values.some(passes)
}

/** As the policy has it: `ForAnyValue:StringLikeIfExists`. */
export const operatorName = ({ operator, quantifier, ifExists }: Condition): string =>
  `${quantifier === undefined ? '' : `${quantifier}:`}${operator}${ifExists ? 'IfExists' : ''}`

const holdsWhenAbsent = ({ quantifier, ifExists, negated }: Condition): boolean =>
  ifExists || quantifier === 'ForAllValues' || (quantifier === undefined && negated)

function matchesAny(matchers: readonly Matcher[], value: string): boolean {
  for (const matches of matchers) if (matches(value)) return true
  return false
}
