// A second evaluator of policies, which the tests hold against the engine: written from docs/policies.md alone, sentence by sentence,
// with nothing compiled, kept or shared. Documents are taken to be valid; of one that is not, it throws or says anything.

import { isIPv4, isIPv6 } from 'node:net'
import type { Context, Decision, Grant, Layer, PolicyPrincipal, PrincipalIds, ResourcePolicy } from './engine.ts'

/** What the engine gets, with every policy as its JSON text. `scp` and `rcp` are levels of policies. */
export type PolicyRequest = {
  readonly principal: PolicyPrincipal
  readonly action: string
  readonly resource: string
  readonly resourceAccount: string
  readonly context: Context
  readonly identity: readonly string[]
  readonly boundary?: string
  readonly session?: readonly string[]
  readonly resourcePolicy?: {
    readonly kind: ResourcePolicy['kind']
    readonly document: string
    readonly principalIds?: PrincipalIds
  }
  readonly grant?: Grant
  readonly scp?: readonly (readonly string[])[]
  readonly rcp?: readonly (readonly string[])[]
}

/** A policy as JSON.parse gives it. */
export type PolicyDocument = { readonly Version?: string; readonly Statement: Statement | readonly Statement[] }

export type Statement = {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: PrincipalElement
  readonly NotPrincipal?: PrincipalElement
  readonly Action?: string | readonly string[]
  readonly NotAction?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly NotResource?: string | readonly string[]
  readonly Condition?: {
    readonly [operator: string]: { readonly [key: string]: ConditionValue | readonly ConditionValue[] }
  }
}

export type PrincipalElement = '*' | { readonly [type: string]: string | readonly string[] }
export type ConditionValue = string | number | boolean

export type NaiveDecision = Pick<Decision, 'reason' | 'layer'>

export function naiveDecision(request: PolicyRequest): NaiveDecision {
  const { principal, identity, boundary, session, resourcePolicy, grant, scp = [], rcp = [] } = request
  const { kind } = principal

  // A Deny anywhere decides.
  if (identity.some((document) => says('Deny', document, request))) return denied('identity')
  if (boundary !== undefined && says('Deny', boundary, request)) return denied('boundary')
  if (session?.some((document) => says('Deny', document, request))) return denied('session')
  if (resourcePolicyMatches('Deny', request).length > 0) return denied('resource')
  if (scp.flat().some((document) => says('Deny', document, request))) return denied('scp')
  if (rcp.flat().some((document) => says('Deny', document, request))) return denied('rcp')

  // Every level of the organization must allow. Services stand outside of it.
  const levelAllows = (level: readonly string[]) => level.some((document) => says('Allow', document, request))
  if (kind !== 'service' && !scp.every(levelAllows)) return notAllowed('scp')
  if (kind !== 'service' && !rcp.every(levelAllows)) return notAllowed('rcp')

  if (grant?.to === 'direct') return allowed('grant')

  const matches = resourcePolicyMatches('Allow', request)
  if (kind === 'service' || kind === 'federated') {
    return matches.includes('direct') ? allowed('resource') : notAllowed('resource')
  }

  const sameAccount = principal.account === request.resourceAccount
  const isGate = resourcePolicy !== undefined && resourcePolicy.kind !== 'normal'
  if (sameAccount && matches.includes('direct')) return allowed('resource')
  if (sameAccount && isGate && matches.length === 0 && grant === undefined) return notAllowed('resource')

  const identityAllows =
    kind === 'root' || grant !== undefined || identity.some((document) => says('Allow', document, request))
  const roleAllows = sameAccount && matches.includes('role')
  if (!identityAllows && !roleAllows) return notAllowed('identity')
  if (boundary !== undefined && !says('Allow', boundary, request)) return notAllowed('boundary')
  if (session !== undefined && !session.some((document) => says('Allow', document, request))) {
    return notAllowed('session')
  }
  if (sameAccount) return allowed(identityAllows ? 'identity' : 'resource')
  return matches.length > 0 || grant !== undefined ? allowed('resource') : notAllowed('resource')
}

const allowed = (layer: Layer): NaiveDecision => ({ reason: 'allow', layer })
const denied = (layer: Layer): NaiveDecision => ({ reason: 'explicit-deny', layer })
const notAllowed = (layer: Layer): NaiveDecision => ({ reason: 'implicit-deny', layer })

// Statements.

/** Whether a policy without principals has a statement of that effect that applies. */
function says(effect: Statement['Effect'], text: string, request: PolicyRequest): boolean {
  const document = JSON.parse(text) as PolicyDocument
  return list(document.Statement).some(
    (statement) => statement.Effect === effect && covers(statement, document, request),
  )
}

