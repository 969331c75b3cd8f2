// Compiles a policy document, strictly: an element that is not known, or that its kind of policy does not have, is refused by name and never
// left out, since what is left out of a decision widens or narrows access without a word.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

import { compileArn, completeSegments, splitTemplate } from './arn.ts'
import { compileConditions } from './condition.ts'
import { type Members, membersOf, type Placed, placeOf, stringsOf, syntaxError } from './elements.ts'
import type {
  ActionSet,
  ArnPattern,
  CompiledPolicy,
  CompiledStatement,
  PolicyGrammar,
  PrincipalIds,
  PrincipalSet,
  ResourceSet,
} from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { parsePolicyJson } from './json.ts'
import { compileGlob, patternOf } from './match.ts'
import { compilePrincipals } from './principal.ts'
import { parseTemplate, plainText } from './variable.ts'

export type CompileOptions = {
  /** Of the principals of the policy, as they were when it was stored. Without it ARNs of users and roles match by ARN. */
  readonly principalIds?: PrincipalIds
}

type Grammar = {
  readonly principals: boolean
  readonly resources: boolean
  /** Letters and digits only, and no Sid twice. */
  readonly strictSids: boolean
  /** The only vendor that its actions may have. */
  readonly vendor?: string
}

const GRAMMARS: { readonly [grammar in PolicyGrammar]: Grammar } = {
  identity: { principals: false, resources: true, strictSids: true },
  session: { principals: false, resources: true, strictSids: true },
  resource: { principals: true, resources: true, strictSids: false },
  key: { principals: true, resources: true, strictSids: false },
  trust: { principals: true, resources: false, strictSids: true, vendor: 'sts' },
}

const POLICY_ELEMENTS = ['Version', 'Id', 'Statement']
const STATEMENT_ELEMENTS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]
const WITH_VARIABLES = '2012-10-17'
const VERSIONS = [WITH_VARIABLES, '2008-10-17']

/**
 * The document as the engine asks it.
 * @throws MalformedPolicyError naming the element, in AWS's words where AWS's are known.
 */
export function compilePolicy(document: string, grammar: PolicyGrammar, options: CompileOptions = {}): CompiledPolicy {
  const policy = membersOf(parsePolicyJson(document), '')
  refuseUnknown(policy, '', POLICY_ELEMENTS)
  if (policy.Version !== undefined && !VERSIONS.includes(policy.Version as string)) {
    throw new MalformedPolicyError('Version', 'The policy must contain a valid version string.')
  }
  if (policy.Id !== undefined && typeof policy.Id !== 'string') throw syntaxError('Id')

  const single = !Array.isArray(policy.Statement)
  const list: readonly unknown[] = single ? [policy.Statement] : (policy.Statement as readonly unknown[])
  if (policy.Statement === undefined || list.length === 0) throw syntaxError('Statement')
  const compiler: Compiler = {
    grammar: GRAMMARS[grammar],
    variables: policy.Version === WITH_VARIABLES,
    principalIds: options.principalIds,
  }
  const statements = list.map((statement, index) =>
    compileStatement(compiler, statement, index, single ? 'Statement' : `Statement[${index}]`),
  )
  if (compiler.grammar.strictSids) refuseRepeatedSids(statements)
  return { grammar, document, statements, byAction: new Map() }
}

type Compiler = {
  readonly grammar: Grammar
  readonly variables: boolean
  readonly principalIds: PrincipalIds | undefined
}

function compileStatement(compiler: Compiler, value: unknown, index: number, path: string): CompiledStatement {
  const { grammar, variables } = compiler
  const statement = membersOf(value, path)
  refuseUnknown(statement, path, STATEMENT_ELEMENTS)
  const { Sid, Effect, Condition } = statement
  if (Sid !== undefined && typeof Sid !== 'string') throw syntaxError(`${path}.Sid`)
  if (Sid !== undefined && grammar.strictSids && !/^[A-Za-z0-9]*$/.test(Sid)) {
    throw new MalformedPolicyError(`${path}.Sid`, 'Statement IDs (SID) may have letters and digits only.')
  }
  if (Effect !== 'Allow' && Effect !== 'Deny') throw syntaxError(`${path}.Effect`)
  return {
    index,
    sid: Sid,
    effect: Effect,
    principals: principalsOf(compiler, statement, Effect, path),
    actions: actionsOf(grammar, statement, path),
    resources: resourcesOf(compiler, statement, path),
    conditions: Condition === undefined ? [] : compileConditions(Condition, `${path}.Condition`, variables),
  }
}

