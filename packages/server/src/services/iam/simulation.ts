// What policies would say of actions that nobody calls: the engine that decides every call, asked with what the caller gives it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html

import type { Call } from '../../call.ts'
import { resourceContext } from '../../context.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type {
  AuthorizationRequest,
  Context,
  Decision,
  NamedPolicy,
  PolicyGrammar,
  PolicyPrincipal,
} from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { evaluate } from '../../policy/evaluate.ts'
import { boolean, enumeration, integer, list, map, optional, string, structure } from '../../shape/shape.ts'
import * as errors from './errors.ts'
import { listed, type Page, pageOf } from './paging.ts'
import { Arn, PageInput, PageOutput, PolicyDocument } from './shapes.ts'

const EvalDecision = enumeration('allowed', 'explicitDeny', 'implicitDeny')
const Position = structure({ Line: optional(integer()), Column: optional(integer()) })
const MatchedStatements = list(
  structure({
    SourcePolicyId: optional(string()),
    SourcePolicyType: optional(string()),
    /** Never told. */
    StartPosition: optional(Position),
    EndPosition: optional(Position),
  }),
)
const BoundaryDetail = structure({ AllowedByPermissionsBoundary: optional(boolean()) })

const EvaluationResult = structure({
  EvalActionName: string(),
  EvalResourceName: optional(string()),
  EvalDecision,
  MatchedStatements: optional(MatchedStatements),
  MissingContextValues: optional(list(string())),
  OrganizationsDecisionDetail: optional(structure({ AllowedByOrganizations: optional(boolean()) })),
  PermissionsBoundaryDecisionDetail: optional(BoundaryDetail),
  EvalDecisionDetails: optional(map(string(), EvalDecision)),
  ResourceSpecificResults: optional(
    list(
      structure({
        EvalResourceName: string(),
        EvalResourceDecision: EvalDecision,
        MatchedStatements: optional(MatchedStatements),
        MissingContextValues: optional(list(string())),
        EvalDecisionDetails: optional(map(string(), EvalDecision)),
        PermissionsBoundaryDecisionDetail: optional(BoundaryDetail),
      }),
    ),
  ),
})

const Documents = list(PolicyDocument, { max: 100 })

/** What both simulations take. */
export const simulationInput = {
  ActionNames: list(string({ min: 3, max: 128 }), { max: 100 }),
  PermissionsBoundaryPolicyInputList: optional(Documents),
  ResourceArns: optional(list(string({ min: 1, max: 2048 }), { max: 100 })),
  ResourcePolicy: optional(PolicyDocument),
  ResourceOwner: optional(string({ min: 12, max: 2048 })),
  CallerArn: optional(Arn),
  ContextEntries: optional(
    list(
      structure({
        ContextKeyName: optional(string({ min: 5, max: 256 })),
        ContextKeyValues: optional(list(string())),
        ContextKeyType: optional(string()),
      }),
      { max: 100 },
    ),
  ),
  ResourceHandlingOption: optional(string({ min: 1, max: 64 })),
  ...PageInput,
} as const

export const PolicyInputList = Documents

export const simulationOutput = { EvaluationResults: optional(list(EvaluationResult)), ...PageOutput }

export type SimulationInput = {
  readonly ActionNames: readonly string[]
  readonly PermissionsBoundaryPolicyInputList?: readonly string[] | undefined
  readonly ResourceArns?: readonly string[] | undefined
  readonly ResourcePolicy?: string | undefined
  readonly ResourceOwner?: string | undefined
  readonly ContextEntries?:
    | readonly {
        readonly ContextKeyName?: string | undefined
        readonly ContextKeyValues?: readonly string[] | undefined
      }[]
    | undefined
  readonly ResourceHandlingOption?: string | undefined
  readonly Marker?: string | undefined
  readonly MaxItems?: number | undefined
}

export type Simulated = {
  readonly principal: PolicyPrincipal
  /** Condition keys that the principal gives; those of the input stand for them. */
  readonly context: Context
  readonly layers: AuthorizationRequest['layers']
}