/** How the principal is matched by those statements of the resource policy that have the effect and apply. */
function resourcePolicyMatches(effect: Statement['Effect'], request: PolicyRequest): readonly Match[] {
  if (request.resourcePolicy === undefined) return []
  const { document: text, principalIds } = request.resourcePolicy
  const document = JSON.parse(text) as PolicyDocument
  return list(document.Statement)
    .filter((statement) => statement.Effect === effect && covers(statement, document, request))
    .flatMap((statement) => principalMatches(statement, request.principal, principalIds))
}

/** Whether the action, the resource and the conditions of a statement cover the request. */
function covers(statement: Statement, document: PolicyDocument, request: PolicyRequest): boolean {
  const rules: Rules = {
    hasVariables: document.Version === '2012-10-17',
    isAllow: statement.Effect === 'Allow',
    context: request.context,
  }
  return (
    coversAction(statement, request.action) &&
    coversResource(statement, request.resource, rules) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, key, list(values).map(String), rules)),
    )
  )
}

type Rules = { readonly hasVariables: boolean; readonly isAllow: boolean; readonly context: Context }

function coversAction({ Action, NotAction }: Statement, action: string): boolean {
  const isListed = (patterns: string | readonly string[]) =>
    list(patterns).some((pattern) => globs(plain(pattern.toLowerCase()), action.toLowerCase()))
  return Action !== undefined ? isListed(Action) : !isListed(NotAction!)
}

function coversResource({ Resource, NotResource }: Statement, resource: string, rules: Rules): boolean {
  if (Resource === undefined && NotResource === undefined) return true // a trust policy
  const patterns = list(Resource ?? NotResource!).map((pattern) => resourcePattern(pattern, rules))
  const isListed = patterns.some((pattern) => pattern !== undefined && arnMatches(pattern, resource))
  if (Resource !== undefined) return isListed
  if (rules.isAllow && patterns.includes(undefined)) return false
  return !isListed
}

/** Of a Resource element, variables count in the sixth segment only. Undefined if one cannot be resolved. */
function resourcePattern(text: string, rules: Rules): Pattern | undefined {
  const segments = text.split(':')
  const start = segments.slice(0, 5).map((segment) => `${segment}:`)
  const end = expand(segments.slice(5).join(':'), rules)
  if (segments.length < 6) return plain(text)
  return end && [...plain(start.join('')), ...end]
}

// Principals.

/** `direct`: the principal itself. `role`: the role of its session. `account`: the account that it belongs to. */
type Match = 'direct' | 'role' | 'account'

/** All the ways in which the principal element of a statement covers the principal. */
function principalMatches(
  { Principal, NotPrincipal }: Statement,
  principal: PolicyPrincipal,
  ids: PrincipalIds | undefined,
): readonly Match[] {
  const matchesIn = (element: PrincipalElement) =>
    listedPrincipals(element).flatMap(([type, name]) => matchOf(type, name, principal, ids) ?? [])
  if (Principal !== undefined) return matchesIn(Principal)

  const isEveryone = listedPrincipals(NotPrincipal!).some(([type, name]) => type === 'AWS' && name === '*')
  const listed = matchesIn(NotPrincipal!)
  const isExempt = isEveryone || identitiesOf(principal).every((identity) => listed.includes(identity))
  return isExempt ? [] : ['direct']
}

function listedPrincipals(element: PrincipalElement): readonly (readonly [type: string, name: string])[] {
  if (element === '*') return [['AWS', '*']]
  return Object.entries(element).flatMap(([type, names]) => list(names).map((name) => [type, name] as const))
}

/** What NotPrincipal must list to exempt the principal. */
function identitiesOf({ kind }: PolicyPrincipal): readonly Match[] {
  if (kind === 'role-session') return ['account', 'role', 'direct']
  if (kind === 'user' || kind === 'federated-user') return ['account', 'direct']
  return ['direct'] // a service, a provider, or a root user, whom its account names
}

function matchOf(
  type: string,
  name: string,
  principal: PolicyPrincipal,
  ids: PrincipalIds | undefined,
): Match | undefined {
  const { kind, arn, account, userId, role } = principal
  const when = (match: Match, matches: boolean) => (matches ? match : undefined)
  // A stored policy names users, roles and their sessions by what their unique ids were then.
  const isStored = (ownArn: string, ownId: string) =>
    ids === undefined ? name === ownArn : Object.hasOwn(ids, name) && ids[name] === ownId

  if (type === 'Service') return when('direct', kind === 'service' && name === arn)
  if (type === 'Federated') return when('direct', kind === 'federated' && name === arn)
  if (name === '*') return 'direct'

  const accountNamed = /^(?:arn:aws:iam::)?(\d{12})(?::root)?$/.exec(name)?.[1]
  if (accountNamed !== undefined) return when(kind === 'root' ? 'direct' : 'account', accountNamed === account)
  if (name.startsWith('AIDA')) return when('direct', kind === 'user' && name === userId)
  if (name.startsWith('AROA')) return when('role', kind === 'role-session' && name === role!.roleId)

  const what = name.split(':')[5]!.split('/')[0]
  if (what === 'user') return when('direct', kind === 'user' && isStored(arn, userId))
  if (what === 'role') return when('role', kind === 'role-session' && isStored(role!.arn, role!.roleId))
  if (what === 'assumed-role') return when('direct', kind === 'role-session' && isStored(arn, userId))
  if (what === 'federated-user') return when('direct', kind === 'federated-user' && name === arn)
  throw new Error(`not a principal: ${name}`)
}

