// An explanation as ExplainAccess answers it: its shape, its bounds, and what of it belongs to another account and is not told.

import type { AuthorizationRequest, Decision, Layer } from '../../policy/engine.ts'
import {
  type ExplainedLayer,
  type Explanation,
  type FoundStatement,
  type MissedStatement,
  statementText,
} from '../../policy/explain.ts'
import { boolean, enumeration, integer, list, optional, string, structure } from '../../shape/shape.ts'
import { mendOf } from './mend.ts'

const StatementMembers = {
  /** The name of an inline policy, else an ARN: of a managed policy, or of the resource that the policy stands on. */
  PolicyName: string(),
  /** Whose inline policy it is, or what the managed policy is attached to: `group careful`. */
  PolicyHolder: optional(string()),
  /** Its place in the document, from 0. */
  StatementIndex: integer(),
  Sid: optional(string()),
  Effect: enumeration('Allow', 'Deny'),
  /** The JSON of the statement. */
  Statement: string(),
}

const Statement = structure(StatementMembers)

const MissedStatementShape = structure({
  ...StatementMembers,
  /** Whether its principal and resource elements cover the caller and the resource. */
  PrincipalCovered: boolean(),
  ResourceCovered: boolean(),
  /** Those that do not hold. */
  FailedConditions: list(
    structure({ Operator: string(), Key: string(), Wanted: list(string()), Actual: list(string()) }),
  ),
})

const DecisionName = enumeration('allowed', 'explicitDeny', 'implicitDeny')
const LayerName = enumeration('identity', 'boundary', 'session', 'resource', 'grant', 'scp', 'rcp')

export const explanationOutput = {
  Decision: DecisionName,
  /** The layer that decided: the one that allowed, denied, or did not allow what had to be allowed. */
  DecidingLayer: LayerName,
  DecidingStatements: list(Statement),
  /** What is to be done about a refusal. */
  Mend: optional(string()),
  PrincipalArn: string(),
  Action: string(),
  /** As policies see it. */
  Resource: string(),
  ResourceAccount: string(),
  /** In the order in which a decision asks them. */
  Layers: list(
    structure({
      Layer: LayerName,
      Outcome: enumeration('denies', 'allows', 'doesNotAllow'),
      /** Set where the layer belongs to that account, which is not the asker's: its outcome is all that is told. */
      OtherAccount: optional(string()),
      /** How many policies it has. */
      Policies: optional(integer()),
      Statements: list(Statement),
      MissedStatements: list(MissedStatementShape),
      /** How many more statements on the action there are than are shown. */
      Omitted: optional(integer()),
    }),
  ),
}

/** What belongs to the account of the resource. */
const OF_RESOURCE: readonly Layer[] = ['resource', 'grant']

/** Of each layer, of those that apply and of those that do not. */
const STATEMENTS_MAX = 25

/**
 * `told` is the explanation of what may be told of `request`; `actual` the one with all that is so of a resource of the account `foreign`.
 */
export function tellExplanation(
  request: AuthorizationRequest,
  told: Explanation,
  foreign: { readonly account: string; readonly actual: Explanation } | undefined,
) {
  const { principal, permission } = request
  const { actual = told } = foreign ?? {}
  // A refusal reads as though the resource were not there; see handle.ts.
  const decision = actual.decision.allow ? actual.decision : told.decision
  const mend = mendOf(request, { ...told, decision }, foreign?.account)
  return {
    Decision: DECISIONS[decision.reason],
    DecidingLayer: decision.layer,
    DecidingStatements: foreign && decision.layer === 'resource' ? [] : decidingOf(told, decision).map(tellStatement),
    ...(mend !== undefined && { Mend: mend }),
    PrincipalArn: principal.arn,
    Action: permission.action,
    Resource: permission.resource,
    ResourceAccount: permission.resourceAccount,
    Layers: [
      ...told.layers.filter(({ layer }) => !foreign || !OF_RESOURCE.includes(layer)).map(tellLayer),
      ...(foreign ? [tellForeignLayer(foreign.account, foreign.actual)] : []),
    ],
  }
}

const DECISIONS = { allow: 'allowed', 'explicit-deny': 'explicitDeny', 'implicit-deny': 'implicitDeny' } as const

const decidingOf = ({ layers }: Explanation, { layer, statements }: Decision): readonly FoundStatement[] =>
  layers
    .filter((one) => one.layer === layer)
    .flatMap((one) => one.statements)
    .filter(({ policy, statement }) =>
      statements.some((deciding) => deciding.policy === policy.name && deciding.index === statement.index),
    )
    .slice(0, STATEMENTS_MAX)

function tellLayer({ layer, outcome, policies, statements, missed }: ExplainedLayer) {
  const omitted = Math.max(0, statements.length - STATEMENTS_MAX) + Math.max(0, missed.length - STATEMENTS_MAX)
  return {
    Layer: layer,
    Outcome: outcome === 'silent' ? ('doesNotAllow' as const) : outcome,
    ...(layer !== 'grant' && { Policies: policies }),
    Statements: statements.slice(0, STATEMENTS_MAX).map(tellStatement),
    MissedStatements: missed.slice(0, STATEMENTS_MAX).map(tellMissed),
    ...(omitted > 0 && { Omitted: omitted }),
  }
}

/** Whether it lets the caller in, by its policy or a grant, and nothing of how. What denies and what does not exist read the same. */
function tellForeignLayer(account: string, { layers }: Explanation) {
  const own = layers.filter(({ layer }) => OF_RESOURCE.includes(layer))
  const lets = own.some(({ outcome }) => outcome === 'allows') && !own.some(({ outcome }) => outcome === 'denies')
  return {
    Layer: 'resource' as const,
    Outcome: lets ? ('allows' as const) : ('doesNotAllow' as const),
    OtherAccount: account,
    Statements: [],
    MissedStatements: [],
  }
}

function tellStatement({ policy, statement }: FoundStatement) {
  const { index, sid, effect } = statement
  return {
    PolicyName: policy.name,
    ...(policy.holder && { PolicyHolder: `${policy.holder.kind} ${policy.holder.name}` }),
    StatementIndex: index,
    ...(sid !== undefined && { Sid: sid }),
    Effect: effect,
    Statement: statementText(policy.policy, index),
  }
}

const tellMissed = (missed: MissedStatement) => ({
  ...tellStatement(missed),
  PrincipalCovered: missed.principal,
  ResourceCovered: missed.resource,
  FailedConditions: missed.conditions.map(({ operator, key, wanted, actual }) => ({
    Operator: operator,
    Key: key,
    Wanted: wanted,
    Actual: actual,
  })),
})
