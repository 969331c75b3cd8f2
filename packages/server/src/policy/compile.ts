// Compiles a policy document. What the engine does not evaluate is refused here by name and never ignored: an element that is left out of a
// decision would widen or narrow access without a word.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

import type {
  ActionSet,
  CompiledPolicy,
  CompiledStatement,
  PolicyGrammar,
  ResourcePattern,
  ResourceSet,
} from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { parsePolicyJson } from './json.ts'
import { compileGlob } from './match.ts'

type Members = { readonly [name: string]: unknown }

const POLICY_ELEMENTS = ['Version', 'Id', 'Statement']
const STATEMENT_ELEMENTS = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource']
const VERSIONS = ['2012-10-17', '2008-10-17']

/**
 * The document as the engine asks it. Knows the identity grammar: Version, Id, Statement, Sid, Effect, Action, NotAction, Resource,
 * NotResource, with wildcards and without variables.
 * @throws MalformedPolicyError naming the element, in AWS's words where AWS's are known.
 */
export function compilePolicy(document: string, grammar: PolicyGrammar): CompiledPolicy {
  if (grammar !== 'identity') {
    throw new MalformedPolicyError('', `This server does not evaluate policies of the kind "${grammar}" yet.`)
  }
  const policy = membersOf(parsePolicyJson(document), '')
  refuseUnknown(policy, '', POLICY_ELEMENTS)
  if (policy.Version !== undefined && !VERSIONS.includes(policy.Version as string)) {
    throw new MalformedPolicyError('Version', 'The policy must contain a valid version string.')
  }
  if (policy.Id !== undefined && typeof policy.Id !== 'string') throw syntaxError('Id')

  const single = !Array.isArray(policy.Statement)
  const list: readonly unknown[] = single ? [policy.Statement] : (policy.Statement as readonly unknown[])
  if (policy.Statement === undefined || list.length === 0) throw syntaxError('Statement')
  const statements = list.map((statement, index) =>
    compileStatement(statement, index, single ? 'Statement' : `Statement[${index}]`),
  )
  refuseRepeatedSids(statements)
  return { grammar, statements, byAction: new Map() }
}

function compileStatement(value: unknown, index: number, path: string): CompiledStatement {
  const statement = membersOf(value, path)
  refuseUnknown(statement, `${path}.`, STATEMENT_ELEMENTS)
  const { Sid, Effect } = statement
  if (Sid !== undefined && (typeof Sid !== 'string' || !/^[A-Za-z0-9]*$/.test(Sid))) {
    throw new MalformedPolicyError(`${path}.Sid`, 'Statement IDs (SID) may have letters and digits only.')
  }
  if (Effect !== 'Allow' && Effect !== 'Deny') throw syntaxError(`${path}.Effect`)
  return {
    index,
    sid: Sid,
    effect: Effect,
    actions: compileActions(statement, path),
    resources: compileResources(statement, path),
  }
}

function compileActions(statement: Members, path: string): ActionSet {
  const { name, values } = oneOf(statement, path, 'Action', 'NotAction', 'Policy statement must contain actions.')
  const patterns = values.map(({ text, path }) => {
    const problem = actionProblem(text)
    if (problem !== undefined) throw new MalformedPolicyError(path, problem)
    return compileGlob(text.toLowerCase())
  })
  return { inverted: name === 'NotAction', patterns }
}

function actionProblem(text: string): string | undefined {
  if (text === '*') return undefined
  const colon = text.indexOf(':')
  if (colon < 0) return 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'
  const vendor = text.slice(0, colon)
  if (vendor !== '*' && !/^[A-Za-z0-9-]+$/.test(vendor)) return `Vendor ${vendor.slice(0, 64)} is not valid`
  if (!/^[A-Za-z0-9*?]+$/.test(text.slice(colon + 1))) return 'Action names have letters, digits and wildcards only.'
  return undefined
}

function compileResources(statement: Members, path: string): ResourceSet {
  const { name, values } = oneOf(statement, path, 'Resource', 'NotResource', 'Policy statement must contain resources.')
  return { inverted: name === 'NotResource', patterns: values.map(({ text, path }) => compileResource(text, path)) }
}

/**
 * Six segments, each matched by itself; a pattern that ends early in `*` covers the rest. A segment that no ARN can have is refused, because
 * a Deny on it would never apply.
 */
function compileResource(text: string, path: string): ResourcePattern {
  const refuse = (reason: string) => new MalformedPolicyError(path, `Resource ${text.slice(0, 256)} ${reason}`)
  if (text.includes('${')) throw refuse('has a policy variable, which this server does not evaluate yet.')
  if (text === '*') return '*'
  if (!text.startsWith('arn:')) throw refuse('must be in ARN format or "*".')

  const parts = text.split(':')
  const segments = parts.length > 6 ? [...parts.slice(0, 5), parts.slice(5).join(':')] : parts
  if (segments.length < 6) {
    if (segments.length < 4 || !text.endsWith('*')) throw refuse('must be in ARN format or "*".')
    while (segments.length < 6) segments.push('*')
  }
  const [, partition = '', service = '', region = '', account = '', resource = ''] = segments
  if (!/^[a-z0-9*?-]+$/.test(partition)) throw refuse('has no valid partition.')
  if (!/^[a-z0-9-]+$/.test(service)) throw refuse('has no valid service; wildcards are not allowed there.')
  if (!/^[a-z0-9*?-]*$/.test(region)) throw refuse('has no valid region.')
  if (!/^(?:[0-9*?]*|aws)$/.test(account)) throw refuse('has no valid account.')
  if (resource === '') throw refuse('must be in ARN format or "*".')
  return segments.map(compileGlob)
}

/** Exactly one of an element and its complement: a string or a list of strings that is not empty. */
function oneOf(statement: Members, path: string, plain: string, inverted: string, missing: string) {
  if (statement[plain] !== undefined && statement[inverted] !== undefined) throw syntaxError(`${path}.${inverted}`)
  const name = statement[inverted] === undefined ? plain : inverted
  const value = statement[name]
  if (value === undefined || (Array.isArray(value) && value.length === 0)) {
    throw new MalformedPolicyError(`${path}.${name}`, missing)
  }
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const values = list.map((text, i) => {
    const place = Array.isArray(value) ? `${path}.${name}[${i}]` : `${path}.${name}`
    if (typeof text !== 'string') throw syntaxError(place)
    return { text, path: place }
  })
  return { name, values }
}

function refuseUnknown(members: Members, prefix: string, known: readonly string[]): void {
  for (const name of Object.keys(members)) {
    if (known.includes(name)) continue
    const path = `${prefix}${name.slice(0, 64)}`
    if (prefix !== '' && (name === 'Principal' || name === 'NotPrincipal')) {
      throw new MalformedPolicyError(path, 'Policy document should not specify a principal.')
    }
    if (prefix !== '' && name === 'Condition') {
      throw new MalformedPolicyError(path, 'This server does not evaluate the policy element Condition yet.')
    }
    throw syntaxError(path)
  }
}

function refuseRepeatedSids(statements: readonly CompiledStatement[]): void {
  const seen = new Set<string>()
  for (const { sid, index } of statements) {
    if (sid === undefined || sid === '') continue
    if (seen.has(sid)) {
      throw new MalformedPolicyError(
        `Statement[${index}].Sid`,
        'Statement IDs (SID) in a single policy must be unique.',
      )
    }
    seen.add(sid)
  }
}

function membersOf(value: unknown, path: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw syntaxError(path)
  return value as Members
}

const syntaxError = (path: string): MalformedPolicyError => new MalformedPolicyError(path, 'Syntax errors in policy.')