// Conditions.

/** Whether one key of one operator holds. */
function holds(operator: string, key: string, policyValues: readonly string[], rules: Rules): boolean {
  const values = contextValues(key, rules.context)
  if (operator === 'Null')
    return policyValues.some((value) => (value.toLowerCase() === 'true') === (values.length === 0))

  const [, prefix, name, ifExists] = /^(ForAllValues:|ForAnyValue:)?([A-Za-z]+?)(IfExists)?$/.exec(operator)!
  const isNegated = name!.includes('Not')
  const tests = policyValues.map((value) => testOf(name!.replace('Not', ''), value, rules))
  if (isNegated && rules.isAllow && tests.includes(undefined)) return false

  if (values.length === 0) {
    if (ifExists) return true
    if (prefix === 'ForAllValues:') return true
    if (prefix === 'ForAnyValue:') return false
    return isNegated
  }
  const matches = (value: string) => tests.some((test) => test?.(value))
  const passes = (value: string) => matches(value) !== isNegated
  if (prefix === 'ForAllValues:') return values.every(passes)
  if (prefix === 'ForAnyValue:') return values.some(passes)
  return values.some(matches) !== isNegated
}

/** All values of the entries that have the name, in whatever case. */
function contextValues(key: string, context: Context): readonly string[] {
  return Object.entries(context).flatMap(([name, value]) =>
    name.toLowerCase() === key.toLowerCase() && value !== undefined ? list(value) : [],
  )
}

type Test = (value: string) => boolean

/** The test that a policy's value is, of an operator without its `Not`. Undefined if a variable cannot be resolved. */
function testOf(operator: string, policyValue: string, rules: Rules): Test | undefined {
  if (operator.startsWith('String') || operator.startsWith('Arn')) {
    const pattern = expand(policyValue, rules)
    return pattern && textTest(operator, pattern)
  }
  if (operator.startsWith('Numeric')) return orderTest(operator.slice('Numeric'.length), policyValue, numberOf)
  if (operator.startsWith('Date')) return orderTest(operator.slice('Date'.length), policyValue, timeOf)
  if (operator === 'Bool') return (value) => value.toLowerCase() === policyValue.toLowerCase()
  if (operator === 'BinaryEquals') return (value) => bytesOf(value)?.equals(bytesOf(policyValue)!) === true
  if (operator === 'IpAddress') return (value) => bitsOf(value)?.startsWith(blockOf(policyValue)) === true
  throw new Error(`not an operator: ${operator}`)
}

function textTest(operator: string, pattern: Pattern): Test {
  const text = pattern.map(({ character }) => character).join('')
  if (operator === 'StringEquals') return (value) => value === text
  if (operator === 'StringEqualsIgnoreCase') return (value) => value.toLowerCase() === text.toLowerCase()
  if (operator === 'StringLike') return (value) => globs(pattern, value)
  if (operator === 'ArnEquals' || operator === 'ArnLike') return (value) => isArn(value) && arnMatches(pattern, value)
  throw new Error(`not an operator: ${operator}`)
}

/** A value that `read` cannot read is in no order to any other. */
function orderTest(order: string, policyText: string, read: (text: string) => number | undefined): Test {
  const policyValue = read(policyText)
  if (policyValue === undefined) throw new Error(`not a value: ${policyText}`)
  return (text) => {
    const value = read(text)
    if (value === undefined) return false
    if (order === 'Equals') return value === policyValue
    if (order === 'LessThan') return value < policyValue
    if (order === 'LessThanEquals') return value <= policyValue
    if (order === 'GreaterThan') return value > policyValue
    if (order === 'GreaterThanEquals') return value >= policyValue
    throw new Error(`not an order: ${order}`)
  }
}

function numberOf(text: string): number | undefined {
  return text.length <= 32 && /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

const TIME =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d)))?)?)?$/

/** Milliseconds since 1970. */
function timeOf(text: string): number | undefined {
  if (/^\d{5,32}$/.test(text)) return Number(text) * 1000
  const parts = TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = ''] = parts
  const utc = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
  const time = Date.parse(utc)
  if (Number.isNaN(time) || new Date(time).toISOString() !== utc) return undefined // no such day, or hour
  const [sign, offsetHours = '00', offsetMinutes = '00'] = parts.slice(8)
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000
  return sign === '-' ? time + offset : time - offset
}

