// Authorization messages: what policies said of a call that they refused, sealed, so that the caller carries it to who may read it. Sealed for
// the account of the caller, and only of facts of that account.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html

import type { App } from '../../app.ts'
import { findTokenKeyVersion, openToken, sealToken, TOKEN_OVERHEAD_BYTES } from '../../crypto/sealed-token.ts'
import { type AuthorizationRequest, type Context, type Decision, ownContext } from '../../policy/engine.ts'
import { explain, statementText } from '../../policy/explain.ts'

type Sealing = Pick<App, 'keyring' | 'wallNow' | 'randomBytes'>

/** Characters. All headers of an answer together must fit into the 8 KiB that some clients take. */
export const MESSAGE_CHARACTERS_MAX = 6_144
export const MESSAGE_LIFETIME_MS = 86_400_000

const PURPOSE = 'authorization-message'
const LABEL = 'authorization-message/1'
const PAYLOAD_BYTES_MAX = Math.floor((MESSAGE_CHARACTERS_MAX * 3) / 4) - TOKEN_OVERHEAD_BYTES
/** So that its length tells who may not read it next to nothing of what is in it. */
const PADDED_BYTES = 512

type Facts = {
  readonly expiresAt: number
  readonly explicitDeny: boolean
  /** JSON of the statements that deny. */
  readonly statements: readonly string[]
  readonly principal: { readonly id: string; readonly name?: string; readonly arn: string }
  readonly action: string
  readonly resource: string
  readonly conditions: readonly (readonly [key: string, values: readonly string[]])[]
  /** How many condition keys and statements there was no room for. */
  readonly omitted: number
}

/** `request` must hold nothing but what the caller's own account may know. */
export function sealAuthorizationMessage(
  { keyring, wallNow, randomBytes }: Sealing,
  request: AuthorizationRequest,
  decision: Decision,
): string {
  const { principal, permission } = request
  const name = /:user\/(?:.*\/)?([^/]+)$/.exec(principal.arn)?.[1]
  const facts: Facts = {
    expiresAt: wallNow() + MESSAGE_LIFETIME_MS,
    explicitDeny: decision.reason === 'explicit-deny',
    statements: decision.reason === 'explicit-deny' ? denyingStatements(request, decision) : [],
    principal: { id: principal.userId, ...(name !== undefined && { name }), arn: principal.arn },
    action: permission.action,
    resource: permission.resource,
    conditions: conditionsOf({ ...request.context(), ...ownContext(permission) }),
    omitted: 0,
  }
  const text = fitting(facts)
  const payload = Buffer.alloc(Math.min(Math.ceil(text.length / PADDED_BYTES) * PADDED_BYTES, PAYLOAD_BYTES_MAX), ' ')
  payload.set(text)
  const { version, key } = keyring.newestKey('token', PURPOSE)
  return sealToken(key, version, LABEL, [principal.account], payload, randomBytes).toString('base64url')
}

/** In the form that AWS gives it. Undefined for what is no message for this account, or has expired. */
export function openAuthorizationMessage(
  { keyring, wallNow }: Sealing,
  account: string,
  text: string,
): string | undefined {
  const token = Buffer.from(text, 'base64url')
  const version = token.toString('base64url') === text ? findTokenKeyVersion(token) : undefined
  const key = version === undefined ? undefined : keyring.findKey('token', PURPOSE, version)
  const payload = key && openToken(key, LABEL, [account], token)
  if (payload === undefined) return undefined
  const facts = JSON.parse(payload.toString()) as Facts
  return facts.expiresAt <= wallNow() ? undefined : JSON.stringify(decoded(facts))
}

const denyingStatements = (request: AuthorizationRequest, { layer }: Decision): readonly string[] =>
  explain(request)
    .layers.filter((one) => one.layer === layer)
    .flatMap(({ statements }) => statements)
    .filter(({ statement }) => statement.effect === 'Deny')
    .map(({ policy, statement }) => statementText(policy.policy, statement.index))

const conditionsOf = (context: Context): Facts['conditions'] =>
  Object.entries(context)
    .flatMap(([key, value]) => (value === undefined ? [] : [[key, [value].flat()] as const]))
    .sort(([a], [b]) => (a < b ? -1 : 1))

/** As much of it as there is room for: the longest condition keys and statements go first. */
function fitting(facts: Facts): Buffer {
  let { statements, conditions, omitted } = facts
  for (;;) {
    const text = Buffer.from(JSON.stringify({ ...facts, statements, conditions, omitted }))
    if (text.length <= PAYLOAD_BYTES_MAX) return text
    const longest = [...statements, ...conditions].toSorted((a, b) => sizeOf(b) - sizeOf(a))[0]
    // An ARN of 2 KiB is the longest that else stands here.
    if (longest === undefined) throw new Error('an authorization message without conditions is too long')
    statements = statements.filter((one) => one !== longest)
    conditions = conditions.filter((one) => one !== longest)
    omitted += 1
  }
}

const sizeOf = (value: unknown): number => JSON.stringify(value).length

const OMITTED = 'strongroom:Omitted'

const items = (values: readonly unknown[]) => ({ items: values })
const valuesOf = (values: unknown) => items([values ?? []].flat().map((value) => ({ value })))
const condition = ([key, values]: readonly [string, unknown]) => ({ key, values: valuesOf(values) })

function decoded({ explicitDeny, statements, principal, action, resource, conditions, omitted }: Facts) {
  const all = omitted === 0 ? conditions : [...conditions, [OMITTED, [String(omitted)]] as const]
  return {
    allowed: false,
    explicitDeny,
    matchedStatements: items(statements.map((text) => matchedStatement(JSON.parse(text)))),
    failures: items([]),
    context: { principal, action, resource, conditions: items(all.map(condition)) },
  }
}

type Statement = {
  readonly Sid?: string
  readonly Principal?: unknown
  readonly NotPrincipal?: unknown
  readonly Action?: unknown
  readonly NotAction?: unknown
  readonly Resource?: unknown
  readonly NotResource?: unknown
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: unknown } }
}

/** AWS's form has no word for elements that are turned round: what they list is told. */
function matchedStatement(statement: Statement) {
  const { Sid = '', Action, NotAction, Resource, NotResource, Principal, NotPrincipal, Condition = {} } = statement
  const principals = Principal ?? NotPrincipal ?? []
  return {
    statementId: Sid,
    effect: 'DENY',
    principals: valuesOf(typeof principals === 'string' ? principals : Object.values(principals).flat()),
    principalGroups: items([]),
    actions: valuesOf(Action ?? NotAction),
    resources: valuesOf(Resource ?? NotResource),
    conditions: items(Object.values(Condition).flatMap((keys) => Object.entries(keys).map(condition))),
  }
}
