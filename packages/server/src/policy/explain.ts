// Why a request is decided as it is: what each layer says, by which statements, and which statements on the same action did not apply, and
// why not. The decision is evaluate's, and every answer here is of the functions that evaluate asks.

import { coversResource } from './arn.ts'
import { conditionHolds, operatorName } from './condition.ts'
import type { AuthorizationRequest, CompiledPolicy, CompiledStatement, Decision, Layer, NamedPolicy } from './engine.ts'
import { applies, ask, evaluate, type Question, statementsFor } from './evaluate.ts'
import { parsePolicyJson } from './json.ts'
import { matchPrincipal } from './principal.ts'

export type Explanation = {
  readonly decision: Decision
  /** Those that the request has, in the order in which a decision asks them; one for each level of control policies. */
  readonly layers: readonly ExplainedLayer[]
}

export type ExplainedLayer = {
  readonly layer: Layer
  /** `silent`: nothing in it denies, and nothing allows. Of a resource policy, whom it allows by any of its ways. */
  readonly outcome: 'denies' | 'allows' | 'silent'
  /** How many policies it has. */
  readonly policies: number
  /** The statements that apply. Of the layer `grant` there are none. */
  readonly statements: readonly FoundStatement[]
  /** Statements on the action that do not apply. */
  readonly missed: readonly MissedStatement[]
}

export type FoundStatement = { readonly policy: NamedPolicy; readonly statement: CompiledStatement }

export type MissedStatement = FoundStatement & {
  /** Whether its principal element covers the caller; true where it has none. */
  readonly principal: boolean
  /** Whether its resource element covers the resource; true where it has none. */
  readonly resource: boolean
  /** The conditions that do not hold. */
  readonly conditions: readonly FailedCondition[]
}

export type FailedCondition = {
  /** With its prefix and suffix. */
  readonly operator: string
  /** In lower case. */
  readonly key: string
  /** As the policy has them. */
  readonly wanted: readonly string[]
  /** Of the request; empty where the key is absent. */
  readonly actual: readonly string[]
}

/** @throws Error as evaluate */
export function explain(request: AuthorizationRequest): Explanation {
  const decision = evaluate(request)
  const question = ask(request)
  const { identity, boundary, session, scp = [], rcp = [] } = request.layers
  const { resourcePolicy, grant } = request.permission
  const explained = (layer: Layer, policies: readonly NamedPolicy[]) => explainLayer(layer, policies, question)
  return {
    decision,
    layers: [
      ...scp.map((level) => explained('scp', level)),
      ...rcp.map((level) => explained('rcp', level)),
      ...(grant ? [GRANTED] : []),
      explained('identity', identity),
      ...(boundary ? [explained('boundary', [boundary])] : []),
      ...(session ? [explained('session', session)] : []),
      ...(resourcePolicy ? [explained('resource', [resourcePolicy.policy])] : []),
    ],
  }
}

const GRANTED: ExplainedLayer = { layer: 'grant', outcome: 'allows', policies: 0, statements: [], missed: [] }

function explainLayer(layer: Layer, policies: readonly NamedPolicy[], question: Question): ExplainedLayer {
  const statements: FoundStatement[] = []
  const missed: MissedStatement[] = []
  for (const policy of policies) {
    for (const statement of statementsFor(policy.policy, question.action)) {
      const { principals } = statement
      const principal = principals === undefined || matchPrincipal(principals, question.principal) !== undefined
      if (principal && applies(statement, question)) statements.push({ policy, statement })
      else missed.push({ policy, statement, principal, ...missedBy(statement, question) })
    }
  }
  const has = (wanted: 'Allow' | 'Deny') => statements.some(({ statement }) => statement.effect === wanted)
  const outcome = has('Deny') ? 'denies' : has('Allow') ? 'allows' : 'silent'
  return { layer, outcome, policies: policies.length, statements, missed }
}

const missedBy = (
  { resources, conditions, effect }: CompiledStatement,
  { name, lookup }: Question,
): Pick<MissedStatement, 'resource' | 'conditions'> => ({
  resource: resources === undefined || coversResource(resources, effect, name, lookup),
  conditions: conditions
    .filter((condition) => !conditionHolds(condition, effect, lookup))
    .map((condition) => ({
      operator: operatorName(condition),
      key: condition.key,
      wanted: condition.values,
      actual: lookup(condition.key),
    })),
})

/** A statement of a policy as its document has it, in JSON without white space. */
export function statementText({ document }: CompiledPolicy, index: number): string {
  const { Statement } = parsePolicyJson(document) as { readonly Statement: unknown }
  return JSON.stringify(Array.isArray(Statement) ? Statement[index] : Statement)
}