function bytesOf(base64: string): Buffer | undefined {
  const isBase64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)
  return isBase64 ? Buffer.from(base64, 'base64') : undefined
}

/** The family and the bits of an address, `4:1100…` or `6:0010…`. An IPv4 address may be written as an IPv6 address. */
function bitsOf(address: string): string | undefined {
  if (isIPv4(address)) return `4:${inBits(address.split('.').map(Number), 8)}`
  if (!isIPv6(address) || address.includes('%')) return undefined
  const bits = bitsOf6(address)
  return bits.startsWith(MAPPED) ? `4:${bits.slice(MAPPED.length)}` : `6:${bits}`
}

const MAPPED = '0'.repeat(80) + '1'.repeat(16)

function bitsOf6(address: string): string {
  const withoutDots = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [a * 256 + Number(b), c * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  )
  const [head = [], tail = []] = withoutDots.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail]
  return inBits(
    groups.map((group) => Number.parseInt(group, 16)),
    16,
  )
}

function inBits(numbers: readonly number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, '0')).join('')
}

/** How the bits of every address of a block begin. */
function blockOf(block: string): string {
  const [address, length] = block.split('/') as [string, string | undefined]
  const bits = bitsOf(address)
  if (bits === undefined) throw new Error(`not an address: ${block}`)
  if (length === undefined) return bits
  const isMapped = isIPv6(address) && bits.startsWith('4:')
  if (!isMapped) return bits.slice(0, 2 + Number(length))
  const bitsOfMapped = Number(length) - MAPPED.length
  return bitsOfMapped < 0 ? `6:${bitsOf6(address).slice(0, Number(length))}` : bits.slice(0, 2 + bitsOfMapped)
}

// Patterns.

/** Characters, of which those of the policy's own text may be wildcards or separators and those of a variable never are. */
type Pattern = readonly PatternCharacter[]
type PatternCharacter = { readonly character: string; readonly isLiteral: boolean }

const plain = (text: string): Pattern => [...text].map((character) => ({ character, isLiteral: false }))
const literal = (text: string): Pattern => [...text].map((character) => ({ character, isLiteral: true }))
const is = ({ character, isLiteral }: PatternCharacter, sign: '*' | '?' | ':') => !isLiteral && character === sign

/** A sign to be taken literally, or a key and perhaps its default. */
const VARIABLE = /\$\{(?:([*?$])|([^,}]+?)(?:\s*,\s*'([^']*)')?)\}/

/** The text with its variables resolved; undefined if one cannot be. */
function expand(text: string, rules: Rules): Pattern | undefined {
  const found = rules.hasVariables ? VARIABLE.exec(text) : null
  if (found === null) return plain(text)
  const [variable, sign, key, fallback] = found
  const values = key === undefined ? [] : contextValues(key, rules.context)
  const value = sign ?? (values.length === 1 ? values[0] : fallback)
  const rest = expand(text.slice(found.index + variable.length), rules)
  if (value === undefined || rest === undefined) return undefined
  return [...plain(text.slice(0, found.index)), ...literal(value), ...rest]
}

function globs([first, ...rest]: Pattern, text: string): boolean {
  if (first === undefined) return text === ''
  const [character, ...others] = text
  if (is(first, '*')) return globs(rest, text) || (text !== '' && globs([first, ...rest], others.join('')))
  return (is(first, '?') || first.character === character) && text !== '' && globs(rest, others.join(''))
}

const isArn = (text: string): boolean => text.startsWith('arn:') && text.split(':').length >= 6

/** Segment by segment. `*` alone covers what is no ARN, too. */
function arnMatches(pattern: Pattern, text: string): boolean {
  const last = pattern.at(-1)!
  if (pattern.length === 1 && is(last, '*')) return true
  if (!isArn(text)) return false
  if (pattern.every(({ isLiteral }) => isLiteral)) return globs(pattern, text) // a variable that is the whole ARN

  const segments = inSixSegments(pattern, (one) => is(one, ':'))
  if (segments.length < 6 && !is(last, '*')) throw new Error('not a pattern of ARNs')
  return inSixSegments([...text], (character) => character === ':').every((segment, at) =>
    globs(segments[at] ?? plain('*'), segment.join('')),
  )
}

/** Parted at the first five separators. */
function inSixSegments<Item>(items: readonly Item[], isSeparator: (item: Item) => boolean): readonly Item[][] {
  const segments: Item[][] = [[]]
  for (const item of items) {
    if (segments.length < 6 && isSeparator(item)) segments.push([])
    else segments.at(-1)!.push(item)
  }
  return segments
}

function list<Item>(one: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(one) ? one : [one as Item]
}
