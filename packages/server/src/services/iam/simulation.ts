// What policies would say of actions that nobody calls: the engine that decides every call, asked with what the caller gives it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html

import type { Call } from '../../call.ts'
import { resourceContext } from '../../context.ts'
import type { Service } from '../../operation.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type {
  AuthorizationRequest,
  Context,
  Decision,
  Layer,
  NamedPolicy,
  PolicyGrammar,
  PolicyPrincipal,
} from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { evaluate } from '../../policy/evaluate.ts'
import { type ExplainedLayer, explain } from '../../policy/explain.ts'
import { statementPosition } from '../../policy/json.ts'
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
  /** Whether the principal is in an organization, whose policies let it. */
  readonly inOrganization?: boolean
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
  { principal, context, layers, inOrganization = false }: Simulated,
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

  const ask = (
    action: string,
    resource: string,
    asked: AuthorizationRequest['layers'],
    alone = false,
  ): AuthorizationRequest => ({
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
  const named = input.ResourceArns?.length ? input.ResourceArns : undefined
  const places = new Map(input.ActionNames.map((action, at) => [String(at).padStart(6, '0'), action]))
  // However many resources there are, a page takes about as long.
  const perPage = Math.max(1, Math.floor(DECISIONS_PER_PAGE / (named?.length ?? 1)))
  const MaxItems = Math.min(input.MaxItems ?? perPage, perPage)
  const { items, more: end }: Page<string> = await pageOf(
    { ...call, input: { ...input, MaxItems } },
    operation,
    listed([...places.keys()], (place) => place),
  )
  const isCross = principal.account !== resourceAccount
  const results = items.map((place) => {
    const action = places.get(place)!
    if (!/^[A-Za-z0-9-]+:[A-Za-z0-9]+$/.test(action)) throw errors.notAnAction(action)
    const each = (named ?? ['*']).map((resource) => {
      const { decision, layers } = explain(ask(action, resource, all))
      return {
        EvalResourceName: resource,
        EvalResourceDecision: DECISIONS[decision.reason],
        MatchedStatements: matchedStatements(decision, layers),
        MissingContextValues: missing,
        ...(decision.layer !== 'scp' && { EvalDecisionDetails: isCross ? decisionDetails(layers) : {} }),
        ...(all.boundary && {
          PermissionsBoundaryDecisionDetail: {
            AllowedByPermissionsBoundary: evaluate(ask(action, resource, { identity: [all.boundary] }, true)).allow,
          },
        }),
        layer: decision.layer,
      }
    })
    return {
      EvalActionName: action,
      EvalResourceName: resourceTemplate(app.services, action),
      ...summary(each, named !== undefined || isCross),
      ...((all.scp || inOrganization) && {
        OrganizationsDecisionDetail: { AllowedByOrganizations: each.every(({ layer }) => layer !== 'scp') },
      }),
      ...(named && { ResourceSpecificResults: each.map(({ layer: _, ...result }) => result) }),
    }
  })
  return { EvaluationResults: results, ...end }
}

/** IAM returns fewer results than are asked for where it must, and says so. */
const DECISIONS_PER_PAGE = 500

const DECISIONS = { allow: 'allowed', 'explicit-deny': 'explicitDeny', 'implicit-deny': 'implicitDeny' } as const
type DecisionName = (typeof DECISIONS)[keyof typeof DECISIONS]

/** From the least to the most restrictive. */
const RESTRICTIVE: readonly DecisionName[] = ['allowed', 'implicitDeny', 'explicitDeny']
const mostRestrictive = (decisions: readonly DecisionName[]): DecisionName =>
  RESTRICTIVE.findLast((one) => decisions.includes(one))!

type ResourceResult = {
  readonly EvalResourceDecision: DecisionName
  readonly MatchedStatements: ReturnType<typeof matchedStatements>
  readonly MissingContextValues: readonly string[]
  readonly EvalDecisionDetails?: { readonly [source: string]: DecisionName }
  readonly PermissionsBoundaryDecisionDetail?: { readonly AllowedByPermissionsBoundary: boolean }
}

/** What is said of an action on all its resources: the most restrictive decision, and the statements of those resources that got it. */
function summary(each: readonly ResourceResult[], withDetails: boolean) {
  const decision = mostRestrictive(each.map(({ EvalResourceDecision }) => EvalResourceDecision))
  const statements = each
    .filter(({ EvalResourceDecision }) => EvalResourceDecision === decision)
    .flatMap(({ MatchedStatements }) => MatchedStatements)
  const details = each.flatMap(({ EvalDecisionDetails: one }) => (one === undefined ? [] : [one]))
  const sources = [...new Set(details.flatMap((one) => Object.keys(one)))]
  const [first] = each
  return {
    EvalDecision: decision,
    MatchedStatements: [...new Map(statements.map((one) => [JSON.stringify(one), one])).values()],
    MissingContextValues: first!.MissingContextValues,
    ...(withDetails &&
      details.length === each.length && {
        EvalDecisionDetails: Object.fromEntries(
          sources.map((source) => [source, mostRestrictive(details.flatMap((one) => one[source] ?? []))]),
        ),
      }),
    ...(first!.PermissionsBoundaryDecisionDetail && {
      PermissionsBoundaryDecisionDetail: {
        AllowedByPermissionsBoundary: each.every(
          (one) => one.PermissionsBoundaryDecisionDetail!.AllowedByPermissionsBoundary,
        ),
      },
    }),
  }
}

/** The statements that decided, of identity-based and resource-based policies. */
const matchedStatements = ({ allow, layer, statements }: Decision, layers: readonly ExplainedLayer[]) =>
  layer === 'scp' || layer === 'rcp'
    ? []
    : layers
        .filter((one) => one.layer === layer)
        .flatMap((one) => one.statements)
        .filter(({ statement }) => statements.length > 0 && (statement.effect === 'Allow') === allow)
        .map(({ policy, statement }) => ({
          SourcePolicyId: policy.name,
          SourcePolicyType: layer === 'resource' ? 'resource' : sourceType(policy),
          ...statementPosition(policy.policy.document, statement.index),
        }))

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html */
function sourceType({ name, holder }: NamedPolicy): string {
  if (/^arn:[a-z-]+:iam::aws:policy\//.test(name)) return 'aws-managed'
  if (name.startsWith('arn:')) return 'user-managed'
  return holder?.kind ?? 'none'
}

/** Across accounts each side is told by itself. */
function decisionDetails(layers: readonly ExplainedLayer[]) {
  const of = (wanted: Layer): DecisionName => {
    const outcome = layers.find(({ layer }) => layer === wanted)?.outcome ?? 'silent'
    return OUTCOMES[outcome]
  }
  return { 'IAM Policy': of('identity'), 'Resource Policy': of('resource') }
}

const OUTCOMES = { allows: 'allowed', denies: 'explicitDeny', silent: 'implicitDeny' } as const

/** The form of the ARNs that an action is about; `*` where it has none, or is of a service that this server does not have. */
function resourceTemplate(services: readonly Service[], action: string): string {
  const [prefix, name] = action.toLowerCase().split(':')
  const operation = services
    .find((service) => service.name === prefix)
    ?.operations.find((one) => one.name.toLowerCase() === name)
  return Object.entries(TEMPLATES).find(([member]) => operation !== undefined && member in operation.input)?.[1] ?? '*'
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: AWS writes templates of ARNs so
const TEMPLATES: { readonly [member: string]: string } = {
  SecretId: 'arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}',
  KeyId: 'arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}',
  GroupName: 'arn:${Partition}:iam::${Account}:group/${GroupNameWithPath}',
  RoleName: 'arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}',
  UserName: 'arn:${Partition}:iam::${Account}:user/${UserNameWithPath}',
  RoleArn: 'arn:${Partition}:iam::${Account}:role/${RoleNameWithPath}',
  PolicyArn: 'arn:${Partition}:iam::${Account}:policy/${PolicyNameWithPath}',
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: -

/** Condition keys, in lower case, that the policies ask for and nobody gave. */
function missingKeys(policies: readonly NamedPolicy[], context: Context): readonly string[] {
  const given = new Set(Object.keys(context).map((key) => key.toLowerCase()))
  const asked = policies.flatMap(({ policy }) =>
    policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key)),
  )
  return [...new Set(asked)].filter((key) => !given.has(key)).sort()
}