function principalsOf(
  { grammar, principalIds }: Compiler,
  statement: Members,
  effect: 'Allow' | 'Deny',
  path: string,
): PrincipalSet | undefined {
  const name = oneOf(statement, path, 'Principal', 'NotPrincipal')
  if (!grammar.principals) {
    if (statement[name] === undefined) return undefined
    throw new MalformedPolicyError(`${path}.${name}`, 'Policy document should not specify a principal.')
  }
  if (statement[name] === undefined) {
    throw new MalformedPolicyError(`${path}.${name}`, 'Missing required field Principal')
  }
  if (name === 'NotPrincipal' && effect === 'Allow') {
    throw new MalformedPolicyError(`${path}.${name}`, 'Allow with NotPrincipal is not allowed.')
  }
  return compilePrincipals(statement[name], `${path}.${name}`, name === 'NotPrincipal', principalIds)
}

function actionsOf({ vendor }: Grammar, statement: Members, path: string): ActionSet {
  const name = oneOf(statement, path, 'Action', 'NotAction')
  const values = requiredStrings(statement, path, name, 'Policy statement must contain actions.')
  const patterns = values.map(({ text, path }) => {
    const action = text.toLowerCase()
    const problem = actionProblem(text)
    if (problem !== undefined) throw new MalformedPolicyError(path, problem)
    if (vendor !== undefined && !action.startsWith(`${vendor}:`)) {
      throw new MalformedPolicyError(path, 'AssumeRole policy may only specify STS AssumeRole actions.')
    }
    return compileGlob(patternOf(action))
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

function resourcesOf({ grammar, variables }: Compiler, statement: Members, path: string): ResourceSet | undefined {
  const name = oneOf(statement, path, 'Resource', 'NotResource')
  if (!grammar.resources) {
    if (statement[name] === undefined) return undefined
    throw new MalformedPolicyError(`${path}.${name}`, `Has prohibited field ${name}`)
  }
  const values = requiredStrings(statement, path, name, 'Policy statement must contain resources.')
  return { inverted: name === 'NotResource', patterns: values.map((value) => compileResource(value, variables)) }
}

/**
 * Six segments, each matched by itself; a pattern that ends early in `*` covers the rest. A segment that no ARN can have is refused, because
 * a Deny on it would never apply. Variables stand in the last segment only.
 */
function compileResource({ text, path }: Placed, variables: boolean): ArnPattern | '*' {
  const refuse = (reason: string) => new MalformedPolicyError(path, `Resource ${text.slice(0, 256)} ${reason}`)
  const form = 'must be in ARN format or "*".'
  if (text === '*') return '*'
  const segments = splitTemplate(parseTemplate(text, path, variables))
  // Through the service, which has no wildcards.
  const complete = segments && segments.length > 3 ? completeSegments(segments) : undefined
  if (complete === undefined) throw refuse(form)

  const [partition, service, region, account] = complete.slice(1, 5).map(plainText)
  if (partition === undefined || service === undefined || region === undefined || account === undefined) {
    throw refuse('has a policy variable outside the last part of the ARN.')
  }
  if (!/^[a-z0-9*?-]+$/.test(partition)) throw refuse('has no valid partition.')
  if (!/^[a-z0-9-]+$/.test(service)) throw refuse('has no valid service; wildcards are not allowed there.')
  if (!/^[a-z0-9*?-]*$/.test(region)) throw refuse('has no valid region.')
  if (!/^(?:[0-9*?]*|aws)$/.test(account)) throw refuse('has no valid account.')
  if (plainText(complete[5]!) === '') throw refuse(form)
  return compileArn(complete)
}

/** Which of an element and its complement a statement has. Not both. */
function oneOf(statement: Members, path: string, plain: string, inverted: string): string {
  if (statement[plain] !== undefined && statement[inverted] !== undefined) throw syntaxError(`${path}.${inverted}`)
  return statement[inverted] === undefined ? plain : inverted
}

function requiredStrings(statement: Members, path: string, name: string, missing: string): readonly Placed[] {
  const value = statement[name]
  if (value === undefined || (Array.isArray(value) && value.length === 0)) {
    throw new MalformedPolicyError(`${path}.${name}`, missing)
  }
  return stringsOf(value, `${path}.${name}`)
}

function refuseUnknown(members: Members, path: string, known: readonly string[]): void {
  for (const name of Object.keys(members)) {
    if (!known.includes(name)) throw syntaxError(placeOf(path, name))
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