/** @throws MalformedPolicyDocument */
export function inputPolicies(
  documents: readonly string[],
  list: string,
  grammar: PolicyGrammar,
): readonly NamedPolicy[] {
  return documents.map((document, index) => {
    try {
      return { name: `${list}.${index + 1}`, policy: compilePolicy(document, grammar) }
    } catch (error) {
      throw error instanceof MalformedPolicyError ? errors.malformedPolicy(error.message) : error
    }
  })
}

/** Every action on every resource, a page of it. @throws ServiceError */
export async function simulate(
  call: Pick<Call<SimulationInput>, 'app' | 'account' | 'input'>,
  operation: string,
  { principal, context, layers }: Simulated,
) {
  const { app, account, input } = call
  if (input.ResourceHandlingOption !== undefined) throw errors.notSimulated('ResourceHandlingOption')
  const [boundary, ...more] = inputPolicies(
    input.PermissionsBoundaryPolicyInputList ?? [],
    'PermissionsBoundaryPolicyInputList',
    'identity',
  )
  if (more.length > 0) throw errors.oneBoundary()
  const [policy] = inputPolicies(
    input.ResourcePolicy === undefined ? [] : [input.ResourcePolicy],
    'ResourcePolicy',
    'resource',
  )
  const resourceAccount = /^(?:arn:[a-z-]+:iam::)?(\d{12})/.exec(input.ResourceOwner ?? '')?.[1] ?? account
  const given = Object.fromEntries(
    (input.ContextEntries ?? []).map(({ ContextKeyName = '', ContextKeyValues = [] }) => [
      ContextKeyName,
      ContextKeyValues,
    ]),
  )
  const all = { ...layers, ...(boundary && { boundary }) }
  const held = [...all.identity, ...(all.boundary ? [all.boundary] : []), ...(policy ? [policy] : [])]
  const known = { ...resourceContext(resourceAccount, app.organization), ...context }
  const missing = missingKeys(held, { ...known, ...given })

  const ask = (action: string, resource: string, asked: AuthorizationRequest['layers'], alone = false): Decision =>
    evaluate({
      principal,
      permission: {
        action,
        resource,
        resourceAccount: alone ? principal.account : resourceAccount,
        context: given,
        ...(policy && !alone && { resourcePolicy: { kind: 'normal' as const, policy } }),
      },
      context: () => known,
      layers: asked,
    })
  const resources = input.ResourceArns?.length ? input.ResourceArns : ['*']
  const asked = input.ActionNames.flatMap((action) => resources.map((resource) => ({ action, resource })))
  const places = new Map(asked.map((one, at) => [one, String(at).padStart(6, '0')]))
  const { items, more: end }: Page<(typeof asked)[number]> = await pageOf(
    call,
    operation,
    listed(asked, (one) => places.get(one)!),
  )
  const results = items.map(({ action, resource }) => {
    if (!/^[A-Za-z0-9-]+:[A-Za-z0-9]+$/.test(action)) throw errors.notAnAction(action)
    const decision = ask(action, resource, all)
    return {
      EvalActionName: action,
      EvalResourceName: resource,
      EvalDecision: DECISIONS[decision.reason],
      MatchedStatements: decision.statements.map(({ policy }) => ({
        SourcePolicyId: policy,
        SourcePolicyType: decision.layer === 'resource' ? 'Resource Policy' : 'IAM Policy',
      })),
      MissingContextValues: missing,
      ...(all.scp && { OrganizationsDecisionDetail: { AllowedByOrganizations: decision.layer !== 'scp' } }),
      ...(all.boundary && {
        PermissionsBoundaryDecisionDetail: {
          AllowedByPermissionsBoundary: ask(action, resource, { identity: [all.boundary] }, true).allow,
        },
      }),
    }
  })
  return { EvaluationResults: results, ...end }
}

const DECISIONS = { allow: 'allowed', 'explicit-deny': 'explicitDeny', 'implicit-deny': 'implicitDeny' } as const

/** Condition keys, in lower case, that the policies ask for and nobody gave. */
function missingKeys(policies: readonly NamedPolicy[], context: Context): readonly string[] {
  const given = new Set(Object.keys(context).map((key) => key.toLowerCase()))
  const asked = policies.flatMap(({ policy }) =>
    policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key)),
  )
  return [...new Set(asked)].filter((key) => !given.has(key)).sort()
}
